/* SPDX-License-Identifier: MIT */
#include "postgres/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/time.h"
#include "postgres/quote.h"
#include "postgres/restore_internal.h"

#define FEED_BYTES (64 * 1024)

/* A crash of the server ends the restore anyway. */
#define PGOPTIONS "-c synchronous_commit=off -c maintenance_work_mem=256MB"

static int
open_archive(struct mv_pg_restore *r, struct mv_err *err)
{
	const struct mv_pg *pg = r->opts.pg;

	r->archive = memfd_create("mastvault-archive", MFD_CLOEXEC);
	if (r->archive < 0)
		return mv_err_sys(err, "make a memory file");
	if (fchmod(r->archive, 0600) < 0)
		return mv_err_sys(err, "make a memory file");
	/* pg_restore opens it by name, as who it is. */
	if (pg->as_uid && fchown(r->archive, pg->uid, pg->gid) < 0)
		return mv_err_sys(err, "give a memory file to uid %u",
		    (unsigned)pg->uid);
	return 0;
}

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
		rc = open_archive(r, err);
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
mv_pg_restore_left(const struct mv_pg_restore *r)
{
	return r->left;
}

static int
write_archive(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct mv_pg_restore *r = arg;

	return mv_fd_write(r->archive, buf, len, "the archive in memory", err);
}

struct mv_sink
mv_pg_restore_archive(struct mv_pg_restore *r)
{
	return (struct mv_sink){ .write = write_archive, .arg = r };
}

/* Through a prefix no descriptor goes: then the archive is fed by a pipe. */
static int
feed_archive(struct mv_pg_restore *r, struct mv_process *child,
    struct mv_err *err)
{
	mv_auto(mv_freep) uint8_t *buf = malloc(FEED_BYTES);
	uint64_t at = 0;
	size_t got = 1;
	int rc = 0;

	if (buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "run pg_restore");
	while (got > 0) {
		rc = mv_fd_pread(r->archive, buf, FEED_BYTES, at, &got,
		    "the archive in memory", err);
		if (rc < 0)
			return rc;
		at += got;
		/* One that fails, or has read enough, says so when it ends. */
		if (mv_fd_write(mv_process_in(child), buf, got, "pg_restore",
		    NULL) < 0)
			break;
	}
	mv_process_close_in(child);
	return 0;
}

static int
section_args(struct mv_pg_restore *r, const char *section, int jobs,
    struct mv_pg_args *args, struct mv_err *err)
{
	bool piped = r->opts.pg->prefix != NULL;
	int rc;

	rc = mv_pg_child_program(r->opts.pg, "pg_restore", r->major, args,
	    err);
	if (rc < 0)
		return rc;
	mv_pg_args_add(args, "-w");
	mv_pg_args_add(args, "--exit-on-error");
	mv_pg_args_addf(args, "--section=%s", section);
	if (r->skip_owner) {
		mv_pg_args_add(args, "--no-owner");
		mv_pg_args_add(args, "--no-privileges");
	}
	if (r->skip_tablespaces)
		mv_pg_args_add(args, "--no-tablespaces");
	/* From a pipe it cannot jump to what each job needs. */
	if (jobs > 1 && !piped)
		mv_pg_args_addf(args, "--jobs=%d", jobs);
	rc = mv_pg_child_dbname(r->opts.pg, r->beside, args, err);
	if (rc == 0 && !piped)
		mv_pg_args_addf(args, "/proc/self/fd/%d", r->archive);
	return rc;
}

static int
run_section(struct mv_pg_restore *r, const char *section, int jobs,
    struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	mv_auto(mv_process_freep) struct mv_process *child = NULL;
	bool piped = r->opts.pg->prefix != NULL;
	struct mv_pg_child spec = {
		.args = &args, .pgoptions = PGOPTIONS, .pipe_in = piped,
		.keep_fd = piped ? -1 : r->archive,
	};
	uint8_t ignored[4096];
	size_t got = 1;
	int rc;

	rc = section_args(r, section, jobs, &args, err);
	if (rc == 0)
		rc = mv_pg_child_start(r->opts.pg, &spec, &child, err);
	if (rc == 0 && piped)
		rc = feed_archive(r, child, err);
	/* It says nothing there; the end of it is the end of the program. */
	while (rc == 0 && got > 0)
		rc = mv_pg_read_child(child, ignored, sizeof(ignored), false,
		    &got, err);
	if (rc == 0)
		rc = mv_process_wait(child, NULL, err);
	return mv_err_ctx(err, rc, "restore section '%s'", section);
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
	return run_section(r, "pre-data", 1, err);
}

int
mv_pg_restore_data(struct mv_pg_restore *r, struct mv_err *err)
{
	return run_section(r, "data", 1, err);
}

/*
 * Where owners were left out and the database belongs to another role than
 * ours, that role gets everything in it: else Mastodon could not read its
 * own tables.  What extensions made stays with who installed them.
 */
