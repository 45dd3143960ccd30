/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_NEAREST_H
#define MV_MASTVAULT_NEAREST_H

/*
 * nearest: which known word somebody probably meant.
 *
 *	struct mv_nearest near = { .word = typed };
 *	for each known word: mv_nearest_try(&near, known);
 *	near.best is the closest, or NULL when none is close.
 */
struct mv_nearest {
	const char *word;
	const char *best;
	unsigned distance;	/* of best */
};

void mv_nearest_try(struct mv_nearest *near, const char *candidate);

#endif
