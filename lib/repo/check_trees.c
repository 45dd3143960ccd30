/* SPDX-License-Identifier: MIT */
/*
 * Snapshots: is everything there that each one pins, and does every stream
 * lead to chunks that a healthy pack holds?
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/stop.h"
#include "repo/check_internal.h"
#include "repo/idset.h"
#include "repo/snapshots_internal.h"

#define PLACES_MAX 16
#define LOSSES_MAX 65536	/* what is lost beyond is not listed */

/* One stream of one snapshot, on its way through the tree. */
struct visit {
	struct mv_check *c;
	size_t snapshot, stream;
	const struct mv_pins *pins;	/* NULL when they cannot be read */
	/*
	 * Nodes below which all is well, from whichever snapshot: streams
	 * share nearly all of them with the night before.
	 */
	struct mv_idset *clean;
	uint64_t pos;		/* leaves passed */
	uint64_t node_leaves;	/* of the node entered last */
	struct mv_id16 node;	/* its id */
	uint64_t events;	/* whatever makes a node not clean */
	uint64_t at_enter[MV_NODE_LEVEL_MAX + 1];
	uint64_t loose;		/* there, but not pinned */
	int rc;			/* of what cannot return it */
};

/* A node and what its parent says of it: both must be the same to match. */
static struct mv_id16
clean_key(const struct mv_id16 *id, unsigned level, uint64_t leaves)
{
	uint8_t m[16 + 1 + 8], hash[MV_HASH_BYTES];
	struct mv_id16 key;

	memcpy(m, id->b, 16);
	m[16] = (uint8_t)level;
	memcpy(m + 17, &leaves, 8);
	mv_sha256(m, sizeof(m), hash);
	memcpy(key.b, hash, sizeof(key.b));
	return key;
}

/* A healthy place of id, preferably pinned; else any place, else zeros. */
static bool
find_place(const struct visit *v, enum mv_kind kind, const struct mv_id16 *id,
    bool *pinned, struct mv_id16 *origin)
{
	struct mv_location at[PLACES_MAX];
	size_t i, n = PLACES_MAX, skip;
	bool found = false;

	*pinned = v->pins == NULL;
	*origin = (struct mv_id16){ 0 };
	for (skip = 0; n == PLACES_MAX && !(found && *pinned); skip += n) {
		n = mv_index_find(v->c->index, kind, id, skip, at,
		    PLACES_MAX);
		for (i = 0; i < n; i++) {
			if (!found)
				*origin = at[i].origin;
			if (!mv_segset_has(&v->c->good, &at[i].origin,
			    at[i].ordinal))
				continue;
			found = true;
			if (v->pins != NULL && mv_pins_have(v->pins,
			    &at[i].origin, at[i].ordinal))
				*pinned = true;
		}
	}
	return found;
}