static const char give_sql[] =
    "DO $mv$ DECLARE o name; s text; me name := current_user; "
    "mine oid := (SELECT oid FROM pg_roles WHERE rolname = current_user); "
    "BEGIN SELECT pg_get_userbyid(datdba) INTO o FROM pg_database "
    "WHERE datname = current_database(); "
    "IF o = me OR NOT pg_has_role(o, 'MEMBER') THEN RETURN; END IF; "
    "FOR s IN SELECT format('ALTER SCHEMA %I OWNER TO %I', n.nspname, o) "
    " FROM pg_namespace n WHERE n.nspowner = mine AND n.oid >= 16384 "
    "UNION ALL SELECT format('ALTER TABLE %I.%I OWNER TO %I', n.nspname, "
    "  c.relname, o) FROM pg_class c JOIN pg_namespace n "
    "  ON n.oid = c.relnamespace WHERE c.relowner = mine "
    "  AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') "
    "  AND n.nspname !~ '^pg_' "
    "  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid "
    "   AND d.classid = 'pg_class'::regclass "
    "   AND (d.deptype = 'e' OR c.relkind = 'S' "
    "    AND d.deptype IN ('a', 'i'))) "
    "UNION ALL SELECT format('ALTER ROUTINE %s OWNER TO %I', "
    "  p.oid::regprocedure, o) FROM pg_proc p WHERE p.proowner = mine "
    "  AND p.oid >= 16384 AND p.prokind <> 'a' "
    "  AND NOT EXISTS (SELECT 1 FROM pg_depend d "
    "   WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass "
    "   AND d.deptype IN ('e', 'i')) "
    "UNION ALL SELECT format('ALTER TYPE %s OWNER TO %I', "
    "  t.oid::regtype, o) FROM pg_type t LEFT JOIN pg_class c "
    "  ON c.oid = t.typrelid WHERE t.typowner = mine AND t.oid >= 16384 "
    "  AND t.typtype IN ('e', 'd', 'c', 'r') AND (t.typrelid = 0 "
    "   OR c.relkind = 'c') AND NOT EXISTS (SELECT 1 FROM pg_depend d "
    "   WHERE d.objid = t.oid AND d.classid = 'pg_type'::regclass "
    "   AND d.deptype IN ('e', 'i')) "
    "UNION ALL SELECT format('ALTER LARGE OBJECT %s OWNER TO %I', l.oid, o) "
    "  FROM pg_largeobject_metadata l WHERE l.lomowner = mine "
    "LOOP EXECUTE s; END LOOP; END $mv$";

/*
 * What ALTER DATABASE ... SET had given the source.  A list (search_path) is
 * quoted otherwise than a text; FROM CURRENT spares us knowing which is which.
 */
static int
set_one(struct mv_pg_restore *r, struct mv_pg_session *s, const char *name,
    const char *value, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf set = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf alter = { 0 };
	mv_auto(mv_json_decrefp) json_t *ignored = NULL;
	int rc;

	mv_buf_put_str(&set, "SELECT pg_catalog.set_config(");
	mv_pg_put_literal(&set, name);
	mv_buf_put_str(&set, ", ");
	mv_pg_put_literal(&set, value);
	mv_buf_put_str(&set, ", true)");
	(void)mv_buf_cstr(&set);
	mv_buf_put_str(&alter, "ALTER DATABASE ");
	mv_pg_put_ident(&alter, r->beside);
	mv_buf_printf(&alter, " SET %s FROM CURRENT", name);
	(void)mv_buf_cstr(&alter);
	rc = mv_buf_failed(&set, err);
	if (rc == 0)
		rc = mv_buf_failed(&alter, err);
	if (rc == 0)
		rc = mv_pg_exec(s, "BEGIN", err);
	if (rc == 0)
		rc = mv_pg_query(s, (char *)set.p, &ignored, err);
	if (rc == 0)
		rc = mv_pg_exec(s, (char *)alter.p, err);
	return rc < 0 ? rc : mv_pg_exec(s, "COMMIT", err);
}

/* "name=value" with a plain name; others (of extensions too) have dots. */
static bool
split_setting(char *text, char **value)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

	if (n == 0 || text[n] != '=')
		return false;
	text[n] = '\0';
	*value = text + n + 1;
	return true;
}

static void
apply_settings(struct mv_pg_restore *r)
{
	json_t *settings = json_object_get(r->facts, "settings"), *one;
	size_t i;

	json_array_foreach(settings, i, one) {
		mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
		mv_auto(mv_freep) char *text = NULL;
		char *value;

		if (json_string_value(one) != NULL)
			text = strdup(json_string_value(one));
		if (text == NULL || !split_setting(text, &value))
			continue;
		/* No setting is worth a restore. */
		if (mv_pg_session_open(r->opts.pg, r->beside, &s, NULL) < 0 ||
		    set_one(r, s, text, value, NULL) < 0)
			mv_warn("the database's setting '%s' could not be "
			    "restored", text);
	}
}

int
mv_pg_restore_post(struct mv_pg_restore *r, struct mv_err *err)
{
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	int rc;

	rc = run_section(r, "post-data", r->opts.jobs, err);
	if (rc == 0)
		rc = mv_pg_session_open(r->opts.pg, r->beside, &s, err);
	if (rc == 0 && r->skip_owner)
		rc = mv_err_ctx(err, mv_pg_exec(s, give_sql, err),
		    "give all to the database's owner");
	if (rc == 0 && !r->opts.no_statistics)
		rc = mv_err_ctx(err, mv_pg_exec(s, "ANALYZE", err),
		    "gather statistics");
	if (rc == 0)
		apply_settings(r);
	return rc;
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
