/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "job/diff.h"
#include "job/find.h"

static struct mv_span
span(const char *s)
{
	return (struct mv_span){ (const uint8_t *)s, strlen(s) };
}

static void
a_pattern_fits_the_path_or_its_last_part(void **state)
{
	static const struct {
		const char *glob, *path;
		bool fold, fits;
	} cases[] = {
		{ "a.png", "x/y/a.png", false, true },
		{ "A.PNG", "x/y/a.png", false, false },
		{ "A.PNG", "x/y/a.png", true, true },
		{ "*.png", "x/y/a.png", false, true },
		{ "y", "x/y/a.png", false, false },
		{ "y", "x/y", false, true },
		{ "y/", "x/y", false, true },
		{ "x/y", "x/y", false, true },
		{ "./x/y", "x/y", false, true },
		{ "x/*", "x/y/a.png", false, true },
		{ "x/y", "w/x/y", false, false },
		{ "*", "", false, false },
		{ "", "x", false, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		const char *const globs[] = { cases[i].glob, NULL };
		const struct mv_find f = { globs, cases[i].fold };

		if (mv_find_fits(&f, span(cases[i].path)) != cases[i].fits)
			fail_msg("'%s' and '%s'", cases[i].glob,
			    cases[i].path);
	}
}

static void
what_differs_is_said_once_each(void **state)
{
	struct mv_xattr x = { span("user.a"), span("1") };
	const struct mv_entry a = {
		.type = MV_ENTRY_FILE, .path = span("p"), .size = 3,
		.mode = 0644, .mtime = 1, .uid = 5, .owner = span("joe"),
	};
	struct mv_entry b = a;

	(void)state;
	assert_int_equal(mv_diff_entries(&a, &b, true), 0);
	assert_int_equal(mv_diff_entries(&a, &b, false), MV_DIFF_CONTENT);
	/* Another host's number for the same name is no change. */
	b.uid = 6;
	assert_int_equal(mv_diff_entries(&a, &b, true), 0);
	b.owner = span("");
	assert_int_equal(mv_diff_entries(&a, &b, true), MV_DIFF_OWNER);
	b = a;
	b.mtime_nsec = 1;
	b.mode = 0600;
	assert_int_equal(mv_diff_entries(&a, &b, true), MV_DIFF_MTIME |
	    MV_DIFF_MODE);
	b = a;
	b.xattrs = &x;
	b.nxattrs = 1;
	assert_int_equal(mv_diff_entries(&a, &b, true), MV_DIFF_XATTRS);
	b = a;
	b.type = MV_ENTRY_DIR;
	assert_int_equal(mv_diff_entries(&a, &b, true), MV_DIFF_TYPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_fits_the_path_or_its_last_part),
		cmocka_unit_test(what_differs_is_said_once_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
