/* SPDX-License-Identifier: MIT */
/*
 * The cache of the last manifest.  The first byte chooses: 'r' the bytes as
 * the file; else records, in blocks that are sealed here, cut where the
 * second byte says.  What is found has the path that was looked for.
 */
#include <string.h>

#include <sodium.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "fuzz/place.h"
#include "tree/cache.h"
#include "tree/cache_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mv_key key = { .b = "key of the cache" };

static void
put_block(crypto_secretstream_xchacha20poly1305_state *state, const uint8_t *p,
    size_t len, int last, struct mv_buf *file)
{
	mv_auto(mv_buf_clear) struct mv_buf packed = { 0 };
	const size_t room = ZSTD_compressBound(len);
	unsigned long long sealed;
	size_t n;

	mv_buf_put_u32(&packed, (uint32_t)len);
	if (mv_buf_reserve(&packed, room) < 0)
		abort();
	n = ZSTD_compress(packed.p + packed.len, room, p, len, 1);
	if (ZSTD_isError(n))
		abort();
	packed.len += n;
	sealed = packed.len + crypto_secretstream_xchacha20poly1305_ABYTES;
	mv_buf_put_u32(file, (uint32_t)sealed);
	if (mv_buf_reserve(file, (size_t)sealed) < 0)
		abort();
	(void)crypto_secretstream_xchacha20poly1305_push(state,
	    file->p + file->len, NULL, packed.p, packed.len,
	    (const uint8_t *)"binding", 7, last ?
	    crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
	file->len += (size_t)sealed;
}

/* The records as a file, in blocks of size bytes. */
static void
seal(const uint8_t *p, size_t len, size_t size, struct mv_buf *file)
{
	crypto_secretstream_xchacha20poly1305_state state;
	uint8_t head[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
	size_t n;

	(void)crypto_secretstream_xchacha20poly1305_init_push(&state, head,
	    key.b);
	mv_buf_put(file, CACHE_MAGIC, CACHE_MAGIC_BYTES);
	mv_buf_put(file, head, sizeof(head));
	do {
		n = len < size ? len : size;
		put_block(&state, p, n, n == len, file);
		p += n;
		len -= n;
	} while (len > 0);
	if (mv_buf_failed(file, NULL) < 0)
		abort();
}

static void
look(void)
{
	static const char *const paths[] = { "", "a", "a/b", "accounts/1",
	    "media_attachments", "zz" };
	mv_auto(mv_cache_freep) struct mv_cache *c = NULL;
	char path[sizeof(place_path) + 16];
	const struct mv_cache_record *r;
	volatile uint8_t sum = 0;
	size_t i, k;

	(void)snprintf(path, sizeof(path), "%s/cache", place());
	if (mv_cache_open(path, &key, "binding", 7, &c, NULL) < 0)
		return;
	for (i = 0; i < MV_ARRAY_LEN(paths); i++) {
		const struct mv_span s = { (const uint8_t *)paths[i],
		    strlen(paths[i]) };

		if (mv_cache_seek(c, s, &r) != 1)
			continue;
		if (mv_path_cmp(r->entry.path, s) != 0)
			abort();
		for (k = 0; k < r->entry.nchunks * MV_CACHE_ID_BYTES; k++)
			sum += r->ids[k];
	}
	(void)sum;
	if (mv_cache_damage(c) != NULL && mv_cache_damage(c)->code == MV_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_buf_clear) struct mv_buf file = { 0 };

	if (mv_secret_init(NULL) < 0)
		abort();
	if (len < 2)
		return 0;
	if (data[0] == 'r')
		mv_buf_put(&file, data + 1, len - 1);
	else
		seal(data + 2, len - 2, data[1] * 8 + 16, &file);
	if (mv_buf_failed(&file, NULL) == 0)
		place_put("cache", file.p, file.len);
	look();
	return 0;
}
