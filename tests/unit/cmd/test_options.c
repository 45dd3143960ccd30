/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>

#include "mastvault/exit.h"
#include "mastvault/nearest.h"
#include "mastvault/options.h"

#define WORDS_MAX 16

struct fx {
	struct mv_cli cli;
	struct mv_err err;
};

static int
setup(void **state)
{
	static struct fx fx;

	fx = (struct fx){ 0 };
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_cli_clear(&fx->cli);
	return 0;
}

/* words as a shell would split them at single blanks. */
static int
parse(struct fx *fx, const char *words)
{
	mv_auto(mv_freep) char *copy = strdup(words);
	static char program[] = "mastvault";
	char *argv[WORDS_MAX + 1] = { program };
	char *rest = copy, *word;
	int argc = 1;

	mv_cli_clear(&fx->cli);
	while ((word = strsep(&rest, " ")) != NULL && argc < WORDS_MAX)
		if (*word != '\0')
			argv[argc++] = word;
	return mv_options_parse(argc, argv, &fx->cli, &fx->err);
}

static void
options_may_stand_before_and_behind_the_command(void **state)
{
	struct fx *fx = *state;

	assert_ok(parse(fx, "-c /c -e prod backup --json --only db -v -v"),
	    &fx->err);
	assert_int_equal(fx->cli.command->id, MV_CMD_BACKUP);
	assert_string_equal(fx->cli.config, "/c");
	assert_string_equal(fx->cli.env, "prod");
	assert_string_equal(fx->cli.only, "db");
	assert_true(fx->cli.json);
	assert_int_equal(fx->cli.verbose, 2);
	assert_false(fx->cli.quiet);
}

static void
values_are_taken_in_every_usual_form(void **state)
{
	struct fx *fx = *state;

	assert_ok(parse(fx, "restore latest --kit=k --path=a=b --path c "
	    "-qeprod --jobs=4 --env-file=-"), &fx->err);
	assert_string_equal(fx->cli.kit, "k");
	assert_int_equal(fx->cli.paths.n, 2);
	assert_string_equal(fx->cli.paths.v[0], "a=b");
	assert_string_equal(fx->cli.paths.v[1], "c");
	assert_string_equal(fx->cli.env, "prod");
	assert_true(fx->cli.quiet);
	assert_int_equal(fx->cli.jobs, 4);
	assert_string_equal(fx->cli.env_file, "-");
	assert_int_equal(fx->cli.operands.n, 1);
	assert_ok(parse(fx, "check --read-data"), &fx->err);
	assert_true(fx->cli.read_data);
	assert_null(fx->cli.read_part);
	assert_ok(parse(fx, "check --read-data=2/7"), &fx->err);
	assert_true(fx->cli.read_data);
	assert_string_equal(fx->cli.read_part, "2/7");
}

static void
two_dashes_end_options(void **state)
{
	struct fx *fx = *state;

	assert_ok(parse(fx, "cat -- latest --odd-name"), &fx->err);
	assert_int_equal(fx->cli.operands.n, 2);
	assert_string_equal(fx->cli.operands.v[1], "--odd-name");
	assert_ok(parse(fx, "cat latest -"), &fx->err);
	assert_string_equal(fx->cli.operands.v[1], "-");
}

static const struct {
	const char *words, *says;
} refusals[] = {
	{ "", "no command was given" },
	{ "bakcup", "unknown command 'bakcup'; did you mean 'backup'?" },
	{ "snapshot", "did you mean 'snapshots'?" },
	{ "frobnicate", "unknown command 'frobnicate'" },
	{ "backup --dryrun", "unknown option '--dryrun'; did you mean "
	    "'--dry-run'?" },
	{ "backup --confg=x", "did you mean '--config'?" },
	{ "backup --zzzzzz", "unknown option '--zzzzzz'" },
	{ "backup -x", "unknown option '-x'" },
	{ "backup --replace", "'backup' knows no option '--replace'" },
	{ "--replace backup", "'backup' knows no option '--replace'" },
	{ "--mastodon /m snapshots", "'snapshots' knows no option" },
	{ "backup --env", "'--env' wants a value: NAME" },
	{ "backup -e", "'--env' wants a value: NAME" },
	{ "backup -e a -e b", "'--env' is given twice" },
	{ "--kit a restore latest --kit b", "'--kit' is given twice" },
	{ "backup --json=yes", "'--json' takes no value" },
	{ "backup --jobs 0", "'--jobs' is a number from 1 to 64" },
	{ "backup --jobs 65", "'--jobs' is a number" },
	{ "backup --jobs 4x", "'--jobs' is a number" },
	{ "backup --jobs=", "'--jobs' is a number" },
	{ "backup x", "'backup' takes options only, not 'x'" },
	{ "restore", "'restore' wants: SNAP" },
	{ "cat latest", "'cat' wants: SNAP db|env|redis|PATH" },
	{ "ls a b c", "'ls' takes no more than" },
	{ "backup -q -v", "exclude each other" },
};

