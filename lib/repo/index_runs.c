/* SPDX-License-Identifier: MIT */
/*
 * index_runs: the local files of an index, and when they are merged.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "repo/index_internal.h"
#include "repo/index_write.h"

static void
warn(const struct mv_err *err, const char *what)
{
	char text[MV_ERR_TEXT_MAX];

	(void)mv_err_text(err, text, sizeof(text));
	mv_warn("%s: %s", what, text);
}

/* A file of ours goes; one that is in use elsewhere lives on there. */
static void
remove_file(const struct mv_index *ix, const char *name)
{
	if (name != NULL && ix->lock >= 0)
		(void)unlinkat(ix->dirfd, name, 0);
}

static int
append_run(struct mv_index *ix, struct mv_run **run, struct mv_err *err)
{
	size_t cap = ix->cap_runs > 0 ? ix->cap_runs * 2 : 2 * MV_INDEX_RUNS;
	struct mv_run **bigger;

	if (ix->nruns == ix->cap_runs) {
		bigger = reallocarray(ix->runs, cap, sizeof(*bigger));
		if (bigger == NULL)
			return mv_err_set(err, MV_ENOMEM, "index");
		ix->runs = bigger;
		ix->cap_runs = cap;
	}
	ix->runs[ix->nruns++] = mv_take(run);
	return 0;
}

static bool
is_run_name(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".run") == 0;
}

/* Anything but a lack of memory is a reason to learn it again. */
static int
load_run(struct mv_index *ix, const char *name, struct mv_err *err)
{
	struct mv_run_place at = ix->place;
	mv_auto(mv_run_freep) struct mv_run *run = NULL;
	struct mv_err why = { 0 };
	int rc;

	at.dirfd = ix->dirfd;
	rc = mv_run_open(&at, name, &run, &why);
	if (rc == 0)
		return append_run(ix, &run, err);
	if (rc == MV_ENOMEM) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	/* Another process may have merged it away while we looked. */
	if (rc != MV_ENOTFOUND) {
		warn(&why, "local index is made again");
		remove_file(ix, name);
	}
	return 0;
}

