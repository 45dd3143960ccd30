/* SPDX-License-Identifier: MIT */
#include "base/hex.h"

static const char digits[] = "0123456789abcdef";

void
mv_hex_encode(const uint8_t *p, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int
mv_hex_decode(const char *text, size_t textlen, uint8_t *out, size_t len)
{
	size_t i;
	int hi, lo;

	if (textlen / 2 != len || textlen % 2 != 0)
		return -1;
	for (i = 0; i < len; i++) {
		hi = digit(text[2 * i]);
		lo = digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -1;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}
