/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdio.h>
#include <string.h>

#include "job/select.h"

static struct mv_span
span(const char *s)
{
	return (struct mv_span){ (const uint8_t *)s, strlen(s) };
}

static void
without_globs_everything_fits(void **state)
{
	const char *const none[] = { NULL };
	struct mv_select s = { 0 };

	(void)state;
	assert_true(mv_select_fits(&s, span("a/b")));
	s.globs = none;
	assert_true(mv_select_fits(&s, span("")));
}

static void
a_glob_fits_itself_and_what_is_beneath(void **state)
{
	static const struct {
		const char *glob;
		const char *path;
		bool fits;
	} cases[] = {
		{ "accounts", "accounts", true },
		{ "accounts", "accounts/avatars/1.png", true },
		{ "accounts/", "accounts/avatars/1.png", true },
		{ "accounts", "accounts2", false },
		{ "accounts/avatars", "accounts", false },
		{ "*.png", "a/b/c.png", true },
		{ "*.png", "a/b/c.jpg", false },
		{ "media_attachments/files/1*", "media_attachments/files/109/x",
		    true },
		{ "a[0-9]", "a7/x", true },
		{ "a[0-9]", "ab/x", false },
		{ "/", "a", false },
	};
	struct mv_select s = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		const char *const globs[] = { cases[i].glob, NULL };

		s.globs = globs;
		if (mv_select_fits(&s, span(cases[i].path)) != cases[i].fits)
			fail_msg("'%s' and '%s'", cases[i].glob,
			    cases[i].path);
	}
}

static int
append_path(const struct mv_entry *dir, void *arg, struct mv_err *err)
{
	struct mv_buf *b = arg;

	mv_buf_put(b, dir->path.p, dir->path.len);
	mv_buf_put_str(b, ";");
	return mv_buf_failed(b, err);
}

static void
hold(struct mv_select *s, const char *path)
{
	struct mv_entry dir = { .type = MV_ENTRY_DIR, .path = span(path) };
	struct mv_err err;

	assert_ok(mv_select_hold(s, &dir, &err), &err);
}

static void
directories_above_come_once_and_outermost_first(void **state)
{
	mv_auto(mv_select_clear) struct mv_select s = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf seen = { 0 };
	struct mv_err err;

	(void)state;
	hold(&s, "");
	hold(&s, "a");
	hold(&s, "a/empty");
	hold(&s, "a/x");
	assert_ok(mv_select_pass(&s, span("a/x/1"), append_path, &seen, &err),
	    &err);
	assert_string_equal(mv_buf_cstr(&seen), ";a;a/x;");
	assert_ok(mv_select_pass(&s, span("a/x/2"), append_path, &seen, &err),
	    &err);
	hold(&s, "a/y");
	assert_ok(mv_select_pass(&s, span("a/y/1"), append_path, &seen, &err),
	    &err);
	assert_string_equal(mv_buf_cstr(&seen), ";a;a/x;a/y;");
	hold(&s, "b");
	assert_ok(mv_select_pass(&s, span("b/1"), append_path, &seen, &err),
	    &err);
	assert_string_equal(mv_buf_cstr(&seen), ";a;a/x;a/y;b;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_globs_everything_fits),
		cmocka_unit_test(a_glob_fits_itself_and_what_is_beneath),
		cmocka_unit_test(
		    directories_above_come_once_and_outermost_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
