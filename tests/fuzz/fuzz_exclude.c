/* SPDX-License-Identifier: MIT */
/*
 * The first line is a path, the others are patterns: the path as a pattern,
 * with everything in it escaped, fits itself.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "tree/tree_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define PATTERNS_MAX 16
/* Each '*' may cost as many steps as there are bytes. */
#define INPUT_MAX 96

static void
excludes_freep(struct mv_excludes **x)
{
	mv_excludes_free(*x);
}

static size_t
split(char *text, const char *lines[PATTERNS_MAX + 1])
{
	size_t n = 0;
	char *line;

	while (n <= PATTERNS_MAX && (line = strsep(&text, "\n")) != NULL)
		lines[n++] = line;
	return n;
}

static void
fits_itself(const char *path)
{
	mv_auto(excludes_freep) struct mv_excludes *x = NULL;
	mv_auto(mv_buf_clear) struct mv_buf escaped = { 0 };
	const char *text, *p;
	size_t len = strlen(path);

	if (len == 0 || path[len - 1] == '/' ||
	    !mv_path_is_valid((struct mv_span){ (const uint8_t *)path, len }))
		return;
	for (p = path; *p != '\0'; p++) {
		if (strchr("*?[\\", *p) != NULL)
			mv_buf_put_str(&escaped, "\\");
		mv_buf_put(&escaped, p, 1);
	}
	text = mv_buf_cstr(&escaped);
	if (text == NULL || mv_excludes_new(&text, 1, &x, NULL) < 0 ||
	    !mv_excludes_match(x, path, len, false))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(excludes_freep) struct mv_excludes *x = NULL;
	mv_auto(mv_freep) char *text = NULL;
	const char *lines[PATTERNS_MAX + 1];
	struct mv_err err = { 0 };
	size_t n;

	if (len > INPUT_MAX)
		return 0;
	text = strndup((const char *)data, len);
	if (text == NULL)
		return 0;
	n = split(text, lines);
	fits_itself(lines[0]);
	if (mv_excludes_new(lines + 1, n - 1, &x, &err) < 0) {
		if (err.code != MV_EUSAGE)
			abort();
		return 0;
	}
	(void)mv_excludes_match(x, lines[0], strlen(lines[0]), true);
	return 0;
}
