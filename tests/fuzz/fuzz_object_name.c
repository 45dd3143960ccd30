/* SPDX-License-Identifier: MIT */
/* A name that is an object's is the only name of that object. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_freep) char *name = malloc(len + 1);
	char again[MV_OBJECT_NAME_MAX];
	struct mv_name n;

	if (name == NULL)
		return 0;
	if (len > 0)
		memcpy(name, data, len);
	name[len] = '\0';
	if (mv_object_name_parse(name, &n) < 0)
		return 0;
	mv_object_name(n.kind, n.number, &n.id, &n.hash, again);
	if (strcmp(again, name) != 0)
		abort();
	return 0;
}
