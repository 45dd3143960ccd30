/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "tree/cache.h"
#include "tree/cache_internal.h"

struct mv_cache {
	char *path;
	int fd;				/* -1: nothing more to be had */
	bool ended;			/* the final block was read */
	crypto_secretstream_xchacha20poly1305_state state;
	ZSTD_DCtx *zstd;
	void *binding;
	size_t binding_len;
	uint8_t *sealed;
	uint8_t *packed;
	struct mv_buf plain;		/* unpacked, from at on not yet used */
	size_t at;
	bool have;			/* record holds one not passed yet */
	struct mv_cache_record record;
	struct mv_err damage;
};

const struct mv_err *
mv_cache_damage(const struct mv_cache *c)
{
	return c->damage.code != MV_OK ? &c->damage : NULL;
}

/* From here on the cache is absent. */
static int
give_up(struct mv_cache *c)
{
	char text[MV_ERR_TEXT_MAX];

	mv_fd_closep(&c->fd);
	c->have = false;
	(void)mv_err_ctx(&c->damage, c->damage.code, "cache '%s'", c->path);
	(void)mv_err_text(&c->damage, text, sizeof(text));
	mv_warn("%s: unchanged files are read again", text);
	return -1;
}

static int
corrupt(struct mv_cache *c, const char *why)
{
	if (c->damage.code == MV_OK)
		(void)mv_err_set(&c->damage, MV_ECORRUPT, "%s", why);
	return give_up(c);
}

static int
read_exactly(struct mv_cache *c, void *buf, size_t len)
{
	size_t got;

	if (mv_fd_read(c->fd, buf, len, &got, c->path, &c->damage) < 0)
		return give_up(c);
	return got == len ? 0 : corrupt(c, "cut short");
}

static int
read_head(struct mv_cache *c, const struct mv_key *key)
{
	uint8_t head[CACHE_MAGIC_BYTES +
	    crypto_secretstream_xchacha20poly1305_HEADERBYTES];

	if (read_exactly(c, head, sizeof(head)) < 0)
		return -1;
	if (memcmp(head, CACHE_MAGIC, CACHE_MAGIC_BYTES) != 0)
		return corrupt(c, "no cache of this version");
	if (crypto_secretstream_xchacha20poly1305_init_pull(&c->state,
	    head + CACHE_MAGIC_BYTES, key->b) != 0)
		return corrupt(c, "bad header");
	return 0;
}

int
mv_cache_open(const char *path, const struct mv_key *key,
    const void *binding, size_t binding_len, struct mv_cache **out,
    struct mv_err *err)
{
	mv_auto(mv_cache_freep) struct mv_cache *c = NULL;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return mv_err_set(err, MV_ENOMEM, "open cache '%s'", path);
	c->fd = -1;
	c->path = strdup(path);
	c->binding = malloc(binding_len > 0 ? binding_len : 1);
	c->zstd = ZSTD_createDCtx();
	c->sealed = malloc(CACHE_SEALED_MAX);
	c->packed = malloc(CACHE_SEALED_MAX);
	if (c->path == NULL || c->binding == NULL || c->zstd == NULL ||
	    c->sealed == NULL || c->packed == NULL)
		return mv_err_set(err, MV_ENOMEM, "open cache '%s'", path);
	if (binding_len > 0)
		memcpy(c->binding, binding, binding_len);
	c->binding_len = binding_len;
	c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (c->fd >= 0)
		(void)read_head(c, key);
	else if (errno != ENOENT) {
		(void)mv_err_sys(&c->damage, "open");
		(void)give_up(c);
	}
	*out = mv_take(&c);
	return 0;
}

static uint32_t
get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

/* Unpack the block in packed behind what is left of plain. */
static int
unpack(struct mv_cache *c, size_t packed_len)
{
	size_t len, n;

	if (packed_len < 4)
		return corrupt(c, "bad block");
	len = get_u32(c->packed);
	if (len > CACHE_BLOCK)
		return corrupt(c, "bad block");
	if (mv_buf_reserve(&c->plain, len + 1) < 0)
		return corrupt(c, "out of memory");
	memmove(c->plain.p, c->plain.p + c->at, c->plain.len - c->at);
	c->plain.len -= c->at;
	c->at = 0;
	n = ZSTD_decompressDCtx(c->zstd, c->plain.p + c->plain.len, len,
	    c->packed + 4, packed_len - 4);
	if (ZSTD_isError(n) || n != len)
		return corrupt(c, "bad block");
	c->plain.len += len;
	return 0;
}

