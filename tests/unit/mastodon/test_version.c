/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include "mastodon/tables.h"
#include "mastodon/version.h"

static const struct {
	uint64_t schema;
	const char *label;
} labels[] = {
	{ 20160221003140, "before 3.5" },
	{ 20220429101850, "3.5" },
	{ 20220429101851, "after 3.5" },
	{ 20230907150100, "4.2" },
	{ 20241007071624, "4.3" },
	{ 20250520192024, "after 4.3" },
	{ 20260611150940, "4.6" },
	{ 20260805130216, "after 4.6" },
};

static void
a_schema_names_its_release(void **state)
{
	char text[MV_VERSION_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(labels); i++) {
		mv_schema_label(labels[i].schema, text);
		assert_string_equal(text, labels[i].label);
	}
}

static void
at_least_asks_for_the_whole_schema(void **state)
{
	(void)state;
	assert_true(mv_schema_at_least(20241007071624, 4, 3));
	assert_false(mv_schema_at_least(20241007071623, 4, 3));
	assert_true(mv_schema_at_least(20260805130216, 4, 6));
	assert_false(mv_schema_at_least(20260805130216, 4, 7));
	assert_true(mv_schema_at_least(20220429101850, 3, 0));
}

static void
only_fourteen_digits_are_a_schema(void **state)
{
	static const char *const bad[] = {
		"", "2024", "2024100707162", "202410070716240",
		"2024100707162x", "-2410070716240", " 20241007071624",
	};
	struct mv_err err;
	uint64_t v = 0;
	size_t i;

	(void)state;
	assert_ok(mv_schema_parse("20241007071624", &v, &err), &err);
	assert_true(v == 20241007071624);
	for (i = 0; i < MV_ARRAY_LEN(bad); i++)
		assert_fails(mv_schema_parse(bad[i], &v, &err), MV_EUSAGE,
		    &err);
}

static void
known_tables_have_their_class_whatever_statistics_say(void **state)
{
	const struct mv_table_stats calm = { .live = 1000, .changed = 0 };

	(void)state;
	assert_int_equal(mv_table_class("accounts", &calm), MV_TABLE_BUSY);
	assert_int_equal(mv_table_class("account_stats", NULL), MV_TABLE_BUSY);
	assert_int_equal(mv_table_class("users", NULL), MV_TABLE_BUSY);
	assert_int_equal(mv_table_class("statuses", NULL), MV_TABLE_CALM);
	assert_int_equal(mv_table_class("account_conversations", NULL),
	    MV_TABLE_BUSY);
	assert_int_equal(mv_table_class("web_settings", NULL), MV_TABLE_MIXED);
}

static void
statistics_decide_for_all_others(void **state)
{
	const struct mv_table_stats empty = { 0 };
	const struct mv_table_stats calm = { .live = 1000, .changed = 20 };
	const struct mv_table_stats mixed = { .live = 1000, .changed = 21 };
	const struct mv_table_stats busy = { .live = 1000, .changed = 501 };

	(void)state;
	assert_int_equal(mv_table_class("mine", NULL), MV_TABLE_MIXED);
	assert_int_equal(mv_table_class("", &empty), MV_TABLE_MIXED);
	assert_int_equal(mv_table_class("mine", &calm), MV_TABLE_CALM);
	assert_int_equal(mv_table_class("mine", &mixed), MV_TABLE_MIXED);
	assert_int_equal(mv_table_class("mine", &busy), MV_TABLE_BUSY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schema_names_its_release),
		cmocka_unit_test(at_least_asks_for_the_whole_schema),
		cmocka_unit_test(only_fourteen_digits_are_a_schema),
		cmocka_unit_test(
		    known_tables_have_their_class_whatever_statistics_say),
		cmocka_unit_test(statistics_decide_for_all_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
