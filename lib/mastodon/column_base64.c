/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "mastodon/column_internal.h"

#define LINE_CHARS 60
#define LINE_BYTES (LINE_CHARS / 4 * 3)

void
mv_base64_put(struct mv_buf *out, const uint8_t *p, size_t len)
{
	size_t n = MV_BASE64_LEN(len);

	/* One more: the NUL that libsodium writes. */
	if (mv_buf_reserve(out, n + 1) < 0)
		return;
	(void)sodium_bin2base64((char *)out->p + out->len, n + 1, p, len,
	    sodium_base64_VARIANT_ORIGINAL);
	out->len += n;
}

void
mv_base64_put_lines(struct mv_buf *out, const uint8_t *p, size_t len)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = len < LINE_BYTES ? len : LINE_BYTES;
		mv_base64_put(out, p, n);
		mv_buf_put_u8(out, '\n');
	}
}

int
mv_base64_strict(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	return mv_base64_decode(text, len, sodium_base64_VARIANT_ORIGINAL,
	    out, MV_BASE64_ROOM(len), out_len);
}

/* The next digit of text from *i on, or -1 at its end or at stop. */
static int
next_digit(const char *text, size_t len, size_t *i, char stop)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at;

	for (; *i < len; (*i)++) {
		if (stop != '\0' && text[*i] == stop)
			return -1;
		at = memchr(digits, text[*i], sizeof(digits) - 1);
		if (at != NULL) {
			(*i)++;
			return (int)(at - digits);
		}
	}
	return -1;
}

size_t
mv_base64_lenient(const char *text, size_t len, uint8_t *out)
{
	size_t i = 0, n = 0;
	int a, b, c, d;

	/* '=' ends the text only where padding can stand: third and fourth. */
	for (;;) {
		a = next_digit(text, len, &i, '\0');
		b = next_digit(text, len, &i, '\0');
		if (a < 0 || b < 0)
			return n;
		out[n++] = (uint8_t)(a << 2 | b >> 4);
		c = next_digit(text, len, &i, '=');
		if (c < 0)
			return n;
		out[n++] = (uint8_t)((b & 15) << 4 | c >> 2);
		d = next_digit(text, len, &i, '=');
		if (d < 0)
			return n;
		out[n++] = (uint8_t)((c & 3) << 6 | d);
	}
}
