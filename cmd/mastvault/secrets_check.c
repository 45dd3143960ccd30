/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "base/cleanup.h"
#include "job/generations.h"
#include "mastvault/output.h"
#include "mastvault/secrets.h"
#include "mastvault/source.h"

/* So many ids are printed for people; --json has them all. */
#define IDS_SHOWN 20

/*
 * The version in force first, then what else may be: during a rotation that
 * which it goes to; else what went before, to say that rows were left behind.
 */
static int
load_generations(struct mv_secrets *s, struct mv_generations *g,
    bool *pending, struct mv_err *err)
{
	const struct mv_vault_version *before = NULL, *v;
	size_t i;
	int rc;

	rc = mv_vault_before(s->c.repo, &s->v, &before, err);
	*pending = rc == 0 && before != NULL;
	if (rc == 0 && *pending)
		rc = mv_generations_add(g, s->c.repo, before, err);
	if (rc == 0)
		rc = mv_vault_newest(&s->v, &v, err);
	if (rc == 0)
		rc = mv_generations_add(g, s->c.repo, v, err);
	for (i = s->v.n; rc == 0 && !*pending && i > 0; i--) {
		struct mv_err own = { 0 };

		rc = mv_generations_add(g, s->c.repo, &s->v.list[i - 1], &own);
		/* Sealed to others: then this host cannot tell its rows. */
		if (rc < 0 && rc != MV_EAUTH && rc != MV_EUSAGE)
			*err = own;
		else
			rc = 0;
	}
	return rc;
}

static int
open_database(struct mv_secrets *s, struct mv_source_of *source,
    struct mv_pg **pg, struct mv_pg_session **session, struct mv_err *err)
{
	const struct mv_backup_source *src = &source->source;
	struct mv_pg_target target = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	int rc = 0;

	if (s->c.env != NULL) {
		rc = mv_source_open(s->c.env, MV_PART_DB, source, err);
		target = (struct mv_pg_target){
			.conninfo = src->conninfo,
			.password = src->db_password,
			.exec_prefix = src->exec_prefix,
			.uid = src->uid, .gid = src->gid,
			.pg_bin = src->pg_bin,
		};
	}
	/* Another database wants its own password, not Mastodon's. */
	if (s->cli->database != NULL) {
		target.conninfo = s->cli->database;
		target.password = NULL;
	}
	if (rc == 0 && target.conninfo == NULL)
		return mv_err_set(err, MV_EUSAGE, "no configuration says "
		    "where the database is: --database=CONNINFO");
	if (rc == 0)
		rc = mv_pg_new(&target, pg, err);
	if (rc == 0)
		rc = mv_pg_session_open(*pg, NULL, session, err);
	/* One instant for all columns. */
	if (rc == 0)
		rc = mv_pg_exec(*session, "BEGIN ISOLATION LEVEL REPEATABLE "
		    "READ READ ONLY", err);
	return rc;
}

static int
prove(struct mv_secrets *s, const struct mv_generations *g,
    struct mv_rows_report *rows, struct mv_err *err)
{
	mv_auto(mv_source_clear) struct mv_source_of source = { 0 };
	mv_auto(mv_pg_freep) struct mv_pg *pg = NULL;
	mv_auto(mv_pg_session_freep) struct mv_pg_session *session = NULL;
	int rc;

	rc = open_database(s, &source, &pg, &session, err);
	return rc < 0 ? rc : mv_rows_prove(session, mv_generations_keys(g),
	    g->n, rows, err);
}

static void
list_ids(const char *what, char *const *ids, uint64_t n)
{
	uint64_t i;

	if (n == 0)
		return;
	mv_list("    %s:", what);
	for (i = 0; i < n && i < IDS_SHOWN; i++)
		mv_list(" %s", ids[i]);
	if (n > IDS_SHOWN)
		mv_list(" and %" PRIu64 " more", n - IDS_SHOWN);
	mv_list("\n");
}

static uint64_t
list_columns(const struct mv_rows_report *rows, bool pending)
{
	uint64_t left = 0;
	size_t i;

	for (i = 0; i < rows->n; i++) {
		const struct mv_rows_column *c = &rows->columns[i];
		char name[128];

		(void)snprintf(name, sizeof(name), "%s.%s", c->fact->table,
		    c->fact->column);
		mv_list("%-28s %" PRIu64 " row%s, %" PRIu64 " fit\n", name,
		    c->total, c->total == 1 ? "" : "s",
		    c->current + (pending ? c->older : 0));
		if (c->older > 0 && !pending)
			mv_list("    decrypt only with an older version of "
			    "the vault: %" PRIu64 "\n", c->older);
		list_ids("decrypt with no version of the vault, id", c->ids,
		    c->undecryptable);
		list_ids("belong to another public key, id",
		    c->mismatched_ids, c->mismatched);
		left += pending ? 0 : c->older;
	}
	return left;
}

/* Neither yes nor no: a database that cannot be asked. */
static int
say_unknown(struct mv_secrets *s, const struct mv_err *why,
    struct mv_err *err)
{
	char reason[MV_ERR_TEXT_MAX];

	mv_output_error(why);
	*s->exit = MV_EXIT_UNKNOWN;
	(void)mv_err_text(why, reason, sizeof(reason));
	return mv_output_json(json_pack("{ss sn ss}", "environment",
	    s->c.name, "fits", "reason", reason), err);
}

int
mv_secrets_check(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_generations_clear) struct mv_generations g = { 0 };
	mv_auto(mv_rows_report_clear) struct mv_rows_report rows = { 0 };
	struct mv_err why = { 0 };
	json_t *columns = NULL;
	bool pending, fits;
	int rc;

	/* Before the command the option is known by its value alone. */
	if (!s->cli->check_database && s->cli->database == NULL)
		return mv_err_set(err, MV_EUSAGE, "'secrets check' wants "
		    "--database: that is what it compares the vault with");
	rc = load_generations(s, &g, &pending, err);
	if (rc < 0)
		return rc;
	rc = prove(s, &g, &rows, &why);
	if (rc < 0 && rc != MV_EUSAGE && rc != MV_EINTR)
		return say_unknown(s, &why, err);
	if (rc < 0) {
		*err = why;
		return rc;
	}
	rc = mv_rows_report_json(&rows, SIZE_MAX, &columns, err);
	if (rc < 0)
		return rc;
	fits = list_columns(&rows, pending) + mv_rows_bad(&rows) == 0;
	if (fits)
		mv_say("vault and database fit\n");
	else
		*s->exit = MV_EXIT_BAD;
	return mv_output_json(json_pack("{ss sI sb sb so}", "environment",
	    s->c.name, "version", (json_int_t)g.numbers[0], "pending",
	    pending, "fits", fits, "columns", columns), err);
}
