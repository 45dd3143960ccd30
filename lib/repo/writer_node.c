/* SPDX-License-Identifier: MIT */
/*
 * writer_node: blobs go into node packs, each only once.
 */
#include "repo/writer_internal.h"

int
mv_writer_pin(struct mv_writer *w, const struct mv_index_hit *hit,
    struct mv_err *err)
{
	struct mv_pack_ref pack = { hit->pack, hit->pack_hash,
	    hit->pack_size };

	return mv_pinset_add(w->pin_phase ? &w->pin_nodes : &w->pins,
	    &hit->origin, hit->origin_segs, hit->ordinal, &pack, err);
}

/* With nodes_lock held. */
static int
store_node(struct mv_writer *w, const uint8_t *blob, size_t len,
    const struct mv_id16 *id, struct mv_err *err)
{
	int rc = 0;

	if (w->node_batch != NULL && !mv_batch_fits(w->node_batch, len))
		rc = mv_batch_send(w, &w->node_batch, err);
	if (rc == 0 && w->node_batch == NULL)
		rc = mv_batch_get(w, MV_KIND_NODE_PACK, &w->node_batch, err);
	if (rc == 0)
		mv_batch_add(w->node_batch, id, NULL, blob, len);
	return rc;
}

static int
put_node(struct mv_writer *w, const uint8_t *blob, size_t len,
    struct mv_id16 *id, struct mv_err *err)
{
	struct mv_index_hit hit;
	enum mv_claim claim;
	int rc;

	rc = mv_idhash_node(w->node_ids, w->epoch, blob, len, id, err);
	if (rc == 0)
		rc = mv_index_claim(w->index, MV_KIND_NODE_PACK, id, true,
		    &claim, &hit, err);
	if (rc < 0)
		return rc;
	switch (claim) {
	case MV_CLAIM_FOUND:
		return mv_writer_pin(w, &hit, err);
	case MV_CLAIM_NEW:
		return store_node(w, blob, len, id, err);
	default:
		return 0;
	}
}

int
mv_writer_node(struct mv_writer *w, const uint8_t *blob, size_t len,
    struct mv_id16 *id, struct mv_err *err)
{
	int rc;

	if (len > MV_SEGMENT_DATA_MAX)
		return mv_err_set(err, MV_EUSAGE, "node of %zu bytes", len);
	rc = mv_writer_check(w, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&w->nodes_lock);
	rc = put_node(w, blob, len, id, err);
	pthread_mutex_unlock(&w->nodes_lock);
	/* What was claimed and is not stored would be missed by others. */
	return mv_writer_failed(w, rc, err);
}

int
mv_writer_flush_nodes(struct mv_writer *w, struct mv_err *err)
{
	int rc;

	pthread_mutex_lock(&w->nodes_lock);
	rc = mv_batch_send(w, &w->node_batch, err);
	pthread_mutex_unlock(&w->nodes_lock);
	return rc;
}
