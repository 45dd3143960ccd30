/* SPDX-License-Identifier: MIT */
#ifndef MV_DESCRIBE_DESCRIBE_H
#define MV_DESCRIBE_DESCRIBE_H

#include <stdbool.h>

#include "base/buf.h"
#include "mastvault/options.h"

/*
 * describe: manual and completions, from the program's own tables.
 *
 * A program of the build, not installed.  It copies a template, in which a
 * line "@name@" or "@name argument@" stands for what a part makes, so that
 * what is written by hand can be read as what it becomes, and what the tables
 * say is said only there.
 */

/* Append what the line stands for; arg is "" when it has none.  MV_EUSAGE. */
typedef int mv_part_write(const char *arg, struct mv_buf *out,
    struct mv_err *err);

mv_part_write mv_man_os, mv_man_commands, mv_man_list, mv_man_common,
    mv_man_exit_codes;
mv_part_write mv_man_key, mv_man_default, mv_man_keys_done;
mv_part_write mv_bash_options, mv_bash_values, mv_bash_operands,
    mv_word_commands;
mv_part_write mv_zsh_common, mv_zsh_commands, mv_zsh_arguments;
mv_part_write mv_fish_values, mv_fish_commands, mv_fish_options,
    mv_fish_operands;

/* text for mdoc, escaped, in lines; sentences that two blanks part, on their own. */
void mv_man_text(struct mv_buf *out, const char *text);

static inline bool
mv_option_common(const struct mv_option *o)
{
	return o->commands == ~0u;
}

/* What can be completed for a value. */
enum mv_value {
	MV_VALUE_NONE,		/* anything: nothing is offered */
	MV_VALUE_FILE,
	MV_VALUE_DIR,
	MV_VALUE_ENV,
	MV_VALUE_URL,
	MV_VALUE_PARTS,
	MV_VALUE_SNAP,
	MV_VALUE_COMMAND,
};

/* arg as the tables call it.  MV_EUSAGE when it is none that we know. */
int mv_value_of(const char *arg, enum mv_value *out, struct mv_err *err)
    MV_MUST_CHECK;

/* One operand of a command: words and at most one kind of value. */
#define MV_OPERAND_WORDS 24
struct mv_operand {
	char name[256];			/* "db or PATH" */
	char words[MV_OPERAND_WORDS][16];
	unsigned nwords;
	enum mv_value value;
	bool repeats;			/* FILE... */
};

/*
 * The operands that command's usage text describes; *n at most max.
 * MV_EUSAGE when it cannot be understood.
 */
int mv_operands_of(const struct mv_command *command, struct mv_operand *out,
    unsigned max, unsigned *n, struct mv_err *err) MV_MUST_CHECK;
#define MV_OPERANDS_MAX 4

/* text within single quotes, as bash and zsh read it. */
void mv_put_quoted(struct mv_buf *out, const char *text);

#endif
