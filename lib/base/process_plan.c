/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process_internal.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"
#define PASSWD_TEXT 65536
#define GROUPS_MAX 256

void
mv_plan_clear(struct mv_plan *plan)
{
	int *pipes[] = { plan->in, plan->out, plan->err, plan->report };
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(pipes); i++) {
		mv_fd_closep(&pipes[i][0]);
		mv_fd_closep(&pipes[i][1]);
	}
	mv_fd_closep(&plan->null);
	mv_buf_clear(&plan->paths);
	free(plan->groups);
	plan->groups = NULL;
}

/* argv[0] itself if it has a slash, else once for each folder in PATH. */
static int
plan_paths(struct mv_plan *plan, const char *name, struct mv_err *err)
{
	const char *path = getenv("PATH"), *end;

	if (strchr(name, '/') != NULL) {
		mv_buf_put(&plan->paths, name, strlen(name) + 1);
		plan->child.npaths = 1;
		return mv_buf_failed(&plan->paths, err);
	}
	if (path == NULL || *path == '\0')
		path = DEFAULT_PATH;
	for (; *path != '\0'; path = *end != '\0' ? end + 1 : end) {
		end = path + strcspn(path, ":");
		/* Relative folders in PATH are somebody's trap. */
		if (*path != '/')
			continue;
		mv_buf_put(&plan->paths, path, (size_t)(end - path));
		mv_buf_put(&plan->paths, "/", 1);
		mv_buf_put(&plan->paths, name, strlen(name) + 1);
		plan->child.npaths++;
	}
	return mv_buf_failed(&plan->paths, err);
}

/* The groups that initgroups() would set, which must not be asked later. */
static int
plan_user(struct mv_plan *plan, const struct mv_process_opts *opts,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *text = NULL;
	struct passwd pw, *found = NULL;
	int n = GROUPS_MAX, e;

	plan->child.uid = opts->uid;
	plan->child.gid = opts->gid;
	if (opts->uid == (uid_t)-1)
		return 0;
	text = malloc(PASSWD_TEXT);
	plan->groups = calloc((size_t)n, sizeof(gid_t));
	if (text == NULL || plan->groups == NULL)
		return mv_err_set(err, MV_ENOMEM, "groups of uid %u",
		    (unsigned)opts->uid);
	e = getpwuid_r(opts->uid, &pw, text, PASSWD_TEXT, &found);
	if (found == NULL && e != 0) {
		errno = e;
		return mv_err_sys(err, "look up uid %u", (unsigned)opts->uid);
	}
	plan->groups[0] = opts->gid;
	plan->child.ngroups = 1;
	plan->child.groups = plan->groups;
	if (found == NULL)
		return 0;
	if (getgrouplist(pw.pw_name, opts->gid, plan->groups, &n) < 0)
		return mv_err_set(err, MV_EIO, "'%s' is in more than %d "
		    "groups", pw.pw_name, GROUPS_MAX);
	plan->child.ngroups = (size_t)n;
	return 0;
}

static int
make_pipe(int fds[2], struct mv_err *err)
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return mv_err_sys(err, "pipe");
	return 0;
}

static int
plan_fds(struct mv_plan *plan, const struct mv_process_opts *opts,
    struct mv_err *err)
{
	int rc;

	plan->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (plan->null < 0)
		return mv_err_sys(err, "open '/dev/null'");
	rc = make_pipe(plan->err, err);
	if (rc == 0)
		rc = make_pipe(plan->report, err);
	if (rc == 0 && opts->pipe_in)
		rc = make_pipe(plan->in, err);
	if (rc == 0 && opts->pipe_out)
		rc = make_pipe(plan->out, err);
	if (rc < 0)
		return rc;
	/* Reports are written past the child's 0, 1 and 2. */
	if (plan->report[1] < 3) {
		rc = fcntl(plan->report[1], F_DUPFD_CLOEXEC, 3);
		if (rc < 0)
			return mv_err_sys(err, "pipe");
		mv_fd_closep(&plan->report[1]);
		plan->report[1] = rc;
	}
	plan->child.in = opts->pipe_in ? plan->in[0] : plan->null;
	plan->child.out = opts->pipe_out ? plan->out[1] :
	    opts->out_fd > 0 ? opts->out_fd : plan->null;
	plan->child.err = plan->err[1];
	plan->child.report = plan->report[1];
	return 0;
}

int
mv_plan_make(struct mv_plan *plan, const struct mv_process_opts *opts,
    struct mv_err *err)
{
	struct mv_child *c = &plan->child;
	int rc;

	rc = plan_paths(plan, opts->argv[0], err);
	if (rc == 0)
		rc = plan_user(plan, opts, err);
	if (rc == 0)
		rc = plan_fds(plan, opts, err);
	if (rc < 0)
		return rc;
	c->paths = (const char *)plan->paths.p;
	/* exec takes them without const for old times' sake, and only reads. */
	memcpy(&c->argv, &opts->argv, sizeof(c->argv));
	if (opts->env != NULL)
		memcpy(&c->env, &opts->env, sizeof(c->env));
	else
		c->env = environ;
	c->keep = opts->keep_fds;
	c->nkeep = opts->nkeep_fds;
	c->parent = getpid();
	c->foreground = opts->foreground;
	return 0;
}
