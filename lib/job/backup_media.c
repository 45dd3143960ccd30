/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "job/job_internal.h"
#include "tree/cache.h"
#include "tree/read.h"
#include "tree/walk.h"

/*
 * backup_media: a media tree as two streams, the contents of its files and
 * the manifest.
 *
 * The sorted walk is merged with the cache of the last run.  A file that the
 * cache knows unchanged is taken over by its chunk ids and not opened; any
 * other is read until it holds still.
 */

#define MEDIA_CLASS 3
#define MANIFEST_CLASS 1
#define READS_MAX 3
#define WHY_SHOWN 5

struct mv_media_out {
	struct mv_backup_run *run;
	struct mv_walk *walk;
	struct mv_file_reader *reader;
	struct mv_cache *old;		/* of the last run */
	struct mv_cache_writer *cache;	/* of this run */
	struct mv_chunks *chunks;
	struct mv_list *content;
	struct mv_stream *manifest;
	struct mv_buf record;
	int writer_rc;		/* set when our side failed, not the file */
	struct mv_err noted;	/* a failure inside a callback */
};

void
mv_media_out_free(struct mv_media_out *m)
{
	if (m == NULL)
		return;
	mv_stream_free(m->manifest);
	mv_list_free(m->content);
	mv_chunks_free(m->chunks);
	mv_cache_writer_free(m->cache);
	mv_cache_free(m->old);
	mv_file_reader_free(m->reader);
	mv_walk_free(m->walk);
	mv_buf_clear(&m->record);
	free(m);
}

void
mv_media_out_freep(struct mv_media_out **m)
{
	mv_media_out_free(*m);
	*m = NULL;
}

/* The walk tells what it leaves out. */
static void
note_problem(void *arg, enum mv_walk_problem what, struct mv_span path,
    const struct mv_err *why)
{
	struct mv_media_out *m = arg;
	struct mv_backup_report *rep = m->run->report;
	char shown[MV_PATH_SHOW], text[MV_ERR_TEXT_MAX] = "";
	struct mv_named *list = what == MV_WALK_VANISHED ? &rep->vanished :
	    what == MV_WALK_UNREADABLE ? &rep->unreadable : NULL;

	mv_path_show(path, shown);
	if (why != NULL)
		(void)mv_err_text(why, text, sizeof(text));
	/* Some with the reason; a whole tree of them is for -v. */
	if (what == MV_WALK_UNREADABLE && rep->unreadable.total < WHY_SHOWN)
		mv_warn("cannot read '%s': %s", shown, text);
	else if (what == MV_WALK_UNREADABLE)
		mv_info("cannot read '%s': %s", shown, text);
	else if (what == MV_WALK_SPECIAL)
		mv_info("'%s' is no file and is left out", shown);
	/* A callback cannot fail: take_all() looks at noted. */
	if (list != NULL && m->noted.code == MV_OK &&
	    mv_named_add(list, shown, strlen(shown), &m->noted) < 0)
		mv_debug("cannot note '%s'", shown);
}

/* Where the file's bytes go; a failure here is ours and not the file's. */
static int
content_write(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct mv_media_out *m = arg;

	m->run->report->media_bytes += len;
	mv_progress_bytes(&m->run->opts->progress, m->run->report->media_bytes,
	    0);
	m->writer_rc = mv_rate_take(m->run->opts->limit_read, len, err);
	if (m->writer_rc == 0)
		m->writer_rc = mv_chunks_write(m->chunks, buf, len, err);
	if (m->writer_rc == 0)
		m->writer_rc = mv_stop_check(err);
	return m->writer_rc;
}

static int
read_once(struct mv_media_out *m, int fd, struct mv_entry *e,
    struct mv_walk_stat *st, bool *changed, struct mv_err *err)
{
	const struct mv_sink sink = { content_write, m };
	int rc;

	mv_chunks_ids(m->chunks)->n = 0;
	m->writer_rc = mv_chunks_file(m->chunks, e->path.p, e->path.len, err);
	if (m->writer_rc < 0)
		return m->writer_rc;
	rc = mv_file_read_stable(m->reader, fd, e, st, sink, changed, err);
	if (m->writer_rc == 0)
		m->writer_rc = mv_chunks_cut(m->chunks, rc < 0 ? NULL : err);
	return rc < 0 ? rc : m->writer_rc;
}

