/* SPDX-License-Identifier: MIT */
#include "job/prove.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/time.h"
#include "job/detail.h"
#include "job/media_in.h"
#include "vault/vault.h"

#define FILE_NAME "kit.json"
#define FILE_MAX 65536

/* One chunk of the database's archive, which every dump has. */
static int
read_database(struct mv_repo *r, const struct mv_snapshot *snap,
    const json_t *db, uint64_t *bytes, struct mv_err *err)
{
	mv_auto(mv_reader_freep) struct mv_reader *rd = NULL;
	mv_auto(mv_stream_in_freep) struct mv_stream_in *in = NULL;
	const struct mv_root *root = NULL;
	const uint8_t *data;
	size_t len = 0;
	int rc;

	rc = mv_detail_stream(snap, json_object_get(db, "archive"), "stream",
	    &root, err);
	if (rc == 0)
		rc = mv_reader_open(r, snap, &rd, err);
	if (rc == 0)
		rc = mv_stream_in_open(rd, root, &in, err);
	if (rc == 0)
		rc = mv_stream_in_chunk(in, NULL, 0, &data, &len, err);
	*bytes = len;
	return rc;
}

/* A chunk of the first file that has one. */
static int
read_media(struct mv_repo *r, const struct mv_snapshot *snap,
    uint64_t *bytes, struct mv_err *err)
{
	mv_auto(mv_media_in_clear) struct mv_media_in in = { 0 };
	const struct mv_entry *e = NULL;
	const uint8_t *data;
	size_t len = 0;
	int rc;

	rc = mv_media_in_open(r, snap, &in, err);
	if (rc < 0)
		return rc;
	while (len == 0 && (rc = mv_media_in_next(&in, &e, err)) == 1)
		if (e->type == MV_ENTRY_FILE && e->nchunks > 0) {
			rc = mv_media_in_chunk(&in, e, &data, &len, err);
			if (rc < 0)
				break;
		}
	*bytes = len;
	return rc < 0 ? rc : 0;
}

static int
prove_snapshot(struct mv_repo *r, struct mv_proof *p, struct mv_err *err)
{
	mv_auto(mv_snapshots_clear) struct mv_snapshots all = { 0 };
	mv_auto(mv_detail_decref) json_t *detail = NULL;
	const struct mv_snapshot *snap = NULL;
	const json_t *part = NULL;
	int rc;

	rc = mv_snapshots_load(r, &all, err);
	if (rc == 0)
		rc = mv_snapshots_find(&all, "latest", 0, &snap, err);
	if (rc == 0)
		rc = mv_detail_open(r, snap, &detail, err);
	if (rc < 0)
		return rc;
	p->snapshot = snap->id;
	p->finished = snap->finished;
	if ((snap->parts & MV_PART_DB) != 0) {
		rc = mv_detail_part(snap, detail, MV_PART_DB, &part, err);
		if (rc == 0)
			rc = read_database(r, snap, part, &p->bytes, err);
	} else if ((snap->parts & MV_PART_MEDIA) != 0) {
		rc = read_media(r, snap, &p->bytes, err);
	}
	return mv_err_ctx(err, rc, "open the newest snapshot");
}

static int
prove_vault(struct mv_repo *r, struct mv_proof *p, struct mv_err *err)
{
	mv_auto(mv_vault_clear) struct mv_vault v = { 0 };
	mv_auto(mv_vault_file_clear) struct mv_vault_file file = { 0 };
	int rc;

	/* Also where there is no version yet that could tell. */
	if (!mv_repo_keyset(r)->has_vault)
		return mv_err_set(err, MV_EAUTH,
		    "the keys do not open the secrets");
	rc = mv_vault_load(r, &v, err);
	if (rc == 0 && v.n > 0)
		rc = mv_vault_open(r, &v.list[v.n - 1], &file, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "open the newest secrets");
	/* What there is may be newer than what we could read. */
	if (v.nproblems > 0)
		return mv_err_set(err, MV_ECORRUPT, "%s", v.problems[0]);
	p->vault = v.n > 0 ? v.list[v.n - 1].number : 0;
	return 0;
}

int
mv_job_prove(struct mv_repo *r, struct mv_proof *out, struct mv_err *err)
{
	struct mv_proof p = {
		.time = mv_time_now(), .repo = *mv_repo_id(r),
		.epoch = mv_repo_newest_epoch(r),
	};
	const struct mv_epoch_secrets *s;
	uint32_t e;
	int rc;

	/* The next backup will be of the newest epoch. */
	for (e = 1; e <= p.epoch; e++) {
		s = mv_repo_epoch(r, e);
		if (s == NULL || (s->has & 7) != 7)
			return mv_err_set(err, MV_EAUTH, "the keys do not "
			    "read what is of epoch %" PRIu32, e);
	}
	rc = prove_snapshot(r, &p, err);
	if (rc == 0)
		rc = prove_vault(r, &p, err);
	if (rc == 0)
		*out = p;
	return rc;
}

int
mv_proof_save(const char *state_dir, const struct mv_proof *p,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *path = NULL;
	mv_auto(mv_freep) char *text = NULL;
	mv_auto(mv_detail_decref) json_t *doc = NULL;
	char repo[2 * sizeof(p->repo) + 1], id[2 * sizeof(p->snapshot) + 1];

	mv_hex_encode(p->repo.b, sizeof(p->repo.b), repo);
	mv_hex_encode(p->snapshot.b, sizeof(p->snapshot.b), id);
	doc = json_pack("{ss sI ss sI sI}", "repository", repo, "time",
	    (json_int_t)p->time, "snapshot", id, "vault",
	    (json_int_t)p->vault, "epoch", (json_int_t)p->epoch);
	text = doc != NULL ? json_dumps(doc, JSON_INDENT(1)) : NULL;
	if (text == NULL ||
	    asprintf(&path, "%s/" FILE_NAME, state_dir) < 0) {
		path = NULL;
		return mv_err_set(err, MV_ENOMEM, "note the test");
	}
	return mv_file_replace(path, text, strlen(text), 0600, (uid_t)-1,
	    (gid_t)-1, err);
}

int
mv_proof_load(const char *state_dir, const struct mv_id16 *repo,
    struct mv_proof *out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	mv_auto(mv_detail_decref) json_t *doc = NULL;
	mv_auto(mv_freep) char *path = NULL;
	char hex[2 * sizeof(repo->b) + 1];
	const char *of;
	int rc;

	*out = (struct mv_proof){ 0 };
	if (asprintf(&path, "%s/" FILE_NAME, state_dir) < 0) {
		path = NULL;
		return mv_err_set(err, MV_ENOMEM, "look for the last test");
	}
	rc = mv_file_read(path, FILE_MAX, &text, err);
	if (rc == MV_ENOTFOUND) {
		mv_err_clear(err);
		return 0;
	}
	if (rc < 0)
		return rc;
	/* What is damaged proves nothing. */
	doc = json_loadb((const char *)text.p, text.len, 0, NULL);
	mv_hex_encode(repo->b, sizeof(repo->b), hex);
	of = json_string_value(json_object_get(doc, "repository"));
	if (of == NULL || strcmp(of, hex) != 0)
		return 0;
	out->repo = *repo;
	out->time = json_integer_value(json_object_get(doc, "time"));
	out->vault = (uint64_t)json_integer_value(json_object_get(doc,
	    "vault"));
	out->epoch = (uint32_t)json_integer_value(json_object_get(doc,
	    "epoch"));
	return 0;
}
