/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/highwater.h"
#include "repo/snapshots_internal.h"

/* Is the snapshot that a mark names still there? */
static int
check_mark(const struct mv_snapshots *s, const struct mv_highwater_writer *m,
    const struct mv_problems *to, struct mv_err *err)
{
	const struct mv_snapshot *newest = mv_snapshots_newest(s, m->writer);
	char name[MV_OBJECT_NAME_MAX];
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->list[i].writer == m->writer &&
		    memcmp(s->list[i].id.b, m->id.b, sizeof(m->id.b)) == 0)
			return 0;
	mv_snapshot_name(&m->id, name);
	if (newest == NULL)
		return mv_problem(to, name, err, "this host has seen snapshot %"
		    PRIu64 " of writer %" PRIu32 " ('%s'), and the stores "
		    "show none of it: rolled back or withheld", m->seq,
		    m->writer, name);
	return mv_problem(to, name, err, "this host has seen snapshot %" PRIu64
	    " of writer %" PRIu32 " ('%s'), which is not there; the newest is "
	    "%" PRIu64 ": rolled back or withheld", m->seq, m->writer, name,
	    newest->seq);
}

int
mv_snapshots_check_seen(const struct mv_snapshots *s, struct mv_repo *r,
    const struct mv_problems *to, struct mv_err *err)
{
	mv_auto(mv_highwater_clear) struct mv_highwater h = { 0 };
	size_t i;
	int rc;

	if (mv_repo_state_dir(r) == NULL)
		return 0;
	rc = mv_highwater_load(mv_repo_state_dir(r), mv_repo_id(r), &h, err);
	for (i = 0; rc >= 0 && i < h.nwriters; i++)
		rc = check_mark(s, &h.writers[i], to, err);
	return rc;
}

int
mv_highwater_update(struct mv_repo *r, const struct mv_snapshots *s,
    struct mv_err *err)
{
	mv_auto(mv_highwater_clear) struct mv_highwater h = { 0 };
	const struct mv_keyring *k = mv_repo_keyring(r);
	size_t i;
	int rc;

	if (mv_repo_state_dir(r) == NULL)
		return 0;
	mv_highwater_note_keyring(&h, k->number, &k->hash);
	for (i = 0; i < s->n; i++) {
		rc = mv_highwater_note(&h, s->list[i].writer, s->list[i].seq,
		    &s->list[i].id, err);
		if (rc < 0)
			return rc;
	}
	return mv_highwater_raise(mv_repo_state_dir(r), mv_repo_id(r), &h,
	    err);
}
