/* SPDX-License-Identifier: MIT */
#include "job/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "job/detail.h"
#include "job/diff_internal.h"
#include "job/media_in.h"

/* How many ids are compared at a time. */
#define IDS 1024

/* One of the two trees, and its entry that is next. */
struct side {
	struct mv_media_in in;
	const struct mv_entry *e;	/* NULL at the end */
	struct mv_id16 ids[IDS];
};

struct media_diff {
	struct side from, to;
	const struct mv_diff_each *each;
	struct mv_diff_report *report;
	bool epochs_differ;
};

static void
media_diff_free(struct media_diff *d)
{
	if (d == NULL)
		return;
	mv_media_in_clear(&d->from.in);
	mv_media_in_clear(&d->to.in);
	free(d);
}

static void
media_diff_freep(struct media_diff **d)
{
	media_diff_free(*d);
}

static bool
same_span(struct mv_span a, struct mv_span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static bool
same_xattrs(const struct mv_entry *a, const struct mv_entry *b)
{
	size_t i;

	if (a->nxattrs != b->nxattrs)
		return false;
	for (i = 0; i < a->nxattrs; i++)
		if (!same_span(a->xattrs[i].name, b->xattrs[i].name) ||
		    !same_span(a->xattrs[i].value, b->xattrs[i].value))
			return false;
	return true;
}

/* Names count where both sides know them: ids differ from host to host. */
static bool
same_owner(const struct mv_entry *a, const struct mv_entry *b)
{
	bool user = a->owner.len > 0 && b->owner.len > 0 ?
	    same_span(a->owner, b->owner) : a->uid == b->uid;
	bool group = a->group.len > 0 && b->group.len > 0 ?
	    same_span(a->group, b->group) : a->gid == b->gid;

	return user && group;
}

unsigned
mv_diff_entries(const struct mv_entry *a, const struct mv_entry *b,
    bool same_content)
{
	unsigned what = 0;

	if (a->type != b->type)
		return MV_DIFF_TYPE;
	if (!same_span(a->target, b->target))
		what |= MV_DIFF_TARGET;
	if (a->type == MV_ENTRY_HARDLINK)
		return what;
	if (a->type == MV_ENTRY_FILE && !same_content)
		what |= MV_DIFF_CONTENT;
	if (a->type == MV_ENTRY_FILE && a->size != b->size)
		what |= MV_DIFF_SIZE;
	if (a->mode != b->mode)
		what |= MV_DIFF_MODE;
	if (a->mtime != b->mtime || a->mtime_nsec != b->mtime_nsec)
		what |= MV_DIFF_MTIME;
	if (!same_owner(a, b))
		what |= MV_DIFF_OWNER;
	if (!same_xattrs(a, b))
		what |= MV_DIFF_XATTRS;
	return what;
}

static int
advance(struct side *s, struct mv_err *err)
{
	int rc = mv_media_in_next(&s->in, &s->e, err);

	if (rc == 0)
		s->e = NULL;
	return rc < 0 ? rc : 0;
}

static bool
same_extents(const struct mv_entry *a, const struct mv_entry *b)
{
	return a->sparse == b->sparse && a->size == b->size &&
	    a->nextents == b->nextents && (a->nextents == 0 ||
	    memcmp(a->extents, b->extents,
	    a->nextents * sizeof(a->extents[0])) == 0);
}

/* Compare two files by their chunks' ids. */
static int
same_content(struct media_diff *d, bool *same, struct mv_err *err)
{
	struct side *a = &d->from, *b = &d->to;
	size_t n;
	int rc = 0;

	*same = a->e->nchunks == b->e->nchunks && same_extents(a->e, b->e);
	while (rc == 0 && *same && a->in.pending > 0) {
		n = a->in.pending < IDS ? (size_t)a->in.pending : IDS;
		rc = mv_stream_in_ids(a->in.content, n, a->ids, err);
		if (rc == 0)
			rc = mv_stream_in_ids(b->in.content, n, b->ids, err);
		if (rc == 0)
			rc = mv_stream_in_skip(a->in.content, n, err);
		if (rc == 0)
			rc = mv_stream_in_skip(b->in.content, n, err);
		if (rc < 0)
			break;
		a->in.pending -= n;
		b->in.pending -= n;
		*same = memcmp(a->ids, b->ids, n * sizeof(a->ids[0])) == 0;
	}
	/* What was read again in another epoch has other ids. */
	if (d->epochs_differ && a->e->size == b->e->size &&
	    a->e->mtime == b->e->mtime && a->e->mtime_nsec == b->e->mtime_nsec)
		*same = true;
	return rc;
}

static int
tell(struct media_diff *d, const struct mv_diff_entry *e, struct mv_err *err)
{
	struct mv_diff_report *rep = d->report;

	rep->media_changed = true;
	if (e->kind == MV_DIFF_CHANGED) {
		rep->changed++;
	} else if (e->kind == MV_DIFF_ADDED) {
		rep->added++;
		rep->bytes_added += e->to->size;
	} else {
		rep->removed++;
		rep->bytes_removed += e->from->size;
	}
	return d->each->entry(e, d->each->arg, err);
}

/* One step of the merge: whichever side has the lower path. */
static int
step(struct media_diff *d, struct mv_err *err)
{
	struct side *a = &d->from, *b = &d->to;
	struct mv_diff_entry e = { .from = a->e, .to = b->e };
	bool same = true;
	int rc = 0, cmp;

	cmp = a->e == NULL ? 1 : b->e == NULL ? -1 :
	    mv_path_cmp(a->e->path, b->e->path);
	if (cmp < 0) {
		e.kind = MV_DIFF_REMOVED;
		e.to = NULL;
	} else if (cmp > 0) {
		e.kind = MV_DIFF_ADDED;
		e.from = NULL;
	} else {
		e.kind = MV_DIFF_CHANGED;
		if (a->e->type == MV_ENTRY_FILE && b->e->type == MV_ENTRY_FILE)
			rc = same_content(d, &same, err);
		e.what = mv_diff_entries(a->e, b->e, same);
	}
	if (rc == 0 && (cmp != 0 || e.what != 0))
		rc = tell(d, &e, err);
	if (rc == 0 && cmp <= 0)
		rc = advance(a, err);
	if (rc == 0 && cmp >= 0)
		rc = advance(b, err);
	return rc != 0 ? rc : mv_stop_check(err);
}

bool
mv_diff_same_root(const struct mv_root *a, const struct mv_root *b)
{
	mv_auto(mv_buf_clear) struct mv_buf x = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf y = { 0 };

	mv_root_encode(a, &x);
	mv_root_encode(b, &y);
	return mv_buf_failed(&x, NULL) == 0 && mv_buf_failed(&y, NULL) == 0 &&
	    x.len == y.len && memcmp(x.p, y.p, x.len) == 0;
}

/* Equal roots, equal streams: one id tells for a million files. */
static int
same_stream(const struct mv_diff_pair *p, const json_t *from,
    const json_t *to, const char *member, bool *same, struct mv_err *err)
{
	const struct mv_root *a = NULL, *b = NULL;
	int rc;

	rc = mv_detail_stream(p->from, from, member, &a, err);
	if (rc == 0)
		rc = mv_detail_stream(p->to, to, member, &b, err);
	if (rc == 0)
		*same = mv_diff_same_root(a, b);
	return rc;
}

static int
merge(const struct mv_diff_pair *p, struct mv_err *err)
{
	mv_auto(media_diff_freep) struct media_diff *d = NULL;
	int rc;

	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return mv_err_set(err, MV_ENOMEM, "compare the media");
	d->each = p->each;
	d->report = p->report;
	d->epochs_differ = p->from->epoch != p->to->epoch;
	rc = mv_media_in_open(p->repo, p->from, &d->from.in, err);
	if (rc == 0)
		rc = mv_media_in_open(p->repo, p->to, &d->to.in, err);
	if (rc == 0)
		rc = advance(&d->from, err);
	if (rc == 0)
		rc = advance(&d->to, err);
	while (rc == 0 && (d->from.e != NULL || d->to.e != NULL))
		rc = step(d, err);
	return rc;
}

static int
diff_media(const struct mv_diff_pair *p, struct mv_err *err)
{
	const json_t *from = NULL, *to = NULL;
	bool manifest = false, content = false;
	int rc;

	rc = mv_detail_part(p->from, p->from_detail, MV_PART_MEDIA, &from,
	    err);
	if (rc == 0)
		rc = mv_detail_part(p->to, p->to_detail, MV_PART_MEDIA, &to,
		    err);
	if (rc == 0)
		rc = same_stream(p, from, to, "manifest", &manifest, err);
	if (rc == 0)
		rc = same_stream(p, from, to, "content", &content, err);
	if (rc != 0 || (manifest && content))
		return rc;
	return merge(p, err);
}

static uint64_t
last_version(const json_t *detail)
{
	const json_t *list = json_object_get(json_object_get(detail,
	    "secrets"), "versions");
	size_t n = json_array_size(list);

	return n == 0 ? 0 :
	    (uint64_t)json_integer_value(json_array_get(list, n - 1));
}

static void
diff_secrets(const struct mv_diff_pair *p)
{
	p->report->from_version = last_version(p->from_detail);
	p->report->to_version = last_version(p->to_detail);
	p->report->secrets_changed = p->report->from_version !=
	    p->report->to_version;
}

static int
diff_redis(const struct mv_diff_pair *p, struct mv_err *err)
{
	const json_t *from = NULL, *to = NULL;
	bool same = false;
	int rc;

	rc = mv_detail_part(p->from, p->from_detail, MV_PART_REDIS, &from,
	    err);
	if (rc == 0)
		rc = mv_detail_part(p->to, p->to_detail, MV_PART_REDIS, &to,
		    err);
	if (rc == 0)
		rc = same_stream(p, from, to, "stream", &same, err);
	p->report->redis_changed = !same;
	return rc;
}

int
mv_job_diff(struct mv_repo *r, const struct mv_snapshot *from,
    const struct mv_snapshot *to, const struct mv_diff_each *each,
    struct mv_diff_report *out, struct mv_err *err)
{
	mv_auto(mv_detail_decref) json_t *a = NULL;
	mv_auto(mv_detail_decref) json_t *b = NULL;
	struct mv_diff_report rep = {
		.compared = from->parts & to->parts &
		    MV_PARTS,
	};
	struct mv_diff_pair p = { .repo = r, .from = from, .to = to,
	    .each = each, .report = &rep };
	int rc;

	rc = mv_detail_open(r, from, &a, err);
	if (rc == 0)
		rc = mv_detail_open(r, to, &b, err);
	if (rc < 0)
		return rc;
	p.from_detail = a;
	p.to_detail = b;
	if (rep.compared & MV_PART_MEDIA)
		rc = diff_media(&p, err);
	if (rc == 0 && (rep.compared & MV_PART_DB))
		rc = mv_diff_db(&p, err);
	if (rc == 0 && (rep.compared & MV_PART_SECRETS))
		diff_secrets(&p);
	if (rc == 0 && (rep.compared & MV_PART_REDIS))
		rc = diff_redis(&p, err);
	if (rc == 0)
		*out = rep;
	return rc;
}
