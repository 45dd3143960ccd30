/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <string.h>

#include "crypto/base64.h"
#include "support/mv_test.h"

static const int variants[] = {
	sodium_base64_VARIANT_ORIGINAL,
	sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
	sodium_base64_VARIANT_URLSAFE,
	sodium_base64_VARIANT_URLSAFE_NO_PADDING,
};

static int
decode(const char *text, int variant)
{
	uint8_t out[8];
	size_t got;

	return mv_base64_decode(text, strlen(text), variant, out, sizeof(out),
	    &got);
}

static void
sixty_four_bytes_are_digits(void **state)
{
	char text[] = "A?AA";
	size_t v;
	int c, n;

	(void)state;
	for (v = 0; v < sizeof(variants) / sizeof(*variants); v++) {
		for (n = 0, c = 1; c < 256; c++) {
			text[1] = (char)c;
			n += decode(text, variants[v]) == 0;
		}
		assert_int_equal(n, 64);
	}
}

static void
nothing_may_be_left_over(void **state)
{
	(void)state;
	assert_int_equal(decode("AAE=", variants[0]), 0);
	assert_int_equal(decode("AAE=\n", variants[0]), -1);
	assert_int_equal(decode("AAE", variants[0]), -1);
	assert_int_equal(decode("AAE=", variants[1]), -1);
	assert_int_equal(decode("AAE", variants[1]), 0);
	/* Bits to spare. */
	assert_int_equal(decode("AAF=", variants[0]), -1);
	assert_int_equal(decode("AAF", variants[1]), -1);
	assert_int_equal(decode("AAAA AAAA", variants[0]), -1);
}

static void
more_than_there_is_room_for_is_refused(void **state)
{
	uint8_t out[3] = { 0 };
	size_t got = 7;

	(void)state;
	assert_int_equal(mv_base64_decode("AQIDBA==", 8, variants[0], out,
	    sizeof(out), &got), -1);
	assert_int_equal(got, 7);
	assert_int_equal(mv_base64_decode("AQID", 4, variants[0], out,
	    sizeof(out), &got), 0);
	assert_int_equal(got, 3);
	assert_memory_equal(out, "\1\2\3", 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixty_four_bytes_are_digits),
		cmocka_unit_test(nothing_may_be_left_over),
		cmocka_unit_test(more_than_there_is_room_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
