/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/stop.h"
#include "chunk/chunker.h"
#include "job/detail.h"
#include "job/media_in.h"
#include "job/restore_internal.h"
#include "job/restore_links.h"
#include "job/select.h"
#include "repo/writer.h"
#include "tree/extract.h"

/*
 * restore_media: a snapshot's media tree into a directory.
 *
 * Files that are there already are compared by cutting them as the backup
 * did and comparing ids: nothing is fetched for those that are the same, so
 * an interrupted restore goes on where it was.
 */
struct media_run {
	struct mv_restore_run *run;
	struct mv_media_in in;
	struct mv_links_in links;
	struct mv_extract *x;
	struct mv_select select;
	struct mv_ids list;		/* of the file that is compared */
	struct mv_named conflicts;
	uint64_t done, total;
	bool found;			/* anything that was selected */
};

static void
media_run_clear(struct media_run *m)
{
	mv_extract_freep(&m->x);
	mv_links_in_clear(&m->links);
	mv_media_in_clear(&m->in);
	mv_select_clear(&m->select);
	mv_ids_clear(&m->list);
	mv_named_clear(&m->conflicts);
}

/*
 * present: the bytes of a file that is there, as far as they belong to the
 * entry's extents.  What lies in its holes must be zeros.
 */
struct present {
	const struct mv_entry *e;
	int fd;
	size_t extent;
	uint64_t used;		/* of the current extent */
	uint64_t at;		/* offset in the file behind the last extent */
	bool differs;
};

/* Zeros only from p->at up to end? */
static int
check_hole(struct present *p, uint64_t end, struct mv_err *err)
{
	uint8_t buf[65536];
	size_t got, i, want;
	off_t data;
	int rc;

	while (p->at < end && !p->differs) {
		data = lseek(p->fd, (off_t)p->at, SEEK_DATA);
		if (data < 0 || (uint64_t)data >= end)
			break;
		p->at = (uint64_t)data;
		want = end - p->at < sizeof(buf) ? (size_t)(end - p->at) :
		    sizeof(buf);
		rc = mv_fd_pread(p->fd, buf, want, p->at, &got,
		    "file that is there", err);
		if (rc < 0)
			return rc;
		if (got == 0)
			break;
		for (i = 0; i < got; i++)
			p->differs |= buf[i] != 0;
		p->at += got;
	}
	p->at = end;
	return 0;
}

static int
present_read(void *arg, uint8_t *buf, size_t len, size_t *got,
    struct mv_err *err)
{
	const struct mv_extent whole = { 0, ((struct present *)arg)->e->size };
	struct present *p = arg;
	const struct mv_extent *x = p->e->sparse ? p->e->extents : &whole;
	size_t n = p->e->sparse ? p->e->nextents : 1;
	int rc;

	*got = 0;
	if (p->differs)
		return 0;
	if (p->extent == n)
		return check_hole(p, p->e->size, err);
	x += p->extent;
	if (p->used == 0) {
		rc = check_hole(p, x->offset, err);
		if (rc < 0 || p->differs)
			return rc;
	}
	if (len > x->len - p->used)
		len = (size_t)(x->len - p->used);
	rc = mv_fd_pread(p->fd, buf, len, x->offset + p->used, got,
	    "file that is there", err);
	if (rc < 0)
		return rc;
	p->used += *got;
	p->at = x->offset + p->used;
	if (p->used == x->len) {
		p->extent++;
		p->used = 0;
		/* 0 bytes would be the end of the source. */
		if (*got == 0)
			return present_read(arg, buf, len, got, err);
	}
	return 0;
}

/*
 * file: one that is restored.  What it is in the backup and what it becomes
 * differ by the path, if it gets that of a hard link to it.
 */
struct file {
	struct mv_media_in *in;		/* has from's chunks next */
	const struct mv_entry *from;
	const struct mv_entry *to;
};

/* More chunks than anybody cuts a file of this length into? */
static bool
is_overcut(const struct mv_entry *e)
{
	return e->nchunks > mv_entry_data_size(e) / MV_MEDIA_CHUNK_MIN + 1;
}

