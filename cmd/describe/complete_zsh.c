/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/cleanup.h"
#include "describe/describe.h"

static const char *const actions[] = {
	[MV_VALUE_NONE] = " ",
	[MV_VALUE_FILE] = "_files",
	[MV_VALUE_DIR] = "_files -/",
	[MV_VALUE_ENV] = "_mastvault_environments",
	[MV_VALUE_URL] = "_mastvault_urls",
	[MV_VALUE_PARTS] = "_values -s , part db media secrets redis",
	[MV_VALUE_SNAP] = "(latest)",
	[MV_VALUE_COMMAND] = "_mastvault_commands",
};

/* text where ':' and brackets mean something. */
static void
put_escaped(struct mv_buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("[]:\\", *text) != NULL)
			mv_buf_put_str(out, "\\");
		mv_buf_put_u8(out, (uint8_t)*text);
	}
}

/* A specification for _arguments. */
static int
put_option(struct mv_buf *out, const struct mv_option *o, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf spec = { 0 };
	bool again = o->kind == MV_OPTION_LIST || o->kind == MV_OPTION_COUNT;
	enum mv_value value = MV_VALUE_NONE;
	const char *text;
	int letter, rc;

	if (o->arg != NULL) {
		rc = mv_value_of(o->arg, &value, err);
		if (rc < 0)
			return rc;
	}
	for (letter = 0; letter < 1 + (o->letter != 0); letter++) {
		mv_buf_reset(&spec);
		if (again)
			mv_buf_put_str(&spec, "*");
		else if (o->letter != 0)
			mv_buf_printf(&spec, "(-%c --%s)", o->letter, o->name);
		if (letter)
			mv_buf_printf(&spec, "-%c%s", o->letter,
			    o->arg != NULL ? "+" : "");
		else
			mv_buf_printf(&spec, "--%s%s", o->name,
			    o->kind == MV_OPTION_MAYBE ? "=-" :
			    o->arg != NULL ? "=" : "");
		mv_buf_put_str(&spec, "[");
		put_escaped(&spec, o->help);
		mv_buf_put_str(&spec, "]");
		if (o->arg != NULL)
			mv_buf_printf(&spec, "%s:%s:%s",
			    o->kind == MV_OPTION_MAYBE ? ":" : "", o->arg,
			    actions[value]);
		text = mv_buf_cstr(&spec);
		if (text == NULL)
			return mv_buf_failed(&spec, err);
		mv_buf_put_str(out, "\t\t");
		mv_put_quoted(out, text);
		mv_buf_put_str(out, "\n");
	}
	return mv_buf_failed(out, err);
}

int
mv_zsh_common(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	(void)arg;
	for (i = 0; i < mv_noptions && rc == 0; i++)
		if (mv_option_common(&mv_options[i]))
			rc = put_option(out, &mv_options[i], err);
	return rc;
}

int
mv_zsh_commands(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	for (i = 0; i < mv_ncommands; i++) {
		mv_buf_printf(out, "\t\t%s:", mv_commands[i].name);
		mv_put_quoted(out, mv_commands[i].summary);
		mv_buf_put_str(out, "\n");
	}
	return mv_buf_failed(out, err);
}

static int
put_operands(struct mv_buf *out, const struct mv_command *c,
    struct mv_err *err)
{
	struct mv_operand ops[MV_OPERANDS_MAX];
	unsigned n, at, w;
	int rc;

	rc = mv_operands_of(c, ops, MV_OPERANDS_MAX, &n, err);
	for (at = 0; rc == 0 && at < n; at++) {
		const struct mv_operand *op = &ops[at];

		if (op->repeats)
			mv_buf_printf(out, "\t\t'*:%s:", op->name);
		else
			mv_buf_printf(out, "\t\t'%u%s:%s:", at + 1,
			    at >= c->min ? ":" : "", op->name);
		if (op->nwords == 0)
			mv_buf_put_str(out, actions[op->value]);
		for (w = 0; w < op->nwords; w++)
			mv_buf_printf(out, "%s%s", w > 0 ? " " : "(",
			    op->words[w]);
		mv_buf_put_str(out, op->nwords > 0 ? ")'\n" : "'\n");
	}
	return rc;
}

/* Cases of a command: its own options, and operands. */
int
mv_zsh_arguments(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i, j;
	int rc = 0;

	(void)arg;
	for (i = 0; i < mv_ncommands; i++) {
		const struct mv_command *c = &mv_commands[i];

		mv_buf_printf(out, "\t%s) own=(\n", c->name);
		for (j = 0; j < mv_noptions && rc == 0; j++) {
			const struct mv_option *o = &mv_options[j];

			if (!mv_option_common(o) &&
			    (o->commands & MV_FOR(c->id)) != 0)
				rc = put_option(out, o, err);
		}
		if (rc == 0)
			rc = put_operands(out, c, err);
		if (rc < 0)
			return rc;
		mv_buf_put_str(out, "\t\t) ;;\n");
	}
	return mv_buf_failed(out, err);
}
