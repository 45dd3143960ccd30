/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_OPTIONS_H
#define MV_MASTVAULT_OPTIONS_H

#include "base/buf.h"
#include "mastvault/cli.h"

/*
 * options: the one table of commands and options, from which parsing and help
 * come, and whatever else describes the program.
 */
enum mv_option_kind {
	MV_OPTION_FLAG,
	MV_OPTION_COUNT,	/* each time one more */
	MV_OPTION_TEXT,
	MV_OPTION_LIST,		/* may be given several times */
	MV_OPTION_NUMBER,	/* 1 to 64 */
	MV_OPTION_MAYBE,	/* --name, or --name=VALUE: a flag and a text */
};

#define MV_FOR(id) (1u << (id))

/* Of two rows with one name the kinds are the same, and no command has both. */
struct mv_option {
	const char *name;
	char letter;		/* or 0 */
	const char *arg;	/* how help calls its value, or NULL */
	enum mv_option_kind kind;
	unsigned commands;	/* MV_FOR() of each that knows it */
	size_t offset;		/* in struct mv_cli */
	size_t text_offset;	/* of the text of MV_OPTION_MAYBE */
	const char *help;
};

extern const struct mv_command mv_commands[];
extern const size_t mv_ncommands;
extern const struct mv_option mv_options[];
extern const size_t mv_noptions;

/* NULL when there is none of that name. */
const struct mv_command *mv_command_find(const char *name);
/* MV_EUSAGE: there is no such command; names the nearest that is. */
int mv_command_unknown(const char *word, struct mv_err *err);

/*
 * Read the command line.  Options may stand anywhere before "--".  MV_EUSAGE
 * names the nearest known command or option.  cli is zeroed before; the
 * caller clears it in any case, and what was read until an error is in it.
 */
int mv_options_parse(int argc, char *const argv[], struct mv_cli *cli,
    struct mv_err *err) MV_MUST_CHECK;

/* Help as text: of the program, of one command. */
int mv_help_program(struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;
int mv_help_command(const struct mv_command *command, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