static void
what_is_not_known_is_refused_with_the_nearest(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(refusals); i++) {
		assert_fails(parse(fx, refusals[i].words), MV_EUSAGE,
		    &fx->err);
		assert_says(&fx->err, refusals[i].says);
	}
}

static void
help_is_never_refused_for_what_is_missing(void **state)
{
	struct fx *fx = *state;

	assert_ok(parse(fx, "--help"), &fx->err);
	assert_true(fx->cli.help);
	assert_ok(parse(fx, "restore -h"), &fx->err);
	assert_int_equal(fx->cli.command->id, MV_CMD_RESTORE);
	assert_ok(parse(fx, "--version"), &fx->err);
	assert_true(fx->cli.version);
}

static size_t
longest_line(const char *text)
{
	size_t longest = 0, len;

	while (*text != '\0') {
		len = strcspn(text, "\n");
		if (len > longest)
			longest = len;
		text += len + (text[len] == '\n');
	}
	return longest;
}

/* Every run of blanks and line ends is one blank. */
static void
unwrap(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++)
		if (strchr(" \n", *text) == NULL)
			*to++ = *text;
		else if (strchr(" \n", text[1]) == NULL)
			*to++ = ' ';
	*to = '\0';
}

static void
help_names_every_option_and_exit_code(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct fx *fx = *state;
	char name[64];
	size_t i;

	assert_ok(mv_help_program(&text, &fx->err), &fx->err);
	for (i = 0; i < mv_ncommands; i++) {
		assert_ok(mv_help_command(&mv_commands[i], &text, &fx->err),
		    &fx->err);
		assert_non_null(strstr(mv_buf_cstr(&text),
		    mv_commands[i].summary));
	}
	for (i = 0; i < mv_noptions; i++) {
		(void)snprintf(name, sizeof(name), "--%s",
		    mv_options[i].name);
		assert_non_null(strstr(mv_buf_cstr(&text), name));
	}
	assert_true(longest_line(mv_buf_cstr(&text)) <= 80);
	unwrap((char *)text.p);
	for (i = 0; i < mv_exit_ntexts; i++)
		assert_non_null(strstr((char *)text.p,
		    mv_exit_texts[i].text));
}

/* Where a value goes, which for some need not be there. */
static size_t
value_offset(const struct mv_option *o)
{
	return o->kind == MV_OPTION_MAYBE ? o->text_offset : o->offset;
}

/*
 * One name in two rows must mean one member and one kind, for no command
 * twice.  Only a text may be needless for one command and not for another.
 */
static void
rows_of_one_name_agree(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < mv_noptions; i++) {
		for (j = 0; j < i; j++) {
			const struct mv_option *a = &mv_options[i];
			const struct mv_option *b = &mv_options[j];

			if (strcmp(a->name, b->name) != 0) {
				assert_true(a->letter == 0 ||
				    a->letter != b->letter);
				continue;
			}
			assert_true(a->kind == b->kind ||
			    (a->kind == MV_OPTION_MAYBE &&
			    b->kind == MV_OPTION_TEXT));
			assert_int_equal(value_offset(a), value_offset(b));
			assert_int_equal(a->commands & b->commands, 0);
		}
	}
}

static void
a_permission_is_no_wrong_key(void **state)
{
	const struct mv_err file = { .code = MV_EAUTH, .sys_errno = 13 };
	const struct mv_err key = { .code = MV_EAUTH };
	const struct mv_err damage = { .code = MV_ECORRUPT };
	const struct mv_err none = { 0 };

	(void)state;
	assert_int_equal(mv_exit_of(&file), 1);
	assert_int_equal(mv_exit_of(&key), 11);
	assert_int_equal(mv_exit_of(&damage), 12);
	assert_int_equal(mv_exit_of(&none), 0);
}

static void
only_close_words_are_suggested(void **state)
{
	struct mv_nearest near = { .word = "ls" };

	(void)state;
	mv_nearest_try(&near, "restore");
	mv_nearest_try(&near, "key");
	assert_null(near.best);
	near = (struct mv_nearest){ .word = "sl" };
	mv_nearest_try(&near, "ls");
	assert_string_equal(near.best, "ls");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(options_may_stand_before_and_behind_the_command),
		T(values_are_taken_in_every_usual_form),
		T(two_dashes_end_options),
		T(what_is_not_known_is_refused_with_the_nearest),
		T(help_is_never_refused_for_what_is_missing),
		T(help_names_every_option_and_exit_code),
		T(rows_of_one_name_agree),
		T(a_permission_is_no_wrong_key),
		T(only_close_words_are_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
