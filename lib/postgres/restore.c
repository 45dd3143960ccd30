/* SPDX-License-Identifier: MIT */
#include "postgres/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/time.h"
#include "postgres/quote.h"
#include "postgres/restore_internal.h"

static int
init(const struct mv_pg_restore_opts *opts, const json_t *facts,
    struct mv_pg_restore *r, struct mv_err *err)
{
	json_int_t dump;

	r->opts = *opts;
	r->archive = -1;
	r->name = mv_pg_dbname(opts->pg);
	if (r->name == NULL || *r->name == '\0' || strlen(r->name) > 63)
		return mv_err_set(err, MV_EUSAGE, "the connection string must "
		    "name the database to restore into (dbname=)");
	if (strcmp(r->name, "postgres") == 0 ||
	    strncmp(r->name, "template", 8) == 0)
		return mv_err_set(err, MV_EUSAGE, "'%s' is a database of "
		    "PostgreSQL's own: restore into another", r->name);
	r->facts = json_deep_copy(facts);
	r->missing = json_array();
	r->made = json_array();
	if (r->facts == NULL || r->missing == NULL || r->made == NULL)
		return mv_err_set(err, MV_ENOMEM, "begin restore");
	dump = json_integer_value(json_object_get(facts, "dump_major"));
	if (dump < 0 || dump > 1000)
		return mv_err_set(err, MV_ECORRUPT, "the backup's facts name "
		    "no version of pg_dump");
	r->major = (int)dump;
	return 0;
}

int
mv_pg_restore_begin(const struct mv_pg_restore_opts *opts,
    const json_t *facts, struct mv_pg_restore **out, struct mv_err *err)
{
	mv_auto(mv_pg_restore_freep) struct mv_pg_restore *r = NULL;
	int rc, found;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return mv_err_set(err, MV_ENOMEM, "begin restore");
	rc = init(opts, facts, r, err);
	if (rc == 0)
		rc = mv_pg_target_admin(r, err);
	if (rc < 0)
		return rc;
	if (r->major < opts->pg->version / 10000)
		r->major = opts->pg->version / 10000;
	/* All that can be refused is refused before anything is made. */
	rc = mv_pg_child_major(opts->pg, "pg_restore", r->major, &found, err);
	if (rc == 0)
		rc = mv_pg_target_look(r, err);
	if (rc == 0)
		rc = mv_pg_target_left(r, err);
	if (rc == 0)
		rc = mv_pg_target_roles(r, err);
	if (rc == 0)
		rc = mv_pg_target_create(r, err);
	if (rc == 0)
		rc = mv_pg_archive_open(r, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "restore database '%s'", r->name);
	*out = mv_take(&r);
	return 0;
}

void
mv_pg_restore_free(struct mv_pg_restore *r)
{
	if (r == NULL)
		return;
	if (!r->committed && r->opts.pg != NULL)
		mv_pg_target_drop(r);
	mv_pg_session_free(r->admin);
	json_decref(r->facts);
	json_decref(r->missing);
	json_decref(r->left);
	json_decref(r->made);
	mv_fd_closep(&r->archive);
	free(r->beside);
	free(r->owner);
	free(r);
}

void
mv_pg_restore_freep(struct mv_pg_restore **r)
{
	mv_pg_restore_free(*r);
}

const char *
mv_pg_restore_name(const struct mv_pg_restore *r)
{
	return r->committed ? r->name : r->beside;
}

const json_t *
mv_pg_restore_missing_roles(const struct mv_pg_restore *r)
{
	return r->missing;
}

const json_t *
mv_pg_restore_made_roles(const struct mv_pg_restore *r)
{
	return r->made;
}

const char *
mv_pg_restore_missing_owner(const struct mv_pg_restore *r)
{
	const char *owner = json_string_value(json_object_get(r->facts,
	    "owner"));
	const json_t *name;
	size_t i;

	/* r->owner: of the database that is there already. */
	if (owner == NULL || r->owner != NULL || r->opts.no_owner)
		return NULL;
	json_array_foreach(r->missing, i, name)
		if (strcmp(json_string_value(name), owner) == 0)
			return owner;
	return NULL;
}

