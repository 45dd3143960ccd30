/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_RESTORE_LINKS_H
#define MV_JOB_RESTORE_LINKS_H

#include "job/media_in.h"

/*
 * restore_links: hard links to files that are not restored.
 *
 * Who restores some paths of a tree may choose a hard link and not the name
 * that has the content.  The first such link becomes the file, and further
 * ones become links to it.
 */
struct mv_promoted;		/* a name that has content, and who got it */

struct mv_links_in {
	struct mv_repo *repo;		/* borrowed, as is snap */
	const struct mv_snapshot *snap;
	struct mv_media_in in;		/* at or behind entry */
	const struct mv_entry *entry;	/* that in gave last, or NULL */
	struct mv_promoted *list;
	size_t n;
};
void mv_links_in_clear(struct mv_links_in *l);

/* Who has the content of target by now?  An empty span: nobody. */
struct mv_span mv_links_in_promoted(const struct mv_links_in *l,
    struct mv_span target);

/*
 * Give link's content to it: *out is the entry of the file that it is a link
 * to, whose chunks l->in has.  It is good until the next call.
 */
int mv_links_in_promote(struct mv_links_in *l, const struct mv_entry *link,
    const struct mv_entry **out, struct mv_err *err) MV_MUST_CHECK;

#endif
