/* SPDX-License-Identifier: MIT */
#include "vault/revoke.h"

#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"

void
mv_revoke_clear(struct mv_revoke *r)
{
	mv_disarm_report_clear(&r->report);
}

static unsigned
bits(const struct mv_revoke *r)
{
	return MV_HARM_LINKS | (r->tokens ? MV_HARM_TOKENS : 0) |
	    (r->sessions ? MV_HARM_SESSIONS : 0) |
	    (r->two_factor ? MV_HARM_2FA : 0);
}

/*
 * A rotation that is resumed runs it again and finds nothing left to do: what
 * it did the first time is what counts.
 */
static bool
did_something(const struct mv_disarm_report *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->list[i].rows > 0)
			return true;
	return false;
}

int
mv_revoke_in_database(struct mv_pg_session *s, void *arg, struct mv_err *err)
{
	mv_auto(mv_disarm_report_clear) struct mv_disarm_report now = { 0 };
	struct mv_revoke *r = arg;
	int rc;

	rc = mv_disarm(s, bits(r), MV_DISARM_ON, &now, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "revoke");
	if (r->report.n > 0 && !did_something(&now))
		return 0;
	mv_disarm_report_clear(&r->report);
	r->report = now;
	now = (struct mv_disarm_report){ 0 };
	return 0;
}

int
mv_revoke_count(struct mv_pg_session *s, struct mv_revoke *r,
    struct mv_err *err)
{
	int rc;

	mv_disarm_report_clear(&r->report);
	rc = mv_pg_exec(s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	    err);
	if (rc == 0)
		rc = mv_disarm(s, bits(r), MV_DISARM_ON | MV_DISARM_COUNT,
		    &r->report, err);
	if (rc == 0)
		rc = mv_pg_exec(s, "ROLLBACK", err);
	return rc;
}

/* One number about a database; a table that is not there counts as empty. */
struct question {
	const char *table;
	const char *sql;
	size_t offset;
};
#define ASK(of, member, what) \
	{ of, "SELECT " what " AS n FROM public." of, \
	  offsetof(struct mv_exposed, member) }
static const struct question questions[] = {
	ASK("users", users, "count(*)"),
	ASK("users", addresses, "count(DISTINCT email) + "
	    "count(DISTINCT unconfirmed_email)"),
	ASK("users", two_factor, "count(*) FILTER (WHERE "
	    "otp_required_for_login)"),
	/* 2: followers only, 3: direct, 4: limited.  Received ones, too. */
	ASK("statuses", messages, "count(*) FILTER (WHERE visibility IN "
	    "(3, 4))"),
	ASK("statuses", followers_only, "count(*) FILTER (WHERE "
	    "visibility = 2)"),
	ASK("oauth_access_tokens", tokens, "count(*) FILTER (WHERE "
	    "revoked_at IS NULL)"),
	ASK("session_activations", sessions, "count(*)"),
	ASK("accounts", keys, "count(*) FILTER (WHERE domain IS NULL)"),
	ASK("fasp_providers", fasp_providers, "count(*)"),
	ASK("webhooks", webhooks, "count(*)"),
	ASK("relays", relays, "count(*)"),
	ASK("oauth_applications", applications, "count(*)"),
};

static int
ask(struct mv_pg_session *s, const struct question *q,
    struct mv_exposed *out, struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *there = NULL, *row = NULL;
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	int rc;

	mv_buf_printf(&sql, "SELECT pg_catalog.to_regclass('public.%s') "
	    "IS NOT NULL AS there", q->table);
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	if (rc == 0)
		rc = mv_pg_query_row(s, (char *)sql.p, &there, err);
	if (rc < 0 || !json_is_true(json_object_get(there, "there")))
		return rc;
	rc = mv_pg_query_row(s, q->sql, &row, err);
	if (rc == 0)
		*(uint64_t *)((char *)out + q->offset) = (uint64_t)
		    json_integer_value(json_object_get(row, "n"));
	return mv_err_ctx(err, rc, "count '%s'", q->table);
}

int
mv_exposed_count(struct mv_pg_session *s, struct mv_exposed *out,
    struct mv_err *err)
{
	struct mv_exposed got = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(questions); i++)
		rc = ask(s, &questions[i], &got, err);
	if (rc == 0)
		*out = got;
	return rc;
}
