/* SPDX-License-Identifier: MIT */
#include "mastvault/backup_how.h"

#include "mastvault/output.h"

/* As typed, else as configured, else none. */
static int
init_rate(struct mv_rate *rate, const char *typed, const char *configured,
    struct mv_err *err)
{
	const char *text = typed != NULL ? typed : configured;
	uint64_t n = 0;
	int rc = 0;

	if (text != NULL)
		rc = mv_rate_parse(text, &n, err);
	mv_rate_init(rate, n);
	return rc;
}

int
mv_backup_how(const struct mv_cli *cli, const struct mv_config_env *env,
    struct mv_backup_how *how, struct mv_err *err)
{
	int rc;

	how->opts = (struct mv_backup_opts){
		.limit_read = &how->reading,
		.jobs = cli->jobs != 0 ? cli->jobs : env->jobs,
		.level = (int)env->level,
		.progress = mv_output_progress(),
	};
	rc = init_rate(&how->reading, cli->limit_read, env->limit_read, err);
	if (rc == 0)
		rc = init_rate(&how->upload, cli->limit_upload,
		    env->limit_upload, err);
	return rc;
}

void
mv_backup_how_clear(struct mv_backup_how *how)
{
	mv_rate_clear(&how->reading);
	mv_rate_clear(&how->upload);
}
