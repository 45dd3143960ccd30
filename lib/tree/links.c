/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

/* Open addressing; a slot without path is free, one without length forgotten. */
struct slot {
	uint64_t dev;
	uint64_t ino;
	uint8_t *path;
	size_t len;
};

struct mv_links {
	struct slot *slots;
	size_t cap;		/* a power of two */
	size_t used;
};

int
mv_links_new(struct mv_links **out, struct mv_err *err)
{
	struct mv_links *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		l->cap = 64;
		l->slots = calloc(l->cap, sizeof(*l->slots));
	}
	if (l == NULL || l->slots == NULL) {
		free(l);
		return mv_err_set(err, MV_ENOMEM, "table of hard links");
	}
	*out = l;
	return 0;
}

static struct slot *
find(const struct mv_links *l, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ (dev << 32 | dev >> 32)) * 0x9e3779b97f4a7c15U;
	size_t i = (size_t)(h >> 32) & (l->cap - 1);

	while (l->slots[i].path != NULL && (l->slots[i].ino != ino ||
	    l->slots[i].dev != dev))
		i = (i + 1) & (l->cap - 1);
	return &l->slots[i];
}

static int
double_table(struct mv_links *l, struct mv_err *err)
{
	struct mv_links bigger = { .cap = l->cap * 2, .used = l->used };
	size_t i;

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return mv_err_set(err, MV_ENOMEM, "table of hard links");
	for (i = 0; i < l->cap; i++)
		if (l->slots[i].path != NULL)
			*find(&bigger, l->slots[i].dev, l->slots[i].ino) =
			    l->slots[i];
	free(l->slots);
	*l = bigger;
	return 0;
}

int
mv_links_seen(struct mv_links *l, uint64_t dev, uint64_t ino,
    struct mv_span path, struct mv_span *first, struct mv_err *err)
{
	struct slot *s;
	uint8_t *copy;
	int rc;

	s = find(l, dev, ino);
	if (s->path != NULL && s->len > 0) {
		*first = (struct mv_span){ s->path, s->len };
		return 1;
	}
	if (s->path == NULL && l->used >= l->cap / 4 * 3) {
		rc = double_table(l, err);
		if (rc < 0)
			return rc;
		s = find(l, dev, ino);
	}
	copy = malloc(path.len);
	if (copy == NULL)
		return mv_err_set(err, MV_ENOMEM, "table of hard links");
	memcpy(copy, path.p, path.len);
	if (s->path == NULL)
		l->used++;
	free(s->path);
	*s = (struct slot){ dev, ino, copy, path.len };
	return 0;
}

void
mv_links_forget(struct mv_links *l, uint64_t dev, uint64_t ino)
{
	find(l, dev, ino)->len = 0;
}

void
mv_links_free(struct mv_links *l)
{
	size_t i;

	if (l == NULL)
		return;
	for (i = 0; i < l->cap; i++)
		free(l->slots[i].path);
	free(l->slots);
	free(l);
}
