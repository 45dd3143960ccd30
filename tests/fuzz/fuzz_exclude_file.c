/* SPDX-License-Identifier: MIT */
/* What an exclude-file gives has no blanks around it and is no comment. */
#include <string.h>

#include "base/cleanup.h"
#include "fuzz/place.h"
#include "mastvault/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
check(const char *line)
{
	size_t len = strlen(line);

	if (len == 0 || line[0] == '#' || is_blank(line[0]) ||
	    is_blank(line[len - 1]) || strchr(line, '\n') != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_source_clear) struct mv_source_of s = { 0 };
	struct mv_config_env env = { 0 };
	struct mv_cli cli = { 0 };
	char path[sizeof(place_path) + 16], *files[] = { path, NULL };
	struct mv_err err = { 0 };
	size_t i;

	(void)snprintf(path, sizeof(path), "%s/excludes", place());
	place_put("excludes", data, len);
	env.exclude_files = (struct mv_strv){ files, 1 };
	if (mv_source_exclude(&s, &env, &cli, &err) < 0) {
		if (err.code != MV_EUSAGE && err.code != MV_ENOMEM)
			abort();
		return 0;
	}
	for (i = 0; i < s.excludes.n; i++)
		check(s.excludes.v[i]);
	return 0;
}
