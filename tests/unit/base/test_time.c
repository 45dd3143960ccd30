/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/mv_test.h"

static struct mv_err err;

static int
in_berlin(void **state)
{
	(void)state;
	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return 0;
}

static void
text_and_seconds_agree(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-23T13:30:00Z", 1795440600 },
		{ "2026-11-23 13:30Z", 1795440600 },
		{ "2026-11-23 14:30", 1795440600 },
		{ "2026-11-23T14:30:59", 1795440659 },
		{ "2026-11-23", 1795474799 },
		{ "2026-11-23Z", 1795478399 },
		{ "2026-07-01 02:00", 1782864000 },
		{ "2024-02-29T00:00:00Z", 1709164800 },
		{ "2000-02-29Z", 951868799 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
	};
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		t = -1;
		assert_ok(mv_time_parse(cases[i].text, &t, &err), &err);
		assert_int_equal(t, cases[i].want);
	}
}

static void
what_is_no_date_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "2026", "2026-11", "2026-11-", "2026-1-23", "26-11-23",
		"2026-11-31", "2026-02-29", "2100-02-29", "2026-00-01",
		"2026-13-01", "2026-11-00", "1969-12-31", "2026-11-23 ",
		"2026-11-23T", "2026-11-23 14", "2026-11-23 24:00",
		"2026-11-23 14:60", "2026-11-23 14:30:60", "2026-11-23 14:3",
		"2026-11-23 14:30:0", "2026-11-23x", "2026-11-23ZZ",
		"2026-11-23 14:30+01:00", " 2026-11-23", "-026-11-23",
		"2026-11-23  14:30", "latest",
	};
	int64_t t = 77;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(bad); i++)
		assert_fails(mv_time_parse(bad[i], &t, &err), MV_EUSAGE, &err);
	assert_int_equal(t, 77);
}

static void
times_are_written_for_people(void **state)
{
	char out[MV_TIME_TEXT];

	(void)state;
	mv_time_utc(1795440600, out);
	assert_string_equal(out, "2026-11-23T13:30:00Z");
	mv_time_local(1795440600, out);
	assert_string_equal(out, "2026-11-23 14:30:00");
	mv_time_utc(-1, out);
	assert_string_equal(out, "1969-12-31T23:59:59Z");
}

static void
impossible_times_are_shown_as_numbers(void **state)
{
	char out[MV_TIME_TEXT];

	(void)state;
	mv_time_utc(INT64_MAX, out);
	assert_string_equal(out, "@9223372036854775807");
	mv_time_local(INT64_MIN, out);
	assert_string_equal(out, "@-9223372036854775808");
	mv_time_utc(253402300800, out);
	assert_string_equal(out, "@253402300800");
}

static void
clocks_go_forward(void **state)
{
	double before = mv_time_monotonic();

	(void)state;
	assert_true(mv_time_now() > 1700000000);
	assert_true(mv_time_monotonic() >= before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_seconds_agree),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(times_are_written_for_people),
		cmocka_unit_test(impossible_times_are_shown_as_numbers),
		cmocka_unit_test(clocks_go_forward),
	};

	return cmocka_run_group_tests_name("time", tests, in_berlin, NULL);
}