static int
add_loss(struct visit *v, uint64_t first, uint64_t n,
    const struct mv_id16 *origin, struct mv_err *err)
{
	struct mv_check *c = v->c;
	struct mv_loss *last, *grown;

	v->events++;
	last = c->nlosses > 0 ? &c->losses[c->nlosses - 1] : NULL;
	if (last != NULL && last->snapshot == v->snapshot &&
	    last->stream == v->stream && last->first + last->n == first &&
	    memcmp(last->origin.b, origin->b, sizeof(origin->b)) == 0) {
		last->n += n;
		return 0;
	}
	if (c->nlosses == LOSSES_MAX)
		return 0;
	grown = realloc(c->losses, (c->nlosses + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "note losses");
	c->losses = grown;
	grown[c->nlosses++] = (struct mv_loss){ .snapshot = v->snapshot,
	    .stream = v->stream, .first = first, .n = n, .origin = *origin };
	return 0;
}

static bool
enter(void *arg, const struct mv_id16 *id, unsigned level, uint64_t leaves)
{
	struct visit *v = arg;
	struct mv_id16 key = clean_key(id, level, leaves), origin;
	bool pinned;

	v->node = *id;
	v->node_leaves = leaves;
	if (mv_idset_has(v->clean, &key)) {
		v->pos += leaves;
		return true;
	}
	v->at_enter[level] = v->events;
	/* One that is nowhere fails when it is read. */
	if (find_place(v, MV_KIND_NODE_PACK, id, &pinned, &origin) && !pinned)
		v->loose++, v->events++;
	return false;
}

static void
leave(void *arg, const struct mv_id16 *id, unsigned level, uint64_t leaves)
{
	struct visit *v = arg;
	struct mv_id16 key = clean_key(id, level, leaves);
	bool added;
	int rc;

	if (v->at_enter[level] != v->events)
		return;
	rc = mv_idset_add(v->clean, &key, &added, NULL);
	if (rc < 0)
		v->rc = rc;
}

static int
check_leaves(struct visit *v, const struct mv_id16 *ids, size_t n,
    struct mv_err *err)
{
	struct mv_id16 origin;
	bool pinned;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		if (!find_place(v, MV_KIND_DATA_PACK, &ids[i], &pinned,
		    &origin))
			rc = add_loss(v, v->pos + i, 1, &origin, err);
		else if (!pinned)
			v->loose++, v->events++;
	}
	v->pos += n;
	return rc;
}

/* A node that cannot be read takes everything below it along. */
static int
lose_node(struct visit *v, struct mv_err *err)
{
	struct mv_id16 origin;
	bool pinned;
	int rc;

	(void)find_place(v, MV_KIND_NODE_PACK, &v->node, &pinned, &origin);
	rc = add_loss(v, v->pos, v->node_leaves, &origin, err);
	v->pos += v->node_leaves;
	return rc;
}

static int
check_stream(struct visit *v, struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_root *root, struct mv_err *err)
{
	struct mv_descent_ops ops = { .enter = enter, .leave = leave, .arg = v };
	mv_auto(mv_descent_freep) struct mv_descent *walk = NULL;
	const struct mv_id16 *ids = NULL;
	struct mv_err own;
	size_t n = 0;
	int rc;

	v->pos = 0;
	rc = mv_descent_open(rd, h, root, &walk, err);
	if (rc < 0)
		return rc;
	mv_descent_watch(walk, &ops);
	do {
		own = (struct mv_err){ 0 };
		rc = mv_descent_next(walk, &ids, &n, &own);
		if (rc == MV_ENOMEM || rc == MV_EINTR || v->rc < 0)
			return mv_err_set(err, v->rc < 0 ? v->rc : rc,
			    "walk through a stream");
		if (rc < 0) {
			n = 1;	/* not the end */
			rc = lose_node(v, err);
		} else {
			rc = check_leaves(v, ids, n, err);
		}
		if (rc == 0)
			rc = mv_stop_check(err);
	} while (rc == 0 && n > 0);
	return rc;
}

/* What a store's own snapshot pins, the store must have. */
static int
hold(struct mv_check *c, const struct mv_listed *snapshot,
    const struct mv_id16 *origin, struct mv_err *err)
{
	size_t s;
	int rc = 0;

	for (s = 0; rc == 0 && s < c->all.nstores; s++)
		if (snapshot != NULL && snapshot->sizes[s] != MV_ABSENT)
			rc = mv_segset_add(&c->held[s], origin, 1, 0, err);
	return rc;
}

