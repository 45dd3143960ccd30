/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "tree/extract_internal.h"

static uint32_t
look_up(const char *name, bool is_group, uint32_t otherwise)
{
	char buf[16384];
	struct passwd pw, *gotpw = NULL;
	struct group gr, *gotgr = NULL;

	if (is_group) {
		if (getgrnam_r(name, &gr, buf, sizeof(buf), &gotgr) == 0 &&
		    gotgr != NULL)
			return gotgr->gr_gid;
		return otherwise;
	}
	if (getpwnam_r(name, &pw, buf, sizeof(buf), &gotpw) == 0 &&
	    gotpw != NULL)
		return gotpw->pw_uid;
	return otherwise;
}

uint32_t
mv_owner_ids_get(struct mv_owner_ids *ids, bool group, struct mv_span name,
    uint32_t id)
{
	struct mv_owner_id one = { .group = group, .len = name.len }, *v;
	size_t i;

	if (ids->numeric || name.len == 0 || name.len >= sizeof(one.name))
		return id;
	for (i = 0; i < ids->n; i++)
		if (ids->v[i].group == group && ids->v[i].len == name.len &&
		    memcmp(ids->v[i].name, name.p, name.len) == 0)
			return ids->v[i].id;
	memcpy(one.name, name.p, name.len);
	one.id = look_up(one.name, group, id);
	/* A name is kept with the id it got first: a manifest has but one. */
	v = reallocarray(ids->v, ids->n + 1, sizeof(*v));
	if (v != NULL) {
		ids->v = v;
		v[ids->n++] = one;
	}
	return one.id;
}
