/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_EXIT_H
#define MV_MASTVAULT_EXIT_H

#include <stddef.h>

#include "base/err.h"

/*
 * exit: the exit codes of every command.  Scripts depend on them: a number
 * never changes its meaning.
 */
enum mv_exit {
	MV_EXIT_DONE = 0,
	MV_EXIT_FAILED = 1,
	MV_EXIT_USAGE = 2,
	MV_EXIT_PARTIAL = 3,
	MV_EXIT_BAD = 4,
	MV_EXIT_UNKNOWN = 5,
	MV_EXIT_NO_REPOSITORY = 10,
	MV_EXIT_WRONG_KEY = 11,
	MV_EXIT_CORRUPT = 12,
	MV_EXIT_INTERRUPTED = 130,
};

struct mv_exit_text {
	enum mv_exit code;
	const char *text;
};

/* All of them, for help and manual. */
extern const struct mv_exit_text mv_exit_texts[];
extern const size_t mv_exit_ntexts;

/* What an error ends the program with. */
enum mv_exit mv_exit_of(const struct mv_err *err);

#endif
