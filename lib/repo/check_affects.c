/* SPDX-License-Identifier: MIT */
/*
 * What damage means: which snapshots lost something, and, to whom may read,
 * which tables and files.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/time.h"
#include "repo/check_internal.h"
#include "repo/check_names.h"
#include "repo/snapshots_internal.h"

#define SNAPSHOTS_TOLD 3
#define LABELS_TOLD 5
/* A walk through a manifest each: only the newest, which are first. */
#define SNAPSHOTS_NAMED 8

static bool
is_zero(const struct mv_id16 *id)
{
	static const struct mv_id16 zero;

	return memcmp(id->b, zero.b, sizeof(zero.b)) == 0;
}

static bool
same(const struct mv_id16 *a, const struct mv_id16 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* How many pinned segments of origin the snapshot misses. */
static size_t
lacks_of(const struct mv_check *c, size_t snapshot,
    const struct mv_id16 *origin)
{
	size_t i;

	for (i = 0; i < c->nunpinned; i++)
		if (c->unpinned[i].snapshot == snapshot &&
		    same(&c->unpinned[i].origin, origin))
			return c->unpinned[i].lacks;
	return 0;
}

/* A loss whose place is unknown may be in any pack that is gone. */
static bool
is_loss_of(const struct mv_loss *l, size_t snapshot,
    const struct mv_id16 *origin)
{
	return l->snapshot == snapshot &&
	    (same(&l->origin, origin) || is_zero(&l->origin));
}

/* The same label is not told twice. */
static bool
is_told(const struct mv_check *c, size_t i, const struct mv_id16 *origin)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (is_loss_of(&c->losses[k], c->losses[i].snapshot,
		    origin) &&
		    strcmp(c->losses[k].label, c->losses[i].label) == 0)
			return true;
	return false;
}

static void
tell_snapshot(const struct mv_check *c, size_t snapshot,
    const struct mv_id16 *origin, struct mv_buf *out)
{
	const struct mv_snapshot *s = &c->snaps.list[snapshot];
	char hex[2 * sizeof(s->id.b) + 1], when[MV_TIME_TEXT];
	size_t i, told = 0, more = 0;

	mv_hex_encode(s->id.b, sizeof(s->id.b), hex);
	mv_time_utc(s->finished, when);
	mv_buf_printf(out, "%ssnapshot %.8s of %s", out->len > 0 ? "; " : "",
	    hex, when);
	for (i = 0; i < c->nlosses; i++) {
		if (!is_loss_of(&c->losses[i], snapshot, origin) ||
		    told + more > 64 || is_told(c, i, origin))
			continue;
		if (told == LABELS_TOLD) {
			more++;
			continue;
		}
		mv_buf_printf(out, "%s%s", told++ == 0 ? ": " : ", ",
		    c->losses[i].label);
	}
	if (more > 0)
		mv_buf_printf(out, " and more");
}

static bool
is_affected(const struct mv_check *c, size_t snapshot,
    const struct mv_id16 *origin)
{
	size_t i;

	if (lacks_of(c, snapshot, origin) > 0)
		return true;
	for (i = 0; i < c->nlosses; i++)
		if (c->losses[i].snapshot == snapshot &&
		    same(&c->losses[i].origin, origin))
			return true;
	return false;
}

static int
affects_of(const struct mv_check *c, const struct mv_id16 *origin,
    char **out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	size_t i, told = 0, more = 0;

	for (i = c->snaps.n; i-- > 0;) {
		if (!is_affected(c, i, origin))
			continue;
		if (told == SNAPSHOTS_TOLD) {
			more++;
			continue;
		}
		tell_snapshot(c, i, origin, &b);
		told++;
	}
	if (more > 0)
		mv_buf_printf(&b, "; and %zu older snapshot%s", more,
		    more > 1 ? "s" : "");
	if (told == 0)
		mv_buf_put_str(&b, "no snapshot");
	if (mv_buf_cstr(&b) == NULL)
		return mv_buf_failed(&b, err);
	*out = (char *)mv_take(&b.p);
	return 0;
}

/* A pack that nobody damaged because it is not there: say so once. */
static int
tell_missing(struct mv_check *c, const struct mv_unpinned *u,
    struct mv_err *err)
{
	char hex[2 * sizeof(u->origin.b) + 1];
	char prefix[16 + sizeof(hex)];
	const char *name = prefix;
	size_t i;

	for (i = 0; i < c->report.ndamaged; i++)
		if (same(&c->about[i], &u->origin))
			return 0;
	mv_hex_encode(u->origin.b, sizeof(u->origin.b), hex);
	(void)snprintf(prefix, sizeof(prefix), "packs/%.2s/%s", hex, hex);
	for (i = 0; i < c->all.n; i++)
		if (strncmp(c->all.p[i].name, prefix, strlen(prefix)) == 0)
			name = c->all.p[i].name;
	return mv_check_damage(c, name, NULL, &u->origin, err,
	    name == prefix ? "the pack is missing" : "segments that snapshots "
	    "pin do not count: half written, or by a distrusted writer");
}

/* Chunks that are nowhere, in a snapshot whose packs are all there. */
static int
tell_unexplained(struct mv_check *c, size_t snapshot, struct mv_err *err)
{
	char name[MV_OBJECT_NAME_MAX];
	const struct mv_loss *l = NULL;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < c->nunpinned; i++)
		if (c->unpinned[i].snapshot == snapshot)
			return 0;
	for (i = 0; i < c->nlosses; i++)
		if (c->losses[i].snapshot == snapshot &&
		    is_zero(&c->losses[i].origin)) {
			l = l == NULL ? &c->losses[i] : l;
			n += c->losses[i].n;
		}
	if (n == 0)
		return 0;
	mv_snapshot_name(&c->snaps.list[snapshot].id, name);
	return mv_check_damage(c, name, NULL, NULL, err, "%" PRIu64 " of its "
	    "chunks are in no pack that is there: %s%s", n, l->label,
	    n > l->n ? " and more" : "");
}

static int
label_losses(struct mv_check *c, struct mv_err *err)
{
	size_t i, k, named = 0;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->nlosses; i = k) {
		for (k = i; k < c->nlosses &&
		    c->losses[k].snapshot == c->losses[i].snapshot; k++)
			continue;
		rc = mv_check_name_losses(c, &c->losses[i], k - i,
		    named++ < SNAPSHOTS_NAMED, err);
	}
	return rc;
}

int
mv_check_affects(struct mv_check *c, struct mv_err *err)
{
	size_t i;
	int rc;

	rc = label_losses(c, err);
	for (i = 0; rc == 0 && i < c->nunpinned; i++)
		rc = tell_missing(c, &c->unpinned[i], err);
	for (i = 0; rc == 0 && i < c->snaps.n; i++)
		rc = tell_unexplained(c, i, err);
	for (i = 0; rc == 0 && i < c->report.ndamaged; i++)
		if (!is_zero(&c->about[i]))
			rc = affects_of(c, &c->about[i],
			    &c->report.damaged[i].affects, err);
	return rc;
}