static int
read_file(struct mv_media_out *m, struct mv_entry *e, struct mv_walk_stat *st,
    struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char shown[MV_PATH_SHOW];
	bool changed = true;
	int rc, i;

	rc = mv_walk_open_file(m->walk, &fd, err);
	for (i = 0; rc == 0 && changed && i < READS_MAX; i++)
		rc = read_once(m, fd, e, st, &changed, err);
	if (rc == 0)
		rc = mv_walk_xattrs(m->walk, fd, err);
	if (rc < 0)
		return rc;
	e->nchunks = mv_chunks_ids(m->chunks)->n;
	if (!changed)
		return 0;
	/* What it was when it was read last is whole, but may be torn. */
	st->fresh = true;
	mv_path_show(e->path, shown);
	mv_warn("'%s' kept changing while it was read", shown);
	return mv_named_add(&m->run->report->changing, shown, strlen(shown),
	    err);
}

/* The next run will read all files; this one has other troubles. */
static void
lose_cache(struct mv_media_out *m, const struct mv_err *why)
{
	char text[MV_ERR_TEXT_MAX];

	(void)mv_err_text(why, text, sizeof(text));
	mv_warn("the next run will read all media files again: %s", text);
	mv_cache_writer_free(m->cache);
	m->cache = NULL;
}

/* MV_EUSAGE for what no record can hold. */
static int
describe_entry(struct mv_media_out *m, const struct mv_entry *e,
    struct mv_err *err)
{
	mv_buf_reset(&m->record);
	return mv_entry_encode(e, &m->record, err);
}

/* One that was described. */
static int
store_entry(struct mv_media_out *m, const struct mv_entry *e,
    const struct mv_walk_stat *st, const struct mv_id16 *ids,
    struct mv_err *err)
{
	size_t n = e->type == MV_ENTRY_FILE ? e->nchunks : 0;
	struct mv_err why = { 0 };
	int rc;

	rc = mv_stream_write(m->manifest, m->record.p, m->record.len, err);
	if (rc == 0)
		rc = mv_list_add(m->content, ids, n, err);
	if (rc == 0 && m->cache != NULL &&
	    mv_cache_add(m->cache, e, st, (const uint8_t *)ids, &why) < 0)
		lose_cache(m, &why);
	return rc;
}

/*
 * A file that could not be read or described is left out and the backup goes
 * on, unless it was our own side that failed.
 */
static int
leave_out(struct mv_media_out *m, int rc, struct mv_err *why,
    struct mv_err *err)
{
	if (m->writer_rc < 0 || rc == MV_ENOMEM || rc == MV_EINTR) {
		*err = *why;
		return rc;
	}
	mv_walk_skip(m->walk, why);
	return 0;
}

/*
 * Take the entry over from the last run, if it is the same and its chunks
 * are still there.
 */
static int
reuse(struct mv_media_out *m, const struct mv_entry *e,
    const struct mv_walk_stat *st, bool *done, struct mv_err *err)
{
	const struct mv_cache_record *old = NULL;
	const struct mv_id16 *ids;
	struct mv_entry again;
	int rc = 0;

	*done = false;
	if (!mv_cache_seek(m->old, e->path, &old) ||
	    !mv_cache_is_same(old, e, st))
		return 0;
	/* What is the same but for the names that this host has for its ids. */
	again = old->entry;
	again.owner = e->owner;
	again.group = e->group;
	ids = (const struct mv_id16 *)old->ids;
	if (e->type == MV_ENTRY_FILE && again.nchunks > 0) {
		rc = mv_writer_reuse(m->run->writer, ids, again.nchunks, done,
		    err);
		if (rc < 0 || !*done)
			return rc;
	}
	*done = true;
	if (e->type == MV_ENTRY_FILE) {
		m->run->report->files_unchanged++;
		m->run->report->media_bytes += mv_entry_data_size(&again);
	}
	rc = describe_entry(m, &again, err);
	return rc < 0 ? rc : store_entry(m, &again, st, ids, err);
}

/*
 * Read what the walk does not: content and attributes.  *taken is false when
 * that could not be had or is too much for a record, and the entry is left
 * out; of a directory only its attributes are.
 */
