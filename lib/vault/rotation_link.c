/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/time.h"
#include "postgres/quote.h"
#include "vault/rotation_internal.h"

/* Two numbers that nobody else is likely to use: "mstv", and what for. */
#define LOCK_KEYS "1836217462, 1"
#define PAUSE_NSEC 250000000
#define LISTED 5
/* How long the session of one that was killed may take to end. */
#define LOCK_PATIENCE 5

void
mv_link_drop(struct mv_link *l)
{
	mv_pg_session_freep(&l->s);
	mv_pg_freep(&l->pg);
	l->locked = false;
}

void
mv_link_clear(struct mv_link *l)
{
	mv_link_drop(l);
}

/* One attempt, as one generation's settings have it. */
static int
connect_as(struct mv_link *l, const struct mv_database *db,
    struct mv_err *err)
{
	const struct mv_rotation_place *place = l->place;
	struct mv_pg_target target = {
		.conninfo = db->conninfo,
		.password = db->password,
		.exec_prefix = place->exec_prefix,
		.pg_bin = place->pg_bin,
		.uid = l->uid,
		.gid = l->gid,
	};
	int rc;

	if (place->conninfo != NULL) {
		/* DB_PASS is DB_USER's: offered to nobody else. */
		target.conninfo = place->conninfo;
		if (!mv_pg_same_user(place->conninfo, db->conninfo))
			target.password = NULL;
	}
	rc = mv_pg_new(&target, &l->pg, err);
	if (rc == 0)
		rc = mv_pg_session_open(l->pg, NULL, &l->s, err);
	if (rc < 0)
		mv_pg_freep(&l->pg);
	return rc;
}

/* With each password; the first refusal is what counts. */
static int
connect_once(struct mv_link *l, struct mv_err *err)
{
	struct mv_err first = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < MV_ARRAY_LEN(l->as) && l->as[i] != NULL; i++) {
		struct mv_err why = { 0 };

		rc = connect_as(l, l->as[i], &why);
		if (rc == 0)
			return 0;
		if (i == 0)
			first = why;
		if (rc != MV_EAUTH)
			break;
	}
	if (err != NULL)
		*err = first;
	return first.code;
}

static void
pause_a_moment(void)
{
	const struct timespec t = { .tv_nsec = PAUSE_NSEC };

	(void)nanosleep(&t, NULL);
}

int
mv_link_open(struct mv_link *l, struct mv_err *err)
{
	double until = mv_time_monotonic() + l->patience;
	struct mv_err why;
	json_t *row = NULL;
	int rc;

	if (l->s != NULL &&
	    mv_pg_query_row(l->s, "SELECT 1 AS n", &row, NULL) == 0) {
		json_decref(row);
		return 0;
	}
	mv_link_drop(l);
	for (;;) {
		why = (struct mv_err){ 0 };
		rc = connect_once(l, &why);
		/* Only a server that is away may come back. */
		if (rc == 0 || (rc != MV_EIO && rc != MV_EAGAIN) ||
		    mv_time_monotonic() > until || mv_stop_requested())
			break;
		pause_a_moment();
	}
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

int
mv_link_lock(struct mv_link *l, struct mv_err *err)
{
	double until = mv_time_monotonic() + LOCK_PATIENCE;
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	int rc;

	rc = mv_link_open(l, err);
	while (rc == 0 && !l->locked) {
		mv_json_decrefp(&row);
		rc = mv_pg_query_row(l->s, "SELECT "
		    "pg_try_advisory_lock(" LOCK_KEYS ") AS ours", &row, err);
		if (rc < 0)
			break;
		l->locked = json_is_true(json_object_get(row, "ours"));
		if (l->locked)
			break;
		if (mv_time_monotonic() > until)
			return mv_err_set(err, MV_EAGAIN, "another rotation "
			    "works on this database, maybe from another host");
		rc = mv_stop_check(err);
		pause_a_moment();
	}
	return rc;
}

int
mv_link_transaction(struct mv_link *l,
    int (*fn)(struct mv_pg_session *s, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err)
{
	int rc;

	/* The lock is the session's: one that was lost has to be had anew. */
	rc = mv_link_lock(l, err);
	if (rc == 0)
		rc = mv_pg_exec(l->s, "BEGIN ISOLATION LEVEL READ COMMITTED",
		    err);
	if (rc == 0)
		rc = fn(l->s, arg, err);
	if (rc == 0)
		rc = mv_pg_exec(l->s, "COMMIT", err);
	/* Its end rolls back, also where nobody answers any more. */
	if (rc < 0)
		mv_link_drop(l);
	return rc;
}

int
mv_link_number(struct mv_pg_session *s, const char *sql, uint64_t *out,
    struct mv_err *err)
{
	mv_auto(mv_json_decrefp) json_t *row = NULL;
	const json_t *n;
	int rc;

	rc = mv_pg_query_row(s, sql, &row, err);
	if (rc < 0)
		return rc;
	n = json_object_get(row, "n");
	*out = json_is_integer(n) && json_integer_value(n) > 0 ?
	    (uint64_t)json_integer_value(n) : 0;
	return 0;
}

/* Sessions of role, as sentences; a backup's only read. */
static int
list_others(struct mv_link *l, const char *role, json_t **out,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf sql = { 0 };
	int rc;

	mv_buf_put_str(&sql, "SELECT pg_catalog.format('%s (%s, from %s)', "
	    "pid, coalesce(nullif(application_name, ''), 'unnamed'), "
	    "coalesce(host(client_addr), 'this host')) AS what "
	    "FROM pg_stat_activity WHERE datname = current_database() "
	    "AND pid <> pg_backend_pid() AND backend_type = 'client backend' "
	    "AND coalesce(application_name, '') NOT IN ('mastvault', "
	    "'pg_dump') AND usename = ");
	if (role[0] != '\0')
		mv_pg_put_literal(&sql, role);
	else
		mv_buf_put_str(&sql, "current_user");
	mv_buf_put_str(&sql, " ORDER BY pid");
	(void)mv_buf_cstr(&sql);
	rc = mv_buf_failed(&sql, err);
	return rc < 0 ? rc : mv_pg_query(l->s, (char *)sql.p, out, err);
}

static int
refuse_others(const json_t *others, const char *role, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	const json_t *row;
	size_t i;

	json_array_foreach(others, i, row) {
		if (i == LISTED) {
			mv_buf_printf(&text, " and %zu more",
			    json_array_size(others) - LISTED);
			break;
		}
		mv_buf_printf(&text, "%s%s", i > 0 ? ", " : "",
		    json_string_value(json_object_get(row, "what")));
	}
	if (mv_buf_cstr(&text) == NULL)
		return mv_buf_failed(&text, err);
	return mv_err_set(err, MV_EREFUSED, "%zu session%s of role '%s' "
	    "still there, which may write with the old keys: process %s",
	    json_array_size(others), json_array_size(others) == 1 ? " is" :
	    "s are", role, (char *)text.p);
}

int
mv_link_alone(struct mv_link *l, const char *role, struct mv_err *err)
{
	double until = mv_time_monotonic() + l->patience;
	int rc;

	for (;;) {
		mv_auto(mv_json_decrefp) json_t *others = NULL;

		rc = mv_link_open(l, err);
		if (rc == 0)
			rc = list_others(l, role, &others, err);
		if (rc < 0 || json_array_size(others) == 0)
			return rc;
		if (mv_time_monotonic() > until)
			return refuse_others(others, role, err);
		rc = mv_stop_check(err);
		if (rc < 0)
			return rc;
		pause_a_moment();
	}
}
