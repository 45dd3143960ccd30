/* SPDX-License-Identifier: MIT */
/*
 * The JSON detail of a snapshot: whatever it says, its parts and streams are
 * found or refused, and a table that is understood encodes to one that is
 * understood the same way.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "job/detail.h"
#include "postgres/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
put(const struct mv_pg_table *t, struct mv_buf *b)
{
	mv_pg_put_copy(b, t, "FROM STDIN", "UTF8");
	if (mv_buf_failed(b, NULL) < 0)
		abort();
}

static void
table(const json_t *json)
{
	mv_auto(mv_pg_table_clear) struct mv_pg_table t = { 0 }, u = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf once = { 0 }, twice = { 0 };
	mv_auto(mv_detail_decref) json_t *again = NULL;
	int rc;

	rc = mv_pg_table_decode(json, &t, NULL);
	if (rc < 0 && rc != MV_ECORRUPT && rc != MV_ENOMEM)
		abort();
	if (rc < 0)
		return;
	again = mv_pg_table_encode(&t);
	if (again == NULL || mv_pg_table_decode(again, &u, NULL) < 0)
		abort();
	put(&t, &once);
	put(&u, &twice);
	if (once.len != twice.len || memcmp(once.p, twice.p, once.len) != 0)
		abort();
}

static void
stream(const struct mv_snapshot *snap, const json_t *o, const char *key)
{
	const struct mv_root *root;
	int rc = mv_detail_stream(snap, o, key, &root, NULL);

	if (rc < 0 ? rc != MV_ECORRUPT : root < snap->streams ||
	    root >= snap->streams + snap->nstreams)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mv_root roots[3] = { 0 };
	const struct mv_snapshot snap = { .streams = roots, .nstreams = 3,
	    .parts = MV_PART_DB | MV_PART_MEDIA | MV_PART_REDIS };
	mv_auto(mv_detail_decref) json_t *doc = NULL;
	const json_t *o, *tables;
	enum mv_part part;
	size_t i;
	int rc;

	rc = mv_json_object(data, len, &doc, NULL);
	if (rc < 0 && rc != MV_ECORRUPT && rc != MV_ENOMEM)
		abort();
	if (rc < 0)
		return 0;
	for (part = MV_PART_DB; part <= MV_PART_REDIS; part *= 2) {
		if (mv_detail_part(&snap, doc, part, &o, NULL) < 0)
			continue;
		stream(&snap, o, "archive");
		stream(&snap, o, "manifest");
		stream(&snap, o, "stream");
		tables = json_object_get(o, "tables");
		for (i = 0; i < json_array_size(tables); i++) {
			stream(&snap, json_array_get(tables, i), "stream");
			table(json_array_get(tables, i));
		}
	}
	return 0;
}