/* The ids of the current file, none of whose chunks were read yet. */
static int
ids_of(struct media_run *m, const struct file *f, struct mv_err *err)
{
	static const struct mv_id16 zero;
	uint64_t n = f->from->nchunks;
	int rc;

	m->list.n = 0;
	while (m->list.n < n) {
		rc = mv_ids_add(&m->list, &zero, 1, err);
		if (rc < 0)
			return rc;
	}
	return mv_stream_in_ids(f->in->content, n, m->list.p, err);
}

static int
compare(struct media_run *m, const struct file *f, int fd, bool *same,
    struct mv_err *err)
{
	struct mv_span path = f->from->path;
	struct present p = { .e = f->from, .fd = fd };
	struct mv_source src = { present_read, &p };
	uint8_t end;
	size_t got;
	int rc;

	/* No file is cut so: a hostile manifest is not given the memory. */
	if (is_overcut(f->from)) {
		*same = false;
		return 0;
	}
	rc = ids_of(m, f, err);
	if (rc == 0)
		rc = mv_reader_same_file(f->in->reader, path.p, path.len, src,
		    m->list.p, m->list.n, same, err);
	/* A difference in the last hole shows only when that was read. */
	if (rc == 0 && *same)
		rc = present_read(&p, &end, 1, &got, err);
	if (rc == 0 && p.differs)
		*same = false;
	return rc;
}

static int
conflict(struct media_run *m, const struct mv_entry *e, struct mv_err *err)
{
	char shown[MV_PATH_SHOW];

	mv_path_show(e->path, shown);
	return mv_named_add(&m->conflicts, shown, strlen(shown), err);
}

static int
write_file(struct media_run *m, const struct file *f, struct mv_err *err)
{
	const struct mv_progress *progress = &m->run->opts->progress;
	const uint8_t *data = NULL;
	size_t len = 0;
	int rc;

	rc = mv_extract_begin(m->x, f->to, err);
	while (rc == 0) {
		rc = mv_media_in_chunk(f->in, f->from, &data, &len, err);
		if (rc < 0 || len == 0)
			break;
		rc = mv_extract_data(m->x, data, len, err);
		m->done += len;
		if (progress->bytes != NULL)
			progress->bytes(m->done, m->total, progress->arg);
		if (rc == 0)
			rc = mv_stop_check(err);
	}
	if (rc == 0)
		rc = mv_extract_finish(m->x, err);
	else
		mv_extract_abort(m->x);
	return rc;
}

static int
restore_file(struct media_run *m, const struct file *f, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	bool same = false;
	int rc;

	rc = mv_extract_existing(m->x, f->to, &fd, err);
	if (rc == 1) {
		rc = compare(m, f, fd, &same, err);
		if (rc == 0 && same)
			return mv_extract_keep(m->x, f->to, fd, err);
		if (rc == 0 && !m->run->opts->overwrite)
			rc = mv_err_set(err, MV_EEXIST, "the content differs");
	}
	if (rc == 0)
		rc = write_file(m, f, err);
	return rc;
}

/* A link to a file that is not restored becomes that file, or a link to it. */
static int
restore_link(struct media_run *m, const struct mv_entry *e,
    struct mv_err *err)
{
	struct mv_span path = mv_links_in_promoted(&m->links, e->target);
	struct file f = { .in = &m->links.in };
	struct mv_entry to;
	int rc;

	if (path.len > 0) {
		to = *e;
		to.target = path;
		return mv_extract_put(m->x, &to, err);
	}
	m->links.repo = m->run->repo;
	m->links.snap = m->run->snap;
	rc = mv_links_in_promote(&m->links, e, &f.from, err);
	if (rc < 0)
		return rc;
	/* The arrays stay from's. */
	to = *f.from;
	to.path = e->path;
	f.to = &to;
	return restore_file(m, &f, err);
}

/* One entry; files that are there and differ are noted, and it goes on. */
static int
restore_entry(struct media_run *m, const struct mv_entry *e,
    struct mv_err *err)
{
	const struct file f = { &m->in, e, e };
	struct mv_err why = { 0 };
	char shown[MV_PATH_SHOW];
	int rc;

