/* SPDX-License-Identifier: MIT */
#include "base/hex.h"

#include <string.h>

#include "support/mv_test.h"

static void
bytes_become_lower_case_digits_and_back(void **state)
{
	uint8_t all[256], back[256];
	char text[513];
	size_t i;

	(void)state;
	for (i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	mv_hex_encode(all, sizeof(all), text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text + 0x0f * 2, "0f10", 4);
	assert_memory_equal(text + 0xfe * 2, "feff", 4);
	assert_int_equal(mv_hex_decode(text, 512, back, 256), 0);
	assert_memory_equal(all, back, 256);
	mv_hex_encode(NULL, 0, text);
	assert_string_equal(text, "");
	assert_int_equal(mv_hex_decode("", 0, back, 0), 0);
}

static void
only_one_form_is_read(void **state)
{
	static const char *const bad[] = {
		"", "0", "000", "0000", "0A", "0g", " 0", "0/", "0:", "`0",
		"@0", "0x", "0\xff",
	};
	uint8_t out[2];
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(bad); i++)
		assert_int_equal(mv_hex_decode(bad[i], strlen(bad[i]), out, 1),
		    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_become_lower_case_digits_and_back),
		cmocka_unit_test(only_one_form_is_read),
	};

	return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
