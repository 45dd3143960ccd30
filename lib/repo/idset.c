/* SPDX-License-Identifier: MIT */
#include "repo/idset.h"

#include <stdlib.h>
#include <string.h>

#define CAP_MIN 1024

void
mv_idset_clear(struct mv_idset *s)
{
	free(s->slots);
	*s = (struct mv_idset){ 0 };
}

static bool
is_zero(const struct mv_id16 *id)
{
	static const struct mv_id16 zero;

	return memcmp(id->b, zero.b, sizeof(zero.b)) == 0;
}

static size_t
home(const struct mv_idset *s, const struct mv_id16 *id)
{
	uint64_t v;

	memcpy(&v, id->b + 4, sizeof(v));
	return (size_t)v & (s->cap - 1);
}

/* Where the id is, or the empty slot where it would be. */
static size_t
probe(const struct mv_idset *s, const struct mv_id16 *id)
{
	size_t i = home(s, id);

	while (!is_zero(&s->slots[i]) &&
	    memcmp(s->slots[i].b, id->b, sizeof(id->b)) != 0)
		i = (i + 1) & (s->cap - 1);
	return i;
}

bool
mv_idset_has(const struct mv_idset *s, const struct mv_id16 *id)
{
	if (is_zero(id))
		return s->has_zero;
	return s->cap > 0 && !is_zero(&s->slots[probe(s, id)]);
}

static int
grow(struct mv_idset *s, struct mv_err *err)
{
	struct mv_idset bigger = { .has_zero = s->has_zero, .n = s->n };
	size_t i;

	bigger.cap = s->cap > 0 ? s->cap * 2 : CAP_MIN;
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return mv_err_set(err, MV_ENOMEM, "set of %zu ids",
		    bigger.cap);
	for (i = 0; i < s->cap; i++)
		if (!is_zero(&s->slots[i]))
			bigger.slots[probe(&bigger, &s->slots[i])] =
			    s->slots[i];
	free(s->slots);
	*s = bigger;
	return 0;
}

int
mv_idset_add(struct mv_idset *s, const struct mv_id16 *id, bool *added,
    struct mv_err *err)
{
	size_t i;
	int rc;

	if (is_zero(id)) {
		*added = !s->has_zero;
		s->has_zero = true;
		return 0;
	}
	/* At most three quarters full. */
	if ((s->n + 1) * 4 > s->cap * 3) {
		rc = grow(s, err);
		if (rc < 0)
			return rc;
	}
	i = probe(s, id);
	*added = is_zero(&s->slots[i]);
	if (*added) {
		s->slots[i] = *id;
		s->n++;
	}
	return 0;
}

void
mv_idset_remove(struct mv_idset *s, const struct mv_id16 *id)
{
	static const struct mv_id16 zero;
	size_t hole, i, mask = s->cap - 1;

	if (is_zero(id)) {
		s->has_zero = false;
		return;
	}
	if (!mv_idset_has(s, id))
		return;
	/* Close the gap: move back whatever would not be found beyond it. */
	hole = probe(s, id);
	i = hole;
	for (;;) {
		i = (i + 1) & mask;
		if (is_zero(&s->slots[i]))
			break;
		if (((i - home(s, &s->slots[i])) & mask) < ((i - hole) & mask))
			continue;
		s->slots[hole] = s->slots[i];
		hole = i;
	}
	s->slots[hole] = zero;
	s->n--;
}
