/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "tree/cache.h"
#include "tree/cache_internal.h"

/* Fast is what counts: a cache of 16,000 files has some 2 MB. */
#define LEVEL 1

struct mv_cache_writer {
	char *path;
	char *temp;
	int fd;			/* -1 after commit */
	crypto_secretstream_xchacha20poly1305_state state;
	ZSTD_CCtx *zstd;
	void *binding;
	size_t binding_len;
	struct mv_buf plain;	/* gathered, not yet in a block */
	struct mv_buf packed;
	struct mv_buf sealed;
};

static int
prepare(struct mv_cache_writer *w, const char *path, const void *binding,
    size_t binding_len, struct mv_err *err)
{
	w->path = strdup(path);
	if (asprintf(&w->temp, "%s.new", path) < 0)
		w->temp = NULL;
	w->binding = malloc(binding_len > 0 ? binding_len : 1);
	w->zstd = ZSTD_createCCtx();
	if (w->path == NULL || w->temp == NULL || w->binding == NULL ||
	    w->zstd == NULL || mv_buf_reserve(&w->plain, CACHE_BLOCK) < 0)
		return mv_err_set(err, MV_ENOMEM, "write cache '%s'", path);
	if (binding_len > 0)
		memcpy(w->binding, binding, binding_len);
	w->binding_len = binding_len;
	return 0;
}

int
mv_cache_writer_new(const char *path, const struct mv_key *key,
    const void *binding, size_t binding_len, struct mv_cache_writer **out,
    struct mv_err *err)
{
	mv_auto(mv_cache_writer_freep) struct mv_cache_writer *w = NULL;
	uint8_t head[CACHE_MAGIC_BYTES +
	    crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	int rc;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return mv_err_set(err, MV_ENOMEM, "write cache '%s'", path);
	w->fd = -1;
	rc = prepare(w, path, binding, binding_len, err);
	if (rc < 0)
		return rc;
	/* What a killed run left; the caller's lock keeps out other runs. */
	(void)unlink(w->temp);
	w->fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (w->fd < 0)
		return mv_err_sys(err, "create '%s'", w->temp);
	memcpy(head, CACHE_MAGIC, CACHE_MAGIC_BYTES);
	(void)crypto_secretstream_xchacha20poly1305_init_push(&w->state,
	    head + CACHE_MAGIC_BYTES, key->b);
	rc = mv_fd_write(w->fd, head, sizeof(head), w->temp, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&w);
	return 0;
}

/* Pack and seal the first len bytes of plain. */
static int
write_block(struct mv_cache_writer *w, size_t len, uint8_t tag,
    struct mv_err *err)
{
	size_t bound = ZSTD_compressBound(len), n, total;
	unsigned long long sealed = 0;
	int rc;

	mv_buf_reset(&w->packed);
	mv_buf_reset(&w->sealed);
	mv_buf_put_u32(&w->packed, (uint32_t)len);
	total = 4 + 4 + bound + crypto_secretstream_xchacha20poly1305_ABYTES;
	if (mv_buf_reserve(&w->packed, bound) < 0 ||
	    mv_buf_reserve(&w->sealed, total) < 0)
		return mv_err_set(err, MV_ENOMEM, "write '%s'", w->temp);
	n = ZSTD_compressCCtx(w->zstd, w->packed.p + 4, bound, w->plain.p, len,
	    LEVEL);
	if (ZSTD_isError(n))
		return mv_err_set(err, MV_EIO, "compress '%s': %s", w->temp,
		    ZSTD_getErrorName(n));
	n += 4;
	mv_buf_put_u32(&w->sealed, (uint32_t)(n +
	    crypto_secretstream_xchacha20poly1305_ABYTES));
	(void)crypto_secretstream_xchacha20poly1305_push(&w->state,
	    w->sealed.p + 4, &sealed, w->packed.p, n, w->binding,
	    w->binding_len, tag);
	rc = mv_fd_write(w->fd, w->sealed.p, 4 + (size_t)sealed, w->temp, err);
	memmove(w->plain.p, w->plain.p + len, w->plain.len - len);
	w->plain.len -= len;
	return rc;
}

int
mv_cache_add(struct mv_cache_writer *w, const struct mv_entry *e,
    const struct mv_walk_stat *st, const uint8_t *ids, struct mv_err *err)
{
	struct mv_buf *b = &w->plain;
	size_t start = b->len, record, i;
	uint32_t len;
	int rc;

	if (e->type == MV_ENTRY_FILE && e->nchunks > MV_CACHE_CHUNKS_MAX)
		return 0;
	mv_buf_put_u64(b, st->ino);
	mv_buf_put_u64(b, (uint64_t)st->changed);
	mv_buf_put_u32(b, st->changed_nsec);
	mv_buf_put_u8(b, st->fresh);
	mv_buf_put_u32(b, 0);
	record = b->len;
	rc = mv_entry_encode(e, b, err);
	if (rc < 0) {
		b->len = start;
		return rc;
	}
	len = (uint32_t)(b->len - record);
	for (i = 0; i < 4; i++)
		b->p[record - 4 + i] = (uint8_t)(len >> (8 * i));
	if (e->type == MV_ENTRY_FILE)
		mv_buf_put(b, ids, (size_t)e->nchunks * MV_CACHE_ID_BYTES);
	rc = mv_buf_failed(b, err);
	while (rc == 0 && b->len >= CACHE_BLOCK)
		rc = write_block(w, CACHE_BLOCK, 0, err);
	return rc;
}

static int
sync_parent(const char *path, struct mv_err *err)
{
	mv_auto(mv_freep) char *dir = strdup(path);
	char *slash;

	if (dir == NULL)
		return mv_err_set(err, MV_ENOMEM, "sync '%s'", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return mv_dir_sync(".", err);
	slash[slash == dir] = '\0';
	return mv_dir_sync(dir, err);
}

int
mv_cache_commit(struct mv_cache_writer *w, struct mv_err *err)
{
	int rc;

	assert(w->fd >= 0);
	rc = write_block(w, w->plain.len,
	    crypto_secretstream_xchacha20poly1305_TAG_FINAL, err);
	if (rc < 0)
		return rc;
	rc = mv_fd_sync_close(&w->fd, w->temp, err);
	if (rc == 0 && rename(w->temp, w->path) < 0)
		rc = mv_err_sys(err, "rename '%s'", w->temp);
	if (rc < 0) {
		(void)unlink(w->temp);
		return rc;
	}
	return sync_parent(w->path, err);
}

void
mv_cache_writer_free(struct mv_cache_writer *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0) {
		(void)unlink(w->temp);
		(void)close(w->fd);
	}
	sodium_memzero(&w->state, sizeof(w->state));
	ZSTD_freeCCtx(w->zstd);
	mv_buf_clear(&w->plain);
	mv_buf_clear(&w->packed);
	mv_buf_clear(&w->sealed);
	free(w->binding);
	free(w->path);
	free(w->temp);
	free(w);
}

void
mv_cache_writer_freep(struct mv_cache_writer **w)
{
	mv_cache_writer_free(*w);
}