const json_t *
mv_pg_restore_left(const struct mv_pg_restore *r)
{
	return r->left;
}

int
mv_pg_restore_pre(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	int rc;

	/* pg_dump takes a schema public for granted and cannot say it away. */
	if (json_is_false(json_object_get(r->facts, "public"))) {
		rc = mv_pg_session_open(r->opts.pg, r->beside, &s, err);
		if (rc == 0)
			rc = mv_pg_exec(s, "DROP SCHEMA IF EXISTS public",
			    err);
		if (rc < 0)
			return rc;
	}
	return mv_pg_archive_restore(r, "pre-data", 1, -1, err);
}

int
mv_pg_restore_data(struct mv_pg_restore *r, struct mv_err *err)
{
	return mv_pg_archive_restore(r, "data", 1, -1, err);
}

/* "_old_20261123T133000Z" */
static int
old_name(const struct mv_pg_restore *r, char **out, struct mv_err *err)
{
	char when[MV_TIME_TEXT], suffix[MV_TIME_TEXT + 8] = "_old_";
	size_t i, n = strlen(suffix);

	mv_time_utc(mv_time_now(), when);
	for (i = 0; when[i] != '\0'; i++)
		if (when[i] != '-' && when[i] != ':')
			suffix[n++] = when[i];
	suffix[n] = '\0';
	*out = mv_pg_suffixed(r->name, suffix);
	if (*out == NULL)
		return mv_err_set(err, MV_ENOMEM, "choose a name");
	return 0;
}

static int
rename_one(struct mv_pg_restore *r, const char *from, const char *to,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	struct mv_err why = { 0 };
	char *sql;
	int rc;

	mv_buf_put_str(&b, "ALTER DATABASE ");
	mv_pg_put_ident(&b, from);
	mv_buf_put_str(&b, " RENAME TO ");
	mv_pg_put_ident(&b, to);
	sql = mv_buf_cstr(&b);
	rc = mv_buf_failed(&b, err);
	if (rc < 0)
		return rc;
	rc = mv_pg_exec(r->admin, sql, &why);
	if (rc == MV_EAGAIN)
		return mv_err_set(err, MV_EREFUSED, "somebody is connected to "
		    "database '%s': stop what uses it", from);
	if (rc < 0 && err != NULL)
		*err = why;
	return mv_err_ctx(err, rc, "rename database '%s' to '%s'", from, to);
}

static int
swap_names(struct mv_pg_restore *r, const char *old, struct mv_err *err)
{
	int rc;

	rc = mv_pg_exec(r->admin, "BEGIN", err);
	if (rc == 0 && r->exists)
		rc = rename_one(r, r->name, old, err);
	if (rc == 0)
		rc = rename_one(r, r->beside, r->name, err);
	if (rc == 0)
		return mv_pg_exec(r->admin, "COMMIT", err);
	/* Ends the transaction whatever it thinks of it. */
	mv_pg_session_free(r->admin);
	r->admin = NULL;
	return rc;
}

static void
drop_empty(struct mv_pg_restore *r, char **old)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };

	mv_buf_put_str(&b, "DROP DATABASE ");
	mv_pg_put_ident(&b, *old);
	if (mv_buf_cstr(&b) != NULL &&
	    mv_pg_exec(r->admin, (char *)b.p, NULL) == 0) {
		free(*old);
		*old = NULL;
		return;
	}
	mv_warn("the empty database that was there is now called '%s'", *old);
}

int
mv_pg_restore_commit(struct mv_pg_restore *r, char **old, struct mv_err *err)
{
	mv_auto(mv_freep) char *aside = NULL;
	int rc;

	/* That connection was idle for as long as the restore took. */
	rc = mv_pg_target_admin(r, err);
	if (rc == 0)
		rc = mv_pg_target_look(r, err);
	if (rc == 0 && r->exists)
		rc = old_name(r, &aside, err);
	if (rc == 0)
		rc = swap_names(r, aside, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "put the restored database in "
		    "place");
	r->committed = true;
	if (r->exists && r->was_empty)
		drop_empty(r, &aside);
	*old = mv_take(&aside);
	return 0;
}
