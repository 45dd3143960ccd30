/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"
#include "vault/rows_internal.h"

/*
 * rows_hand: one row at a time: opened with whichever key fits, sealed anew,
 * and opened again before anything else is believed of it.
 */

/* A generation's keys, this thread's own. */
struct pair {
	struct mv_legacy *legacy;
	struct mv_ar *ar;
};

struct mv_rows_hand {
	const struct mv_rows_plan *plan;
	struct pair openers[MV_ROWS_KEYS_MAX];
	struct pair sealer;
	size_t last;		/* which opener fitted: tried first */
	struct mv_sbuf plain, again;
	struct mv_legacy_text legacy;
	struct mv_buf text;
};

static int
clone(const struct mv_rows_keys *k, const struct mv_column_fact *f,
    struct pair *out, struct mv_err *err)
{
	if (f->format == MV_COLUMN_LEGACY)
		return mv_legacy_clone(k->legacy, &out->legacy, err);
	return mv_ar_clone(k->ar, &out->ar, err);
}

int
mv_rows_hand_new(const struct mv_rows_plan *p, struct mv_rows_hand **out,
    struct mv_err *err)
{
	mv_auto(mv_rows_hand_freep) struct mv_rows_hand *h =
	    calloc(1, sizeof(*h));
	size_t i;
	int rc = 0;

	if (h == NULL)
		return mv_err_set(err, MV_ENOMEM, "convert rows");
	h->plan = p;
	for (i = 0; rc == 0 && i < p->n; i++)
		rc = clone(p->openers[i], p->fact, &h->openers[i], err);
	if (rc == 0 && p->seal && p->target != NULL)
		rc = clone(p->target, p->fact, &h->sealer, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&h);
	return 0;
}

static void
pair_clear(struct pair *p)
{
	mv_legacy_free(p->legacy);
	mv_ar_free(p->ar);
}

void
mv_rows_hand_free(struct mv_rows_hand *h)
{
	size_t i;

	if (h == NULL)
		return;
	for (i = 0; i < MV_ROWS_KEYS_MAX; i++)
		pair_clear(&h->openers[i]);
	pair_clear(&h->sealer);
	mv_sbuf_clear(&h->plain);
	mv_sbuf_clear(&h->again);
	mv_legacy_text_clear(&h->legacy);
	mv_buf_clear(&h->text);
	free(h);
}

void
mv_rows_hand_freep(struct mv_rows_hand **h)
{
	mv_rows_hand_free(*h);
	*h = NULL;
}

static int
open_with(const struct pair *keys, const struct mv_pg_field f[],
    struct mv_sbuf *plain, struct mv_ar_how *how, struct mv_err *err)
{
	const struct mv_legacy_row row = {
		.secret = f[1].p, .secret_len = f[1].len,
		.iv = f[2].p, .iv_len = f[2].len,
		.salt = f[3].p, .salt_len = f[3].len,
	};

	if (keys->ar != NULL)
		return mv_ar_open(keys->ar, f[1].p, f[1].len, plain, how, err);
	return mv_legacy_open(keys->legacy, &row, plain, err);
}

/* 1 opened, 0 none of the keys does it; h->last says which one did. */
static int
open_row(struct mv_rows_hand *h, const struct mv_pg_field f[],
    struct mv_ar_how *how, struct mv_err *err)
{
	size_t i, n = h->plan->n, start = h->last;
	int rc;

	if (h->plan->fact->iv != NULL && (f[2].p == NULL || f[3].p == NULL))
		return 0;
	for (i = 0; i < n; i++) {
		struct mv_err why = { 0 };

		h->last = (start + i) % n;
		rc = open_with(&h->openers[h->last], f, &h->plain, how, &why);
		if (rc == 0)
			return 1;
		if (rc != MV_EAUTH && rc != MV_ECORRUPT) {
			*err = why;
			return rc;
		}
	}
	h->last = start;
	return 0;
}

