/* SPDX-License-Identifier: MIT */
#include "postgres/client.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "postgres/postgres_internal.h"

#define MAJORS_MAX 64

int
mv_pg_client_choose(const int *majors, size_t n, int major)
{
	int best = -1;
	size_t i;

	for (i = 0; i < n; i++)
		if (majors[i] >= major && (best < 0 || majors[i] < best))
			best = majors[i];
	return best;
}

/* A number of digits alone up to an end that is in ends. */
static int
read_major(const char *text, const char *ends)
{
	char *end;
	long v;

	if (*text < '1' || *text > '9')
		return -1;
	v = strtol(text, &end, 10);
	if (v > 9999 || strchr(ends, *end) == NULL)
		return -1;
	return (int)v;
}

int
mv_pg_client_parse_version(const char *text)
{
	static const char word[] = "(PostgreSQL) ";
	const char *at = strstr(text, word);

	if (at == NULL)
		return -1;
	/* "15.20", and "18beta1" of those who try early. */
	return read_major(at + sizeof(word) - 1, ". \nabrd");
}

static void
closedirp(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

static int
program_at(const char *root, int major, const char *program, char **out,
    struct mv_err *err)
{
	if (asprintf(out, "%s/%d/bin/%s", root, major, program) < 0) {
		*out = NULL;
		return mv_err_set(err, MV_ENOMEM, "look for '%s'", program);
	}
	return 0;
}

/* The majors under root that have program. */
static int
list_majors(const char *root, const char *program, int majors[MAJORS_MAX],
    size_t *n, struct mv_err *err)
{
	mv_auto(closedirp) DIR *dir = opendir(root);
	struct dirent *entry;
	int major, rc;

	*n = 0;
	while (dir != NULL && (entry = readdir(dir)) != NULL &&
	    *n < MAJORS_MAX) {
		mv_auto(mv_freep) char *path = NULL;

		major = read_major(entry->d_name, "");
		if (major < 0)
			continue;
		rc = program_at(root, major, program, &path, err);
		if (rc < 0)
			return rc;
		if (access(path, X_OK) == 0)
			majors[(*n)++] = major;
	}
	return 0;
}

/* What `program --version` says; -1 when it cannot be run. */
static int
ask_major(const char *path)
{
	const char *argv[] = { path, "--version", NULL };
	struct mv_process_opts opts = {
		.argv = argv, .uid = (uid_t)-1, .gid = (gid_t)-1,
		.pipe_out = true,
	};
	mv_auto(mv_process_freep) struct mv_process *p = NULL;
	char text[256];
	size_t len = 0, got = 1;

	if (mv_process_start(&opts, &p, NULL) < 0)
		return -1;
	while (got > 0 && len < sizeof(text) - 1) {
		if (mv_pg_read_child(p, (uint8_t *)text + len,
		    sizeof(text) - 1 - len, true, &got, NULL) < 0)
			return -1;
		len += got;
	}
	text[len] = '\0';
	if (mv_process_wait(p, NULL, NULL) < 0)
		return -1;
	return mv_pg_client_parse_version(text);
}

static int
too_old(const char *program, int have, int major, struct mv_err *err)
{
	if (have > 0)
		return mv_err_set(err, MV_EUSAGE, "'%s' is of PostgreSQL %d, "
		    "but %d is needed: install postgresql-client-%d", program,
		    have, major, major);
	return mv_err_set(err, MV_EUSAGE, "no '%s' was found: install "
	    "postgresql-client-%d", program, major);
}

static int
find_in(const char *dir, const char *program, int major, char **out,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *path = NULL;
	int have;

	if (asprintf(&path, "%s%s%s", dir, *dir != '\0' ? "/" : "",
	    program) < 0) {
		path = NULL;
		return mv_err_set(err, MV_ENOMEM, "look for '%s'", program);
	}
	have = ask_major(path);
	if (have < major)
		return too_old(path, have, major, err);
	*out = mv_take(&path);
	return 0;
}

int
mv_pg_client_find(const char *root, const char *bin, const char *program,
    int major, char **out, struct mv_err *err)
{
	int majors[MAJORS_MAX], best, rc;
	size_t n;

	if (bin != NULL)
		return find_in(bin, program, major, out, err);
	rc = list_majors(root, program, majors, &n, err);
	if (rc < 0)
		return rc;
	best = mv_pg_client_choose(majors, n, major);
	if (best > 0)
		return program_at(root, best, program, out, err);
	return find_in("", program, major, out, err);
}
