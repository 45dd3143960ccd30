/* SPDX-License-Identifier: MIT */
#include "repo/pinset.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define CAP_MIN 256

void
mv_pinset_init(struct mv_pinset *s)
{
	*s = (struct mv_pinset){ 0 };
	(void)pthread_mutex_init(&s->lock, NULL);
}

void
mv_pinset_clear(struct mv_pinset *s)
{
	size_t i;

	for (i = 0; i < s->cap_pins; i++)
		free(s->pins[i].bits);
	free(s->pins);
	free(s->packs);
	(void)pthread_mutex_destroy(&s->lock);
	*s = (struct mv_pinset){ 0 };
}

/* Pack ids are random and hashes are hashes: their bytes place them. */
static size_t
home(const uint8_t *p, size_t cap)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return (size_t)v & (cap - 1);
}

/* An entry is empty when it has no bits. */
static struct mv_pin *
probe_pin(struct mv_pin *pins, size_t cap, const struct mv_id16 *origin)
{
	size_t i = home(origin->b, cap);

	while (pins[i].bits != NULL && memcmp(pins[i].origin.b, origin->b,
	    sizeof(origin->b)) != 0)
		i = (i + 1) & (cap - 1);
	return &pins[i];
}

/* An entry is empty when its pack has no size. */
static struct mv_pack_ref *
probe_pack(struct mv_pack_ref *packs, size_t cap, const struct mv_id32 *hash)
{
	size_t i = home(hash->b, cap);

	while (packs[i].size != 0 && memcmp(packs[i].hash.b, hash->b,
	    sizeof(hash->b)) != 0)
		i = (i + 1) & (cap - 1);
	return &packs[i];
}

static int
grow_pins(struct mv_pinset *s, struct mv_err *err)
{
	size_t cap = s->cap_pins > 0 ? s->cap_pins * 2 : CAP_MIN, i;
	struct mv_pin *bigger;

	if ((s->npins + 1) * 4 <= s->cap_pins * 3)
		return 0;
	bigger = calloc(cap, sizeof(*bigger));
	if (bigger == NULL)
		return mv_err_set(err, MV_ENOMEM, "pins of %zu packs", cap);
	for (i = 0; i < s->cap_pins; i++)
		if (s->pins[i].bits != NULL)
			*probe_pin(bigger, cap, &s->pins[i].origin) =
			    s->pins[i];
	free(s->pins);
	s->pins = bigger;
	s->cap_pins = cap;
	return 0;
}

static int
grow_packs(struct mv_pinset *s, struct mv_err *err)
{
	size_t cap = s->cap_packs > 0 ? s->cap_packs * 2 : CAP_MIN, i;
	struct mv_pack_ref *bigger;

	if ((s->npacks + 1) * 4 <= s->cap_packs * 3)
		return 0;
	bigger = calloc(cap, sizeof(*bigger));
	if (bigger == NULL)
		return mv_err_set(err, MV_ENOMEM, "list of %zu packs", cap);
	for (i = 0; i < s->cap_packs; i++)
		if (s->packs[i].size != 0)
			*probe_pack(bigger, cap, &s->packs[i].hash) =
			    s->packs[i];
	free(s->packs);
	s->packs = bigger;
	s->cap_packs = cap;
	return 0;
}

static int
use_pack(struct mv_pinset *s, const struct mv_pack_ref *pack,
    struct mv_err *err)
{
	struct mv_pack_ref *slot;
	int rc;

	rc = grow_packs(s, err);
	if (rc < 0)
		return rc;
	slot = probe_pack(s->packs, s->cap_packs, &pack->hash);
	if (slot->size == 0) {
		*slot = *pack;
		s->npacks++;
	}
	return 0;
}

/* Room for the bits of nsegs segments; what was set stays. */
static int
widen(struct mv_pin *pin, uint32_t nsegs, struct mv_err *err)
{
	uint8_t *bits = calloc(((size_t)nsegs + 7) / 8, 1);

	if (bits == NULL)
		return mv_err_set(err, MV_ENOMEM, "pins");
	if (pin->bits != NULL)
		memcpy(bits, pin->bits, ((size_t)pin->nbits + 7) / 8);
	free(pin->bits);
	pin->bits = bits;
	pin->nbits = nsegs;
	return 0;
}

/*
 * The origin's entry, made if need be.  Packs may disagree on how long an
 * origin is, when one of them was planted: that must not end a backup.
 */
static int
find_pin(struct mv_pinset *s, const struct mv_id16 *origin, uint32_t nsegs,
    struct mv_pin **out, struct mv_err *err)
{
	struct mv_pin *pin;
	bool fresh;
	int rc;

	rc = grow_pins(s, err);
	if (rc < 0)
		return rc;
	pin = probe_pin(s->pins, s->cap_pins, origin);
	if (pin->bits == NULL || pin->nbits < nsegs) {
		fresh = pin->bits == NULL;
		rc = widen(pin, nsegs, err);
		if (rc < 0)
			return rc;
		pin->origin = *origin;
		s->npins += fresh;
	}
	*out = pin;
	return 0;
}

int
mv_pinset_add(struct mv_pinset *s, const struct mv_id16 *origin,
    uint32_t nsegs, uint32_t ordinal, const struct mv_pack_ref *pack,
    struct mv_err *err)
{
	struct mv_pin *pin;
	uint8_t bit = (uint8_t)(1u << (ordinal % 8));
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = find_pin(s, origin, nsegs, &pin, err);
	if (rc == 0 && ordinal >= pin->nbits)
		rc = mv_err_set(err, MV_ECORRUPT,
		    "segment %u of an origin that has %u", ordinal,
		    pin->nbits);
	if (rc == 0 && !(pin->bits[ordinal / 8] & bit)) {
		rc = use_pack(s, pack, err);
		if (rc == 0)
			pin->bits[ordinal / 8] |= bit;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int
mv_pinset_add_all(struct mv_pinset *s, const struct mv_id16 *origin,
    uint32_t nsegs, const struct mv_pack_ref *pack, struct mv_err *err)
{
	struct mv_pin *pin;
	uint32_t i;
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = find_pin(s, origin, nsegs, &pin, err);
	if (rc == 0)
		rc = use_pack(s, pack, err);
	for (i = 0; rc == 0 && i < nsegs; i++)
		pin->bits[i / 8] |= (uint8_t)(1u << (i % 8));
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
cmp_pins(const void *a, const void *b)
{
	const struct mv_pin *x = a, *y = b;

	return memcmp(x->origin.b, y->origin.b, sizeof(x->origin.b));
}

int
mv_pinset_sorted(const struct mv_pinset *s, struct mv_pin **out, size_t *n,
    struct mv_err *err)
{
	struct mv_pin *pins;
	size_t i, at = 0;

	pins = calloc(s->npins + 1, sizeof(*pins));
	if (pins == NULL)
		return mv_err_set(err, MV_ENOMEM, "pins of %zu packs",
		    s->npins);
	for (i = 0; i < s->cap_pins; i++)
		if (s->pins[i].bits != NULL)
			pins[at++] = s->pins[i];
	qsort(pins, at, sizeof(*pins), cmp_pins);
	*out = pins;
	*n = at;
	return 0;
}

int
mv_pinset_each_pack(const struct mv_pinset *s,
    int (*each)(const struct mv_pack_ref *pack, void *arg, struct mv_err *err),
    void *arg, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < s->cap_packs; i++)
		if (s->packs[i].size != 0)
			rc = each(&s->packs[i], arg, err);
	return rc;
}