static bool
comes_back(struct mv_rows_hand *h, const struct mv_pg_field f[],
    const struct mv_ar_how *how)
{
	struct mv_ar_how now = { 0 };

	return open_with(&h->sealer, f, &h->again, &now, NULL) == 0 &&
	    h->again.len == h->plain.len &&
	    (h->plain.len == 0 || mv_equal(h->again.p, h->plain.p,
	    h->plain.len)) &&
	    !now.sha1 && strcmp(now.encoding, how->encoding) == 0;
}

/* The new texts, in place of the old ones. */
static int
seal_row(struct mv_rows_hand *h, const struct mv_ar_how *how,
    struct mv_pg_field f[], struct mv_err *err)
{
	int rc;

	if (h->sealer.ar != NULL) {
		rc = mv_ar_seal(h->sealer.ar, h->plain.p, h->plain.len, how,
		    &h->text, err);
		f[1] = (struct mv_pg_field){ (char *)h->text.p, h->text.len };
		return rc;
	}
	rc = mv_legacy_seal(h->sealer.legacy, h->plain.p, h->plain.len,
	    &h->legacy, err);
	f[1] = (struct mv_pg_field){ (char *)h->legacy.secret.p,
	    h->legacy.secret.len };
	f[2] = (struct mv_pg_field){ (char *)h->legacy.iv.p,
	    h->legacy.iv.len };
	f[3] = (struct mv_pg_field){ (char *)h->legacy.salt.p,
	    h->legacy.salt.len };
	return rc;
}

static int
convert_row(struct mv_rows_hand *h, const struct mv_pg_field old[],
    struct mv_ar_how *how, struct mv_buf *out, struct mv_err *err)
{
	const struct mv_column_fact *fact = h->plan->fact;
	struct mv_pg_field f[MV_ROWS_FIELDS_MAX] = { { 0 } };
	size_t i, n = mv_rows_fields(h->plan);
	int rc;

	if (h->plan->target == NULL)
		return mv_err_set(err, MV_EUSAGE, "the new secrets have no %s "
		    "for '%s.%s', or one that cannot be used", fact->secret,
		    fact->table, fact->column);
	if (!h->plan->seal)
		return 0;
	f[0] = old[0];
	how->sha1 = false;
	rc = seal_row(h, how, f, err);
	if (rc < 0)
		return rc;
	if (!comes_back(h, f, how))
		return mv_err_set(err, MV_EIO, "what was just encrypted does "
		    "not decrypt: is this machine's memory sound?");
	for (i = 0; i < n; i++) {
		mv_pg_put_field(out, f[i].p, f[i].len);
		mv_buf_put_u8(out, i + 1 < n ? '\t' : '\n');
	}
	return mv_buf_failed(out, err);
}

static int
judge(struct mv_rows_hand *h, const struct mv_pg_field f[],
    struct mv_buf *out, enum mv_rows_verdict *verdict, struct mv_err *err)
{
	const struct mv_pg_field *public_key =
	    &f[mv_rows_fields(h->plan) - 1];
	struct mv_ar_how how = { 0 };
	int rc;

	rc = open_row(h, f, &how, err);
	if (rc < 0)
		return rc;
	*verdict = MV_ROW_BAD;
	if (rc == 0)
		return 0;
	*verdict = MV_ROW_MISMATCHED;
	if (h->plan->match && !mv_rows_match(h->plain.p, h->plain.len,
	    public_key->p, public_key->len))
		return 0;
	*verdict = h->plan->current[h->last] ? MV_ROW_CURRENT : MV_ROW_OTHER;
	if (*verdict == MV_ROW_CURRENT || !h->plan->convert)
		return 0;
	return convert_row(h, f, &how, out, err);
}

int
mv_rows_hand_row(struct mv_rows_hand *h, const struct mv_pg_field f[],
    struct mv_buf *out, enum mv_rows_verdict *verdict, struct mv_err *err)
{
	int rc = judge(h, f, out, verdict, err);

	mv_sbuf_reset(&h->plain);
	mv_sbuf_reset(&h->again);
	return mv_err_ctx(err, rc, "row %.*s", (int)f[0].len, f[0].p);
}
