/* SPDX-License-Identifier: MIT */
#include "mastvault/options.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastvault/nearest.h"

#define JOBS_MAX 64
/* More rows than the table ever has. */
#define SEEN_MAX 128

struct parse {
	int argc;
	char *const *argv;
	int at;			/* the next argument */
	struct mv_cli *cli;
	bool seen[SEEN_MAX];	/* of the rows of mv_options */
};

void
mv_cli_clear(struct mv_cli *cli)
{
	size_t i;

	mv_strv_clear(&cli->operands);
	for (i = 0; i < mv_noptions; i++) {
		const struct mv_option *o = &mv_options[i];
		void *member = (char *)cli + o->offset;

		if (o->kind == MV_OPTION_MAYBE)
			member = (char *)cli + o->text_offset;
		if (o->kind == MV_OPTION_LIST) {
			mv_strv_clear(member);
		} else if (o->kind == MV_OPTION_TEXT ||
		    o->kind == MV_OPTION_MAYBE) {
			free(*(char **)member);
			*(char **)member = NULL;
		}
	}
	*cli = (struct mv_cli){ 0 };
}

const struct mv_command *
mv_command_find(const char *name)
{
	size_t i;

	for (i = 0; i < mv_ncommands; i++)
		if (strcmp(mv_commands[i].name, name) == 0)
			return &mv_commands[i];
	return NULL;
}

/* The row of that name, preferably one that the command knows. */
static const struct mv_option *
find_long(const char *name, size_t len, const struct mv_command *command)
{
	const struct mv_option *found = NULL;
	size_t i;

	for (i = 0; i < mv_noptions; i++) {
		const struct mv_option *o = &mv_options[i];

		if (strlen(o->name) != len || memcmp(o->name, name, len) != 0)
			continue;
		if (command == NULL || (o->commands & MV_FOR(command->id)) != 0)
			return o;
		found = o;
	}
	return found;
}

static const struct mv_option *
find_short(char letter)
{
	size_t i;

	for (i = 0; i < mv_noptions; i++)
		if (mv_options[i].letter == letter)
			return &mv_options[i];
	return NULL;
}

static int
unknown_option(const char *word, size_t len, const struct mv_command *command,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *name = strndup(word, len);
	struct mv_nearest near = { .word = name };
	size_t i;

	if (name == NULL)
		return mv_err_set(err, MV_ENOMEM, "command line");
	for (i = 0; i < mv_noptions; i++)
		if (command == NULL ||
		    (mv_options[i].commands & MV_FOR(command->id)) != 0)
			mv_nearest_try(&near, mv_options[i].name);
	if (near.best != NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "unknown option '--%.64s'; did you mean '--%s'?", name,
		    near.best);
	return mv_err_set(err, MV_EUSAGE, "unknown option '--%.64s'", name);
}

int
mv_command_unknown(const char *word, struct mv_err *err)
{
	struct mv_nearest near = { .word = word };
	size_t i;

	for (i = 0; i < mv_ncommands; i++)
		mv_nearest_try(&near, mv_commands[i].name);
	if (near.best != NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "unknown command '%.64s'; did you mean '%s'?", word,
		    near.best);
	return mv_err_set(err, MV_EUSAGE, "unknown command '%.64s'", word);
}

static int
set_number(const struct mv_option *o, const char *value, unsigned *out,
    struct mv_err *err)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; value[i] >= '0' && value[i] <= '9' && i < 4; i++)
		n = n * 10 + (unsigned)(value[i] - '0');
	if (value[i] != '\0' || n < 1 || n > JOBS_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "'--%s' is a number from 1 to %d", o->name, JOBS_MAX);
	*out = n;
	return 0;
}

static int
set_text(char **member, const char *value, struct mv_err *err)
{
	*member = strdup(value);
	if (*member == NULL)
		return mv_err_set(err, MV_ENOMEM, "command line");
	return 0;
}

/* value is NULL where none was given. */
static int
set_option(struct parse *ps, const struct mv_option *o, const char *value,
    struct mv_err *err)
{
	void *member = (char *)ps->cli + o->offset;
	/* Rows of one name are one option. */
	bool *seen = &ps->seen[find_long(o->name, strlen(o->name), NULL) -
	    mv_options];

	if (*seen && o->kind != MV_OPTION_LIST && o->kind != MV_OPTION_COUNT &&
	    o->kind != MV_OPTION_FLAG)
		return mv_err_set(err, MV_EUSAGE, "'--%s' is given twice",
		    o->name);
	*seen = true;
	switch (o->kind) {
	case MV_OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case MV_OPTION_COUNT:
		++*(unsigned *)member;
		return 0;
	case MV_OPTION_TEXT:
		return set_text(member, value, err);
	case MV_OPTION_LIST:
		return mv_strv_add(member, value, strlen(value), err);
	case MV_OPTION_NUMBER:
		return set_number(o, value, member, err);
	case MV_OPTION_MAYBE:
		*(bool *)member = true;
		if (value == NULL)
			return 0;
		return set_text((char **)(void *)((char *)ps->cli +
		    o->text_offset), value, err);
	}
	return 0;
}

