/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/reader_internal.h"

/*
 * Pins come ascending by origin, so a sorted array is what they are already;
 * the few that hold the pin tree itself are kept apart.
 */
struct mv_pins {
	struct mv_pin *p;
	size_t n, cap;
	size_t ntree;	/* the first of p: where the pin tree lies */
};

void
mv_pins_free(struct mv_pins *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++)
		free(p->p[i].bits);
	free(p->p);
	free(p);
}

static void
pins_freep(struct mv_pins **p)
{
	mv_pins_free(*p);
}

/* Takes over bits. */
static int
add(struct mv_pins *pins, struct mv_pin *pin, struct mv_err *err)
{
	size_t cap = pins->cap == 0 ? 64 : 2 * pins->cap;
	struct mv_pin *grown;

	if (pins->n == pins->cap) {
		grown = realloc(pins->p, cap * sizeof(*grown));
		if (grown == NULL)
			return mv_err_set(err, MV_ENOMEM, "load pins");
		pins->p = grown;
		pins->cap = cap;
	}
	pins->p[pins->n++] = *pin;
	pin->bits = NULL;
	return 0;
}

static int
add_copy(struct mv_pins *pins, const struct mv_pin *pin, struct mv_err *err)
{
	size_t len = (pin->nbits + 7u) / 8;
	struct mv_pin copy = *pin;
	int rc;

	copy.bits = malloc(len);
	if (copy.bits == NULL)
		return mv_err_set(err, MV_ENOMEM, "load pins");
	memcpy(copy.bits, pin->bits, len);
	rc = add(pins, &copy, err);
	free(copy.bits);
	return rc;
}

static int
add_leaf(struct mv_pins *pins, struct mv_pin_leaf *leaf, struct mv_err *err)
{
	const struct mv_pin *last;
	size_t i;
	int rc;

	for (i = 0; i < leaf->n; i++) {
		last = pins->n > pins->ntree ? &pins->p[pins->n - 1] : NULL;
		if (last != NULL && memcmp(last->origin.b,
		    leaf->pins[i].origin.b, sizeof(last->origin.b)) >= 0)
			return mv_err_set(err, MV_ECORRUPT,
			    "pins are out of order");
		rc = add(pins, &leaf->pins[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
load_leaf(struct mv_reader *rd, struct mv_idhash *h, const struct mv_id16 *id,
    struct mv_pins *pins, struct mv_err *err)
{
	mv_auto(mv_pin_leaf_clear) struct mv_pin_leaf leaf = { 0 };
	struct mv_wanted w = { .kind = MV_KIND_NODE_PACK, .id = id };
	struct mv_piece piece = { 0 };
	int rc;

	rc = mv_piece_get(rd, h, &w, &piece, err);
	if (rc < 0)
		return rc;
	rc = mv_pin_leaf_decode(piece.data, piece.len, &leaf, err);
	mv_piece_drop(rd, &piece);
	if (rc == 0)
		rc = add_leaf(pins, &leaf, err);
	return rc;
}

static int
load_tree(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_root *root, struct mv_pins *pins, struct mv_err *err)
{
	mv_auto(mv_descent_freep) struct mv_descent *walk = NULL;
	const struct mv_id16 *ids;
	size_t i, n;
	int rc;

	rc = mv_descent_open(rd, h, root, &walk, err);
	if (rc < 0)
		return rc;
	while ((rc = mv_descent_next(walk, &ids, &n, err)) == 0 && n > 0)
		for (i = 0; i < n; i++) {
			rc = load_leaf(rd, h, &ids[i], pins, err);
			if (rc < 0)
				return rc;
		}
	return rc;
}

int
mv_pins_load(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_snapshot *snap, struct mv_pins **out, struct mv_err *err)
{
	mv_auto(pins_freep) struct mv_pins *pins = NULL;
	size_t i;
	int rc;

	pins = calloc(1, sizeof(*pins));
	if (pins == NULL)
		return mv_err_set(err, MV_ENOMEM, "load pins");
	for (i = 0; i < snap->npin_nodes; i++) {
		rc = add_copy(pins, &snap->pin_nodes[i], err);
		if (rc < 0)
			return rc;
	}
	pins->ntree = pins->n;
	rc = load_tree(rd, h, &snap->pins, pins, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "load pins");
	*out = mv_take(&pins);
	return 0;
}

static bool
find(const struct mv_pin *p, size_t n, const struct mv_id16 *origin,
    uint32_t ordinal)
{
	size_t lo = 0, hi = n, mid;
	int cmp;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		cmp = memcmp(origin->b, p[mid].origin.b, sizeof(origin->b));
		if (cmp == 0)
			return ordinal < p[mid].nbits &&
			    (p[mid].bits[ordinal / 8] >> ordinal % 8 & 1);
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

bool
mv_pins_have(const struct mv_pins *p, const struct mv_id16 *origin,
    uint32_t ordinal)
{
	return find(p->p, p->ntree, origin, ordinal) ||
	    find(p->p + p->ntree, p->n - p->ntree, origin, ordinal);
}

size_t
mv_pins_count(const struct mv_pins *p)
{
	return p->n;
}

const struct mv_pin *
mv_pins_at(const struct mv_pins *p, size_t i)
{
	return &p->p[i];
}
