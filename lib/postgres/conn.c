/* SPDX-License-Identifier: MIT */
#include "postgres/conn.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "postgres/postgres_internal.h"

static int
copy_prefix(struct mv_pg *pg, const char *const *prefix, struct mv_err *err)
{
	size_t i, n = 0;

	while (prefix[n] != NULL)
		n++;
	if (n == 0)
		return mv_err_set(err, MV_EUSAGE, "the command that runs "
		    "PostgreSQL's programs is empty");
	pg->prefix = calloc(n + 1, sizeof(*pg->prefix));
	if (pg->prefix == NULL)
		return mv_err_set(err, MV_ENOMEM, "read database command");
	for (i = 0; i < n; i++) {
		pg->prefix[i] = strdup(prefix[i]);
		if (pg->prefix[i] == NULL)
			return mv_err_set(err, MV_ENOMEM,
			    "read database command");
	}
	return 0;
}

/*
 * The account whose peer authentication may help root when nobody named one:
 * that of the role's own name, else the server's.
 */
static void
guess_account(struct mv_pg *pg)
{
	const char *role = mv_pg_option(pg, "user");
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (getpwnam_r(role != NULL ? role : "postgres", &pw, buf,
	    sizeof(buf), &found) != 0 || found == NULL)
		return;
	pg->uid = found->pw_uid;
	pg->gid = found->pw_gid;
}

int
mv_pg_new(const struct mv_pg_target *target, struct mv_pg **out,
    struct mv_err *err)
{
	mv_auto(mv_pg_freep) struct mv_pg *pg = calloc(1, sizeof(*pg));
	int rc;

	if (pg == NULL)
		return mv_err_set(err, MV_ENOMEM, "open database");
	pg->passfd = -1;
	pg->uid = target->uid;
	pg->gid = target->gid;
	if (target->pg_bin != NULL) {
		pg->pg_bin = strdup(target->pg_bin);
		if (pg->pg_bin == NULL)
			return mv_err_set(err, MV_ENOMEM, "open database");
	}
	if (target->exec_prefix != NULL) {
		rc = copy_prefix(pg, target->exec_prefix, err);
		if (rc < 0)
			return rc;
	}
	rc = mv_pg_read_target(pg, target, err);
	if (rc < 0)
		return rc;
	/* An env-file of root's says no more than none at all. */
	if ((pg->uid == (uid_t)-1 || pg->uid == 0) && geteuid() == 0)
		guess_account(pg);
	*out = mv_take(&pg);
	return 0;
}

void
mv_pg_free(struct mv_pg *pg)
{
	size_t i;

	if (pg == NULL)
		return;
	for (i = 0; i < pg->noptions; i++) {
		free(pg->options[i].key);
		free(pg->options[i].value);
	}
	free(pg->options);
	for (i = 0; pg->prefix != NULL && pg->prefix[i] != NULL; i++)
		free(pg->prefix[i]);
	free(pg->prefix);
	free(pg->pg_bin);
	mv_fd_closep(&pg->passfd);
	free(pg);
}

void
mv_pg_freep(struct mv_pg **pg)
{
	mv_pg_free(*pg);
	*pg = NULL;
}

int
mv_pg_version(const struct mv_pg *pg)
{
	return pg->version;
}

void
mv_json_decrefp(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}
