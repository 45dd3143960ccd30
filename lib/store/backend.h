/* SPDX-License-Identifier: MIT */
#ifndef MV_STORE_BACKEND_H
#define MV_STORE_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * backend: what a kind of storage implements.
 *
 * A store is a flat set of named, immutable objects.  It sees ciphertext
 * under names that lib/repo chose and knows nothing of snapshots, keys or
 * Mastodon.  Every backend keeps these promises; tests/contract holds all of
 * them to it:
 *
 *  - An object appears whole or not at all (a backend without rename may
 *    leave half an object behind after a crash: readers verify every object).
 *  - Once put has returned 0 the object survives power loss.
 *  - An object never changes: put of a name that exists is MV_EEXIST and
 *    keeps the older one.
 *
 * Names are [a-z0-9._-] parts joined by '/', at most MV_NAME_MAX bytes, no
 * part empty or starting with a dot.  store.c checks them before a backend
 * sees them.  Calls block.  Several threads may use one store at once.
 */
#define MV_NAME_MAX 160

/* True for a name as above: also for backends that list foreign names. */
int mv_store_name_ok(const char *name);

struct mv_store;

struct mv_store_ops {
	const char *scheme;	/* "file" for file:///path */

	/* Open without creating anything; MV_EUSAGE for a malformed url. */
	int (*open)(const char *url, struct mv_store **out, struct mv_err *err);
	void (*free)(struct mv_store *st);

	/*
	 * Prepare a place for a new repository (directories).  What is there
	 * already stays.  Until then everything else is MV_ENOREPO.
	 */
	int (*create)(struct mv_store *st, struct mv_err *err);

	/*
	 * Write a whole object from memory.  MV_EEXIST if the name is taken;
	 * MV_ENOSPC when full.  After any other error the object is whole or
	 * absent and nobody can say which.
	 */
	int (*put)(struct mv_store *st, const char *name, const void *buf,
	    size_t len, struct mv_err *err);

	/*
	 * Read len bytes at offset into buf; fewer only at the end of the
	 * object.  MV_ENOTFOUND when there is no such object.
	 */
	int (*get)(struct mv_store *st, const char *name, uint64_t offset,
	    void *buf, size_t len, size_t *got, struct mv_err *err);

	int (*size)(struct mv_store *st, const char *name, uint64_t *out,
	    struct mv_err *err);

	/*
	 * Call each with every object whose name starts with prefix (which
	 * ends with '/' or is empty), in no particular order; things that are
	 * no objects (temporaries, foreign names) are left out.  A non-zero
	 * result of each ends the listing and is returned.
	 */
	int (*list)(struct mv_store *st, const char *prefix,
	    int (*each)(const char *name, uint64_t size, void *arg), void *arg,
	    struct mv_err *err);

	/* MV_ENOTFOUND when it is not there. */
	int (*remove)(struct mv_store *st, const char *name,
	    struct mv_err *err);

	/* Bytes free and in total; MV_ENOTFOUND where that cannot be known. */
	int (*space)(struct mv_store *st, uint64_t *free_bytes,
	    uint64_t *total_bytes, struct mv_err *err);
};

/* The base of every backend's own struct. */
struct mv_store {
	const struct mv_store_ops *ops;
	char *url;	/* as configured, without credentials; owned */
};

#endif
