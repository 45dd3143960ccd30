/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/cleanup.h"
#include "job/detail.h"
#include "job/restore.h"
#include "postgres/script.h"
#include "repo/reader.h"

/* cat_db: a snapshot's database as one SQL script. */

static int
copy_stream(struct mv_reader *rd, const struct mv_snapshot *snap,
    const json_t *object, const struct mv_sink *sink, struct mv_err *err)
{
	mv_auto(mv_stream_in_freep) struct mv_stream_in *in = NULL;
	const struct mv_root *root = NULL;
	const uint8_t *data = NULL;
	size_t len = 0;
	int rc;

	rc = mv_detail_stream(snap, object, "stream", &root, err);
	if (rc == 0)
		rc = mv_stream_in_open(rd, root, &in, err);
	while (rc == 0) {
		rc = mv_stream_in_chunk(in, NULL, 0, &data, &len, err);
		if (rc < 0 || len == 0)
			break;
		rc = sink->write(sink->arg, data, len, err);
	}
	return rc;
}

static int
write_table(struct mv_pg_script *script, struct mv_reader *rd,
    const struct mv_snapshot *snap, const json_t *json,
    const struct mv_sink *sink, struct mv_err *err)
{
	mv_auto(mv_pg_table_clear) struct mv_pg_table table = { 0 };
	int rc;

	rc = mv_pg_table_decode(json, &table, err);
	if (rc == 0)
		rc = mv_pg_script_copy_begin(script, &table, err);
	if (rc == 0)
		rc = copy_stream(rd, snap, json, sink, err);
	if (rc == 0)
		rc = mv_pg_script_copy_end(script, err);
	return rc;
}

int
mv_job_cat_db(struct mv_repo *r, const struct mv_snapshot *snap,
    const char *pg_bin, const struct mv_sink *sink, struct mv_err *err)
{
	mv_auto(mv_detail_decref) json_t *detail = NULL;
	mv_auto(mv_reader_freep) struct mv_reader *rd = NULL;
	mv_auto(mv_pg_script_freep) struct mv_pg_script *script = NULL;
	const json_t *db = NULL, *table;
	struct mv_sink archive;
	size_t i;
	int rc;

	rc = mv_detail_open(r, snap, &detail, err);
	if (rc == 0)
		rc = mv_detail_part(snap, detail, MV_PART_DB, &db, err);
	if (rc == 0)
		rc = mv_reader_open(r, snap, &rd, err);
	if (rc == 0)
		rc = mv_pg_script_new(pg_bin, json_object_get(db, "facts"),
		    sink, &script, err);
	if (rc < 0)
		return rc;
	archive = mv_pg_script_archive(script);
	rc = copy_stream(rd, snap, json_object_get(db, "archive"), &archive,
	    err);
	if (rc == 0)
		rc = mv_pg_script_pre(script, err);
	if (rc == 0)
		rc = mv_pg_script_data(script, err);
	json_array_foreach(json_object_get(db, "tables"), i, table)
		if (rc == 0)
			rc = write_table(script, rd, snap, table, sink, err);
	if (rc == 0)
		rc = mv_pg_script_post(script, err);
	return mv_err_ctx(err, rc, "write the database as SQL");
}
