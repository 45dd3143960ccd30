/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "describe/describe.h"

/* What follows -r, -x or -a of fish's complete. */
static const char *const actions[] = {
	[MV_VALUE_NONE] = "-x",
	[MV_VALUE_FILE] = "-r -F",
	[MV_VALUE_DIR] = "-x -a '(__fish_complete_directories)'",
	[MV_VALUE_ENV] = "-x -a '(__mastvault_environments)'",
	[MV_VALUE_URL] = "-x -a 'file:///'",
	[MV_VALUE_PARTS] = "-x -a 'db media secrets redis'",
	[MV_VALUE_SNAP] = "-a latest",
	[MV_VALUE_COMMAND] = "-a '$__mastvault_commands'",
};

/* As in sh, but that a backslash escapes within quotes, too. */
static void
put_quoted(struct mv_buf *out, const char *text)
{
	mv_buf_put_str(out, "'");
	for (; *text != '\0'; text++) {
		if (strchr("'\\", *text) != NULL)
			mv_buf_put_str(out, "\\");
		mv_buf_put_u8(out, (uint8_t)*text);
	}
	mv_buf_put_str(out, "'");
}

/* Options whose value is the next word. */
int
mv_fish_values(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	mv_buf_put_str(out, "set -g __mastvault_values");
	for (i = 0; i < mv_noptions; i++) {
		const struct mv_option *o = &mv_options[i];

		if (o->arg == NULL || o->kind == MV_OPTION_MAYBE)
			continue;
		mv_buf_printf(out, " --%s", o->name);
		if (o->letter != 0)
			mv_buf_printf(out, " -%c", o->letter);
	}
	mv_buf_put_str(out, "\n");
	return mv_buf_failed(out, err);
}

int
mv_fish_commands(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	for (i = 0; i < mv_ncommands; i++) {
		mv_buf_printf(out, "complete -c mastvault -n "
		    "'__mastvault_command \"\"' -a %s -d ",
		    mv_commands[i].name);
		put_quoted(out, mv_commands[i].summary);
		mv_buf_put_str(out, "\n");
	}
	return mv_buf_failed(out, err);
}

static void
put_condition(struct mv_buf *out, const struct mv_option *o)
{
	size_t i;

	if (mv_option_common(o))
		return;
	mv_buf_put_str(out, " -n '__mastvault_command");
	for (i = 0; i < mv_ncommands; i++)
		if ((o->commands & MV_FOR(mv_commands[i].id)) != 0)
			mv_buf_printf(out, " %s", mv_commands[i].name);
	mv_buf_put_str(out, "'");
}

int
mv_fish_options(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	enum mv_value value;
	size_t i;
	int rc;

	(void)arg;
	for (i = 0; i < mv_noptions; i++) {
		const struct mv_option *o = &mv_options[i];

		mv_buf_put_str(out, "complete -c mastvault");
		put_condition(out, o);
		if (o->letter != 0)
			mv_buf_printf(out, " -s %c", o->letter);
		mv_buf_printf(out, " -l %s", o->name);
		if (o->arg != NULL && o->kind != MV_OPTION_MAYBE) {
			rc = mv_value_of(o->arg, &value, err);
			if (rc < 0)
				return rc;
			mv_buf_printf(out, " %s", actions[value]);
		}
		mv_buf_put_str(out, " -d ");
		put_quoted(out, o->help);
		mv_buf_put_str(out, "\n");
	}
	return mv_buf_failed(out, err);
}

static void
put_operand(struct mv_buf *out, const struct mv_command *c,
    const struct mv_operand *op, unsigned at)
{
	unsigned w;

	if (op->nwords == 0 && op->value == MV_VALUE_NONE)
		return;
	mv_buf_printf(out, "complete -c mastvault -n "
	    "'__mastvault_operand %s %u%s'", c->name, at + 1,
	    op->repeats ? " repeats" : "");
	if (op->nwords == 0) {
		mv_buf_printf(out, " %s\n", actions[op->value]);
		return;
	}
	for (w = 0; w < op->nwords; w++)
		mv_buf_printf(out, "%s%s", w > 0 ? " " : " -a '",
		    op->words[w]);
	mv_buf_put_str(out, "'\n");
}

int
mv_fish_operands(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	struct mv_operand ops[MV_OPERANDS_MAX];
	unsigned n, at;
	size_t i;
	int rc;

	(void)arg;
	for (i = 0; i < mv_ncommands; i++) {
		rc = mv_operands_of(&mv_commands[i], ops, MV_OPERANDS_MAX, &n,
		    err);
		if (rc < 0)
			return rc;
		for (at = 0; at < n; at++)
			put_operand(out, &mv_commands[i], &ops[at], at);
	}
	return mv_buf_failed(out, err);
}
