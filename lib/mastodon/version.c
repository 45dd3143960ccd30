/* SPDX-License-Identifier: MIT */
#include "mastodon/version.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define SCHEMA_DIGITS 14

/* db/schema.rb of each release, oldest first. */
static const struct release {
	unsigned major, minor;
	uint64_t schema;
} releases[] = {
	{ 3, 5, 20220429101850 },
	{ 4, 0, 20221104133904 },
	{ 4, 1, 20221206114142 },
	{ 4, 2, 20230907150100 },
	{ 4, 3, 20241007071624 },
	{ 4, 4, 20250627132728 },
	{ 4, 5, 20251023210145 },
	{ 4, 6, 20260611150940 },
};

int
mv_schema_parse(const char *text, uint64_t *out, struct mv_err *err)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < SCHEMA_DIGITS; i++)
		v = v * 10 + (uint64_t)(text[i] - '0');
	if (i != SCHEMA_DIGITS || text[i] != '\0')
		return mv_err_set(err, MV_EUSAGE,
		    "schema version '%.32s' is not %d digits", text,
		    SCHEMA_DIGITS);
	*out = v;
	return 0;
}

void
mv_schema_label(uint64_t schema, char out[MV_VERSION_TEXT])
{
	const struct release *r = NULL;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(releases); i++)
		if (releases[i].schema <= schema)
			r = &releases[i];
	if (r == NULL)
		(void)snprintf(out, MV_VERSION_TEXT, "before %u.%u",
		    releases[0].major, releases[0].minor);
	else
		(void)snprintf(out, MV_VERSION_TEXT, "%s%u.%u",
		    r->schema == schema ? "" : "after ", r->major, r->minor);
}

bool
mv_schema_at_least(uint64_t schema, unsigned major, unsigned minor)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(releases); i++)
		if (releases[i].major > major ||
		    (releases[i].major == major && releases[i].minor >= minor))
			return schema >= releases[i].schema;
	/* Newer than the table: only a schema newer than all of it may have it. */
	return false;
}
