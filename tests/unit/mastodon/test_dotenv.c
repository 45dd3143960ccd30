/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "mastodon/dotenv.h"
#include "secret/secret.h"

struct fx {
	struct mv_dotenv *env;
	struct mv_err err;
};

static int
setup(void **state)
{
	static struct fx fx;

	fx = (struct fx){ 0 };
	if (mv_secret_init(&fx.err) < 0 || mv_dotenv_new(&fx.env, &fx.err) < 0)
		return -1;
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_dotenv_freep(&fx->env);
	return 0;
}

static int
add(struct fx *fx, const char *text)
{
	return mv_dotenv_add(fx->env, text, strlen(text), &fx->err);
}

static void
assert_value(struct fx *fx, const char *key, const char *want)
{
	const uint8_t *p;
	size_t len;

	assert_ok(mv_dotenv_get(fx->env, key, &p, &len, &fx->err), &fx->err);
	if (want == NULL) {
		assert_null(p);
		return;
	}
	assert_non_null(p);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(p, want, len);
}

/* What A is after each text.  Every line was tried with Ruby's regular expressions. */
static const struct {
	const char *text, *want;
} readings[] = {
	{ "A=1", "1" },
	{ "A=1\r\nB=2\r\n", "1" },
	{ "B=2\rA=1\r", "1" },
	{ "\xef\xbb\xbf" "A=1\n", "1" },
	{ "  A =  1 \t \n", "1" },
	{ "A: 1\n", "1" },
	{ "A:\t 1\n", "1" },
	{ "A: \nB=1\n", "" },
	{ "export A=1\n", "1" },
	{ "\texport\tA = 1\n", "1" },
	{ "A=1\nexport A\n", "1" },
	{ "A=1\nexport A=\n", "1" },
	{ "export A= \n", "" },
	{ "export=1\nA=$export\n", "1" },
	{ "export =1\nA=$export\n", "1" },
	{ "A=\n", "" },
	{ "A=", "" },
	{ "A=\nB=1\n", "" },
	{ "A=1\nA=2\n", "2" },
	{ "A=a b  c\n", "a b  c" },
	{ "A=a#b\n", "a" },
	{ "A=a # b\n", "a" },
	{ "A=#b\n", "" },
	{ "# c\n\n  # d\nA=1\n#A=2\n", "1" },
	{ "A='a#b'\n", "a#b" },
	{ "A='a'#b\n", "a" },
	{ "A='a' # it's\n", "a" },
	{ "A=\"a#b\" # c\n", "a#b" },
	{ "A=' a '\n", " a " },
	{ "A=''\n", "" },
	{ "A=\"\"\n", "" },
	{ "A=   'a'   \n", "a" },
	/* Escapes. */
	{ "A=a\\b\n", "ab" },
	{ "A=a\\\\b\n", "a\\b" },
	{ "A=a\\nb\n", "anb" },
	{ "A='a\\nb\\\\'\n", "a\\nb\\\\" },
	{ "A=\"a\\nb\\rc\"\n", "a\\nb\\rc" },
	{ "A=\"a\\\\nb\"\n", "a\\\\nb" },
	{ "A=\"a\\\"b\"\n", "a\"b" },
	{ "A='a\\'b'\n", "a\\'b" },
	{ "A=\"\\t\"\n", "t" },
	{ "A='C:\\'\nB='x'\n", "C:\\" },
	{ "A=\"C:\\\\\"\nB=\"x y\"\n", "C:\\" },
	{ "A='it's'\n", "it's" },
	{ "A=\"say \"x\" now\"\n", "say \"x\" now" },
	{ "A=it's\n", "it's" },
	{ "A=a\"b\n", "a\"b" },
	{ "DOTENV_LINEBREAK_MODE=legacy\nA=\"a\\nb\\r\"\n", "a\nb\r" },
	{ "DOTENV_LINEBREAK_MODE=strict\nA=\"a\\nb\"\n", "a\\nb" },
	/* Several lines. */
	{ "A='-----BEGIN\nx=y\n-----END'\nB=1\n", "-----BEGIN\nx=y\n-----END" },
	{ "A=\"-----BEGIN\r\nx#y\r\n-----END\"\r\nB=1\n",
	    "-----BEGIN\nx#y\n-----END" },
	{ "A=\"\n\"\n", "\n" },
	/* Variables. */
	{ "B=1\nA=$B\n", "1" },
	{ "B=\nA=$B\n", "" },
	{ "B=1\nA=x${B}y\n", "x1y" },
	{ "B=1\nA=\"x$B y\"\n", "x1 y" },
	{ "B=1\nA='$B'\n", "$B" },
	{ "B=1\nA=\\$B\n", "$B" },
	{ "B=1\nA=\"\\${B}\"\n", "${B}" },
	{ "B=1\nA=\\\\$B\n", "$B" },
	{ "B=1\nA=${B-2}\n", "1-2}" },
	{ "B=1\nA=$B}\n", "1" },
	{ "A=a$\n", "a$" },
	{ "A=a$%b${}\n", "a$%b${}" },
	{ "A=$$\n", "$$" },
	{ "B='$C'\nA=$B\n", "$C" },
	{ "B=1\nA=$B$B${B}\n", "111" },
	/* No command: escaped, or not one. */
	{ "A=\\$(id)\n", "$(id)" },
	{ "A=\\$(a(b)c)d\n", "$(a(b)c)d" },
	{ "A=a$(b\n", "a$(b" },
	{ "A=a$()\n", "a$()" },
	{ "A=\\$(b\n", "\\$(b" },
	{ "A='$(id)'\n", "$(id)" },
};

