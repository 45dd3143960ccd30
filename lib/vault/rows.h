/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_ROWS_H
#define MV_VAULT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "mastodon/dotenv.h"
#include "mastodon/secret_facts.h"
#include "postgres/conn.h"

/*
 * rows: the columns that Mastodon's secrets encrypt, read, proved and
 * converted (secret_facts.h says which they are).
 *
 * Rows go through threads in batches: memory does not grow with their number,
 * except for the ids of those that do not decrypt.  Clear text is in locked
 * memory only and never leaves this module.
 */

/*
 * What one generation of secrets opens and seals rows with, derived once and
 * kept in locked memory.  Many threads may use one at a time.
 */
struct mv_rows_keys;

/*
 * From an env-file.  A variable that is absent, empty or too short for
 * Mastodon itself only means that its columns cannot be opened.  MV_EUSAGE
 * for a value that cannot be known (dotenv.h).
 */
int mv_rows_keys_new(const struct mv_dotenv *env, struct mv_rows_keys **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_rows_keys_free(struct mv_rows_keys *k);
void mv_rows_keys_freep(struct mv_rows_keys **k);
/* Whether rows of this column can be opened and sealed with k. */
bool mv_rows_keys_have(const struct mv_rows_keys *k,
    const struct mv_column_fact *f);

struct mv_rows_column {
	const struct mv_column_fact *fact;
	uint64_t total;		/* rows with a value */
	uint64_t checked;	/* of them: looked at (all, but for a sample) */
	uint64_t current;	/* opened with the target (or keys[0]) already */
	uint64_t converted;	/* opened with another, and converted */
	uint64_t older;		/* the same where nothing is converted */
	uint64_t undecryptable;	/* opened with none */
	char **ids;		/* owned: of all undecryptable ones, ascending */
	uint64_t mismatched;	/* opened, and not the public key's half */
	char **mismatched_ids;	/* owned, ascending */
};

struct mv_rows_report {
	struct mv_rows_column *columns;	/* owned; those that are there */
	size_t n;
};
void mv_rows_report_clear(struct mv_rows_report *r);

/* Rows over all columns that fit nothing: undecryptable and mismatched. */
uint64_t mv_rows_bad(const struct mv_rows_report *r);
uint64_t mv_rows_converted(const struct mv_rows_report *r);
/*
 * An array of objects: column ("users.otp_secret"), rows, checked, current,
 * converted, older, undecryptable, mismatched; the latter two are arrays of
 * at most max_ids ids (numbers) each, with undecryptable_rows and
 * mismatched_rows as their whole numbers.
 */
int mv_rows_report_json(const struct mv_rows_report *r, size_t max_ids,
    json_t **out, struct mv_err *err) MV_MUST_CHECK;

struct mv_rows_opts {
	const struct mv_rows_keys *const *from;	/* the likeliest first */
	size_t nfrom;
	const struct mv_rows_keys *to;
	bool skip_undecryptable;	/* leave such rows alone and go on */
	bool dry_run;
	int jobs;			/* threads; 0: all cores */
};

/*
 * Within the caller's open READ COMMITTED transaction on s: lock the tables
 * (SHARE ROW EXCLUSIVE, so nobody writes until it ends), read every row with
 * a value, leave what opens with `to`, convert what opens with one of `from`,
 * verify each new text by opening it, write back by COPY into a temporary
 * table and one UPDATE for a column, compare the counts.
 *
 * Running it again converts only what is not converted yet: so it is also
 * the sweep, the undo (from and to exchanged) and the recovery.  A dry run
 * decrypts and counts only and takes no lock that keeps writers out.
 *
 * MV_EREFUSED: rows open with no key, and skip_undecryptable is not set; out
 * is filled then, too.  MV_EUSAGE: `to` lacks a secret that rows need.
 * MV_EAGAIN: no lock within a minute.  MV_ENOTFOUND: no Mastodon database, or
 * a column of its version is missing.  After an error the transaction is to
 * be rolled back.
 */
int mv_rows_convert(struct mv_pg_session *s, const struct mv_rows_opts *o,
    struct mv_rows_report *out, struct mv_err *err) MV_MUST_CHECK;

struct mv_rows_prove_opts {
	const struct mv_rows_keys *const *keys;	/* the one in force first */
	size_t n;
	/*
	 * Of rows whose key alone takes a millisecond (column_legacy.h) look
	 * at so many, chosen at random, and no more; 0: at all.
	 */
	uint64_t legacy_max;
	int jobs;
};

/*
 * Does every row open with one of keys, and do private keys match the public
 * ones beside them?  Reads only, in the caller's transaction if there is one.
 * 0 whatever the answer: that is in out.
 */
int mv_rows_prove(struct mv_pg_session *s,
    const struct mv_rows_keys *const *keys, size_t n,
    struct mv_rows_report *out, struct mv_err *err) MV_MUST_CHECK;
int mv_rows_prove_some(struct mv_pg_session *s,
    const struct mv_rows_prove_opts *o, struct mv_rows_report *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
