/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_CLEANUP_H
#define MV_BASE_CLEANUP_H

/*
 * cleanup: release on leaving the scope.
 *
 * `mv_auto(fn) T x = ...;` calls fn(&x) when x goes out of scope.  Such
 * variables are initialised where they are declared.  Ownership leaves a
 * scope by mv_take() or mv_take_fd(), normally in the last line.
 */
#include <stddef.h>

#define mv_auto(fn) __attribute__((cleanup(fn)))

#define mv_take(pp) __extension__({		\
	__typeof__(*(pp)) taken_ = *(pp);	\
	*(pp) = NULL;				\
	taken_;					\
})

static inline int
mv_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* For memory from malloc(): `mv_auto(mv_freep) char *s = NULL;` */
void mv_freep(void *pp);

/* Closes *fd unless it is -1, keeps errno.  For reading ends only. */
void mv_fd_closep(int *fd);

#define MV_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
