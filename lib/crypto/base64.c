/* SPDX-License-Identifier: MIT */
#include "crypto/base64.h"

#include <sodium.h>
#include <stdbool.h>

/* libsodium 1.0.18 takes bytes above 127 for digits. */
static bool
is_ascii(const char *text, size_t len)
{
	unsigned char all = 0;
	size_t i;

	for (i = 0; i < len; i++)
		all |= (unsigned char)text[i];
	return all < 0x80;
}

int
mv_base64_decode(const char *text, size_t len, int variant, uint8_t *out,
    size_t max, size_t *got)
{
	const char *end = NULL;
	size_t n = 0;

	if (!is_ascii(text, len) || sodium_base642bin(out, max, text, len,
	    NULL, &n, &end, variant) != 0 || end != text + len)
		return -1;
	*got = n;
	return 0;
}