static int
take_anew(struct mv_media_out *m, struct mv_entry *e,
    struct mv_walk_stat *st, bool *taken, struct mv_err *err)
{
	struct mv_err why = { 0 };
	int rc = 0;

	m->writer_rc = 0;
	*taken = false;
	if (e->type == MV_ENTRY_FILE)
		rc = read_file(m, e, st, &why);
	else if (e->type != MV_ENTRY_HARDLINK)
		rc = mv_walk_xattrs(m->walk, -1, &why);
	if (rc == 0)
		rc = describe_entry(m, e, &why);
	if (rc < 0) {
		rc = leave_out(m, rc, &why, err);
		if (rc < 0 || e->type != MV_ENTRY_DIR)
			return rc;
		/*
		 * What is in it comes next, and no manifest has that without
		 * it.  The next run tries again.
		 */
		e->nxattrs = 0;
		st->fresh = true;
		rc = describe_entry(m, e, err);
		if (rc < 0)
			return rc;
	}
	*taken = true;
	return store_entry(m, e, st, mv_chunks_ids(m->chunks)->p, err);
}

static int
take_entry(struct mv_media_out *m, struct mv_entry *e,
    struct mv_walk_stat *st, struct mv_err *err)
{
	bool done = false;
	int rc;

	rc = reuse(m, e, st, &done, err);
	if (rc == 0 && !done)
		rc = take_anew(m, e, st, &done, err);
	if (rc == 0 && done && (e->type == MV_ENTRY_FILE ||
	    e->type == MV_ENTRY_HARDLINK))
		m->run->report->files++;
	return rc;
}

static int
take_all(struct mv_media_out *m, struct mv_err *err)
{
	const struct mv_progress *progress = &m->run->opts->progress;
	struct mv_entry *e = NULL;
	struct mv_walk_stat st;
	int rc;

	while ((rc = mv_walk_next(m->walk, &e, &st, err)) == 1) {
		rc = mv_stop_check(err);
		if (rc == 0)
			rc = take_entry(m, e, &st, err);
		if (rc == 0 && m->noted.code != MV_OK) {
			*err = m->noted;
			rc = err->code;
		}
		if (rc < 0)
			return rc;
		mv_progress_bytes(progress, m->run->report->media_bytes, 0);
	}
	return rc;
}

/*
 * The cache's key: the writer's host reads its own cache back, and nobody
 * with the state directory alone can.
 */
static int
cache_key(struct mv_backup_run *run, struct mv_key *out, struct mv_err *err)
{
	const struct mv_identity *me = mv_keyset_find(mv_repo_keyset(run->repo),
	    MV_RIGHT_WRITE);

	if (me == NULL)
		return mv_err_set(err, MV_EAUTH, "no writer's key was given");
	mv_kdf(&me->seed, "mastvault 1 media cache", out);
	return 0;
}

static int
open_caches(struct mv_media_out *m, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf binding = { 0 };
	mv_auto(mv_freep) char *path = NULL;
	char text[MV_ERR_TEXT_MAX];
	struct mv_err why = { 0 };
	int rc;

	if (asprintf(&path, "%s/media.cache",
	    mv_repo_state_dir(m->run->repo)) < 0) {
		path = NULL;
		return mv_err_set(err, MV_ENOMEM, "open the media cache");
	}
	/* Another repository's or another tree's cache is none. */
	mv_buf_put(&binding, mv_repo_id(m->run->repo), MV_REPO_ID_BYTES);
	mv_buf_put_str(&binding, m->run->src->media);
	rc = mv_buf_failed(&binding, err);
	if (rc == 0)
		rc = cache_key(m->run, &key, err);
	if (rc == 0)
		rc = mv_cache_open(path, &key, binding.p, binding.len, &m->old,
		    err);
	if (rc == 0 && mv_cache_damage(m->old) != NULL) {
		(void)mv_err_text(mv_cache_damage(m->old), text, sizeof(text));
		mv_warn("all media files are read again: %s", text);
	}
	if (rc == 0 && mv_cache_writer_new(path, &key, binding.p, binding.len,
	    &m->cache, &why) < 0)
		lose_cache(m, &why);
	return rc;
}

