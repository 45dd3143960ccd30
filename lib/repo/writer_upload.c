/* SPDX-License-Identifier: MIT */
/*
 * writer_upload: finished packs go to all stores, then into the index.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "format/index.h"
#include "repo/writer_internal.h"

int
mv_writer_put_index(struct mv_writer *w, struct mv_err *err)
{
	struct mv_id32 hash;
	int rc = 0;

	if (w->index_run.npacks == 0)
		return 0;
	if (!w->opts.dry_run) {
		rc = mv_index_object_put(w->repo, w->epoch, &w->index_list,
		    w->index_run.npacks, &hash, err);
		if (rc == 0)
			rc = mv_run_builder_source(&w->index_run, &hash, err);
	}
	if (rc == 0)
		rc = mv_index_publish(w->index, &w->index_run, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "write the index");
	mv_buf_reset(&w->index_list);
	return 0;
}

/* The pack is in all stores: now others may refer to it.  Locked. */
static int
note_pack(struct mv_writer *w, struct mv_slot *s, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf footer = { 0 };
	struct mv_run_pack pack = {
		.id = s->origin->id,
		.hash = s->hash,
		.size = s->buf.len,
		.kind = s->footer.kind,
	};
	struct mv_pack_ref ref = { pack.id, pack.hash, pack.size };
	struct mv_index_pack listed = { pack.id, pack.hash, pack.size,
	    s->footer.kind, NULL, 0 };
	int rc;

	rc = mv_footer_encode(&s->footer, &footer, err);
	if (rc == 0)
		rc = mv_run_builder_add(&w->index_run, &pack, &s->footer,
		    err);
	if (rc == 0)
		rc = mv_pinset_add_all(s->for_pins ? &w->pin_nodes : &w->pins,
		    &pack.id, (uint32_t)s->origin->nsegs, &ref, err);
	if (rc < 0)
		return rc;
	listed.footer = footer.p;
	listed.footer_len = footer.len;
	mv_index_add(&w->index_list, &listed);
	rc = mv_buf_failed(&w->index_list, err);
	if (rc < 0 || (w->index_run.npacks < MV_WRITER_INDEX_PACKS &&
	    w->index_run.nentries < MV_WRITER_INDEX_ENTRIES))
		return rc;
	return mv_writer_put_index(w, err);
}

static int
upload(struct mv_writer *w, struct mv_slot *s, struct mv_err *err)
{
	char name[MV_OBJECT_NAME_MAX];
	int rc;

	rc = mv_stop_check(err);
	if (rc < 0)
		return rc;
	mv_object_name(s->footer.kind, 0, &s->origin->id, &s->hash, name);
	if (!w->opts.dry_run) {
		rc = mv_repo_put(w->repo, name, s->buf.p, s->buf.len, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "upload a pack");
	}
	atomic_fetch_add(&w->bytes_added, s->buf.len);
	pthread_mutex_lock(&w->uploaded_lock);
	rc = note_pack(w, s, err);
	pthread_mutex_unlock(&w->uploaded_lock);
	return rc;
}

/* Ready for the next pack. */
static void
release(struct mv_writer *w, struct mv_slot *s)
{
	struct mv_footer_origin *o = s->origin;
	size_t i;

	for (i = 0; i < o->nsegs; i++)
		free(o->segs[i].ids);
	o->nsegs = 0;
	pthread_mutex_lock(&w->lock);
	s->state = MV_SLOT_FREE;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void *
mv_uploader_main(void *writer)
{
	struct mv_writer *w = writer;
	struct mv_err err = { 0 };
	struct mv_slot *s;
	int rc = 0;

	while (rc == 0 && (s = mv_queue_get(w->uploads)) != NULL) {
		rc = upload(w, s, &err);
		if (rc == 0)
			release(w, s);
	}
	if (rc < 0)
		mv_writer_fail(w, &err);
	return NULL;
}
