/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"
#include "vault/rows_internal.h"

static int
read_secret(const struct mv_dotenv *env, const char *name,
    struct mv_secret **out, struct mv_err *err)
{
	const uint8_t *p;
	size_t len;
	int rc;

	rc = mv_dotenv_get(env, name, &p, &len, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "read '%s'", name);
	if (p == NULL || len == 0)
		return 0;
	return mv_secret_from(p, len, out, err);
}

static int
derive_legacy(struct mv_rows_keys *k, struct mv_err *err)
{
	struct mv_err why = { 0 };
	int rc;

	if (k->otp == NULL)
		return 0;
	rc = mv_legacy_new(k->otp, &k->legacy, &why);
	/* Too short: Mastodon cannot read rows with it, either. */
	if (rc == 0 || rc == MV_EUSAGE)
		return 0;
	if (err != NULL)
		*err = why;
	return rc;
}

int
mv_rows_keys_new(const struct mv_dotenv *env, struct mv_rows_keys **out,
    struct mv_err *err)
{
	mv_auto(mv_rows_keys_freep) struct mv_rows_keys *k =
	    calloc(1, sizeof(*k));
	const struct mv_column_fact *f;
	size_t i;
	int rc = 0;

	if (k == NULL)
		return mv_err_set(err, MV_ENOMEM, "prepare keys for rows");
	for (i = 0; rc == 0 && i < mv_column_fact_count(); i++) {
		f = mv_column_fact_at(i);
		if (f->format == MV_COLUMN_LEGACY && k->otp == NULL)
			rc = read_secret(env, f->secret, &k->otp, err);
		if (f->format == MV_COLUMN_AR && k->primary == NULL)
			rc = read_secret(env, f->secret, &k->primary, err);
		if (rc == 0 && f->format == MV_COLUMN_AR && k->salt == NULL)
			rc = read_secret(env, f->secret_salt, &k->salt, err);
	}
	if (rc == 0)
		rc = derive_legacy(k, err);
	if (rc == 0 && k->primary != NULL && k->salt != NULL)
		rc = mv_ar_new(k->primary, k->salt, &k->ar, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&k);
	return 0;
}

void
mv_rows_keys_free(struct mv_rows_keys *k)
{
	if (k == NULL)
		return;
	mv_secret_free(k->otp);
	mv_secret_free(k->primary);
	mv_secret_free(k->salt);
	mv_legacy_free(k->legacy);
	mv_ar_free(k->ar);
	free(k);
}

void
mv_rows_keys_freep(struct mv_rows_keys **k)
{
	mv_rows_keys_free(*k);
	*k = NULL;
}

bool
mv_rows_keys_have(const struct mv_rows_keys *k,
    const struct mv_column_fact *f)
{
	return f->format == MV_COLUMN_LEGACY ? k->legacy != NULL :
	    k->ar != NULL;
}

static bool
same(struct mv_secret *a, struct mv_secret *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return mv_secret_len(a) == mv_secret_len(b) &&
	    mv_equal(mv_secret_bytes(a), mv_secret_bytes(b), mv_secret_len(a));
}

bool
mv_rows_keys_same(const struct mv_rows_keys *a, const struct mv_rows_keys *b,
    const struct mv_column_fact *f)
{
	if (a == b)
		return true;
	if (f->format == MV_COLUMN_LEGACY)
		return same(a->otp, b->otp);
	return same(a->primary, b->primary) && same(a->salt, b->salt);
}
