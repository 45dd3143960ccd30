/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "job/backup.h"

int
mv_named_add(struct mv_named *l, const void *name, size_t len,
    struct mv_err *err)
{
	char **grown;

	l->total++;
	if (l->n == MV_NAMED_MAX)
		return 0;
	grown = realloc(l->names, (l->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "note a name");
	l->names = grown;
	l->names[l->n] = strndup(name, len);
	if (l->names[l->n] == NULL)
		return mv_err_set(err, MV_ENOMEM, "note a name");
	l->n++;
	return 0;
}

void
mv_named_clear(struct mv_named *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	*l = (struct mv_named){ 0 };
}