static bool
wants_value(const struct mv_option *o)
{
	return o->kind == MV_OPTION_TEXT || o->kind == MV_OPTION_LIST ||
	    o->kind == MV_OPTION_NUMBER;
}

static int
next_value(struct parse *ps, const struct mv_option *o, const char **value,
    struct mv_err *err)
{
	if (ps->at == ps->argc)
		return mv_err_set(err, MV_EUSAGE, "'--%s' wants a value: %s",
		    o->name, o->arg);
	*value = ps->argv[ps->at++];
	return 0;
}

static int
long_option(struct parse *ps, const char *arg, struct mv_err *err)
{
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] == '=' ? arg + len + 1 : NULL;
	const struct mv_option *o;
	int rc;

	o = find_long(arg, len, ps->cli->command);
	if (o == NULL)
		return unknown_option(arg, len, ps->cli->command, err);
	if (value != NULL && !wants_value(o) && o->kind != MV_OPTION_MAYBE)
		return mv_err_set(err, MV_EUSAGE, "'--%s' takes no value",
		    o->name);
	if (value == NULL && wants_value(o)) {
		rc = next_value(ps, o, &value, err);
		if (rc < 0)
			return rc;
	}
	return set_option(ps, o, value, err);
}

/* "-qv", "-eNAME", "-e NAME". */
static int
short_options(struct parse *ps, const char *letters, struct mv_err *err)
{
	const struct mv_option *o;
	const char *value = NULL;
	int rc;

	for (; *letters != '\0'; letters++) {
		o = find_short(*letters);
		if (o == NULL)
			return mv_err_set(err, MV_EUSAGE,
			    "unknown option '-%c'", *letters);
		if (!wants_value(o)) {
			rc = set_option(ps, o, NULL, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (letters[1] != '\0') {
			value = letters + 1;
		} else {
			rc = next_value(ps, o, &value, err);
			if (rc < 0)
				return rc;
		}
		return set_option(ps, o, value, err);
	}
	return 0;
}

static int
operand(struct parse *ps, const char *word, struct mv_err *err)
{
	struct mv_cli *cli = ps->cli;

	if (cli->command != NULL)
		return mv_strv_add(&cli->operands, word, strlen(word), err);
	cli->command = mv_command_find(word);
	return cli->command != NULL ? 0 : mv_command_unknown(word, err);
}

/* Options may stand before the command, so only now can they be judged. */
static int
check_options(const struct parse *ps, struct mv_err *err)
{
	const struct mv_command *command = ps->cli->command;
	const struct mv_option *o;
	size_t i;

	for (i = 0; i < mv_noptions; i++) {
		if (!ps->seen[i])
			continue;
		o = find_long(mv_options[i].name, strlen(mv_options[i].name),
		    command);
		if ((o->commands & MV_FOR(command->id)) == 0)
			return mv_err_set(err, MV_EUSAGE,
			    "'%s' knows no option '--%s'", command->name,
			    o->name);
	}
	return 0;
}

static int
check_operands(const struct mv_cli *cli, struct mv_err *err)
{
	const struct mv_command *c = cli->command;

	if (cli->operands.n < c->min)
		return mv_err_set(err, MV_EUSAGE, "'%s' wants: %s", c->name,
		    c->operands);
	if (cli->operands.n > c->max && c->max == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' takes options only, not '%.64s'", c->name,
		    cli->operands.v[0]);
	if (cli->operands.n > c->max)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' takes no more than: %s; '%.64s' is too much",
		    c->name, c->operands, cli->operands.v[c->max]);
	return 0;
}

int
mv_options_parse(int argc, char *const argv[], struct mv_cli *cli,
    struct mv_err *err)
{
	struct parse ps = { .argc = argc, .argv = argv, .at = 1, .cli = cli };
	bool only_operands = false;
	const char *arg;
	int rc = 0;

	assert(mv_noptions <= SEEN_MAX);
	while (ps.at < argc && rc == 0) {
		arg = argv[ps.at++];
		if (only_operands || arg[0] != '-' || arg[1] == '\0')
			rc = operand(&ps, arg, err);
		else if (strcmp(arg, "--") == 0)
			only_operands = true;
		else if (arg[1] == '-')
			rc = long_option(&ps, arg + 2, err);
		else
			rc = short_options(&ps, arg + 1, err);
	}
	if (rc < 0 || cli->help || cli->version)
		return rc;
	if (cli->command == NULL)
		return mv_err_set(err, MV_EUSAGE, "no command was given");
	if (cli->quiet && cli->verbose > 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'--quiet' and '--verbose' exclude each other");
	rc = check_options(&ps, err);
	return rc < 0 ? rc : check_operands(cli, err);
}