static int
read_block(struct mv_cache *c)
{
	unsigned long long packed = 0;
	uint8_t head[4], tag = 0;
	uint32_t len;

	if (read_exactly(c, head, sizeof(head)) < 0)
		return -1;
	len = get_u32(head);
	if (len < crypto_secretstream_xchacha20poly1305_ABYTES ||
	    len > CACHE_SEALED_MAX)
		return corrupt(c, "bad block");
	if (read_exactly(c, c->sealed, len) < 0)
		return -1;
	if (crypto_secretstream_xchacha20poly1305_pull(&c->state, c->packed,
	    &packed, &tag, c->sealed, len, c->binding, c->binding_len) != 0)
		return corrupt(c, "a block does not verify");
	c->ended = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	return unpack(c, (size_t)packed);
}

/* Have n bytes at c->at.  1, or 0 at the end, or -1. */
static int
need(struct mv_cache *c, size_t n)
{
	while (c->plain.len - c->at < n) {
		if (c->fd < 0)
			return -1;
		if (c->ended)
			return c->plain.len == c->at ? 0 :
			    corrupt(c, "cut within a record");
		if (read_block(c) < 0)
			return -1;
	}
	return 1;
}

static void
take_fixed(struct mv_cur *cur, struct mv_walk_stat *st)
{
	*st = (struct mv_walk_stat){ 0 };
	st->ino = mv_cur_u64(cur);
	st->changed = (int64_t)mv_cur_u64(cur);
	st->changed_nsec = mv_cur_u32(cur);
	st->fresh = mv_cur_u8(cur) != 0;
}

/* Decode the next record.  1, or 0 when there are no more. */
static int
next(struct mv_cache *c)
{
	struct mv_entry *e = &c->record.entry;
	size_t len, ids;
	struct mv_cur cur;

	c->have = false;
	if (c->fd < 0 || need(c, CACHE_FIXED) != 1)
		return 0;
	len = get_u32(c->plain.p + c->at + CACHE_FIXED - 4);
	if (len > MV_ENTRY_MAX + 3) {
		(void)corrupt(c, "bad record");
		return 0;
	}
	if (need(c, CACHE_FIXED + len) != 1)
		return 0;
	cur = mv_cur_of(c->plain.p + c->at + CACHE_FIXED, len);
	if (mv_entry_decode(&cur, e, &c->damage) < 0 || cur.left != 0 ||
	    e->nchunks > MV_CACHE_CHUNKS_MAX) {
		(void)corrupt(c, "bad record");
		return 0;
	}
	/* More blocks may move the buffer: decode again when all is there. */
	ids = (size_t)e->nchunks * MV_CACHE_ID_BYTES;
	if (need(c, CACHE_FIXED + len + ids) != 1)
		return 0;
	cur = mv_cur_of(c->plain.p + c->at, CACHE_FIXED + len + ids);
	take_fixed(&cur, &c->record.st);
	(void)mv_cur_u32(&cur);
	if (mv_entry_decode(&cur, e, &c->damage) < 0) {
		(void)corrupt(c, "bad record");
		return 0;
	}
	c->record.ids = cur.p;
	c->at += CACHE_FIXED + len + ids;
	c->have = true;
	return 1;
}

int
mv_cache_seek(struct mv_cache *c, struct mv_span path,
    const struct mv_cache_record **out)
{
	int d;

	while (c->have || next(c) == 1) {
		d = mv_path_cmp(c->record.entry.path, path);
		if (d > 0)
			return 0;
		if (d == 0) {
			*out = &c->record;
			return 1;
		}
		c->have = false;
	}
	return 0;
}

bool
mv_cache_is_same(const struct mv_cache_record *r, const struct mv_entry *e,
    const struct mv_walk_stat *st)
{
	const struct mv_entry *was = &r->entry;

	if (r->st.fresh || was->type != e->type ||
	    e->type == MV_ENTRY_HARDLINK)
		return false;
	return r->st.ino == st->ino && r->st.changed == st->changed &&
	    r->st.changed_nsec == st->changed_nsec &&
	    was->mode == e->mode && was->uid == e->uid &&
	    was->gid == e->gid && was->mtime == e->mtime &&
	    was->mtime_nsec == e->mtime_nsec && was->size == e->size &&
	    was->target.len == e->target.len && (was->target.len == 0 ||
	    memcmp(was->target.p, e->target.p, e->target.len) == 0);
}

void
mv_cache_free(struct mv_cache *c)
{
	if (c == NULL)
		return;
	mv_fd_closep(&c->fd);
	sodium_memzero(&c->state, sizeof(c->state));
	ZSTD_freeDCtx(c->zstd);
	mv_entry_clear(&c->record.entry);
	mv_buf_clear(&c->plain);
	free(c->sealed);
	free(c->packed);
	free(c->binding);
	free(c->path);
	free(c);
}

void
mv_cache_freep(struct mv_cache **c)
{
	mv_cache_free(*c);
}
