/* SPDX-License-Identifier: MIT */
#include "job/stats.h"

#include "base/cleanup.h"
#include "job/detail.h"

struct run {
	struct mv_sizes *sizes;		/* NULL: only logical bytes */
	const struct mv_snapshot *snap;
	int (*each)(const struct mv_stats_part *p, void *arg,
	    struct mv_err *err);
	void *arg;
	uint64_t logical;
};

static uint64_t
bytes_in(const json_t *object, const char *member)
{
	json_int_t v = json_integer_value(json_object_get(object, member));

	return v > 0 ? (uint64_t)v : 0;
}

static int
add_part(struct run *run, struct mv_stats_part *p, const json_t *object,
    const char *stream, struct mv_err *err)
{
	const struct mv_root *root = NULL;
	int rc;

	run->logical += p->logical;
	if (run->sizes == NULL)
		return 0;
	rc = mv_detail_stream(run->snap, object, stream, &root, err);
	if (rc == 0)
		rc = mv_sizes_stream(run->sizes, run->snap, root, &p->size,
		    err);
	return rc != 0 ? rc : run->each(p, run->arg, err);
}

static int
add_database(struct run *run, const json_t *db, struct mv_err *err)
{
	const json_t *archive = json_object_get(db, "archive"), *t;
	struct mv_stats_part p = {
		.part = "database", .what = "archive",
		.logical = bytes_in(archive, "bytes"),
	};
	size_t i;
	int rc;

	rc = add_part(run, &p, archive, "stream", err);
	json_array_foreach(json_object_get(db, "tables"), i, t) {
		p = (struct mv_stats_part){ .part = "database",
		    .what = "table", .logical = bytes_in(t, "bytes") };
		p.schema = json_string_value(json_object_get(t, "schema"));
		p.name = json_string_value(json_object_get(t, "name"));
		if (rc == 0 && (p.schema == NULL || p.name == NULL))
			rc = mv_err_set(err, MV_ECORRUPT,
			    "the snapshot's detail has a table without a name");
		if (rc == 0)
			rc = add_part(run, &p, t, "stream", err);
	}
	return rc;
}

static int
add_media(struct run *run, const json_t *media, struct mv_err *err)
{
	struct mv_stats_part files = {
		.part = "media", .what = "files",
		.logical = bytes_in(media, "bytes"),
	};
	struct mv_stats_part list = {
		.part = "media", .what = "list of files",
		.logical = bytes_in(media, "manifest_bytes"),
	};
	int rc;

	rc = add_part(run, &files, media, "content", err);
	return rc != 0 ? rc : add_part(run, &list, media, "manifest", err);
}

static int
add_redis(struct run *run, const json_t *redis, struct mv_err *err)
{
	struct mv_stats_part p = {
		.part = "redis", .what = "dump",
		.logical = bytes_in(redis, "bytes"),
	};

	return add_part(run, &p, redis, "stream", err);
}

static int
add_parts(struct mv_repo *r, struct run *run, struct mv_err *err)
{
	static const struct {
		enum mv_part part;
		int (*add)(struct run *run, const json_t *part,
		    struct mv_err *err);
	} parts[] = {
		{ MV_PART_DB, add_database },
		{ MV_PART_MEDIA, add_media },
		{ MV_PART_REDIS, add_redis },
	};
	mv_auto(mv_detail_decref) json_t *detail = NULL;
	const json_t *part = NULL;
	size_t i;
	int rc;

	rc = mv_detail_open(r, run->snap, &detail, err);
	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(parts); i++) {
		if ((run->snap->parts & parts[i].part) == 0)
			continue;
		rc = mv_detail_part(run->snap, detail, parts[i].part, &part,
		    err);
		if (rc == 0)
			rc = parts[i].add(run, part, err);
	}
	return rc;
}

int
mv_job_stats(struct mv_repo *r, struct mv_sizes *sizes,
    const struct mv_snapshot *snap,
    int (*each)(const struct mv_stats_part *p, void *arg, struct mv_err *err),
    void *arg, struct mv_stats *out, struct mv_err *err)
{
	struct run run = { .sizes = sizes, .snap = snap, .each = each,
	    .arg = arg };
	int rc;

	rc = add_parts(r, &run, err);
	if (rc == 0)
		rc = mv_sizes_snapshot(sizes, snap, &out->size, err);
	if (rc == 0)
		out->logical = run.logical;
	return rc;
}

int
mv_job_logical(struct mv_repo *r, const struct mv_snapshot *snap,
    uint64_t *out, struct mv_err *err)
{
	struct run run = { .snap = snap };
	int rc;

	rc = add_parts(r, &run, err);
	if (rc == 0)
		*out = run.logical;
	return rc;
}
