/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/cleanup.h"
#include "job/restore.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/output.h"

static int
to_stdout(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	(void)arg;
	return mv_output_bytes(buf, len, err);
}

int
mv_cmd_cat(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	mv_auto(mv_snapshots_clear) struct mv_snapshots list = { 0 };
	const struct mv_sink sink = { .write = to_stdout };
	const char *what = cli->operands.v[1];
	const struct mv_snapshot *snap;
	uint32_t part = MV_PART_MEDIA;
	int rc;

	if (cli->json)
		return mv_err_set(err, MV_EUSAGE,
		    "'cat' writes bytes, not JSON");
	if (strcmp(what, "db") == 0)
		part = MV_PART_DB;
	else if (strcmp(what, "env") == 0)
		part = MV_PART_SECRETS;
	else if (strcmp(what, "redis") == 0)
		part = MV_PART_REDIS;
	rc = mv_context_open(cli, MV_WANT_DATA, &c, err);
	if (rc == 0)
		rc = mv_load_snapshots(cli, &c, &list, exit, err);
	if (rc == 0)
		rc = mv_snapshots_find(&list, cli->operands.v[0], part, &snap,
		    err);
	if (rc < 0)
		return rc;
	if (part == MV_PART_DB)
		return mv_job_cat_db(c.repo, snap,
		    c.env != NULL ? c.env->pg_bin : NULL, &sink, err);
	if (part == MV_PART_SECRETS)
		return mv_job_cat_env(c.repo, snap, &sink, err);
	if (part == MV_PART_REDIS)
		return mv_job_cat_redis(c.repo, snap, &sink, err);
	while (what[0] == '.' && what[1] == '/')
		what += 2;
	return mv_job_cat_file(c.repo, snap, (const uint8_t *)what,
	    strlen(what), &sink, err);
}
