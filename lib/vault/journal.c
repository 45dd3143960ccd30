/* SPDX-License-Identifier: MIT */
#include "vault/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "crypto/crypto.h"

static const uint8_t magic[8] = "mvjrnl1\n";

#define HEADER (sizeof(magic) + 8 + 4)
#define TEXT (HEADER + MV_HASH_BYTES)	/* where the JSON begins */
#define TEXT_MAX (MV_JOURNAL_SLOT - TEXT)
#define NAMES_MAX 256

static const char *const steps[MV_NSTEPS] = {
	[MV_STEP_PENDING] = "pending",
	[MV_STEP_STOP] = "stop",
	[MV_STEP_DATABASE] = "database",
	[MV_STEP_ROLE] = "role",
	[MV_STEP_REDIS] = "redis",
	[MV_STEP_FILE] = "file",
	[MV_STEP_APPLY] = "apply",
	[MV_STEP_START] = "start",
	[MV_STEP_VERIFY] = "verify",
	[MV_STEP_SWEEP] = "sweep",
	[MV_STEP_AFTER] = "after",
	[MV_STEP_COMMIT] = "commit",
};

const char *
mv_rotation_step_name(enum mv_rotation_step step)
{
	return steps[step];
}

void
mv_journal_clear(struct mv_journal *j)
{
	size_t i;

	for (i = 0; i < j->nnames; i++)
		free(j->names[i]);
	free(j->names);
	json_decref(j->extra);
	*j = (struct mv_journal){ 0 };
}

void
mv_journal_file_clear(struct mv_journal_file *f)
{
	mv_fd_closep(&f->fd);
	free(f->path);
	*f = (struct mv_journal_file)MV_JOURNAL_FILE_INIT;
}

static char *
to_text(const struct mv_journal *j)
{
	json_t *doc, *names = json_array();
	char *text;
	size_t i;

	for (i = 0; i < j->nnames; i++)
		json_array_append_new(names, json_string(j->names[i]));
	doc = json_pack("{s:o, s:I, s:I, s:I, s:b, s:s, s:s, s:i, s:b, s:b}",
	    "names", names, "old", (json_int_t)j->old_version,
	    "pending", (json_int_t)j->pending_version,
	    "started", (json_int_t)j->started, "undo", j->undo,
	    "step", steps[j->step], "reached", steps[j->reached],
	    "services", (int)j->services,
	    "skip_undecryptable", j->skip_undecryptable,
	    "forward_only", j->forward_only);
	if (doc == NULL)
		return NULL;
	if (j->has_push_max)
		json_object_set_new(doc, "push_max",
		    json_integer((json_int_t)j->push_max));
	if (j->extra != NULL)
		json_object_set(doc, "extra", j->extra);
	text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(doc);
	return text;
}

static void
hash_slot(const uint8_t *slot, size_t len, uint8_t out[MV_HASH_BYTES])
{
	uint8_t both[HEADER + MV_HASH_BYTES];

	/* What stands between header and text is the hash itself. */
	memcpy(both, slot, HEADER);
	mv_sha256(slot + TEXT, len, both + HEADER);
	mv_sha256(both, sizeof(both), out);
}

int
mv_journal_encode(const struct mv_journal *j, uint64_t seq,
    uint8_t out[MV_JOURNAL_SLOT], struct mv_err *err)
{
	mv_auto(mv_freep) char *text = to_text(j);
	mv_auto(mv_buf_clear) struct mv_buf head = { 0 };
	size_t len = text != NULL ? strlen(text) : 0;

	mv_buf_put(&head, magic, sizeof(magic));
	mv_buf_put_u64(&head, seq);
	mv_buf_put_u32(&head, (uint32_t)len);
	if (text == NULL || mv_buf_failed(&head, NULL) < 0)
		return mv_err_set(err, MV_ENOMEM, "write a journal");
	if (len > TEXT_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "a rotation of so many names does not fit a journal");
	memset(out, 0, MV_JOURNAL_SLOT);
	memcpy(out, head.p, HEADER);
	memcpy(out + TEXT, text, len);
	hash_slot(out, len, out + HEADER);
	return 0;
}

static int
damaged(struct mv_err *err, const char *what)
{
	return mv_err_set(err, MV_ECORRUPT, "a rotation's journal: %s", what);
}

