/* SPDX-License-Identifier: MIT */
#ifndef MV_STORE_STORE_H
#define MV_STORE_STORE_H

#include "base/buf.h"
#include "base/rate.h"
#include "store/backend.h"

/*
 * store: opening, checked names, and replication over backends.
 */

/*
 * Open the store at url with whichever of backends (NULL-terminated) claims
 * its scheme.  MV_EUSAGE names the schemes that are known.
 */
int mv_store_open(const struct mv_store_ops *const backends[], const char *url,
    struct mv_store **out, struct mv_err *err) MV_MUST_CHECK;
void mv_store_free(struct mv_store *st);
void mv_store_freep(struct mv_store **st);

/* As in backend.h; names are checked, failures carry name and url. */
int mv_store_create(struct mv_store *st, struct mv_err *err) MV_MUST_CHECK;
int mv_store_put(struct mv_store *st, const char *name, const void *buf,
    size_t len, struct mv_err *err) MV_MUST_CHECK;
int mv_store_get(struct mv_store *st, const char *name, uint64_t offset,
    void *buf, size_t len, size_t *got, struct mv_err *err) MV_MUST_CHECK;
/* Append the whole object to out; MV_ECORRUPT when it is longer than max. */
int mv_store_get_all(struct mv_store *st, const char *name, size_t max,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;
int mv_store_size(struct mv_store *st, const char *name, uint64_t *out,
    struct mv_err *err) MV_MUST_CHECK;
int mv_store_list(struct mv_store *st, const char *prefix,
    int (*each)(const char *name, uint64_t size, void *arg), void *arg,
    struct mv_err *err) MV_MUST_CHECK;
int mv_store_remove(struct mv_store *st, const char *name, struct mv_err *err)
    MV_MUST_CHECK;
int mv_store_space(struct mv_store *st, uint64_t *free_bytes,
    uint64_t *total_bytes, struct mv_err *err) MV_MUST_CHECK;

/*
 * A decorator: puts fail with MV_ENOSPC once less than percent of st's space
 * is free (measured at most once a second).  Takes over *st, which becomes
 * NULL.  Where free space cannot be known it does nothing.
 */
int mv_store_min_free(struct mv_store **st, unsigned percent,
    struct mv_store **out, struct mv_err *err) MV_MUST_CHECK;

/*
 * A decorator: puts take their bytes from rate first, which must outlive it
 * and may be shared.  Takes over *st, which becomes NULL.
 */
int mv_store_limit(struct mv_store **st, struct mv_rate *rate,
    struct mv_store **out, struct mv_err *err) MV_MUST_CHECK;

/* A store in memory, for tests and dry runs. */
int mv_store_mem(struct mv_store **out, struct mv_err *err) MV_MUST_CHECK;

#endif
