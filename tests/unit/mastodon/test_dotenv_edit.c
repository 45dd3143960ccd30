/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "mastodon/dotenv_edit.h"

#define NEW "n3w+/=_-"

static int
setup(void **state)
{
	struct mv_err err;

	(void)state;
	assert_ok(mv_secret_init(&err), &err);
	return 0;
}

static int
edit(const char *text, const char *key, const char *value, bool returns,
    struct mv_sbuf *out, struct mv_err *err)
{
	const struct mv_dotenv_change c = { key, value, strlen(value),
	    returns };

	mv_sbuf_reset(out);
	return mv_dotenv_edit(text, strlen(text), &c, 1, out, err);
}

static void
becomes(const char *before, const char *value, bool returns, const char *after)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf out = { 0 };
	struct mv_err err;

	assert_ok(edit(before, "K", value, returns, &out, &err), &err);
	if (out.len != strlen(after) || memcmp(out.p, after, out.len) != 0)
		fail_msg("from <%s>: <%.*s> and not <%s>", before,
		    (int)out.len, out.p, after);
}

static void
all_but_the_value_stays(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "K=old\n", "K=" NEW "\n" },
		{ "K=old", "K=" NEW },
		{ "K='old'\n", "K='" NEW "'\n" },
		{ "K=\"old\"\n", "K=\"" NEW "\"\n" },
		{ "K=\n", "K=" NEW "\n" },
		{ "K=''\n", "K='" NEW "'\n" },
		{ "export K=old\n", "export K=" NEW "\n" },
		{ "K: old\n", "K: " NEW "\n" },
		{ "  K =old\n", "  K =" NEW "\n" },
		{ "K= old \n", "K=" NEW "\n" },
		{ "# K=old\nA=1\n\nK=old\n#\nB=$A\n",
		    "# K=old\nA=1\n\nK=" NEW "\n#\nB=$A\n" },
		/* Line ends of every kind, and a byte order mark. */
		{ "A=1\r\nK=old\r\nB=2\r\n", "A=1\r\nK=" NEW "\r\nB=2\r\n" },
		{ "A=1\rK=old\rB=2\r", "A=1\rK=" NEW "\rB=2\r" },
		{ "\xef\xbb\xbfK=old\nA=1\n", "\xef\xbb\xbfK=" NEW "\nA=1\n" },
		/* Values over several lines go as a whole. */
		{ "K='a\nb'\nA=1\n", "K='" NEW "'\nA=1\n" },
		{ "K=\"a\r\nb\"\r\nA=1\r\n", "K=\"" NEW "\"\r\nA=1\r\n" },
		{ "P='\nK=old\n'\nK=old\n", "P='\nK=old\n'\nK=" NEW "\n" },
		/* Neighbours in name. */
		{ "KK=old\nK.K=old\nK=old\n", "KK=old\nK.K=old\nK=" NEW "\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++)
		becomes(cases[i].before, NEW, false, cases[i].after);
}

static void
what_is_right_stays_to_the_byte(void **state)
{
	(void)state;
	becomes(" K = '" NEW "'  # why\n", NEW, false,
	    " K = '" NEW "'  # why\n");
	becomes("K=\n", "", false, "K=\n");
}

static void
all_settings_of_a_key_change(void **state)
{
	(void)state;
	becomes("K=a\nURL=x${K}y\nexport K\nK='b'\n", NEW, false,
	    "K=" NEW "\nURL=x${K}y\nexport K\nK='" NEW "'\n");
}

static void
missing_ones_are_appended(void **state)
{
	(void)state;
	becomes("", NEW, false, "K=" NEW "\n");
	becomes("A=1", NEW, false, "A=1\nK=" NEW "\n");
	becomes("A=1\r\n", NEW, false, "A=1\r\nK=" NEW "\r\n");
	becomes("A=1\r\nB=2", NEW, false, "A=1\r\nB=2\r\nK=" NEW "\r\n");
}