static void
dir_closep(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

static int
load_all(struct mv_index *ix, const char *path, struct mv_err *err)
{
	mv_auto(dir_closep) DIR *dir = opendir(path);
	struct dirent *e;
	int rc = 0;

	if (dir == NULL)
		return mv_err_sys(err, "open '%s'", path);
	ix->dirfd = fcntl(dirfd(dir), F_DUPFD_CLOEXEC, 3);
	if (ix->dirfd < 0)
		return mv_err_sys(err, "open '%s'", path);
	while (rc == 0 && (e = readdir(dir)) != NULL)
		if (is_run_name(e->d_name))
			rc = load_run(ix, e->d_name, err);
	return rc;
}

/*
 * One process at a time changes the files.  Another one reads them, and
 * keeps in memory what it learns.
 */
static void
take_lock(struct mv_index *ix, const char *dir)
{
	mv_auto(mv_buf_clear) struct mv_buf path = { 0 };
	struct mv_err why = { 0 };
	int rc;

	mv_buf_printf(&path, "%s/lock", dir);
	if (mv_buf_cstr(&path) == NULL)
		return;
	rc = mv_file_lock((const char *)path.p, &ix->lock, &why);
	if (rc < 0 && rc != MV_EAGAIN)
		warn(&why, "local index is only read");
}

int
mv_index_load_runs(struct mv_index *ix, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf path = { 0 };
	const char *state = mv_repo_state_dir(ix->repo);
	struct mv_err why = { 0 };
	int rc;

	if (state == NULL || (ix->flags & MV_INDEX_FRESH))
		return 0;
	mv_buf_printf(&path, "%s/index", state);
	if (mv_buf_cstr(&path) == NULL)
		return mv_buf_failed(&path, err);
	rc = mv_dir_make((const char *)path.p, 0700, &why);
	if (rc < 0) {
		warn(&why, "no local index");
		return 0;
	}
	if (!(ix->flags & MV_INDEX_READ_ONLY))
		take_lock(ix, (const char *)path.p);
	rc = load_all(ix, (const char *)path.p, err);
	if (ix->lock >= 0)
		ix->place.dirfd = ix->dirfd;
	return rc;
}

static int
build(struct mv_index *ix, struct mv_run_builder *b, struct mv_run **out,
    struct mv_err *err)
{
	struct mv_run_place memory = ix->place;
	struct mv_err why = { 0 };
	int rc;

	if (ix->place.dirfd >= 0) {
		rc = mv_run_build(b, &ix->place, out, &why);
		if (rc == 0)
			return 0;
		warn(&why, "local index is kept in memory");
	}
	memory.dirfd = -1;
	return mv_run_build(b, &memory, out, err);
}

int
mv_index_add_run(struct mv_index *ix, struct mv_run_builder *b,
    enum mv_run_mark mark, struct mv_err *err)
{
	mv_auto(mv_run_freep) struct mv_run *run = NULL;
	int rc;

	if (b->npacks == 0 && b->nsources == 0)
		return 0;
	rc = build(ix, b, &run, err);
	if (rc < 0)
		return rc;
	memset(run->counts, mark, run->norigins);
	pthread_rwlock_wrlock(&ix->runs_lock);
	rc = append_run(ix, &run, err);
	pthread_rwlock_unlock(&ix->runs_lock);
	return rc;
}

int
mv_index_publish(struct mv_index *ix, struct mv_run_builder *b,
    struct mv_err *err)
{
	mv_auto(mv_run_freep) struct mv_run *run = NULL;
	const struct mv_run *r;
	size_t i;
	int rc;

	if (b->npacks == 0)
		return 0;
	rc = build(ix, b, &run, err);
	if (rc < 0)
		return rc;
	memset(run->counts, MV_RUN_OWN, run->norigins);
	r = run;
	pthread_rwlock_wrlock(&ix->runs_lock);
	rc = append_run(ix, &run, err);
	for (i = 0; rc == 0 && i < r->nentries; i++)
		mv_idset_remove(&ix->claimed, &r->entries[i].id);
	pthread_rwlock_unlock(&ix->runs_lock);
	if (rc < 0)
		return rc;
	mv_index_tidy(ix);
	return 0;
}

static int
cmp_runs(const void *a, const void *b)
{
	const struct mv_run *x = *(struct mv_run *const *)a;
	const struct mv_run *y = *(struct mv_run *const *)b;

	return x->nentries < y->nentries ? -1 : x->nentries > y->nentries;
}

/*
 * How many of the runs, smallest first, become one: as many as must go, and
 * on as long as the next is not much larger than those together.  So each
 * entry is copied a number of times that grows with the logarithm.
 */
static size_t
choose(struct mv_run *const runs[], size_t n)
{
	size_t take = n - MV_INDEX_RUNS + 1, sum = 0, i;

	for (i = 0; i < n; i++) {
		if (i >= take && runs[i]->nentries > 2 * sum)
			break;
		sum += runs[i]->nentries;
	}
	return i < take ? take : i;
}

/* Put merged in the place of the first n runs, which go. */
static void
replace(struct mv_index *ix, size_t n, struct mv_run *merged)
{
	size_t i;

	pthread_rwlock_wrlock(&ix->runs_lock);
	for (i = 0; i < n; i++) {
		/* What is merged into memory only stays on disk. */
		if (merged->name != NULL)
			remove_file(ix, ix->runs[i]->name);
		mv_run_free(ix->runs[i]);
	}
	ix->runs[0] = merged;
	memmove(&ix->runs[1], &ix->runs[n],
	    (ix->nruns - n) * sizeof(*ix->runs));
	ix->nruns -= n - 1;
	pthread_rwlock_unlock(&ix->runs_lock);
}

void
mv_index_tidy(struct mv_index *ix)
{
	struct mv_run *merged = NULL;
	struct mv_err why = { 0 };
	size_t n;
	int rc;

	if (ix->nruns <= MV_INDEX_RUNS)
		return;
	pthread_rwlock_wrlock(&ix->runs_lock);
	qsort(ix->runs, ix->nruns, sizeof(*ix->runs), cmp_runs);
	pthread_rwlock_unlock(&ix->runs_lock);
	/* Only this thread changes the list, so it is read without the lock. */
	n = choose(ix->runs, ix->nruns);
	rc = mv_run_merge(ix->runs, n, &ix->place, &merged, &why);
	if (rc < 0) {
		warn(&why, "local index is not merged");
		return;
	}
	replace(ix, n, merged);
}
