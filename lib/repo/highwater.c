/* SPDX-License-Identifier: MIT */
#include "repo/highwater.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"

#define TITLE "mastvault-highwater-1"
#define FILE_MAX (1u << 20)
#define HEX32 (2 * sizeof(struct mv_id32))
/* Somebody else's update takes milliseconds. */
#define LOCK_TRIES 100
#define LOCK_WAIT_US 50000

void
mv_highwater_clear(struct mv_highwater *h)
{
	free(h->writers);
	*h = (struct mv_highwater){ 0 };
}

/* Where writer stands or belongs. */
static size_t
writer_at(const struct mv_highwater *h, uint32_t writer)
{
	size_t i = 0;

	while (i < h->nwriters && h->writers[i].writer < writer)
		i++;
	return i;
}

const struct mv_highwater_writer *
mv_highwater_find(const struct mv_highwater *h, uint32_t writer)
{
	size_t i = writer_at(h, writer);

	return i < h->nwriters && h->writers[i].writer == writer ?
	    &h->writers[i] : NULL;
}

void
mv_highwater_note_keyring(struct mv_highwater *h, uint64_t number,
    const struct mv_id32 *hash)
{
	if (number <= h->keyring)
		return;
	h->keyring = number;
	h->keyring_hash = *hash;
}

int
mv_highwater_note(struct mv_highwater *h, uint32_t writer, uint64_t seq,
    const struct mv_id32 *id, struct mv_err *err)
{
	size_t i = writer_at(h, writer);
	struct mv_highwater_writer *w;

	if (i == h->nwriters || h->writers[i].writer != writer) {
		w = realloc(h->writers, (h->nwriters + 1) * sizeof(*w));
		if (w == NULL)
			return mv_err_set(err, MV_ENOMEM, "note a snapshot");
		h->writers = w;
		memmove(w + i + 1, w + i, (h->nwriters - i) * sizeof(*w));
		w[i] = (struct mv_highwater_writer){ .writer = writer };
		h->nwriters++;
	}
	w = &h->writers[i];
	if (seq > w->seq) {
		w->seq = seq;
		w->id = *id;
	}
	return 0;
}

static char *
path_of(const char *state_dir, const char *name, struct mv_err *err)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", state_dir, name) >= 0)
		return path;
	(void)mv_err_set(err, MV_ENOMEM, "state in '%s'", state_dir);
	return NULL;
}

static void
put_id(struct mv_buf *b, const uint8_t *id, size_t len)
{
	char hex[HEX32 + 1];

	mv_hex_encode(id, len, hex);
	mv_buf_printf(b, " %s\n", hex);
}

static void
put_text(const struct mv_highwater *h, const struct mv_id16 *repo,
    struct mv_buf *b)
{
	size_t i;

	mv_buf_put_str(b, TITLE "\nrepository");
	put_id(b, repo->b, sizeof(repo->b));
	if (h->keyring > 0) {
		mv_buf_printf(b, "keyring %" PRIu64, h->keyring);
		put_id(b, h->keyring_hash.b, sizeof(h->keyring_hash.b));
	}
	for (i = 0; i < h->nwriters; i++) {
		mv_buf_printf(b, "writer %" PRIu32 " %" PRIu64,
		    h->writers[i].writer, h->writers[i].seq);
		put_id(b, h->writers[i].id.b, sizeof(h->writers[i].id.b));
	}
}

/* Each take_* moves past what it reads; false when that is not there. */
static bool
take_text(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n) != 0)
		return false;
	*p += n;
	return true;
}