static void
a_comment_behind_moves_above(void **state)
{
	(void)state;
	becomes("A=1\nK=old # why\nB=2\n", NEW, false,
	    "A=1\n# why\nK=" NEW "\nB=2\n");
	becomes("K='old'#why", NEW, false, "#why\nK='" NEW "'");
	becomes("K= # why\r\n", NEW, false, "# why\r\nK=" NEW "\r\n");
}

static void
values_read_differently_are_refused(void **state)
{
	static const char *const bad[] = { "a b", "a#b", "a$b", "a'b", "a\"b",
	    "a\\b", "a\nb", "a`b", "a;b", "a&b", "~a", "\xc3\xa4", "a\tb",
	    "a(b", "a!" };
	mv_auto(mv_sbuf_clear) struct mv_sbuf out = { 0 };
	char text[MV_ERR_TEXT_MAX];
	struct mv_err err;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		assert_fails(edit("K=old\n", "K", bad[i], false, &out, &err),
		    MV_EREFUSED, &err);
		assert_says(&err, "'K'");
		(void)mv_err_text(&err, text, sizeof(text));
		assert_null(strstr(text, bad[i]));
		assert_int_equal(out.len, 0);
	}
	assert_fails(edit("", "K K", "a", false, &out, &err), MV_EUSAGE, &err);
	assert_fails(edit("", "1K", "a", false, &out, &err), MV_EUSAGE, &err);
	assert_fails(edit("", "", "a", false, &out, &err), MV_EUSAGE, &err);
}

static void
an_old_value_can_return(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf out = { 0 };
	struct mv_err err;

	(void)state;
	becomes("K=" NEW "\n", "pa#s $(x) \"${y}", true,
	    "K='pa#s $(x) \"${y}'\n");
	becomes("K=\"" NEW "\"\n", "a\nb", true, "K='a\nb'\n");
	becomes("K='a b' # why\n", "a b", true, "K='a b' # why\n");
	becomes("K=" NEW "\n", "", true, "K=\n");
	becomes("export K=" NEW "\n", "", true, "export K=''\n");
	/* 'it's' is it's to dotenv, and to it alone; this is nothing. */
	becomes("K=" NEW "\n", "it's", true, "K='it's'\n");
	assert_fails(edit("K=x\n", "K", "a'\nb", true, &out, &err),
	    MV_EUSAGE, &err);
	assert_fails(edit("K=x\n", "K", "a'#b", true, &out, &err),
	    MV_EREFUSED, &err);
}

static void
malformed_text_is_named_by_line(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf out = { 0 };
	struct mv_err err;

	(void)state;
	assert_fails(edit("K=1\nwhat is this\n", "K", "2", false, &out, &err),
	    MV_EUSAGE, &err);
	assert_says(&err, "line 2");
	assert_fails(edit("A=1\nK=$(rm -r x)\n", "K", "2", false, &out, &err),
	    MV_EUSAGE, &err);
	assert_says(&err, "line 2");
}

static void
several_change_at_once(void **state)
{
	const struct mv_dotenv_change c[] = {
		{ "B", "two", 3, false }, { "C", "three", 5, false },
		{ "A", "one", 3, false },
	};
	const char *before = "A=1\nB=2\n", *after = "A=one\nB=two\nC=three\n";
	mv_auto(mv_sbuf_clear) struct mv_sbuf out = { 0 };
	struct mv_err err;

	(void)state;
	assert_ok(mv_dotenv_edit(before, strlen(before), c, 3, &out, &err),
	    &err);
	assert_int_equal(out.len, strlen(after));
	assert_memory_equal(out.p, after, out.len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_the_value_stays),
		cmocka_unit_test(what_is_right_stays_to_the_byte),
		cmocka_unit_test(all_settings_of_a_key_change),
		cmocka_unit_test(missing_ones_are_appended),
		cmocka_unit_test(a_comment_behind_moves_above),
		cmocka_unit_test(values_read_differently_are_refused),
		cmocka_unit_test(an_old_value_can_return),
		cmocka_unit_test(malformed_text_is_named_by_line),
		cmocka_unit_test(several_change_at_once),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
