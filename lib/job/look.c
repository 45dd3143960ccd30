/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "job/detail.h"
#include "job/media_in.h"
#include "job/restore.h"
#include "vault/vault.h"

/* look: what is in a snapshot, without restoring it. */

int
mv_job_ls(struct mv_repo *r, const struct mv_snapshot *snap,
    int (*each)(const struct mv_entry *e, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err)
{
	mv_auto(mv_media_in_clear) struct mv_media_in m = { 0 };
	const struct mv_entry *e = NULL;
	int rc;

	rc = mv_media_in_open(r, snap, &m, err);
	if (rc < 0)
		return rc;
	/* Content is not read at all: m.pending would only pass over it. */
	while ((rc = mv_manifest_next(m.manifest, &e, err)) == 1) {
		rc = each(e, arg, err);
		if (rc != 0)
			return rc;
	}
	return rc;
}

struct tables {
	int (*each)(const char *schema, const char *name, int64_t rows,
	    uint64_t bytes, void *arg, struct mv_err *err);
	void *arg;
};

/* Rows are counted of those alone that are not in the archive. */
static int
each_table(const json_t *list, bool archived, const struct tables *t,
    struct mv_err *err)
{
	const char *schema, *name;
	const json_t *o;
	int64_t rows;
	size_t i;
	int rc;

	json_array_foreach(list, i, o) {
		schema = json_string_value(json_object_get(o, "schema"));
		name = json_string_value(json_object_get(o, "name"));
		if (schema == NULL || name == NULL)
			return mv_err_set(err, MV_ECORRUPT,
			    "the snapshot's detail has a table without a name");
		rows = json_integer_value(json_object_get(o, "rows"));
		rc = t->each(schema, name, archived ? -1 : rows,
		    (uint64_t)json_integer_value(json_object_get(o,
		    archived ? "size" : "bytes")), t->arg, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
mv_job_ls_db(struct mv_repo *r, const struct mv_snapshot *snap,
    int (*each)(const char *schema, const char *name, int64_t rows,
	uint64_t bytes, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err)
{
	mv_auto(mv_detail_decref) json_t *detail = NULL;
	const struct tables tables = { each, arg };
	const json_t *db = NULL;
	int rc;

	rc = mv_detail_open(r, snap, &detail, err);
	if (rc == 0)
		rc = mv_detail_part(snap, detail, MV_PART_DB, &db, err);
	if (rc == 0)
		rc = each_table(json_object_get(db, "tables"), false, &tables,
		    err);
	if (rc != 0)
		return rc;
	return each_table(json_object_get(json_object_get(db, "archive"),
	    "tables"), true, &tables, err);
}

static int
write_zeros(uint64_t n, const struct mv_sink *sink, struct mv_err *err)
{
	static const uint8_t zeros[65536];
	size_t part;
	int rc;

	while (n > 0) {
		part = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);
		rc = sink->write(sink->arg, zeros, part, err);
		if (rc != 0)
			return rc;
		n -= part;
	}
	return 0;
}

/*
 * spread: puts a file's data bytes where its extents say, with zeros between.
 */
struct spread {
	const struct mv_entry *e;
	const struct mv_sink *sink;
	uint64_t at;		/* bytes of the file written so far */
	size_t extent;		/* the current one */
	uint64_t used;		/* of it */
};

static int
spread_data(struct spread *s, const uint8_t *p, size_t len,
    struct mv_err *err)
{
	const struct mv_extent *x;
	size_t part;
	int rc = 0;

	if (!s->e->sparse) {
		if (len > s->e->size - s->at)
			return mv_err_set(err, MV_ECORRUPT,
			    "a file has more data than its size");
		s->at += len;
		return s->sink->write(s->sink->arg, p, len, err);
	}
	while (len > 0 && rc == 0) {
		if (s->extent == s->e->nextents)
			return mv_err_set(err, MV_ECORRUPT,
			    "a file has more data than its extents");
		x = &s->e->extents[s->extent];
		if (s->used == 0)
			rc = write_zeros(x->offset - s->at, s->sink, err);
		part = x->len - s->used < len ? (size_t)(x->len - s->used) :
		    len;
		if (rc == 0)
			rc = s->sink->write(s->sink->arg, p, part, err);
		s->used += part;
		s->at = x->offset + s->used;
		p += part;
		len -= part;
		if (s->used == x->len) {
			s->extent++;
			s->used = 0;
		}
	}
	return rc;
}

int
mv_media_in_file(struct mv_media_in *m, const struct mv_entry *e,
    const struct mv_sink *sink, struct mv_err *err)
{
	struct spread s = { .e = e, .sink = sink };
	const uint8_t *data = NULL;
	size_t len = 0;
	int rc;

	do {
		rc = mv_media_in_chunk(m, e, &data, &len, err);
		if (rc == 0 && len > 0)
			rc = spread_data(&s, data, len, err);
	} while (rc == 0 && len > 0);
	if (rc != 0)
		return rc;
	/* Only a hole may be left: zeros are no substitute for data. */
	if (e->sparse ? s.extent < e->nextents : s.at < e->size)
		return mv_err_set(err, MV_ECORRUPT,
		    "a file has less data than its manifest says");
	return write_zeros(e->size - s.at, sink, err);
}

/*
 * Write the file at path, or give the path of the file that it is a hard
 * link to in *link.
 */
static int
cat_path(struct mv_repo *r, const struct mv_snapshot *snap,
    struct mv_span path, const struct mv_sink *sink, struct mv_buf *link,
    struct mv_err *err)
{
	mv_auto(mv_media_in_clear) struct mv_media_in m = { 0 };
	const struct mv_entry *e = NULL;
	char shown[MV_PATH_SHOW];
	int rc, cmp = -1;

	rc = mv_media_in_open(r, snap, &m, err);
	if (rc < 0)
		return rc;
	while (cmp < 0 && (rc = mv_media_in_next(&m, &e, err)) == 1)
		cmp = mv_path_cmp(e->path, path);
	if (rc < 0)
		return rc;
	mv_path_show(path, shown);
	if (cmp != 0)
		return mv_err_set(err, MV_ENOTFOUND,
		    "the snapshot has no file '%s'", shown);
	if (e->type == MV_ENTRY_HARDLINK) {
		mv_buf_put(link, e->target.p, e->target.len);
		return mv_buf_failed(link, err);
	}
	if (e->type != MV_ENTRY_FILE)
		return mv_err_set(err, MV_EUSAGE, "'%s' is no file", shown);
	return mv_media_in_file(&m, e, sink, err);
}

int
mv_job_cat_file(struct mv_repo *r, const struct mv_snapshot *snap,
    const uint8_t *path, size_t len, const struct mv_sink *sink,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf link = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf none = { 0 };
	int rc;

	rc = cat_path(r, snap, (struct mv_span){ path, len }, sink, &link,
	    err);
	if (rc != 0 || link.len == 0)
		return rc;
	rc = cat_path(r, snap, (struct mv_span){ link.p, link.len }, sink,
	    &none, err);
	if (rc == 0 && none.len > 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "a hard link leads to another one");
	return rc;
}

int
mv_job_cat_env(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_sink *sink, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault vault = { 0 };
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	const struct mv_vault_version *v = NULL;
	int rc;

	if (snap->nvault == 0)
		return mv_err_set(err, MV_ENOTFOUND,
		    "the snapshot holds no secrets");
	rc = mv_vault_load(r, &vault, err);
	if (rc == 0)
		rc = mv_vault_find(&vault, &snap->vault[snap->nvault - 1], &v,
		    err);
	if (rc == 0)
		rc = mv_vault_open(r, v, &f, err);
	if (rc < 0)
		return rc;
	return sink->write(sink->arg, f.bytes.p, f.bytes.len, err);
}
