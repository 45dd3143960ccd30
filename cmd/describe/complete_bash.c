/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "describe/describe.h"

static const char *const kinds[] = {
	[MV_VALUE_NONE] = "",
	[MV_VALUE_FILE] = "FILE",
	[MV_VALUE_DIR] = "DIR",
	[MV_VALUE_ENV] = "NAME",
	[MV_VALUE_URL] = "URL",
	[MV_VALUE_PARTS] = "PARTS",
	[MV_VALUE_SNAP] = "SNAP",
	[MV_VALUE_COMMAND] = "COMMAND",
};

static void
put_options(struct mv_buf *out, const struct mv_command *command)
{
	size_t i;

	for (i = 0; i < mv_noptions; i++) {
		const struct mv_option *o = &mv_options[i];

		if (command == NULL ? !mv_option_common(o) :
		    (o->commands & MV_FOR(command->id)) == 0)
			continue;
		if (o->letter != 0)
			mv_buf_printf(out, " -%c", o->letter);
		mv_buf_printf(out, " --%s", o->name);
	}
}

/* Cases of a command, then of none yet: the options that it knows. */
int
mv_bash_options(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	for (i = 0; i <= mv_ncommands; i++) {
		const struct mv_command *c = i < mv_ncommands ?
		    &mv_commands[i] : NULL;

		mv_buf_printf(out, "\t%s) REPLY='", c != NULL ? c->name : "*");
		put_options(out, c);
		mv_buf_put_str(out, "' ;;\n");
	}
	return mv_buf_failed(out, err);
}

/* Cases of an option that takes a value: the kind of it. */
int
mv_bash_values(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	enum mv_value value;
	size_t i, j;
	int rc;

	(void)arg;
	for (i = 0; i < mv_noptions; i++) {
		const struct mv_option *o = &mv_options[i];

		if (o->arg == NULL || o->kind == MV_OPTION_MAYBE)
			continue;
		rc = mv_value_of(o->arg, &value, err);
		if (rc < 0)
			return rc;
		for (j = 0; j < i && strcmp(mv_options[j].name, o->name) != 0;)
			j++;
		if (j < i && strcmp(mv_options[j].arg, o->arg) != 0)
			return mv_err_set(err, MV_EUSAGE,
			    "'--%s' has two kinds of values", o->name);
		if (j < i)
			continue;
		mv_buf_put_str(out, "\t");
		if (o->letter != 0)
			mv_buf_printf(out, "-%c | ", o->letter);
		mv_buf_printf(out, "--%s) REPLY='%s' ;;\n", o->name,
		    kinds[value]);
	}
	return mv_buf_failed(out, err);
}

/* Cases of "command:place": words and kinds of the operand there. */
int
mv_bash_operands(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	struct mv_operand ops[MV_OPERANDS_MAX];
	unsigned n, at, w;
	size_t i;
	int rc;

	(void)arg;
	for (i = 0; i < mv_ncommands; i++) {
		rc = mv_operands_of(&mv_commands[i], ops, MV_OPERANDS_MAX, &n,
		    err);
		if (rc < 0)
			return rc;
		for (at = 0; at < n; at++) {
			mv_buf_printf(out, "\t%s:", mv_commands[i].name);
			if (ops[at].repeats)
				mv_buf_put_str(out, "*");
			else
				mv_buf_printf(out, "%u", at + 1);
			mv_buf_put_str(out, ") REPLY='");
			for (w = 0; w < ops[at].nwords; w++)
				mv_buf_printf(out, "%s ", ops[at].words[w]);
			mv_buf_printf(out, "%s' ;;\n", kinds[ops[at].value]);
		}
	}
	return mv_buf_failed(out, err);
}
