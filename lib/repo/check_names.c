/* SPDX-License-Identifier: MIT */
#include "repo/check_names.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/manifest.h"

#define NO_STREAM SIZE_MAX

struct streams {
	json_t *detail;		/* or NULL */
	size_t content, manifest;
};

static void
streams_clear(struct streams *s)
{
	json_decref(s->detail);
}

static size_t
member_stream(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return json_is_integer(v) && json_integer_value(v) >= 0 ?
	    (size_t)json_integer_value(v) : NO_STREAM;
}

/* Names are a help: without a detail that can be read, numbers do. */
static void
open_detail(struct mv_check *c, const struct mv_snapshot *s,
    struct streams *out)
{
	const struct mv_epoch_secrets *e = mv_repo_epoch(c->repo, s->epoch);
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	const json_t *media;

	out->content = out->manifest = NO_STREAM;
	if (e == NULL || (e->has & 4) == 0 || mv_snapshot_open_detail(s,
	    mv_repo_id(c->repo), &e->priv, &text, NULL) < 0)
		return;
	out->detail = json_loadb((const char *)text.p, text.len,
	    JSON_REJECT_DUPLICATES, NULL);
	media = json_object_get(out->detail, "media");
	out->content = member_stream(media, "content");
	out->manifest = member_stream(media, "manifest");
}

/* A name from the detail, fit for a terminal: tables may be called anything. */
static const char *
show(const json_t *t, const char *member, char out[MV_PATH_SHOW])
{
	const char *name = json_string_value(json_object_get(t, member));
	struct mv_span span = { (const uint8_t *)name, 0 };

	if (name == NULL)
		return "?";
	span.len = strlen(name);
	return mv_path_show(span, out);
}

/* A text that is freed by the caller; NULL when memory is out. */
static char *
table_label(const json_t *tables, size_t stream)
{
	char schema[MV_PATH_SHOW], name[MV_PATH_SHOW], *text = NULL;
	const json_t *t;
	size_t i;

	json_array_foreach(tables, i, t) {
		if (member_stream(t, "stream") != stream)
			continue;
		if (asprintf(&text, "table %s.%s",
		    show(t, "schema", schema), show(t, "name", name)) < 0)
			return NULL;
		return text;
	}
	return asprintf(&text, "stream %zu", stream) < 0 ? NULL : text;
}

static char *
stream_label(const struct streams *s, size_t stream)
{
	const json_t *db = json_object_get(s->detail, "database");

	if (stream == s->content)
		return strdup("media files");
	if (stream == s->manifest)
		return strdup("the list of media files");
	if (member_stream(json_object_get(db, "archive"), "stream") == stream)
		return strdup("the database archive");
	return table_label(json_object_get(db, "tables"), stream);
}

/* The content stream's losses, which are ascending, beside the files. */
struct finder {
	struct mv_loss *losses;
	size_t n, at;
	size_t content;
	uint64_t pos;		/* of the next file's first chunk */
	uint64_t within;	/* files of losses[at] so far */
};

static int
label_file(struct mv_loss *l, uint64_t count, const struct mv_entry *e,
    struct mv_err *err)
{
	char shown[MV_PATH_SHOW], *text = NULL;

	if (count == 0) {
		if (asprintf(&text, "media file '%s'",
		    mv_path_show(e->path, shown)) < 0)
			return mv_err_set(err, MV_ENOMEM, "name losses");
	} else if (count > 1) {
		return 0;	/* "and others" is said */
	} else if (asprintf(&text, "%s and others", l->label) < 0) {
		return mv_err_set(err, MV_ENOMEM, "name losses");
	}
	free(l->label);
	l->label = text;
	return 0;
}

/* Every loss that overlaps the chunks of this file. */
static int
take_file(struct finder *f, const struct mv_entry *e, struct mv_err *err)
{
	uint64_t end = f->pos + e->nchunks;
	struct mv_loss *l;
	int rc = 0;

	while (rc == 0 && f->at < f->n) {
		l = &f->losses[f->at];
		if (l->stream == f->content && l->first >= end)
			break;
		if (l->stream == f->content && l->first + l->n > f->pos)
			rc = label_file(l, f->within++, e, err);
		if (l->stream == f->content && l->first + l->n > end)
			break;
		f->at++;
		f->within = 0;
	}
	f->pos = end;
	return rc;
}

/*
 * Read the manifest as far as it goes: it may itself be what is damaged, and
 * then the labels stay as they are.
 */
static int
name_files(struct mv_check *c, const struct mv_snapshot *s,
    struct finder *f, size_t manifest, struct mv_err *err)
{
	mv_auto(mv_reader_freep) struct mv_reader *rd = NULL;
	mv_auto(mv_stream_in_freep) struct mv_stream_in *in = NULL;
	mv_auto(mv_manifest_reader_freep) struct mv_manifest_reader *mr =
	    NULL;
	struct mv_source src = { .read = mv_stream_in_read };
	const struct mv_entry *e;
	int rc;

	rc = mv_reader_open_over(c->repo, c->index, s, &rd, err);
	if (rc == 0)
		rc = mv_stream_in_open(rd, &s->streams[manifest], &in, err);
	src.arg = in;
	if (rc == 0)
		rc = mv_manifest_reader_new(src, &mr, err);
	if (rc < 0)
		return rc;
	while (f->at < f->n && mv_manifest_next(mr, &e, NULL) == 1) {
		if (e->type != MV_ENTRY_FILE)
			continue;
		rc = take_file(f, e, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
mv_check_name_losses(struct mv_check *c, struct mv_loss *losses, size_t n,
    bool files, struct mv_err *err)
{
	const struct mv_snapshot *s = &c->snaps.list[losses[0].snapshot];
	mv_auto(streams_clear) struct streams streams = { 0 };
	struct finder f = { .losses = losses, .n = n };
	bool any = false;
	size_t i;

	open_detail(c, s, &streams);
	for (i = 0; i < n; i++) {
		losses[i].label = stream_label(&streams, losses[i].stream);
		if (losses[i].label == NULL)
			return mv_err_set(err, MV_ENOMEM, "name losses");
		any |= losses[i].stream == streams.content;
	}
	f.content = streams.content;
	if (!any || !files || streams.manifest >= s->nstreams)
		return 0;
	return name_files(c, s, &f, streams.manifest, err);
}
