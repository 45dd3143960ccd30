/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_SECRET_FACTS_H
#define MV_MASTODON_SECRET_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * secret_facts: what Mastodon's secrets are: which version reads which
 * variable, how its value is made, what breaks when it changes, who must be
 * restarted, and which columns are encrypted with it.
 *
 * Versions are those of the schema (version.h).  Knows no database and no
 * value.
 */
enum mv_secret_make_kind {
	MV_MAKE_HEX,		/* make_len lower-case hexadecimal digits */
	MV_MAKE_ALNUM,		/* make_len of A-Z, a-z, 0-9 */
	MV_MAKE_VAPID,		/* with its partner: vapid.h */
	MV_MAKE_GIVEN,		/* somebody else makes it: a provider */
};

/* What a change means for the rest of the site. */
enum mv_secret_effect {
	MV_EFFECT_SESSIONS,	/* everybody logs in anew */
	MV_EFFECT_ROWS,		/* encrypts rows of the database */
	MV_EFFECT_PUSH,		/* push subscriptions end */
	MV_EFFECT_ROLE,		/* a PostgreSQL role's password */
	MV_EFFECT_REDIS,	/* Redis' own password */
	MV_EFFECT_OUTSIDE,	/* must be changed at a provider, too */
	MV_EFFECT_NONE,		/* nothing depends on it */
};

#define MV_RESTART_WEB 0x1U
#define MV_RESTART_SIDEKIQ 0x2U
#define MV_RESTART_STREAMING 0x4U

struct mv_release_no {
	uint8_t major, minor;	/* 0.0: from the beginning, or never */
};

struct mv_secret_fact {
	const char *name;
	enum mv_secret_make_kind make;
	unsigned make_len;
	unsigned min_len;	/* shorter is a finding; 0: not judged */
	unsigned min_bits;	/* so is a lower estimate of entropy */
	struct mv_release_no since;	/* first version that reads it */
	struct mv_release_no gone;	/* first that no longer does */
	bool required;		/* no start without it */
	enum mv_secret_effect effect;
	unsigned restart;
	const char *partner;	/* changes together with this one */
	const char *protects;	/* for people, in the middle of a sentence */
};

enum mv_secret_state {
	MV_SECRET_NOT_YET,	/* this version does not read it yet */
	MV_SECRET_REQUIRED,
	MV_SECRET_OPTIONAL,
	MV_SECRET_DEAD,		/* no longer */
};

size_t mv_secret_fact_count(void);
const struct mv_secret_fact *mv_secret_fact_at(size_t i);
/* NULL for a variable that is no secret known here. */
const struct mv_secret_fact *mv_secret_fact_find(const char *name);
/*
 * For the schema of a database.  Migrations of 4.4 and later still read
 * OTP_SECRET while they move rows of 4.2: dead is dead only once they ran.
 */
enum mv_secret_state mv_secret_state(const struct mv_secret_fact *f,
    uint64_t schema);

enum mv_column_format {
	MV_COLUMN_LEGACY,	/* column_legacy.h: three columns */
	MV_COLUMN_AR,		/* column_ar.h */
};

/*
 * One encrypted column.  Development versions gain and lose columns between
 * releases: look for each of them in the catalogue.  The version only says
 * whether it must be there.
 */
struct mv_column_fact {
	const char *table, *column;
	const char *iv, *salt;		/* of MV_COLUMN_LEGACY, else NULL */
	enum mv_column_format format;
	const char *secret;		/* the variable that encrypts it */
	const char *secret_salt;	/* and that salts it, or NULL */
	struct mv_release_no since, gone;
};

size_t mv_column_fact_count(void);
const struct mv_column_fact *mv_column_fact_at(size_t i);
bool mv_column_expected(const struct mv_column_fact *f, uint64_t schema);
/* Whether a change of the variable means encrypting this column anew. */
bool mv_column_depends(const struct mv_column_fact *f, const char *name);

#endif
