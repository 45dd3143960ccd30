/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
mv_buf_clear(struct mv_buf *b)
{
	free(b->p);
	*b = (struct mv_buf){ 0 };
}

void
mv_buf_reset(struct mv_buf *b)
{
	b->len = 0;
	b->failed = 0;
}

int
mv_buf_reserve(struct mv_buf *b, size_t more)
{
	size_t cap = b->cap > 0 ? b->cap : 64;
	uint8_t *p;

	if (b->failed)
		return -1;
	if (more <= b->cap - b->len)
		return 0;
	if (more > SIZE_MAX / 4 - b->len) {
		b->failed = 1;
		return -1;
	}
	while (cap < b->len + more)
		cap *= 2;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->failed = 1;
		return -1;
	}
	b->p = p;
	b->cap = cap;
	return 0;
}

int
mv_buf_failed(const struct mv_buf *b, struct mv_err *err)
{
	if (!b->failed)
		return 0;
	return mv_err_set(err, MV_ENOMEM, "out of memory after %zu bytes",
	    b->len);
}

void
mv_buf_put(struct mv_buf *b, const void *p, size_t len)
{
	if (len == 0 || mv_buf_reserve(b, len) < 0)
		return;
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

void
mv_buf_put_zero(struct mv_buf *b, size_t len)
{
	if (len == 0 || mv_buf_reserve(b, len) < 0)
		return;
	memset(b->p + b->len, 0, len);
	b->len += len;
}

static void
put_le(struct mv_buf *b, uint64_t v, size_t width)
{
	uint8_t le[8];
	size_t i;

	for (i = 0; i < width; i++)
		le[i] = (uint8_t)(v >> (8 * i));
	mv_buf_put(b, le, width);
}

void
mv_buf_put_u8(struct mv_buf *b, uint8_t v)
{
	put_le(b, v, 1);
}

void
mv_buf_put_u16(struct mv_buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void
mv_buf_put_u32(struct mv_buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void
mv_buf_put_u64(struct mv_buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void
mv_buf_put_varint(struct mv_buf *b, uint64_t v)
{
	uint8_t out[10];
	size_t n = 0;

	while (v >= 0x80) {
		out[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	out[n++] = (uint8_t)v;
	mv_buf_put(b, out, n);
}

void
mv_buf_put_bytes(struct mv_buf *b, const void *p, size_t len)
{
	mv_buf_put_varint(b, len);
	mv_buf_put(b, p, len);
}

void
mv_buf_put_str(struct mv_buf *b, const char *s)
{
	mv_buf_put(b, s, strlen(s));
}

void
mv_buf_printf(struct mv_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || mv_buf_reserve(b, (size_t)n + 1) < 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

char *
mv_buf_cstr(struct mv_buf *b)
{
	if (mv_buf_reserve(b, 1) < 0)
		return NULL;
	b->p[b->len] = '\0';
	return (char *)b->p;
}

const uint8_t *
mv_cur_take(struct mv_cur *c, size_t len)
{
	const uint8_t *p = c->p;

	if (c->failed || len > c->left) {
		c->failed = 1;
		return NULL;
	}
	if (len > 0)	/* p may be NULL then */
		c->p += len;
	c->left -= len;
	return p;
}

void
mv_cur_copy(struct mv_cur *c, void *out, size_t len)
{
	const uint8_t *p = mv_cur_take(c, len);

	if (p != NULL)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

static uint64_t
take_le(struct mv_cur *c, size_t width)
{
	const uint8_t *p = mv_cur_take(c, width);
	uint64_t v = 0;
	size_t i;

	if (p == NULL)
		return 0;
	for (i = 0; i < width; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint8_t
mv_cur_u8(struct mv_cur *c)
{
	return (uint8_t)take_le(c, 1);
}

uint16_t
mv_cur_u16(struct mv_cur *c)
{
	return (uint16_t)take_le(c, 2);
}

uint32_t
mv_cur_u32(struct mv_cur *c)
{
	return (uint32_t)take_le(c, 4);
}

uint64_t
mv_cur_u64(struct mv_cur *c)
{
	return take_le(c, 8);
}

uint64_t
mv_cur_varint(struct mv_cur *c)
{
	uint64_t v = 0;
	unsigned shift;
	uint8_t byte;

	for (shift = 0; shift < 64; shift += 7) {
		byte = mv_cur_u8(c);
		/* The tenth byte has room for one bit only. */
		if (c->failed || (shift == 63 && byte > 1))
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			/* A last byte of zero means a longer form. */
			if (byte == 0 && shift > 0)
				break;
			return v;
		}
	}
	c->failed = 1;
	return 0;
}

const uint8_t *
mv_cur_bytes(struct mv_cur *c, size_t *len)
{
	uint64_t n = mv_cur_varint(c);
	const uint8_t *p;

	*len = 0;
	if (n > c->left) {
		c->failed = 1;
		return NULL;
	}
	p = mv_cur_take(c, (size_t)n);
	if (p != NULL)
		*len = (size_t)n;
	return p;
}

int
mv_cur_done(const struct mv_cur *c)
{
	return !c->failed && c->left == 0;
}
