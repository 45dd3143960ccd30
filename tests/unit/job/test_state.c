/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>

#include "job/state.h"

static int
setup(void **state)
{
	*state = mv_test_dir();
	return *state == NULL;
}

static int
teardown(void **state)
{
	mv_test_rmdir(*state);
	free(*state);
	return 0;
}

static void
what_was_noted_is_there_next_time(void **state)
{
	mv_auto(mv_state_clear) struct mv_state a = { 0 }, b = { 0 };
	struct mv_err err;

	assert_ok(mv_state_load(*state, &a, &err), &err);
	assert_int_equal(mv_state_class(&a, "public", "statuses"), -1);
	assert_int_equal(mv_state_media_files(&a), 0);
	assert_ok(mv_state_set_class(&a, "public", "statuses", 2, &err), &err);
	assert_ok(mv_state_set_class(&a, "we \"ird", "x\ny", 0, &err), &err);
	assert_ok(mv_state_set_media_files(&a, 12345, &err), &err);
	assert_ok(mv_state_save(*state, &a, &err), &err);

	assert_ok(mv_state_load(*state, &b, &err), &err);
	assert_int_equal(mv_state_class(&b, "public", "statuses"), 2);
	assert_int_equal(mv_state_class(&b, "we \"ird", "x\ny"), 0);
	assert_int_equal(mv_state_class(&b, "other", "statuses"), -1);
	assert_int_equal(mv_state_media_files(&b), 12345);
}

static void
a_damaged_file_is_an_empty_state(void **state)
{
	static const char *const texts[] = {
		"", "{", "[1]", "{\"classes\": 3, \"media_files\": -4}",
		"{\"classes\": {\"public\": {\"statuses\": 9}}}",
		"{\"classes\": {\"public\": {\"statuses\": \"2\"}}}",
	};
	char *path = mv_test_path(*state, "state.json");
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(texts); i++) {
		mv_auto(mv_state_clear) struct mv_state s = { 0 };

		mv_test_write(path, texts[i], strlen(texts[i]));
		assert_ok(mv_state_load(*state, &s, &err), &err);
		assert_int_equal(mv_state_class(&s, "public", "statuses"), -1);
		assert_int_equal(mv_state_media_files(&s), 0);
		assert_ok(mv_state_set_class(&s, "public", "statuses", 1,
		    &err), &err);
		assert_int_equal(mv_state_class(&s, "public", "statuses"), 1);
	}
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_was_noted_is_there_next_time, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_damaged_file_is_an_empty_state, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
