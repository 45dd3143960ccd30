/* SPDX-License-Identifier: MIT */
#include "job/detail.h"

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/json.h"
#include "job/restore.h"

void
mv_detail_decref(json_t **doc)
{
	json_decref(*doc);
	*doc = NULL;
}

int
mv_job_detail(struct mv_repo *r, const struct mv_snapshot *snap,
    struct mv_buf *json, struct mv_err *err)
{
	const struct mv_epoch_secrets *epoch = mv_repo_epoch(r, snap->epoch);

	if (epoch == NULL || !(epoch->has & 4))
		return mv_err_set(err, MV_EAUTH, "the keys given cannot read "
		    "backups: that takes a reader's key or the recovery kit");
	return mv_snapshot_open_detail(snap, mv_repo_id(r), &epoch->priv,
	    json, err);
}

int
mv_detail_open(struct mv_repo *r, const struct mv_snapshot *snap,
    json_t **out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf json = { 0 };
	char hex[9];
	int rc;

	rc = mv_job_detail(r, snap, &json, err);
	if (rc < 0)
		return rc;
	rc = mv_json_object(json.p, json.len, out, err);
	mv_hex_encode(snap->id.b, 4, hex);
	return mv_err_ctx(err, rc, "the detail of snapshot %s", hex);
}

int
mv_detail_stream(const struct mv_snapshot *snap, const json_t *object,
    const char *key, const struct mv_root **out, struct mv_err *err)
{
	const json_t *n = json_object_get(object, key);

	if (!json_is_integer(n) || json_integer_value(n) < 0 ||
	    (uint64_t)json_integer_value(n) >= snap->nstreams)
		return mv_err_set(err, MV_ECORRUPT,
		    "the snapshot has no stream for '%s'", key);
	*out = &snap->streams[json_integer_value(n)];
	return 0;
}

const char *
mv_part_name(enum mv_part part)
{
	switch (part) {
	case MV_PART_DB:
		return "database";
	case MV_PART_MEDIA:
		return "media";
	case MV_PART_SECRETS:
		return "secrets";
	case MV_PART_REDIS:
		return "redis";
	default:
		return "unknown";
	}
}

int
mv_detail_part(const struct mv_snapshot *snap, const json_t *doc,
    enum mv_part part, const json_t **out, struct mv_err *err)
{
	const char *name = mv_part_name(part);
	const json_t *o = json_object_get(doc, name);
	const char *reason;
	char hex[9];

	mv_hex_encode(snap->id.b, 4, hex);
	if (!(snap->parts & part)) {
		reason = json_string_value(json_object_get(o, "reason"));
		return mv_err_set(err, MV_ENOTFOUND,
		    "snapshot %s does not hold %s%s%s", hex, name,
		    reason != NULL ? ": " : "", reason != NULL ? reason : "");
	}
	if (!json_is_object(o))
		return mv_err_set(err, MV_ECORRUPT,
		    "the detail of snapshot %s does not describe its %s", hex,
		    name);
	*out = o;
	return 0;
}