static void
values_are_what_rails_sees(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(readings); i++) {
		(void)teardown(state);
		assert_int_equal(setup(state), 0);
		assert_ok(add(fx, readings[i].text), &fx->err);
		assert_value(fx, "A", readings[i].want);
	}
}

static const struct {
	const char *text, *says;
} refusals[] = {
	{ "A=1\nhunter2\n", "line 2: no '=' after the name" },
	{ "A=1\n\nA B=hunter2\n", "line 3: no '=' after the name" },
	{ "A-B=hunter2\n", "line 1: no '=' after the name" },
	{ "=hunter2\n", "line 1: neither a setting nor a comment" },
	{ "<<<<<<< hunter2\n", "line 1: neither a setting nor a comment" },
	{ "A:hunter2\n", "line 1: no '=' after the name" },
	{ "A : hunter2\n", "line 1: no '=' after the name" },
	{ "A=1\nB='hunter2\nC=1\n", "line 2: a quote is not closed" },
	{ "A=\"hunter2\n", "line 1: a quote is not closed" },
	{ "A='hunter2' x\n", "line 1: a quote is not closed, or text follows" },
	{ "A=\"a\nb\" hunter2\nB=1\n", "line 1: a quote is not closed" },
	{ "A='\n", "line 1: a quote is not closed" },
	{ "A=$(cat hunter2)\n", "line 1: '$(...)' runs a command" },
	{ "B=1\nA=\"x $(cat $(hunter2)) y\"\n", "line 2: '$(...)' runs" },
	{ "A='a\nb\nc'\nB=$(hunter2)\n", "line 4: '$(...)' runs" },
	{ "export A\n", "line 1: exports what is not set" },
	{ "export A=\n", "line 1: exports what is not set" },
	{ "export A hunter2\n", "line 1: no '=' after the name" },
	{ "A=\n'hunter2'\n", "line 2: neither a setting nor a comment" },
};

static void
malformed_text_is_refused_by_line_and_never_quoted(void **state)
{
	struct fx *fx = *state;
	char text[MV_ERR_TEXT_MAX];
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(refusals); i++) {
		(void)teardown(state);
		assert_int_equal(setup(state), 0);
		assert_fails(add(fx, refusals[i].text), MV_EUSAGE, &fx->err);
		assert_says(&fx->err, refusals[i].says);
		(void)mv_err_text(&fx->err, text, sizeof(text));
		assert_null(strstr(text, "hunter2"));
	}
}

static void
a_nul_is_refused(void **state)
{
	static const char text[] = "A=1\nB=x\0y\n";
	struct fx *fx = *state;

	assert_fails(mv_dotenv_add(fx->env, text, sizeof(text) - 1, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "line 2: a NUL byte");
}

static void
the_first_file_wins_and_later_ones_see_it(void **state)
{
	struct fx *fx = *state;

	assert_ok(add(fx, "A=first\nB=\n"), &fx->err);
	assert_ok(add(fx, "A=second\nB=second\nC=$A\n"), &fx->err);
	assert_value(fx, "A", "first");
	assert_value(fx, "B", "");
	assert_value(fx, "C", "first");
	assert_value(fx, "D", NULL);
	assert_int_equal(mv_dotenv_count(fx->env), 3);
}

static void
a_variable_set_nowhere_spoils_only_what_uses_it(void **state)
{
	struct fx *fx = *state;
	const uint8_t *p;
	size_t len;

	assert_ok(add(fx, "A=1\nB=pa$sword\nC=x$B\nD=2\n"), &fx->err);
	assert_value(fx, "A", "1");
	assert_value(fx, "D", "2");
	assert_fails(mv_dotenv_get(fx->env, "B", &p, &len, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "line 2: 'B' uses a variable that no file sets");
	assert_fails(mv_dotenv_get(fx->env, "C", &p, &len, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_false(mv_dotenv_is(fx->env, "B", "pa"));
}

static void
expansion_that_doubles_is_stopped(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct fx *fx = *state;
	int i;

	mv_buf_put_str(&text, "A0=0123456789abcdef\n");
	for (i = 1; i < 40; i++)
		mv_buf_printf(&text, "A%d=$A%d$A%d\n", i, i - 1, i - 1);
	assert_fails(mv_dotenv_add(fx->env, text.p, text.len, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "all values are more than");
}

static void
too_many_settings_are_refused(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct fx *fx = *state;
	int i;

	for (i = 0; i <= MV_DOTENV_KEYS_MAX; i++)
		mv_buf_printf(&text, "A%d=\n", i);
	assert_fails(mv_dotenv_add(fx->env, text.p, text.len, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "line 4097: more than 4096 settings");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(values_are_what_rails_sees),
		T(malformed_text_is_refused_by_line_and_never_quoted),
		T(a_nul_is_refused),
		T(the_first_file_wins_and_later_ones_see_it),
		T(a_variable_set_nowhere_spoils_only_what_uses_it),
		T(expansion_that_doubles_is_stopped),
		T(too_many_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