	if (e->type == MV_ENTRY_FILE)
		rc = restore_file(m, &f, &why);
	else if (e->type == MV_ENTRY_HARDLINK &&
	    !mv_select_fits(&m->select, e->target))
		rc = restore_link(m, e, &why);
	else
		rc = mv_extract_put(m->x, e, &why);
	if (rc == 0)
		return 0;
	if (rc == MV_EEXIST) {
		rc = conflict(m, e, err);
		if (rc == 0 && (e->type == MV_ENTRY_FILE ||
		    e->type == MV_ENTRY_HARDLINK))
			rc = mv_extract_refuse(m->x, e, err);
		return rc;
	}
	*err = why;
	return mv_err_ctx(err, rc, "restore '%s'", mv_path_show(e->path,
	    shown));
}

static int
put_dir(const struct mv_entry *dir, void *arg, struct mv_err *err)
{
	return restore_entry(arg, dir, err);
}

static int
restore_all(struct media_run *m, struct mv_err *err)
{
	const struct mv_entry *e = NULL;
	int rc;

	while ((rc = mv_media_in_next(&m->in, &e, err)) == 1) {
		rc = mv_stop_check(err);
		if (rc == 0 && mv_select_fits(&m->select, e->path)) {
			m->found = true;
			rc = mv_select_pass(&m->select, e->path, put_dir, m,
			    err);
			if (rc == 0)
				rc = restore_entry(m, e, err);
		} else if (rc == 0 && e->type == MV_ENTRY_DIR) {
			rc = mv_select_hold(&m->select, e, err);
		}
		if (rc < 0)
			return rc;
	}
	if (rc == 0 && !m->found && m->run->opts->paths != NULL &&
	    m->run->opts->paths[0] != NULL)
		rc = mv_err_set(err, MV_ENOTFOUND, "the snapshot holds "
		    "nothing that fits '%s'", m->run->opts->paths[0]);
	return rc;
}

static int
open_all(struct media_run *m, struct mv_err *err)
{
	struct mv_restore_run *run = m->run;
	const struct mv_extract_opts xopts = {
		.overwrite = run->opts->overwrite,
	};
	const json_t *media = NULL;
	int rc;

	rc = mv_detail_part(run->snap, run->detail, MV_PART_MEDIA, &media,
	    err);
	if (rc == 0)
		rc = mv_media_in_open(run->repo, run->snap, &m->in, err);
	if (rc == 0)
		rc = mv_extract_open(run->opts->media, &xopts, &m->x, err);
	m->total = (uint64_t)json_integer_value(json_object_get(media,
	    "bytes"));
	return rc;
}

static int
report(struct media_run *m, struct mv_err *err)
{
	struct mv_restore_report *rep = m->run->report;
	struct mv_extract_facts facts;
	size_t i;
	int rc = 0;

	mv_extract_facts(m->x, &facts);
	rep->files = facts.made + facts.kept;
	rep->files_kept = facts.kept;
	rep->media_bytes = m->done;
	for (i = 0; i < facts.nshown && rc == 0; i++)
		rc = mv_named_add(&rep->owners, facts.shown[i],
		    strlen(facts.shown[i]), err);
	if (facts.owners + facts.xattrs > rep->owners.total)
		rep->owners.total = facts.owners + facts.xattrs;
	if (rc < 0 || m->conflicts.total == 0)
		return rc;
	return mv_err_set(err, MV_EEXIST, "%llu of the files are there "
	    "already and differ (first: '%s'); they were left alone, all "
	    "others are restored; --overwrite replaces them",
	    (unsigned long long)m->conflicts.total, m->conflicts.names[0]);
}

int
mv_restore_media(struct mv_restore_run *run, struct mv_err *err)
{
	mv_auto(media_run_clear) struct media_run m = {
		.run = run,
		.select = { .globs = run->opts->paths },
	};
	int rc;

	if (run->opts->progress.phase != NULL)
		run->opts->progress.phase("media", run->opts->progress.arg);
	rc = open_all(&m, err);
	if (rc == 0)
		rc = restore_all(&m, err);
	if (rc == 0)
		rc = mv_extract_close(m.x, err);
	if (rc == 0)
		rc = report(&m, err);
	return mv_err_ctx(err, rc, "restore the media");
}
