/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/cleanup.h"
#include "mastvault/commands.h"
#include "mastvault/options.h"

int
mv_cmd_help(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	const struct mv_command *about = cli->command;
	int rc;

	(void)exit;
	if (about != NULL && about->id == MV_CMD_HELP) {
		about = NULL;
		if (cli->operands.n > 0) {
			about = mv_command_find(cli->operands.v[0]);
			if (about == NULL)
				return mv_command_unknown(cli->operands.v[0],
				    err);
		}
	}
	rc = about != NULL ? mv_help_command(about, &text, err) :
	    mv_help_program(&text, err);
	if (rc == 0)
		(void)fwrite(text.p, 1, text.len, stdout);
	return rc;
}