static int
open_all(struct mv_media_out *m, struct mv_err *err)
{
	const struct mv_backup_source *src = m->run->src;
	struct mv_walk_opts wopts = {
		.excludes = src->exclude,
		.report = note_problem,
		.arg = m,
	};
	int rc;

	while (src->exclude != NULL && src->exclude[wopts.nexcludes] != NULL)
		wopts.nexcludes++;
	rc = mv_walk_open(src->media, &wopts, &m->walk, err);
	if (rc == 0)
		rc = mv_file_reader_new(&m->reader, err);
	if (rc == 0)
		rc = open_caches(m, err);
	if (rc == 0)
		rc = mv_chunks_open(m->run->writer, MEDIA_CLASS, false,
		    &m->chunks, err);
	if (rc == 0)
		rc = mv_list_open(m->run->writer, &m->content, err);
	if (rc == 0)
		rc = mv_stream_open(m->run->writer, MANIFEST_CLASS, false,
		    &m->manifest, err);
	return rc;
}

/*
 * A tree that lost more than half of its files since the last run is more
 * often a failed mount than a wish.
 */
static int
refuse_shrunk(struct mv_media_out *m, struct mv_err *err)
{
	uint64_t before = mv_state_media_files(&m->run->state);
	uint64_t now = m->run->report->files;

	if (now * 2 < before && !m->run->opts->allow_shrink)
		return mv_err_set(err, MV_EREFUSED, "'%s' has %llu files, the "
		    "last backup had %llu: if that is right, --allow-shrink",
		    m->run->src->media, (unsigned long long)now,
		    (unsigned long long)before);
	return mv_state_set_media_files(&m->run->state, now, err);
}

static json_t *
exclude_json(const char *const *exclude)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; exclude != NULL && exclude[i] != NULL; i++)
		json_array_append_new(list, json_string(exclude[i]));
	return list;
}

static int
describe(struct mv_media_out *m, const struct mv_root *content,
    const struct mv_root *manifest, struct mv_err *err)
{
	struct mv_backup_run *run = m->run;
	const struct mv_backup_report *rep = run->report;
	int c, f;

	c = mv_roots_add(&run->roots, content, err);
	if (c < 0)
		return c;
	f = mv_roots_add(&run->roots, manifest, err);
	if (f < 0)
		return f;
	return mv_json_set(run->detail, "media", json_pack(
	    "{s:b, s:s, s:I, s:I, s:i, s:i, s:I, s:I, s:I, s:I, s:o}",
	    "included", 1, "root", run->src->media,
	    "files", (json_int_t)rep->files,
	    "bytes", (json_int_t)rep->media_bytes, "content", c, "manifest", f,
	    "manifest_bytes", (json_int_t)mv_stream_bytes(m->manifest),
	    "vanished", (json_int_t)rep->vanished.total,
	    "changing", (json_int_t)rep->changing.total,
	    "unreadable", (json_int_t)rep->unreadable.total,
	    "exclude", exclude_json(run->src->exclude)), err);
}

static int
finish(struct mv_media_out *m, struct mv_err *err)
{
	struct mv_root content = { 0 }, manifest = { 0 };
	int rc;

	rc = refuse_shrunk(m, err);
	if (rc == 0)
		rc = mv_chunks_flush(m->chunks, err);
	if (rc == 0)
		rc = mv_list_finish(m->content, &content, err);
	if (rc == 0)
		rc = mv_stream_finish(m->manifest, &manifest, err);
	if (rc == 0)
		rc = describe(m, &content, &manifest, err);
	return rc;
}

int
mv_backup_media(struct mv_backup_run *run, struct mv_media_out **out,
    struct mv_err *err)
{
	mv_auto(mv_media_out_freep) struct mv_media_out *m = NULL;
	double start = mv_time_monotonic();
	int rc;

	mv_progress_phase(&run->opts->progress, "media");
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return mv_err_set(err, MV_ENOMEM, "back up the media");
	m->run = run;
	rc = open_all(m, err);
	if (rc == 0)
		rc = take_all(m, err);
	if (rc == 0)
		rc = finish(m, err);
	run->report->media_seconds = mv_time_monotonic() - start;
	if (rc < 0)
		return mv_err_ctx(err, rc, "back up the media");
	*out = mv_take(&m);
	return 0;
}

int
mv_media_out_commit(struct mv_media_out *m, struct mv_err *err)
{
	return m->cache != NULL ? mv_cache_commit(m->cache, err) : 0;
}
