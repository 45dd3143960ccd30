/* SPDX-License-Identifier: MIT */
#include "repo/snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "repo/listing.h"
#include "repo/snapshots_internal.h"

void
mv_snapshots_clear(struct mv_snapshots *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		mv_snapshot_clear(&s->list[i]);
	for (i = 0; i < s->nproblems; i++)
		free(s->problems[i]);
	free(s->list);
	free(s->problems);
	*s = (struct mv_snapshots){ 0 };
}

static int
keep_problem(void *arg, const char *object, const char *text,
    struct mv_err *err)
{
	struct mv_snapshots *s = arg;
	char **grown;

	(void)object;	/* the text names it */
	grown = realloc(s->problems, (s->nproblems + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "list snapshots");
	s->problems = grown;
	grown[s->nproblems] = strdup(text);
	if (grown[s->nproblems] == NULL)
		return mv_err_set(err, MV_ENOMEM, "list snapshots");
	s->nproblems++;
	return 0;
}

/*
 * A copy of each snapshot's object in the state directory saves one request
 * per snapshot.  It needs neither durability nor atomicity: only bytes that
 * have the hash are taken from it, and only for names that a store lists.
 */
static char *
cache_path(struct mv_repo *r, const char *name)
{
	const char *dir = mv_repo_state_dir(r);
	char *path;

	if (dir == NULL || asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	return path;
}

static bool
cache_get(struct mv_repo *r, const struct mv_listed *o, struct mv_buf *out)
{
	mv_auto(mv_freep) char *path = cache_path(r, o->name);

	mv_buf_reset(out);
	if (path == NULL ||
	    mv_file_read(path, MV_SNAPSHOT_OBJECT_MAX, out, NULL) < 0)
		return false;
	return mv_object_verify(out->p, out->len, &o->what.hash, o->name,
	    NULL) == 0;
}

static void
cache_put(struct mv_repo *r, const struct mv_listed *o,
    const struct mv_buf *obj)
{
	mv_auto(mv_freep) char *path = cache_path(r, o->name);
	mv_auto(mv_freep) char *dir = cache_path(r, "snapshots");
	mv_auto(mv_fd_closep) int fd = -1;

	if (path == NULL || dir == NULL)
		return;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0 || mv_fd_write(fd, obj->p, obj->len, path, NULL) < 0)
		mv_debug("'%s' cannot be cached", o->name);
}

static int
fetch(struct mv_repo *r, const struct mv_listed *o, struct mv_buf *out,
    struct mv_err *err)
{
	int rc;

	if (cache_get(r, o, out))
		return 0;
	mv_buf_reset(out);
	rc = mv_repo_get(r, o->name, MV_SNAPSHOT_OBJECT_MAX, out, err);
	if (rc == 0)
		cache_put(r, o, out);
	return rc;
}

static int
load_one(struct mv_repo *r, const struct mv_listed *o, struct mv_buf *obj,
    struct mv_snapshots *s, const struct mv_problems *to, struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];
	struct mv_err own = { 0 };
	struct mv_id32 id = o->what.hash;
	int rc;

	rc = fetch(r, o, obj, &own);
	if (rc == 0)
		return mv_snapshots_add(s, r, &id, obj->p, obj->len, to, err);
	mv_err_text(&own, text, sizeof(text));
	if (rc == MV_ENOMEM || rc == MV_EINTR)
		return mv_err_set(err, rc, "read '%s': %s", o->name, text);
	s->unread += rc != MV_ECORRUPT;
	return mv_problem(to, o->name, err, "'%s' cannot be read: %s", o->name,
	    text);
}

/* A snapshot that only some stores have: the others missed a run. */
static int
find_behind(struct mv_repo *r, const struct mv_listing *l,
    const struct mv_problems *to, struct mv_err *err)
{
	const char *url, *name = NULL;
	size_t i, s, lacks;
	int rc;

	for (s = 0; s < l->nstores; s++) {
		url = mv_repo_store(r, s)->url;
		for (i = 0, lacks = 0; i < l->n; i++)
			if (l->p[i].sizes[s] == MV_ABSENT && lacks++ == 0)
				name = l->p[i].name;
		rc = 0;
		if (l->failed[s] != NULL)
			rc = mv_problem(to, "snapshots", err,
			    "store '%s' is left out: %s", url, l->failed[s]);
		else if (lacks > 0)
			rc = mv_problem(to, name, err, "store '%s' is behind: "
			    "it lacks %zu of %zu snapshots, '%s' among them",
			    url, lacks, l->n, name);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
mv_snapshots_load(struct mv_repo *r, struct mv_snapshots *out,
    struct mv_err *err)
{
	mv_auto(mv_snapshots_clear) struct mv_snapshots s = { 0 };
	mv_auto(mv_listing_clear) struct mv_listing l = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	struct mv_problems to = { .add = keep_problem, .arg = &s };
	size_t i;
	int rc;

	rc = mv_listing_load(r, "snapshots/", &l, err);
	for (i = 0; rc >= 0 && i < l.n; i++) {
		rc = mv_stop_check(err);
		if (rc >= 0)
			rc = load_one(r, &l.p[i], &obj, &s, &to, err);
	}
	if (rc >= 0)
		rc = mv_snapshots_settle(&s, r, &to, err);
	if (rc >= 0)
		rc = mv_snapshots_check_seen(&s, r, &to, err);
	s.behind = s.nproblems;
	if (rc >= 0)
		rc = find_behind(r, &l, &to, err);
	s.behind = s.nproblems - s.behind;
	if (rc < 0)
		return mv_err_ctx(err, rc, "list snapshots");
	*out = s;
	s = (struct mv_snapshots){ 0 };
	return 0;
}
