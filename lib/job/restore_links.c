/* SPDX-License-Identifier: MIT */
#include "job/restore_links.h"

#include <stdlib.h>
#include <string.h>

struct mv_promoted {
	struct mv_span target, path;	/* into one allocation, target's */
};

void
mv_links_in_clear(struct mv_links_in *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free((uint8_t *)(uintptr_t)l->list[i].target.p);
	free(l->list);
	mv_media_in_clear(&l->in);
	*l = (struct mv_links_in){ 0 };
}

struct mv_span
mv_links_in_promoted(const struct mv_links_in *l, struct mv_span target)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (mv_path_cmp(l->list[i].target, target) == 0)
			return l->list[i].path;
	return (struct mv_span){ 0 };
}

static int
note(struct mv_links_in *l, const struct mv_entry *link, struct mv_err *err)
{
	struct mv_promoted *grown;
	uint8_t *copy;

	grown = realloc(l->list, (l->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "note a hard link");
	l->list = grown;
	copy = malloc(link->target.len + link->path.len);
	if (copy == NULL)
		return mv_err_set(err, MV_ENOMEM, "note a hard link");
	memcpy(copy, link->target.p, link->target.len);
	memcpy(copy + link->target.len, link->path.p, link->path.len);
	l->list[l->n++] = (struct mv_promoted){
		{ copy, link->target.len },
		{ copy + link->target.len, link->path.len },
	};
	return 0;
}

/* Have the manifest's reader before target: from its beginning if need be. */
static int
rewind_to(struct mv_links_in *l, struct mv_span target, struct mv_err *err)
{
	if (l->entry != NULL && mv_path_cmp(l->entry->path, target) < 0)
		return 0;
	l->entry = NULL;
	mv_media_in_clear(&l->in);
	l->in = (struct mv_media_in){ 0 };
	return mv_media_in_open(l->repo, l->snap, &l->in, err);
}

int
mv_links_in_promote(struct mv_links_in *l, const struct mv_entry *link,
    const struct mv_entry **out, struct mv_err *err)
{
	char shown[MV_PATH_SHOW];
	int rc, d = -1;

	rc = rewind_to(l, link->target, err);
	while (rc == 0 && d < 0) {
		rc = mv_media_in_next(&l->in, &l->entry, err);
		if (rc == 0)
			l->entry = NULL;
		if (rc <= 0)
			break;
		d = mv_path_cmp(l->entry->path, link->target);
		rc = 0;
	}
	if (rc < 0) {
		l->entry = NULL;
		return rc;
	}
	if (d != 0 || l->entry->type != MV_ENTRY_FILE)
		return mv_err_set(err, MV_ECORRUPT, "the manifest has no file "
		    "'%s' to link to", mv_path_show(link->target, shown));
	*out = l->entry;
	return note(l, link, err);
}
