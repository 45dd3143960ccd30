/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "repo/check_internal.h"

#define CAP_MIN 256	/* a power of two, as all that follow */

static size_t
bytes_of(uint32_t nbits)
{
	return (nbits + 7u) / 8;
}

void
mv_segset_clear(struct mv_segset *s)
{
	size_t i;

	for (i = 0; i < s->cap; i++)
		free(s->p[i].bits);
	free(s->p);
	*s = (struct mv_segset){ 0 };
}

/* Where origin stands, or the free place where it belongs. */
static struct mv_pin *
slot(const struct mv_segset *s, const struct mv_id16 *origin)
{
	uint64_t h;
	size_t i;

	/* Origin ids are random, unless somebody forges packs of his own. */
	memcpy(&h, origin->b, sizeof(h));
	for (i = (size_t)h & (s->cap - 1); s->p[i].bits != NULL;
	    i = (i + 1) & (s->cap - 1))
		if (memcmp(s->p[i].origin.b, origin->b,
		    sizeof(origin->b)) == 0)
			break;
	return &s->p[i];
}

static int
grow(struct mv_segset *s, struct mv_err *err)
{
	struct mv_segset wide = { .cap = s->cap == 0 ? CAP_MIN : 2 * s->cap };
	size_t i;

	if (2 * (s->n + 1) <= s->cap)
		return 0;
	wide.p = calloc(wide.cap, sizeof(*wide.p));
	if (wide.p == NULL)
		return mv_err_set(err, MV_ENOMEM, "set of segments");
	for (i = 0; i < s->cap; i++)
		if (s->p[i].bits != NULL)
			*slot(&wide, &s->p[i].origin) = s->p[i];
	wide.n = s->n;
	free(s->p);
	*s = wide;
	return 0;
}

static int
widen(struct mv_pin *pin, uint32_t nbits, struct mv_err *err)
{
	uint8_t *bits = calloc(1, bytes_of(nbits));

	if (bits == NULL)
		return mv_err_set(err, MV_ENOMEM, "set of segments");
	if (pin->bits != NULL)
		memcpy(bits, pin->bits, bytes_of(pin->nbits));
	free(pin->bits);
	pin->bits = bits;
	pin->nbits = nbits;
	return 0;
}

int
mv_segset_add(struct mv_segset *s, const struct mv_id16 *origin,
    uint32_t nsegs, uint32_t ordinal, struct mv_err *err)
{
	struct mv_pin *pin;
	int rc;

	rc = grow(s, err);
	if (rc < 0)
		return rc;
	if (nsegs <= ordinal)
		nsegs = ordinal + 1;
	pin = slot(s, origin);
	if (pin->bits == NULL || pin->nbits < nsegs) {
		s->n += pin->bits == NULL;
		rc = widen(pin, nsegs, err);
		if (rc < 0)
			return rc;
		pin->origin = *origin;
	}
	pin->bits[ordinal / 8] |= (uint8_t)(1u << ordinal % 8);
	return 0;
}

bool
mv_segset_has(const struct mv_segset *s, const struct mv_id16 *origin,
    uint32_t ordinal)
{
	const struct mv_pin *pin;

	if (s->cap == 0)
		return false;
	pin = slot(s, origin);
	return pin->bits != NULL && ordinal < pin->nbits &&
	    (pin->bits[ordinal / 8] >> ordinal % 8 & 1);
}

bool
mv_segset_find(const struct mv_segset *s, const struct mv_id16 *origin,
    struct mv_pin *out)
{
	if (s->cap == 0)
		return false;
	*out = *slot(s, origin);
	return out->bits != NULL;
}

size_t
mv_segset_lacks(const struct mv_segset *s, const struct mv_pin *pin)
{
	const struct mv_pin *have = s->cap == 0 ? NULL :
	    slot(s, &pin->origin);
	size_t i, lacks = 0;
	uint8_t bits;

	for (i = 0; i < bytes_of(pin->nbits); i++) {
		bits = pin->bits[i];
		if (have != NULL && have->bits != NULL &&
		    i < bytes_of(have->nbits))
			bits &= (uint8_t)~have->bits[i];
		lacks += (size_t)__builtin_popcount(bits);
	}
	return lacks;
}
