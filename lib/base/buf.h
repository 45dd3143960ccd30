/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_BUF_H
#define MV_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * buf: a growing run of bytes, and a cursor that reads one with every length
 * checked.
 *
 * Not for secrets: growing copies and leaves the old bytes behind (use
 * secret/ for those).  Numbers are little-endian.  Appending to a buffer
 * whose allocation failed does nothing: encoders append freely and ask
 * mv_buf_failed() once at the end.
 */
struct mv_buf {
	uint8_t *p;
	size_t len;
	size_t cap;
	int failed;
};

void mv_buf_clear(struct mv_buf *b);		/* frees; zeroed again */
void mv_buf_reset(struct mv_buf *b);		/* length 0, memory kept */
int mv_buf_reserve(struct mv_buf *b, size_t more);	/* room for more */
int mv_buf_failed(const struct mv_buf *b, struct mv_err *err) MV_MUST_CHECK;

void mv_buf_put(struct mv_buf *b, const void *p, size_t len);
void mv_buf_put_zero(struct mv_buf *b, size_t len);
void mv_buf_put_u8(struct mv_buf *b, uint8_t v);
void mv_buf_put_u16(struct mv_buf *b, uint16_t v);
void mv_buf_put_u32(struct mv_buf *b, uint32_t v);
void mv_buf_put_u64(struct mv_buf *b, uint64_t v);
/* LEB128, shortest form: at most ten bytes. */
void mv_buf_put_varint(struct mv_buf *b, uint64_t v);
/* varint length, then the bytes. */
void mv_buf_put_bytes(struct mv_buf *b, const void *p, size_t len);
void mv_buf_put_str(struct mv_buf *b, const char *s);	/* no NUL */
void mv_buf_printf(struct mv_buf *b, const char *fmt, ...) MV_PRINTF(2, 3);
/* Appends a NUL that is not counted and returns the text; NULL if failed. */
char *mv_buf_cstr(struct mv_buf *b);

/*
 * cur: reading.  The first read past the end sets failed, and every read
 * after that gives zeros or NULL: decoders read freely and ask once.
 * Pointers returned point into the input.
 */
struct mv_cur {
	const uint8_t *p;
	size_t left;
	int failed;
};

static inline struct mv_cur
mv_cur_of(const void *p, size_t len)
{
	return (struct mv_cur){ .p = p, .left = len };
}

const uint8_t *mv_cur_take(struct mv_cur *c, size_t len);
void mv_cur_copy(struct mv_cur *c, void *out, size_t len);
uint8_t mv_cur_u8(struct mv_cur *c);
uint16_t mv_cur_u16(struct mv_cur *c);
uint32_t mv_cur_u32(struct mv_cur *c);
uint64_t mv_cur_u64(struct mv_cur *c);
/* Fails on anything but the shortest form. */
uint64_t mv_cur_varint(struct mv_cur *c);
/* varint length, then bytes; *len 0 and NULL when failed. */
const uint8_t *mv_cur_bytes(struct mv_cur *c, size_t *len);
/* True when nothing failed and nothing is left. */
int mv_cur_done(const struct mv_cur *c);

#endif
