/* SPDX-License-Identifier: MIT */
#include "job/media_in.h"

#include "base/cleanup.h"
#include "job/detail.h"

int
mv_media_in_open(struct mv_repo *r, const struct mv_snapshot *snap,
    struct mv_media_in *out, struct mv_err *err)
{
	mv_auto(mv_detail_decref) json_t *detail = NULL;
	const struct mv_root *manifest = NULL, *content = NULL;
	const json_t *media = NULL;
	struct mv_source src;
	int rc;

	rc = mv_detail_open(r, snap, &detail, err);
	if (rc == 0)
		rc = mv_detail_part(snap, detail, MV_PART_MEDIA, &media, err);
	if (rc == 0)
		rc = mv_detail_stream(snap, media, "manifest", &manifest, err);
	if (rc == 0)
		rc = mv_detail_stream(snap, media, "content", &content, err);
	if (rc == 0)
		rc = mv_reader_open(r, snap, &out->reader, err);
	if (rc == 0)
		rc = mv_stream_in_open(out->reader, manifest,
		    &out->manifest_stream, err);
	if (rc == 0)
		rc = mv_stream_in_open(out->reader, content, &out->content,
		    err);
	if (rc < 0)
		return rc;
	src = (struct mv_source){ mv_stream_in_read, out->manifest_stream };
	return mv_manifest_reader_new(src, &out->manifest, err);
}

void
mv_media_in_clear(struct mv_media_in *m)
{
	mv_manifest_reader_freep(&m->manifest);
	mv_stream_in_freep(&m->content);
	mv_stream_in_freep(&m->manifest_stream);
	mv_reader_freep(&m->reader);
	m->pending = 0;
}

int
mv_media_in_next(struct mv_media_in *m, const struct mv_entry **out,
    struct mv_err *err)
{
	int rc = 0;

	if (m->pending > 0)
		rc = mv_stream_in_skip(m->content, m->pending, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "read the media content");
	m->pending = 0;
	rc = mv_manifest_next(m->manifest, out, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "read the media manifest");
	if (rc == 1 && (*out)->type == MV_ENTRY_FILE)
		m->pending = (*out)->nchunks;
	return rc;
}

int
mv_media_in_chunk(struct mv_media_in *m, const struct mv_entry *e,
    const uint8_t **data, size_t *len, struct mv_err *err)
{
	char shown[MV_PATH_SHOW];
	int rc;

	*len = 0;
	if (m->pending == 0)
		return 0;
	rc = mv_stream_in_chunk(m->content, e->path.p, e->path.len, data, len,
	    err);
	if (rc == 0 && *len == 0)
		rc = mv_err_set(err, MV_ECORRUPT,
		    "the content ends before the manifest does");
	m->pending--;
	return mv_err_ctx(err, rc, "file '%s'", mv_path_show(e->path, shown));
}