static int
read_names(const json_t *list, struct mv_journal *j, struct mv_err *err)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > NAMES_MAX)
		return damaged(err, "no names");
	j->names = calloc(json_array_size(list) + 1, sizeof(char *));
	if (j->names == NULL)
		return mv_err_set(err, MV_ENOMEM, "read a journal");
	json_array_foreach(list, i, item) {
		if (!json_is_string(item))
			return damaged(err, "a name that is none");
		j->names[i] = strdup(json_string_value(item));
		if (j->names[i] == NULL)
			return mv_err_set(err, MV_ENOMEM, "read a journal");
		j->nnames++;
	}
	return 0;
}

static int
read_number(const json_t *doc, const char *key, uint64_t *out,
    struct mv_err *err)
{
	const json_t *n = json_object_get(doc, key);

	if (!json_is_integer(n) || json_integer_value(n) < 0)
		return damaged(err, key);
	*out = (uint64_t)json_integer_value(n);
	return 0;
}

static int
read_step(const json_t *doc, const char *key, enum mv_rotation_step *out,
    struct mv_err *err)
{
	const char *name = json_string_value(json_object_get(doc, key));
	size_t i;

	for (i = 0; name != NULL && i < MV_NSTEPS; i++) {
		if (strcmp(steps[i], name) == 0) {
			*out = (enum mv_rotation_step)i;
			return 0;
		}
	}
	return damaged(err, key);
}

static int
from_doc(json_t *doc, struct mv_journal *j, struct mv_err *err)
{
	uint64_t started = 0, services = 0;
	json_t *extra = json_object_get(doc, "extra");
	int rc;

	rc = read_names(json_object_get(doc, "names"), j, err);
	if (rc == 0)
		rc = read_number(doc, "old", &j->old_version, err);
	if (rc == 0)
		rc = read_number(doc, "pending", &j->pending_version, err);
	if (rc == 0)
		rc = read_number(doc, "started", &started, err);
	if (rc == 0)
		rc = read_number(doc, "services", &services, err);
	if (rc == 0)
		rc = read_step(doc, "step", &j->step, err);
	if (rc == 0)
		rc = read_step(doc, "reached", &j->reached, err);
	j->has_push_max = json_object_get(doc, "push_max") != NULL;
	if (rc == 0 && j->has_push_max)
		rc = read_number(doc, "push_max", &j->push_max, err);
	if (rc < 0)
		return rc;
	if (services > UINT8_MAX)
		return damaged(err, "services");
	j->services = (unsigned)services;
	j->started = (int64_t)started;
	j->undo = json_is_true(json_object_get(doc, "undo"));
	j->skip_undecryptable = json_is_true(json_object_get(doc,
	    "skip_undecryptable"));
	j->forward_only = json_is_true(json_object_get(doc, "forward_only"));
	j->extra = json_incref(extra);
	return 0;
}

int
mv_journal_decode(const uint8_t *slot, size_t len, uint64_t *seq,
    struct mv_journal *out, struct mv_err *err)
{
	mv_auto(mv_journal_clear) struct mv_journal j = { 0 };
	struct mv_cur c = mv_cur_of(slot, len);
	uint8_t hash[MV_HASH_BYTES];
	const uint8_t *p;
	uint32_t text;
	uint64_t n;
	json_t *doc;
	int rc;

	p = mv_cur_take(&c, sizeof(magic));
	n = mv_cur_u64(&c);
	text = mv_cur_u32(&c);
	if (c.failed || memcmp(p, magic, sizeof(magic)) != 0)
		return damaged(err, "it does not begin as one");
	if (len < TEXT || text > len - TEXT)
		return damaged(err, "it is cut off");
	hash_slot(slot, text, hash);
	if (memcmp(hash, slot + HEADER, sizeof(hash)) != 0)
		return damaged(err, "it was not written to its end");
	rc = mv_json_object(slot + TEXT, text, &doc, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "a rotation's journal");
	rc = from_doc(doc, &j, err);
	json_decref(doc);
	if (rc < 0)
		return rc;
	*seq = n;
	*out = j;
	j = (struct mv_journal){ 0 };
	return 0;
}

static int
open_file(const char *path, struct mv_journal_file *f, struct mv_err *err)
{
	f->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (f->fd < 0)
		return mv_err_sys(err, "open '%s'", path);
	f->path = strdup(path);
	return f->path != NULL ? 0 :
	    mv_err_set(err, MV_ENOMEM, "open '%s'", path);
}

int
mv_journal_create(const char *path, const struct mv_journal *j,
    struct mv_journal_file *out, struct mv_err *err)
{
	mv_auto(mv_journal_file_clear) struct mv_journal_file f =
	    MV_JOURNAL_FILE_INIT;
	mv_auto(mv_freep) uint8_t *both = NULL;
	int rc;

