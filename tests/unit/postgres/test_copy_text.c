/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "postgres/copy.h"

static struct mv_err err;

static void
a_line_is_taken_apart(void **state)
{
	char text[] = "17\t\\N\ta\\tb\\\\\\n\t\n18\t";
	struct mv_pg_field f[4];
	size_t used;

	(void)state;
	assert_ok(mv_pg_copy_line(text, strlen(text), f, 4, &used, &err), &err);
	assert_int_equal(used, 16);
	assert_int_equal(f[0].len, 2);
	assert_memory_equal(f[0].p, "17", 2);
	assert_null(f[1].p);
	assert_int_equal(f[2].len, 5);
	assert_memory_equal(f[2].p, "a\tb\\\n", 5);
	assert_non_null(f[3].p);
	assert_int_equal(f[3].len, 0);
}

static void
what_copy_never_writes_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "1\t2", "1\n", "1\t2\t3\n", "1\t\\x41\n", "1\t\\", "1\t\\\n",
		"\\.\n", "1\ta\\N\n",
	};
	struct mv_pg_field f[2];
	char text[16];
	size_t i, used;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		memcpy(text, bad[i], strlen(bad[i]) + 1);
		assert_fails(mv_pg_copy_line(text, strlen(text), f, 2, &used,
		    &err), MV_ECORRUPT, &err);
	}
}

static void
every_byte_comes_back(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	struct mv_pg_field f[3];
	char all[255];
	size_t i, used;

	(void)state;
	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)(i + 1);
	mv_pg_put_field(&b, all, sizeof(all));
	mv_buf_put_u8(&b, '\t');
	mv_pg_put_field(&b, NULL, 0);
	mv_buf_put_u8(&b, '\t');
	mv_pg_put_field(&b, "\\N", 2);
	mv_buf_put_u8(&b, '\n');
	assert_ok(mv_buf_failed(&b, &err), &err);
	assert_ok(mv_pg_copy_line((char *)b.p, b.len, f, 3, &used, &err), &err);
	assert_int_equal(used, b.len);
	assert_int_equal(f[0].len, sizeof(all));
	assert_memory_equal(f[0].p, all, sizeof(all));
	assert_null(f[1].p);
	assert_int_equal(f[2].len, 2);
	assert_memory_equal(f[2].p, "\\N", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_taken_apart),
		cmocka_unit_test(what_copy_never_writes_is_refused),
		cmocka_unit_test(every_byte_comes_back),
	};

	return cmocka_run_group_tests_name("copy_text", tests, NULL, NULL);
}
