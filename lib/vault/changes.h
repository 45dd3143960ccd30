/* SPDX-License-Identifier: MIT */
#ifndef MV_VAULT_CHANGES_H
#define MV_VAULT_CHANGES_H

#include "mastodon/dotenv.h"
#include "vault/vault.h"

/*
 * changes: which settings differ between versions, by name and never by
 * value.
 */
enum mv_vault_how { MV_VAULT_NEW, MV_VAULT_GONE, MV_VAULT_CHANGED };

struct mv_vault_changes {
	struct mv_vault_change {
		char *name;
		enum mv_vault_how how;
	} *list;		/* owned, ascending by name */
	size_t n;
};
void mv_vault_changes_clear(struct mv_vault_changes *c);

/* Read a version's settings; MV_EUSAGE with the line. */
int mv_vault_settings(const struct mv_vault_file *f, struct mv_dotenv **out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Have both the same value for key, or none?  Where $NAME keeps the value
 * from being known on both sides, they count as the same.
 */
bool mv_vault_same(const struct mv_dotenv *a, const struct mv_dotenv *b,
    const char *key);

int mv_vault_compare(const struct mv_dotenv *a, const struct mv_dotenv *b,
    struct mv_vault_changes *out, struct mv_err *err) MV_MUST_CHECK;

/* Since when each setting of the newest version has its value. */
struct mv_vault_ages {
	struct mv_vault_age {
		char *name;
		uint64_t version;	/* the first of those up to now */
		int64_t time;
		unsigned values;	/* how many it has had */
	} *list;		/* owned, ascending by name */
	size_t n;
};
void mv_vault_ages_clear(struct mv_vault_ages *a);
/*
 * Versions that are not sealed to us, or cannot be read as settings, are
 * left out.
 */
int mv_vault_ages(struct mv_repo *r, const struct mv_vault *v,
    struct mv_vault_ages *out, struct mv_err *err) MV_MUST_CHECK;

#endif