	both = calloc(2, MV_JOURNAL_SLOT);
	if (both == NULL)
		return mv_err_set(err, MV_ENOMEM, "write '%s'", path);
	rc = mv_journal_encode(j, 0, both, err);
	/* The second half differs, and is overwritten next. */
	memset(both + MV_JOURNAL_SLOT, 0xff, MV_JOURNAL_SLOT);
	if (rc == 0)
		rc = mv_file_create(path, both, (size_t)2 * MV_JOURNAL_SLOT,
		    0600, err);
	if (rc == 0)
		rc = open_file(path, &f, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "begin a rotation's journal");
	*out = f;
	f = (struct mv_journal_file)MV_JOURNAL_FILE_INIT;
	return 0;
}

/* The newer half of the two that is whole. */
static int
newest_half(struct mv_journal_file *f, const struct mv_buf *text,
    struct mv_journal *out, struct mv_err *err)
{
	struct mv_err why[2] = { 0 };
	bool found = false;
	size_t i;

	for (i = 0; i < 2 && text->len >= (i + 1) * MV_JOURNAL_SLOT; i++) {
		struct mv_journal j = { 0 };
		uint64_t seq = 0;
		int rc = mv_journal_decode(text->p + i * MV_JOURNAL_SLOT,
		    MV_JOURNAL_SLOT, &seq, &j, &why[i]);

		if (rc == MV_ENOMEM)
			return mv_err_set(err, rc, "read a journal");
		if (rc < 0 || (found && seq < f->seq)) {
			mv_journal_clear(&j);
			continue;
		}
		mv_journal_clear(out);
		*out = j;
		f->seq = seq;
		found = true;
	}
	if (found)
		return 0;
	if (why[0].code == MV_OK)
		return damaged(err, "it is cut off");
	*err = why[0];
	return why[0].code;
}

int
mv_journal_open(const char *path, struct mv_journal_file *out,
    struct mv_journal *j, struct mv_err *err)
{
	mv_auto(mv_journal_file_clear) struct mv_journal_file f =
	    MV_JOURNAL_FILE_INIT;
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct mv_err why = { 0 };
	int rc;

	rc = open_file(path, &f, err);
	if (rc == 0)
		rc = mv_file_read(path, (size_t)2 * MV_JOURNAL_SLOT, &text,
		    err);
	if (rc < 0)
		return rc;
	rc = newest_half(&f, &text, j, &why);
	if (rc < 0) {
		if (err != NULL)
			*err = why;
		return mv_err_ctx(err, rc, "'%s'", path);
	}
	*out = f;
	f = (struct mv_journal_file)MV_JOURNAL_FILE_INIT;
	return 0;
}

/* In place: the room was taken when the file was made. */
static int
write_at(int fd, const uint8_t *p, size_t len, off_t at, const char *path,
    struct mv_err *err)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_err_sys(err, "write '%s'", path);
		p += n;
		at += n;
		len -= (size_t)n;
	}
	if (fdatasync(fd) < 0)
		return mv_err_sys(err, "fsync '%s'", path);
	return 0;
}

int
mv_journal_write(struct mv_journal_file *f, const struct mv_journal *j,
    struct mv_err *err)
{
	mv_auto(mv_freep) uint8_t *slot = malloc(MV_JOURNAL_SLOT);
	int rc;

	if (slot == NULL)
		return mv_err_set(err, MV_ENOMEM, "write '%s'", f->path);
	rc = mv_journal_encode(j, f->seq + 1, slot, err);
	if (rc == 0)
		rc = write_at(f->fd, slot, MV_JOURNAL_SLOT,
		    (off_t)((f->seq + 1) % 2) * MV_JOURNAL_SLOT, f->path, err);
	if (rc == 0)
		f->seq++;
	return rc;
}

int
mv_journal_remove(struct mv_journal_file *f, struct mv_err *err)
{
	mv_auto(mv_freep) char *dir = NULL;
	const char *slash = strrchr(f->path, '/');

	if (unlink(f->path) < 0 && errno != ENOENT)
		return mv_err_sys(err, "remove '%s'", f->path);
	dir = slash == NULL ? strdup(".") :
	    strndup(f->path, (size_t)(slash - f->path) + 1);
	if (dir == NULL)
		return mv_err_set(err, MV_ENOMEM, "remove '%s'", f->path);
	return mv_dir_sync(dir, err);
}
