/* SPDX-License-Identifier: MIT */
#ifndef MV_ROWS_INTERNAL_H
#define MV_ROWS_INTERNAL_H

#include "mastodon/column_ar.h"
#include "mastodon/column_legacy.h"
#include "postgres/copy.h"
#include "vault/rows.h"

/* rows_internal: what the files that read and write rows share. */

struct mv_rows_keys {
	/* As they stand, to tell generations apart; NULL: not set. */
	struct mv_secret *otp, *primary, *salt;
	struct mv_legacy *legacy;	/* NULL: cannot be opened */
	struct mv_ar *ar;
};

/* Do both open the same rows of this column? */
bool mv_rows_keys_same(const struct mv_rows_keys *a,
    const struct mv_rows_keys *b, const struct mv_column_fact *f);

/* A column that is there. */
struct mv_rows_there {
	const struct mv_column_fact *fact;
	bool has_public;	/* public_key stands beside it */
};
#define MV_ROWS_COLUMNS_MAX 8

/* MV_ENOTFOUND: no Mastodon's, or an expected column is missing. */
int mv_rows_catalogue(struct mv_pg_session *s,
    struct mv_rows_there out[MV_ROWS_COLUMNS_MAX], size_t *n,
    struct mv_err *err) MV_MUST_CHECK;

/* What is to be done with the rows of one column. */
#define MV_ROWS_KEYS_MAX 16
struct mv_rows_plan {
	const struct mv_column_fact *fact;
	/* Different ones that can open it, in the order to try them. */
	const struct mv_rows_keys *openers[MV_ROWS_KEYS_MAX];
	bool current[MV_ROWS_KEYS_MAX];	/* is as the target or keys[0] */
	size_t n;
	const struct mv_rows_keys *target;	/* NULL: it cannot seal */
	bool convert;		/* else only look */
	bool seal;		/* and keep what was converted */
	bool match;		/* public_key is the last field */
};

int mv_rows_plan_add(struct mv_rows_plan *p, const struct mv_rows_keys *k,
    const struct mv_rows_keys *target, struct mv_err *err) MV_MUST_CHECK;
/* How many fields a row has with its id. */
size_t mv_rows_fields(const struct mv_rows_plan *p);
void mv_rows_put_table(struct mv_buf *sql, const struct mv_rows_plan *p);
/* Append the query for all rows with a value, fields in that order. */
void mv_rows_put_select(struct mv_buf *sql, const struct mv_rows_plan *p);

/* id, the encrypted columns, public_key. */
#define MV_ROWS_FIELDS_MAX 5

enum mv_rows_verdict {
	MV_ROW_CURRENT,
	MV_ROW_OTHER,		/* converted, or would be */
	MV_ROW_BAD,
	MV_ROW_MISMATCHED,
};

/* One thread's own keys and memory for the rows of a plan. */
struct mv_rows_hand;
int mv_rows_hand_new(const struct mv_rows_plan *p, struct mv_rows_hand **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_rows_hand_free(struct mv_rows_hand *h);
void mv_rows_hand_freep(struct mv_rows_hand **h);
/* Judge a row; what it becomes is appended to out as a line for COPY. */
int mv_rows_hand_row(struct mv_rows_hand *h, const struct mv_pg_field f[],
    struct mv_buf *out, enum mv_rows_verdict *verdict, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * Threads that work rows off.  Lines are fed in two alternating batches, so
 * that one can be written while the other is under way.
 */
struct mv_rows_pool;
int mv_rows_pool_new(const struct mv_rows_plan *p, int jobs,
    struct mv_rows_column *counts, struct mv_rows_pool **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_rows_pool_free(struct mv_rows_pool *pool);
void mv_rows_pool_freep(struct mv_rows_pool **pool);
/* Whole lines; they are copied. */
int mv_rows_pool_feed(struct mv_rows_pool *pool, unsigned batch,
    const uint8_t *lines, size_t len, struct mv_err *err) MV_MUST_CHECK;
/*
 * Wait until a batch is done: what its rows became is in *out, and counts,
 * which belongs to the threads until then, is right for it.
 */
int mv_rows_pool_wait(struct mv_rows_pool *pool, unsigned batch,
    struct mv_buf **out, struct mv_err *err) MV_MUST_CHECK;

/* All rows, or max at random, through the threads, and wait for them. */
int mv_rows_look(struct mv_pg_session *s, const struct mv_rows_plan *p,
    uint64_t max, struct mv_rows_pool *pool, struct mv_err *err)
    MV_MUST_CHECK;

/* In order of their numbers. */
void mv_rows_sort(struct mv_rows_column *c);

/*
 * Does the private key, as PEM text, belong to the public one?  What is no
 * public key in a format known here is not judged: true.
 */
bool mv_rows_match(const uint8_t *private_key, size_t private_len,
    const char *public_key, size_t public_len);

#endif
