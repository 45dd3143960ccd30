/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

static void
look_up(struct mv_name *name, bool group)
{
	char buf[16384];
	struct passwd pw, *gotpw = NULL;
	struct group gr, *gotgr = NULL;
	const char *text = NULL;

	if (!group && getpwuid_r(name->id, &pw, buf, sizeof(buf), &gotpw) == 0
	    && gotpw != NULL)
		text = pw.pw_name;
	if (group && getgrgid_r(name->id, &gr, buf, sizeof(buf), &gotgr) == 0
	    && gotgr != NULL)
		text = gr.gr_name;
	name->len = text != NULL ? strlen(text) : 0;
	if (name->len >= sizeof(name->text))
		name->len = 0;
	if (name->len > 0)
		memcpy(name->text, text, name->len);
}

/*
 * The name moves when the table grows, so a span is good until the next
 * lookup of an id not seen before.
 */
struct mv_span
mv_names_get(struct mv_names *names, uint32_t id)
{
	struct mv_name *v;
	size_t i = names->last;

	if (i >= names->n || names->v[i].id != id) {
		for (i = 0; i < names->n && names->v[i].id != id; i++)
			;
	}
	if (i == names->n) {
		v = reallocarray(names->v, names->n + 1, sizeof(*v));
		if (v == NULL)
			return (struct mv_span){ 0 };
		names->v = v;
		v[i].id = id;
		look_up(&v[i], names->groups);
		names->n++;
	}
	names->last = i;
	return (struct mv_span){ (const uint8_t *)names->v[i].text,
	    names->v[i].len };
}

void
mv_names_clear(struct mv_names *names)
{
	free(names->v);
	*names = (struct mv_names){ .groups = names->groups };
}
