/* SPDX-License-Identifier: MIT */
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "postgres/client.h"
#include "postgres/postgres_internal.h"

extern char **environ;

static void
args_take(struct mv_pg_args *a, char *text)
{
	size_t cap = a->cap == 0 ? 16 : a->cap * 2;
	char **v;

	if (text == NULL)
		a->failed = true;
	if (!a->failed && a->n + 2 > a->cap) {
		v = reallocarray(a->v, cap, sizeof(*v));
		if (v == NULL) {
			a->failed = true;
		} else {
			a->v = v;
			a->cap = cap;
		}
	}
	if (a->failed) {
		free(text);
		return;
	}
	a->bytes += strlen(text) + 1;
	a->v[a->n++] = text;
	a->v[a->n] = NULL;
}

void
mv_pg_args_add(struct mv_pg_args *a, const char *text)
{
	args_take(a, strdup(text));
}

void
mv_pg_args_addf(struct mv_pg_args *a, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	args_take(a, text);
}

void
mv_pg_args_clear(struct mv_pg_args *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	*a = (struct mv_pg_args){ 0 };
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Of ours only what says where the server is and how to reach it. */
static bool
handed_on(const char *entry)
{
	static const char *const dropped[] = {
		"PGPASSWORD=", "PGDATABASE_PASSWORD=", "PGCLIENTENCODING=",
		"PGOPTIONS=", "PG_COLOR=", "PGTZ=", "PGDATESTYLE=",
	};
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(dropped); i++)
		if (begins(entry, dropped[i]))
			return false;
	return begins(entry, "PG") || begins(entry, "PATH=") ||
	    begins(entry, "TMPDIR=");
}

static void
put_home(const struct mv_pg *pg, struct mv_pg_args *env)
{
	const char *home = getenv("HOME");
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (pg->as_uid) {
		if (getpwuid_r(pg->uid, &pw, buf, sizeof(buf), &found) != 0)
			found = NULL;
		home = found != NULL ? found->pw_dir : NULL;
	}
	if (home != NULL)
		mv_pg_args_addf(env, "HOME=%s", home);
}

static void
put_env(const struct mv_pg *pg, const char *pgoptions,
    struct mv_pg_args *env)
{
	size_t i;

	for (i = 0; environ[i] != NULL; i++) {
		/* What is behind a prefix may need more than PostgreSQL. */
		if (pg->prefix != NULL ? !begins(environ[i], "PGPASSWORD=") &&
		    !begins(environ[i], "LC_") && !begins(environ[i], "LANG") :
		    handed_on(environ[i]))
			mv_pg_args_add(env, environ[i]);
	}
	if (pg->prefix == NULL)
		put_home(pg, env);
	mv_pg_args_add(env, "LC_ALL=C");
	if (pgoptions != NULL)
		mv_pg_args_addf(env, "PGOPTIONS=%s", pgoptions);
	/* Opened by its name it is read from the start by each reader. */
	if (pg->passfd >= 0)
		mv_pg_args_addf(env, "PGPASSFILE=/proc/self/fd/%d",
		    pg->passfd);
}

int
mv_pg_child_start(struct mv_pg *pg, const struct mv_pg_child *child,
    struct mv_process **out, struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args env = { 0 };
	size_t i;
	int fds[1 + MV_ARRAY_LEN(child->keep_fds)];
	struct mv_process_opts opts = {
		.uid = pg->as_uid ? pg->uid : (uid_t)-1,
		.gid = pg->as_uid ? pg->gid : (gid_t)-1,
		.keep_fds = fds, .pipe_in = child->pipe_in, .pipe_out = true,
	};

	put_env(pg, child->pgoptions, &env);
	if (child->args->failed || env.failed)
		return mv_err_set(err, MV_ENOMEM, "start a client program");
	opts.argv = (const char *const *)child->args->v;
	opts.env = (const char *const *)env.v;
	if (pg->passfd >= 0)
		fds[opts.nkeep_fds++] = pg->passfd;
	for (i = 0; i < child->nkeep_fds; i++)
		fds[opts.nkeep_fds++] = child->keep_fds[i];
	return mv_process_start(&opts, out, err);
}

int
mv_pg_child_program(struct mv_pg *pg, const char *program, int major,
    struct mv_pg_args *args, struct mv_err *err)
{
	mv_auto(mv_freep) char *path = NULL;
	size_t i;
	int rc;

	if (pg->prefix == NULL) {
		rc = mv_pg_client_find(MV_PG_CLIENT_ROOT, pg->pg_bin, program,
		    major, &path, err);
		if (rc < 0)
			return rc;
		mv_pg_args_add(args, path);
		return 0;
	}
	for (i = 0; pg->prefix[i] != NULL; i++)
		mv_pg_args_add(args, pg->prefix[i]);
	mv_pg_args_addf(args, "%s%s%s", pg->pg_bin != NULL ? pg->pg_bin : "",
	    pg->pg_bin != NULL ? "/" : "", program);
	return 0;
}

int
mv_pg_child_major(struct mv_pg *pg, const char *program, int major, int *out,
    struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	mv_auto(mv_process_freep) struct mv_process *p = NULL;
	struct mv_pg_child child = { .args = &args };
	char text[256];
	size_t len = 0, got = 1;
	int rc;

	rc = mv_pg_child_program(pg, program, major, &args, err);
	mv_pg_args_add(&args, "--version");
	if (rc == 0)
		rc = mv_pg_child_start(pg, &child, &p, err);
	while (rc == 0 && got > 0 && len < sizeof(text) - 1) {
		rc = mv_pg_read_child(p, (uint8_t *)text + len,
		    sizeof(text) - 1 - len, false, &got, err);
		len += rc == 0 ? got : 0;
	}
	text[len] = '\0';
	if (rc == 0)
		rc = mv_process_wait(p, NULL, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "ask %s for its version", program);
	*out = mv_pg_client_parse_version(text);
	if (*out < 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' does not say its version", program);
	return 0;
}

int
mv_pg_child_dbname(struct mv_pg *pg, const char *dbname,
    struct mv_pg_args *args, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf conninfo = { 0 };
	int rc;

	rc = mv_pg_conninfo(pg, dbname, &conninfo, err);
	if (rc < 0)
		return rc;
	mv_pg_args_add(args, "-d");
	mv_pg_args_add(args, (char *)conninfo.p);
	return 0;
}

int
mv_pg_child_psql(struct mv_pg *pg, const char *dbname,
    struct mv_pg_args *args, struct mv_err *err)
{
	int rc;

	rc = mv_pg_child_program(pg, "psql", pg->version / 10000, args, err);
	if (rc < 0)
		return rc;
	mv_pg_args_add(args, "-XqAtw");
	mv_pg_args_add(args, "-v");
	mv_pg_args_add(args, "ON_ERROR_STOP=1");
	return mv_pg_child_dbname(pg, dbname, args, err);
}
