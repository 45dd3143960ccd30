/* SPDX-License-Identifier: MIT */
/*
 * writer_commit: the end of a run: pins, index, and the snapshot.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/time.h"
#include "repo/highwater.h"
#include "repo/listing.h"
#include "repo/writer_internal.h"

/* A pin leaf has to fit a segment, whatever its packs are like. */
#define PIN_LEAF_BYTES (MV_SEGMENT_DATA_MAX / 2)

/* Everything that was sent is in the stores afterwards. */
static int
drain(struct mv_writer *w, struct mv_err *err)
{
	int rc;

	rc = mv_writer_flush_nodes(w, err);
	if (rc == 0)
		rc = mv_batches_wait(w, err);
	if (rc == 0)
		rc = mv_slots_flush(w, err);
	return rc;
}

/* How many of the pins from the first on make the next leaf. */
static size_t
leaf_length(const struct mv_pin *pins, size_t n)
{
	size_t i, bytes = 0;

	for (i = 0; i < n; i++) {
		bytes += sizeof(pins[i].origin) + 3 + (pins[i].nbits + 7) / 8;
		if (i > 0 && bytes > PIN_LEAF_BYTES)
			return i;
		if (mv_pin_leaf_cut(&pins[i].origin, i + 1))
			return i + 1;
	}
	return n;
}

static int
write_leaves(struct mv_writer *w, struct mv_list *list,
    const struct mv_pin *pins, size_t n, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf blob = { 0 };
	struct mv_id16 id;
	size_t at = 0, len;
	int rc = 0;

	while (rc == 0 && at < n) {
		len = leaf_length(pins + at, n - at);
		mv_buf_reset(&blob);
		rc = mv_pin_leaf_encode(pins + at, len, &blob, err);
		if (rc == 0)
			rc = mv_writer_node(w, blob.p, blob.len, &id, err);
		if (rc == 0)
			rc = mv_list_add(list, &id, 1, err);
		at += len;
	}
	return rc;
}

/* The pin tree, in node packs of its own, which only the snapshot names. */
static int
write_pins(struct mv_writer *w, struct mv_root *out, struct mv_err *err)
{
	mv_auto(mv_list_freep) struct mv_list *list = NULL;
	mv_auto(mv_freep) struct mv_pin *pins = NULL;
	size_t n;
	int rc;

	w->pin_phase = true;
	rc = mv_pinset_sorted(&w->pins, &pins, &n, err);
	if (rc == 0)
		rc = mv_list_open(w, &list, err);
	if (rc == 0)
		rc = write_leaves(w, list, pins, n, err);
	if (rc == 0)
		rc = mv_list_finish(list, out, err);
	if (rc == 0)
		rc = drain(w, err);
	return mv_err_ctx(err, rc, "write the pins");
}

/* The pins of the pin tree, copied into the snapshot. */
static int
copy_pin_nodes(struct mv_writer *w, struct mv_snapshot *snap,
    struct mv_err *err)
{
	mv_auto(mv_freep) struct mv_pin *pins = NULL;
	size_t n, i, bytes;
	int rc;

	rc = mv_pinset_sorted(&w->pin_nodes, &pins, &n, err);
	if (rc < 0)
		return rc;
	snap->pin_nodes = calloc(n + 1, sizeof(*snap->pin_nodes));
	if (snap->pin_nodes == NULL)
		return mv_err_set(err, MV_ENOMEM, "snapshot");
	for (i = 0; i < n; i++) {
		bytes = (pins[i].nbits + 7) / 8;
		snap->pin_nodes[i] = pins[i];
		snap->pin_nodes[i].bits = malloc(bytes);
		if (snap->pin_nodes[i].bits == NULL)
			return mv_err_set(err, MV_ENOMEM, "snapshot");
		memcpy(snap->pin_nodes[i].bits, pins[i].bits, bytes);
		snap->npin_nodes = i + 1;
	}
	return 0;
}

/* One pack that the snapshot needs against what the stores list now. */
static int
check_pack(const struct mv_pack_ref *pack, void *arg, struct mv_err *err)
{
	const struct mv_listing *now = arg;
	const struct mv_listed *l;
	char name[MV_OBJECT_NAME_MAX];
	size_t i;

	mv_object_name(MV_KIND_DATA_PACK, 0, &pack->id, &pack->hash, name);
	l = mv_listing_find(now, name);
	for (i = 0; i < now->nstores; i++)
		if (now->failed[i] == NULL &&
		    (l == NULL || l->sizes[i] != pack->size))
			return mv_err_set(err, MV_ECORRUPT,
			    "'%s', which this snapshot needs, is gone or cut "
			    "in store %zu", name, i + 1);
	return 0;
}

