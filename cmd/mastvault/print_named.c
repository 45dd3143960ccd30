/* SPDX-License-Identifier: MIT */
#include "mastvault/print_named.h"

#include <string.h>

#include "base/cleanup.h"
#include "mastvault/output.h"

/* More names than these help nobody; --json has more. */
#define SHOWN_MAX 10

json_t *
mv_named_json(const struct mv_named *l)
{
	json_t *names = json_array();
	size_t i;

	for (i = 0; i < l->n; i++) {
		mv_auto(mv_buf_clear) struct mv_buf safe = { 0 };

		mv_safe_put(&safe, l->names[i], strlen(l->names[i]));
		if (mv_buf_cstr(&safe) != NULL)
			json_array_append_new(names,
			    json_string((const char *)safe.p));
	}
	return json_pack("{sI so}", "total", (json_int_t)l->total, "names",
	    names);
}

void
mv_named_problem(const struct mv_named *l, const char *what)
{
	mv_auto(mv_buf_clear) struct mv_buf list = { 0 };
	size_t i;

	if (l->total == 0)
		return;
	for (i = 0; i < l->n && i < SHOWN_MAX; i++)
		mv_buf_printf(&list, "%s'%s'", i > 0 ? ", " : "",
		    l->names[i]);
	if (l->total > i)
		mv_buf_printf(&list, "%s%llu more", i > 0 ? " and " : "",
		    (unsigned long long)(l->total - i));
	if (mv_buf_cstr(&list) == NULL)
		return;
	mv_output_problem("%llu %s: %s", (unsigned long long)l->total, what,
	    (const char *)list.p);
}
