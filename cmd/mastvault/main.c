/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/stop.h"
#include "mastvault/commands.h"
#include "mastvault/meter.h"
#include "mastvault/options.h"
#include "mastvault/output.h"
#include "secret/secret.h"

static mv_command_run *const runs[MV_NCOMMANDS] = {
	[MV_CMD_INIT] = mv_cmd_init,
	[MV_CMD_BACKUP] = mv_cmd_backup,
	[MV_CMD_SNAPSHOTS] = mv_cmd_snapshots,
	[MV_CMD_LS] = mv_cmd_ls,
	[MV_CMD_CAT] = mv_cmd_cat,
	[MV_CMD_FIND] = mv_cmd_find,
	[MV_CMD_DIFF] = mv_cmd_diff,
	[MV_CMD_STATS] = mv_cmd_stats,
	[MV_CMD_EXPORT] = mv_cmd_export,
	[MV_CMD_RESTORE] = mv_cmd_restore,
	[MV_CMD_CHECK] = mv_cmd_check,
	[MV_CMD_KEY] = mv_cmd_key,
	[MV_CMD_SECRETS] = mv_cmd_secrets,
	[MV_CMD_STATUS] = mv_cmd_status,
	[MV_CMD_HELP] = mv_cmd_help,
};

/*
 * Descriptors 0 to 2 must be somebody's, or a store's file becomes stdout.
 * What was closed cannot be written to: output that nobody gets is an error.
 */
static void
fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

static void
on_stop(int signo)
{
	(void)signo;
	mv_stop_request();
}

static void
catch_signals(void)
{
	/* The second one ends us at once; nothing is ever left half-written. */
	struct sigaction stop = {
		.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND,
	};
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigemptyset(&stop.sa_mask);
	(void)sigemptyset(&ignore.sa_mask);
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	/* A thread takes it: mv_meter_listen(). */
	(void)sigemptyset(&stop.sa_mask);
	(void)sigaddset(&stop.sa_mask, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &stop.sa_mask, NULL);
}

/* Does not return, unless SIGPIPE is blocked. */
static void
die_of_pipe(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };

	(void)sigemptyset(&standard.sa_mask);
	(void)sigaction(SIGPIPE, &standard, NULL);
	(void)raise(SIGPIPE);
}

/* Keys are in our memory: no core dumps, no debugger of our own user. */
static int
harden(struct mv_err *err)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return mv_err_sys(err, "switch core dumps off");
	mv_umask_given = umask(077);
	return mv_secret_init(err);
}

static int
run(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	int rc;

	if (cli->version) {
		(void)printf("%s %s\n", MV_PROGRAM, MV_PROGRAM_VERSION);
		rc = 0;
	} else if (cli->help) {
		rc = mv_cmd_help(cli, exit, err);
	} else {
		if (!mv_secret_locks())
			mv_warn("memory cannot be locked and secrets may be "
			    "swapped out: raise RLIMIT_MEMLOCK "
			    "(LimitMEMLOCK= in systemd) to 64 MiB");
		rc = runs[cli->command->id](cli, exit, err);
	}
	return rc < 0 ? rc : mv_output_flush(err);
}

int
main(int argc, char **argv)
{
	mv_auto(mv_cli_clear) struct mv_cli cli = { 0 };
	enum mv_exit exit = MV_EXIT_DONE;
	struct mv_err err = { 0 };
	int rc;

	fill_standard_fds();
	catch_signals();
	rc = harden(&err);
	if (rc == 0) {
		rc = mv_options_parse(argc, argv, &cli, &err);
		if (rc == MV_EUSAGE)
			mv_hint("'%s help%s%s' explains", MV_PROGRAM,
			    cli.command != NULL ? " " : "",
			    cli.command != NULL ? cli.command->name : "");
	}
	mv_output_init(cli.quiet, cli.verbose, cli.json);
	mv_meter_listen();
	if (rc == 0)
		rc = run(&cli, &exit, &err);
	/* Who has seen enough, as head(1), is told nothing: as cat(1) does. */
	if (rc < 0 && mv_output_is_unwanted()) {
		mv_cli_clear(&cli);
		mv_output_end(true);
		die_of_pipe();
	}
	mv_output_end(rc == 0 && exit == MV_EXIT_DONE);
	if (rc < 0) {
		mv_output_error(&err);
		exit = err.code == MV_OK ? MV_EXIT_FAILED : mv_exit_of(&err);
	}
	return (int)exit;
}