static int
check_packs(struct mv_writer *w, struct mv_err *err)
{
	mv_auto(mv_listing_clear) struct mv_listing now = { 0 };
	size_t i;
	int rc;

	rc = mv_listing_load(w->repo, "packs/", &now, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < now.nstores; i++)
		if (now.failed[i] != NULL &&
		    !mv_repo_leave_out(w->repo, i, now.failed[i]))
			return mv_err_set(err, MV_EIO, "list packs: %s",
			    now.failed[i]);
	rc = mv_pinset_each_pack(&w->pins, check_pack, &now, err);
	if (rc == 0)
		rc = mv_pinset_each_pack(&w->pin_nodes, check_pack, &now, err);
	return rc;
}

static int
put_snapshot(struct mv_writer *w, struct mv_snapshot *snap, const char *json,
    size_t len, struct mv_err *err)
{
	const struct mv_id16 *repo = mv_repo_id(w->repo);
	mv_auto(mv_key_wipe) struct mv_key seed = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	char name[MV_OBJECT_NAME_MAX];
	int rc;

	snap->seq = w->seq;
	snap->prev = w->prev;
	snap->writer = w->writer;
	snap->epoch = w->epoch;
	snap->finished = mv_time_now();
	snap->keyring = mv_repo_keyring(w->repo)->number;
	snap->added = atomic_load(&w->bytes_added);
	rc = mv_snapshot_seal_detail(snap, repo, w->epoch_pub, json, len, err);
	if (rc < 0)
		return rc;
	mv_secret_key(w->seed, &seed);
	rc = mv_snapshot_encode(snap, repo, &w->secrets->structure, &seed,
	    &obj, err);
	if (rc < 0)
		return rc;
	mv_sha256(obj.p, obj.len, snap->id.b);
	mv_object_name(MV_KIND_SNAPSHOT, 0, NULL, &snap->id, name);
	if (w->opts.dry_run)
		return 0;
	return mv_repo_put(w->repo, name, obj.p, obj.len, err);
}

/* The snapshot is there whatever becomes of the mark. */
static void
raise_mark(struct mv_writer *w, const struct mv_snapshot *snap)
{
	mv_auto(mv_highwater_clear) struct mv_highwater seen = { 0 };
	char text[MV_ERR_TEXT_MAX];
	struct mv_err why = { 0 };
	int rc;

	rc = mv_highwater_note(&seen, snap->writer, snap->seq, &snap->id,
	    &why);
	if (rc == 0)
		rc = mv_highwater_raise(mv_repo_state_dir(w->repo),
		    mv_repo_id(w->repo), &seen, &why);
	if (rc == 0)
		return;
	(void)mv_err_text(&why, text, sizeof(text));
	mv_warn("the newest snapshot is not noted on this host: %s", text);
}

static int
commit(struct mv_writer *w, struct mv_snapshot *snap, const char *json,
    size_t len, struct mv_err *err)
{
	int rc;

	rc = drain(w, err);
	if (rc == 0)
		rc = write_pins(w, &snap->pins, err);
	if (rc == 0)
		rc = mv_writer_put_index(w, err);
	if (rc == 0 && !w->opts.dry_run)
		rc = check_packs(w, err);
	if (rc == 0)
		rc = copy_pin_nodes(w, snap, err);
	if (rc == 0)
		rc = put_snapshot(w, snap, json, len, err);
	return rc;
}

int
mv_writer_commit(struct mv_writer *w, struct mv_snapshot *snap,
    const char *detail_json, size_t len, struct mv_err *err)
{
	int rc;

	rc = mv_writer_check(w, err);
	if (rc < 0)
		return rc;
	/* The batch of nodes is ours to send, any other is a producer's. */
	if (w->committed ||
	    atomic_load(&w->unsent) != (w->node_batch != NULL))
		return mv_err_set(err, MV_EUSAGE,
		    "commit of a run that is over, or not flushed");
	w->committed = true;
	rc = commit(w, snap, detail_json, len, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "commit the snapshot");
	if (!w->opts.dry_run)
		raise_mark(w, snap);
	return 0;
}
