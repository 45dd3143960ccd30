/* SPDX-License-Identifier: MIT */
#ifndef MV_LOCAL_LOCAL_INTERNAL_H
#define MV_LOCAL_LOCAL_INTERNAL_H

#include <pthread.h>

#include "store/backend.h"

struct local {
	struct mv_store base;
	char *root;
	pthread_mutex_t lock;
	/* Under the lock until set, then constant. */
	int rootfd;
	int tmpfd;
	/* Under the lock: directories whose own names are on the disk. */
	char **durable;
	size_t ndurable;
};

/* Open the root; MV_ENOREPO when there is none. */
int mv_local_root(struct local *l, struct mv_err *err) MV_MUST_CHECK;

/* Open (made if need be, swept once) where temporaries live. */
int mv_local_tmp(struct local *l, struct mv_err *err) MV_MUST_CHECK;

/*
 * Open the directory that name lies in, through no symbolic link; *last is
 * the last part of name.  With make it is made where missing, and once 0 was
 * returned its own name survives power loss; without, MV_ENOTFOUND.
 */
int mv_local_dir(struct local *l, const char *name, int make, int *dirfd,
    const char **last, struct mv_err *err) MV_MUST_CHECK;

int mv_local_list(struct mv_store *st, const char *prefix,
    int (*each)(const char *name, uint64_t size, void *arg), void *arg,
    struct mv_err *err);

#endif