/* A number from 1, as printf would write it, and the blank behind it. */
static bool
take_number(const char **p, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	unsigned d;

	if (**p < '1' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		d = (unsigned)(**p - '0');
		if (v > (max - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return take_text(p, " ");
}

static bool
take_id(const char **p, uint8_t *out, size_t len)
{
	size_t n = strnlen(*p, 2 * len);

	if (mv_hex_decode(*p, n, out, len) < 0)
		return false;
	*p += n;
	return take_text(p, "\n");
}

static bool
take_writer(const char **p, struct mv_highwater *h, int *rc,
    struct mv_err *err)
{
	uint64_t writer, seq;
	struct mv_id32 id;

	if (!take_text(p, "writer ") ||
	    !take_number(p, UINT32_MAX, &writer) ||
	    !take_number(p, UINT64_MAX, &seq) ||
	    !take_id(p, id.b, sizeof(id.b)))
		return false;
	if (h->nwriters > 0 && h->writers[h->nwriters - 1].writer >= writer)
		return false;
	*rc = mv_highwater_note(h, (uint32_t)writer, seq, &id, err);
	return true;
}

static int
parse(const char *p, const char *path, const struct mv_id16 *repo,
    struct mv_highwater *h, struct mv_err *err)
{
	struct mv_id16 is;
	int rc = 0;

	if (!take_text(&p, TITLE "\nrepository ") ||
	    !take_id(&p, is.b, sizeof(is.b)))
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is no high-water file, or was altered", path);
	if (memcmp(is.b, repo->b, sizeof(is.b)) != 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' belongs to another repository", path);
	if (take_text(&p, "keyring ") &&
	    (!take_number(&p, UINT32_MAX, &h->keyring) ||
		!take_id(&p, h->keyring_hash.b, sizeof(h->keyring_hash.b))))
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' has a malformed keyring line", path);
	while (rc == 0 && *p != '\0')
		if (!take_writer(&p, h, &rc, err))
			return mv_err_set(err, MV_EUSAGE,
			    "'%s' has a malformed line: '%.40s'", path, p);
	return rc;
}

static int
read_marks(const char *path, const struct mv_id16 *repo,
    struct mv_highwater *h, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	int rc;

	/* What cannot be looked at may be there all the same. */
	if (access(path, F_OK) < 0)
		return errno == ENOENT ? 0 : mv_err_sys(err, "find '%s'", path);
	rc = mv_file_read(path, FILE_MAX, &text, err);
	if (rc == 0 && text.len > 0 && memchr(text.p, '\0', text.len) != NULL)
		rc = mv_err_set(err, MV_EUSAGE, "'%s' is no text", path);
	if (rc == 0 && mv_buf_cstr(&text) == NULL)
		rc = mv_buf_failed(&text, err);
	return rc < 0 ? rc : parse((char *)text.p, path, repo, h, err);
}

int
mv_highwater_load(const char *state_dir, const struct mv_id16 *repo,
    struct mv_highwater *out, struct mv_err *err)
{
	mv_auto(mv_highwater_clear) struct mv_highwater h = { 0 };
	mv_auto(mv_freep) char *path = path_of(state_dir, "highwater", err);
	int rc;

	if (path == NULL)
		return MV_ENOMEM;
	rc = read_marks(path, repo, &h, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "high-water marks");
	*out = h;
	h = (struct mv_highwater){ 0 };
	return 0;
}

static int
lock(const char *state_dir, int *fd, struct mv_err *err)
{
	mv_auto(mv_freep) char *path = path_of(state_dir, "highwater.lock",
	    err);
	int i, rc = MV_EAGAIN;

	if (path == NULL)
		return MV_ENOMEM;
	for (i = 0; i < LOCK_TRIES && rc == MV_EAGAIN; i++) {
		if (i > 0)
			(void)usleep(LOCK_WAIT_US);
		mv_err_clear(err);
		rc = mv_file_lock(path, fd, err);
	}
	return rc;
}

/* Adds what is higher in seen; *changed is false when nothing is. */
static int
merge(struct mv_highwater *h, const struct mv_highwater *seen, bool *changed,
    struct mv_err *err)
{
	const struct mv_highwater_writer *w, *have;
	size_t i;
	int rc;

	*changed = seen->keyring > h->keyring;
	mv_highwater_note_keyring(h, seen->keyring, &seen->keyring_hash);
	for (i = 0; i < seen->nwriters; i++) {
		w = &seen->writers[i];
		have = mv_highwater_find(h, w->writer);
		if (have != NULL && have->seq >= w->seq)
			continue;
		rc = mv_highwater_note(h, w->writer, w->seq, &w->id, err);
		if (rc < 0)
			return rc;
		*changed = true;
	}
	return 0;
}

int
mv_highwater_raise(const char *state_dir, const struct mv_id16 *repo,
    const struct mv_highwater *seen, struct mv_err *err)
{
	mv_auto(mv_highwater_clear) struct mv_highwater h = { 0 };
	mv_auto(mv_freep) char *path = path_of(state_dir, "highwater", err);
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	mv_auto(mv_fd_closep) int fd = -1;
	bool changed = false;
	int rc;

	if (path == NULL)
		return MV_ENOMEM;
	rc = mv_dir_make(state_dir, 0700, err);
	if (rc == 0)
		rc = lock(state_dir, &fd, err);
	if (rc == 0)
		rc = mv_highwater_load(state_dir, repo, &h, err);
	if (rc == 0)
		rc = merge(&h, seen, &changed, err);
	if (rc < 0 || !changed)
		return rc;
	put_text(&h, repo, &text);
	rc = mv_buf_failed(&text, err);
	if (rc == 0)
		rc = mv_file_replace(path, text.p, text.len, 0600, (uid_t)-1,
		    (gid_t)-1, err);
	return mv_err_ctx(err, rc, "raise the high-water marks");
}
