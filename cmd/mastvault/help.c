/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "mastvault/exit.h"
#include "mastvault/options.h"

#define WIDTH 78
#define COLUMN 28
#define USAGE 17	/* behind "usage: mastvault " */

/* text, from column indent on, in lines of WIDTH; the first is at column at. */
static void
wrap(struct mv_buf *out, size_t at, size_t indent, const char *text)
{
	size_t len;

	while (*(text += strspn(text, " ")) != '\0') {
		len = strcspn(text, " ");
		if (at > indent && at + 1 + len > WIDTH) {
			mv_buf_put_str(out, "\n");
			at = 0;
		}
		if (at < indent) {
			mv_buf_printf(out, "%*s", (int)(indent - at), "");
			at = indent;
		} else if (at > indent) {
			mv_buf_put_str(out, " ");
			at++;
		}
		mv_buf_put(out, text, len);
		at += len;
		text += len;
	}
	mv_buf_put_str(out, "\n");
}

static void
put_option(struct mv_buf *out, const struct mv_option *o)
{
	size_t start = out->len, width;

	if (o->letter != 0)
		mv_buf_printf(out, "  -%c, --%s", o->letter, o->name);
	else
		mv_buf_printf(out, "      --%s", o->name);
	if (o->kind == MV_OPTION_MAYBE)
		mv_buf_printf(out, "[=%s]", o->arg);
	else if (o->arg != NULL)
		mv_buf_printf(out, " %s", o->arg);
	width = out->len - start;
	if (width > COLUMN - 2) {
		mv_buf_put_str(out, "\n");
		width = 0;
	}
	wrap(out, width, COLUMN, o->help);
}

/* Options that all commands know come last, or alone for the program. */
static void
put_options(struct mv_buf *out, const struct mv_command *command)
{
	size_t i;
	int common;

	for (common = command == NULL; common < 2; common++)
		for (i = 0; i < mv_noptions; i++) {
			const struct mv_option *o = &mv_options[i];

			if ((o->commands == ~0u) != common)
				continue;
			if (common || (o->commands & MV_FOR(command->id)) != 0)
				put_option(out, o);
		}
}

int
mv_help_program(struct mv_buf *out, struct mv_err *err)
{
	char line[64];
	size_t i;

	mv_buf_put_str(out, "usage: " MV_PROGRAM " COMMAND [OPTION...]\n\n"
	    "Encrypted backups of a whole Mastodon, and its restore.\n\n"
	    "Commands:\n");
	for (i = 0; i < mv_ncommands; i++) {
		(void)snprintf(line, sizeof(line), "  %s",
		    mv_commands[i].name);
		mv_buf_put_str(out, line);
		wrap(out, strlen(line), 14, mv_commands[i].summary);
	}
	mv_buf_put_str(out, "\nOptions of all commands:\n");
	put_options(out, NULL);
	mv_buf_put_str(out, "\nExit codes:\n");
	for (i = 0; i < mv_exit_ntexts; i++) {
		(void)snprintf(line, sizeof(line), "  %3d",
		    mv_exit_texts[i].code);
		mv_buf_put_str(out, line);
		wrap(out, strlen(line), 7, mv_exit_texts[i].text);
	}
	mv_buf_put_str(out, "\n'" MV_PROGRAM " help COMMAND' has more.\n");
	return mv_buf_failed(out, err);
}

int
mv_help_command(const struct mv_command *command, struct mv_buf *out,
    struct mv_err *err)
{
	mv_buf_printf(out, "usage: " MV_PROGRAM " %s [OPTION...]",
	    command->name);
	wrap(out, strlen("usage: " MV_PROGRAM "  [OPTION...]") +
	    strlen(command->name), USAGE, command->operands);
	mv_buf_put_str(out, "\n");
	mv_buf_printf(out, "%s:", command->name);
	wrap(out, strlen(command->name) + 1, 0, command->summary);
	if (command->text[0] != '\0') {
		mv_buf_put_str(out, "\n");
		wrap(out, 0, 0, command->text);
	}
	if (strstr(command->operands, "SNAP") != NULL) {
		mv_buf_put_str(out, "\n");
		wrap(out, 0, 0, "SNAP is the beginning of a snapshot's id, "
		    "'latest' (the newest that holds what is asked), "
		    "'latest~2' (the second before it), or a date as "
		    "2026-11-23 or '2026-11-23 14:30' (the newest at or "
		    "before it, local time).");
	}
	mv_buf_put_str(out, "\nOptions:\n");
	put_options(out, command);
	return mv_buf_failed(out, err);
}