/* What is pinned must be there, and counts as pinned from now on. */
static int
check_pins(struct visit *v, struct mv_err *err)
{
	struct mv_check *c = v->c;
	char name[MV_OBJECT_NAME_MAX];
	const struct mv_listed *listed;
	struct mv_unpinned *grown;
	const struct mv_pin *pin;
	size_t i, lacks;
	uint32_t k;
	int rc = 0;

	mv_snapshot_name(&c->snaps.list[v->snapshot].id, name);
	listed = mv_listing_find(&c->all, name);
	for (i = 0; rc == 0 && i < mv_pins_count(v->pins); i++) {
		pin = mv_pins_at(v->pins, i);
		for (k = 0; rc == 0 && k < pin->nbits; k++)
			if (pin->bits[k / 8] >> k % 8 & 1)
				rc = mv_segset_add(&c->pinned, &pin->origin,
				    pin->nbits, k, err);
		if (rc == 0)
			rc = hold(c, listed, &pin->origin, err);
		lacks = mv_segset_lacks(&c->good, pin);
		if (rc < 0 || lacks == 0)
			continue;
		grown = realloc(c->unpinned,
		    (c->nunpinned + 1) * sizeof(*grown));
		if (grown == NULL)
			return mv_err_set(err, MV_ENOMEM, "check pins");
		c->unpinned = grown;
		grown[c->nunpinned++] = (struct mv_unpinned){
		    .origin = pin->origin, .snapshot = v->snapshot,
		    .lacks = lacks };
	}
	return rc;
}

static int
load_pins(struct visit *v, struct mv_reader *rd, struct mv_idhash *h,
    struct mv_pins **pins, struct mv_err *err)
{
	const struct mv_snapshot *s = &v->c->snaps.list[v->snapshot];
	char name[MV_OBJECT_NAME_MAX], text[MV_ERR_TEXT_MAX];
	struct mv_err own = { 0 };
	int rc;

	rc = mv_pins_load(rd, h, s, pins, &own);
	v->pins = *pins;
	if (rc == 0)
		return check_pins(v, err);
	mv_err_text(&own, text, sizeof(text));
	if (rc == MV_ENOMEM || rc == MV_EINTR)
		return mv_err_set(err, rc, "%s", text);
	mv_snapshot_name(&s->id, name);
	return mv_check_damage(v->c, name, NULL, NULL, err,
	    "what it pins cannot be read: %s", text);
}

static int
check_snapshot(struct visit *v, struct mv_err *err)
{
	mv_auto(mv_reader_freep) struct mv_reader *rd = NULL;
	mv_auto(mv_idhash_freep) struct mv_idhash *h = NULL;
	struct mv_check *c = v->c;
	struct mv_snapshot *s = &c->snaps.list[v->snapshot];
	char name[MV_OBJECT_NAME_MAX];
	struct mv_pins *pins = NULL;
	int rc;

	v->pins = NULL;
	v->loose = 0;
	rc = mv_reader_open_over(c->repo, c->index, s, &rd, err);
	if (rc == 0)
		rc = mv_idhash_new(c->repo, &h, err);
	if (rc == 0)
		rc = load_pins(v, rd, h, &pins, err);
	for (v->stream = 0; rc == 0 && v->stream < s->nstreams; v->stream++)
		rc = check_stream(v, rd, h, &s->streams[v->stream], err);
	mv_pins_free(pins);
	if (rc < 0 || v->loose == 0)
		return rc;
	mv_snapshot_name(&s->id, name);
	return mv_check_damage(c, name, NULL, NULL, err, "%" PRIu64
	    " of its chunks and nodes are there, but it does not pin them",
	    v->loose);
}

int
mv_check_trees(struct mv_check *c, struct mv_err *err)
{
	mv_auto(mv_idset_clear) struct mv_idset clean = { 0 };
	struct visit v = { .c = c, .clean = &clean };
	size_t i;
	int rc;

	if (c->snaps.n == 0)
		return 0;
	/* Footers alone: an index object that lies would look like damage. */
	rc = mv_index_open(c->repo, MV_INDEX_FRESH | MV_INDEX_FOOTERS,
	    &c->index, err);
	/* The newest first: its pins are looked at most closely. */
	for (i = c->snaps.n; rc == 0 && i-- > 0;) {
		v.snapshot = i;
		rc = check_snapshot(&v, err);
	}
	return rc;
}
