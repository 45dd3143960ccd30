/* SPDX-License-Identifier: MIT */
/*
 * What one store lacks and another has.  A store that was away during a run
 * is behind: it has neither that run's snapshot nor what only that one needs.
 * But what its own snapshots need it had, and has lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "repo/check_internal.h"
#include "repo/snapshots_internal.h"

struct lacking {
	size_t snapshots, secrets, packs;
};

/* The first store that has it, for the sentence. */
static const char *
owner_url(const struct mv_check *c, const struct mv_listed *l)
{
	size_t s;

	for (s = 0; s + 1 < c->all.nstores; s++)
		if (l->sizes[s] != MV_ABSENT)
			break;
	return mv_repo_store(c->repo, s)->url;
}

static bool
is_bound(const struct mv_snapshot *snap, const struct mv_id32 *version)
{
	size_t i;

	for (i = 0; i < snap->nvault; i++)
		if (memcmp(snap->vault[i].b, version->b,
		    sizeof(version->b)) == 0)
			return true;
	return false;
}

/* Is the vault version bound to a snapshot that the store has? */
static bool
is_bound_in(const struct mv_check *c, size_t store,
    const struct mv_id32 *version)
{
	char name[MV_OBJECT_NAME_MAX];
	const struct mv_listed *l;
	size_t i;

	for (i = 0; i < c->snaps.n; i++) {
		if (!is_bound(&c->snaps.list[i], version))
			continue;
		mv_snapshot_name(&c->snaps.list[i].id, name);
		l = mv_listing_find(&c->all, name);
		if (l != NULL && l->sizes[store] != MV_ABSENT)
			return true;
	}
	return false;
}

/* One object that the store does not have: lost, or never had? */
static int
judge(struct mv_check *c, const struct mv_listed *l, size_t store,
    struct lacking *lacking, struct mv_err *err)
{
	struct mv_pin any = { 0 };
	bool lost;

	switch (l->what.kind) {
	case MV_KIND_SNAPSHOT:
		lacking->snapshots++;
		return 0;
	case MV_KIND_VAULT:
		lost = is_bound_in(c, store, &l->what.hash);
		lacking->secrets += !lost;
		break;
	case MV_KIND_DATA_PACK:
		lost = mv_segset_find(&c->held[store], &l->what.id, &any);
		lacking->packs += !lost &&
		    mv_segset_find(&c->pinned, &l->what.id, &any);
		break;
	default:
		return 0;
	}
	if (!lost)
		return 0;
	return mv_check_damage(c, l->name,
	    mv_repo_store(c->repo, store)->url, NULL, err,
	    "it is missing; store '%s' has it", owner_url(c, l));
}

static void
put_count(struct mv_buf *out, size_t n, const char *one, const char *many)
{
	if (n > 0)
		mv_buf_printf(out, "%s%zu %s", out->len > 0 ? ", " : "", n,
		    n == 1 ? one : many);
}

static int
say(struct mv_check *c, size_t store, const struct lacking *lacking,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };

	put_count(&b, lacking->snapshots, "snapshot", "snapshots");
	put_count(&b, lacking->secrets, "version of the secrets",
	    "versions of the secrets");
	put_count(&b, lacking->packs, "pack", "packs");
	if (b.len == 0)
		return 0;
	if (mv_buf_cstr(&b) == NULL)
		return mv_buf_failed(&b, err);
	return mv_check_say_behind(c, err, "store '%s' is behind: it lacks "
	    "what another has: %s", mv_repo_store(c->repo, store)->url,
	    (const char *)b.p);
}

int
mv_check_behind(struct mv_check *c, struct mv_err *err)
{
	struct lacking lacking;
	size_t i, s;
	int rc = 0;

	for (s = 0; rc == 0 && s < c->all.nstores; s++) {
		if (c->all.failed[s] != NULL)
			continue;
		lacking = (struct lacking){ 0 };
		for (i = 0; rc == 0 && i < c->all.n; i++)
			if (c->all.p[i].sizes[s] == MV_ABSENT)
				rc = judge(c, &c->all.p[i], s, &lacking, err);
		if (rc == 0)
			rc = say(c, s, &lacking, err);
	}
	return rc;
}
