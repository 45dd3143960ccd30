/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "support/mv_test.h"

static void
frames_read_outermost_first(void **state)
{
	struct mv_err err = { 0 };
	char text[200];
	size_t len;
	int rc;

	(void)state;
	errno = ECONNRESET;
	rc = mv_err_sys(&err, "sftp get '%s'", "x");
	assert_int_equal(rc, MV_EIO);
	assert_int_equal(err.sys_errno, ECONNRESET);
	assert_int_equal(mv_err_ctx(&err, rc, "read manifest"), rc);
	assert_int_equal(mv_err_ctx(&err, rc, "restore %d", 3), rc);
	len = mv_err_text(&err, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "restore 3: read manifest: sftp get 'x': "
	    "Connection reset by peer");
	assert_non_null(strstr(err.file, "test_err.c"));
}

static void
code_follows_from_errno(void **state)
{
	static const struct {
		int e;
		int code;
	} cases[] = {
		{ ENOMEM, MV_ENOMEM }, { ENOENT, MV_ENOTFOUND },
		{ EEXIST, MV_EEXIST }, { EACCES, MV_EAUTH },
		{ EPERM, MV_EAUTH }, { ENOSPC, MV_ENOSPC },
		{ EDQUOT, MV_ENOSPC }, { EIO, MV_EIO }, { EINVAL, MV_EIO },
	};
	struct mv_err err;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		err = (struct mv_err){ 0 };
		errno = cases[i].e;
		assert_int_equal(mv_err_sys(&err, "x"), cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		errno = cases[i].e;
		assert_int_equal(mv_err_sys(NULL, "x"), cases[i].code);
	}
}

static void
full_error_keeps_its_cause(void **state)
{
	struct mv_err err = { 0 };
	char text[2 * MV_ERR_TEXT_MAX], longest[600];
	int i;

	(void)state;
	memset(longest, 'y', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	(void)mv_err_set(&err, MV_ECORRUPT, "the cause");
	for (i = 0; i < 40; i++)
		(void)mv_err_ctx(&err, MV_ECORRUPT, "%s", longest);
	(void)mv_err_text(&err, text, sizeof(text));
	assert_string_equal(text + strlen(text) - 9, "the cause");

	err = (struct mv_err){ 0 };
	(void)mv_err_set(&err, MV_ECORRUPT, "the cause");
	for (i = 0; i < 40; i++)
		(void)mv_err_ctx(&err, MV_ECORRUPT, "f%d", i);
	assert_int_equal(err.nframes, MV_ERR_FRAMES_MAX);
	(void)mv_err_text(&err, text, sizeof(text));
	assert_string_equal(text + strlen(text) - 9, "the cause");
}

static void
text_is_cut_to_fit(void **state)
{
	struct mv_err err = { 0 };
	char text[8];

	(void)state;
	(void)mv_err_set(&err, MV_EIO, "0123456789");
	(void)mv_err_ctx(&err, MV_EIO, "ab");
	assert_int_equal(mv_err_text(&err, text, sizeof(text)), 7);
	assert_string_equal(text, "ab: 012");
	assert_int_equal(mv_err_text(&err, text, 1), 0);
	assert_string_equal(text, "");
}

static void
nothing_is_written_without_an_error(void **state)
{
	struct mv_err err = { 0 };
	char text[16];

	(void)state;
	assert_int_equal(mv_err_ctx(&err, 0, "read"), 0);
	assert_int_equal(err.nframes, 0);
	assert_int_equal(mv_err_ctx(NULL, MV_EIO, "read"), MV_EIO);
	assert_int_equal(mv_err_set(NULL, MV_EIO, "x"), MV_EIO);
	assert_int_equal(mv_err_text(&err, text, sizeof(text)), 0);
	assert_string_equal(mv_code_name(MV_ENOREPO), "MV_ENOREPO");
	assert_string_equal(mv_code_name(12345), "unknown");
}

static void
context_gives_a_code_where_none_is_set(void **state)
{
	struct mv_err err = { 0 };
	char text[16];

	(void)state;
	assert_int_equal(mv_err_ctx(&err, MV_ENOMEM, "list"), MV_ENOMEM);
	assert_int_equal(err.code, MV_ENOMEM);
	(void)mv_err_text(&err, text, sizeof(text));
	assert_string_equal(text, "list");
}

static void
cleared_error_can_be_set_again(void **state)
{
	struct mv_err err = { 0 };
	char text[16];

	(void)state;
	(void)mv_err_set(&err, MV_EIO, "one");
	mv_err_clear(&err);
	(void)mv_err_set(&err, MV_EAUTH, "two");
	(void)mv_err_text(&err, text, sizeof(text));
	assert_string_equal(text, "two");
	assert_int_equal(err.code, MV_EAUTH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_read_outermost_first),
		cmocka_unit_test(code_follows_from_errno),
		cmocka_unit_test(full_error_keeps_its_cause),
		cmocka_unit_test(text_is_cut_to_fit),
		cmocka_unit_test(nothing_is_written_without_an_error),
		cmocka_unit_test(context_gives_a_code_where_none_is_set),
		cmocka_unit_test(cleared_error_can_be_set_again),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
