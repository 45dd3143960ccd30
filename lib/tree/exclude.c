/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tree/tree_internal.h"

struct pattern {
	char *text;		/* without a final '/' and a leading "**" + '/' */
	size_t len;
	bool dirs_only;
	bool anywhere;
	bool glob;
};

struct mv_excludes {
	size_t n;
	struct pattern v[];
};

static int
compile(const char *text, struct pattern *p, struct mv_err *err)
{
	const char *from = text;
	size_t len;

	if (strncmp(from, "**/", 3) == 0) {
		p->anywhere = true;
		from += 3;
	}
	len = strlen(from);
	if (len > 0 && from[len - 1] == '/') {
		p->dirs_only = true;
		len--;
	}
	if (!mv_path_is_valid((struct mv_span){ (const uint8_t *)from, len }) ||
	    len == 0)
		return mv_err_set(err, MV_EUSAGE,
		    "exclude '%s' is no path relative to the root", text);
	p->text = strndup(from, len);
	if (p->text == NULL)
		return mv_err_set(err, MV_ENOMEM, "exclude '%s'", text);
	p->len = len;
	p->glob = strpbrk(p->text, "*?[\\") != NULL;
	return 0;
}

int
mv_excludes_new(const char *const *patterns, size_t n,
    struct mv_excludes **out, struct mv_err *err)
{
	struct mv_excludes *x;
	int rc;

	x = calloc(1, sizeof(*x) + n * sizeof(x->v[0]));
	if (x == NULL)
		return mv_err_set(err, MV_ENOMEM, "excludes");
	for (x->n = 0; x->n < n; x->n++) {
		rc = compile(patterns[x->n], &x->v[x->n], err);
		if (rc < 0) {
			mv_excludes_free(x);
			return rc;
		}
	}
	*out = x;
	return 0;
}

static bool
fits(const struct pattern *p, const char *path, size_t len)
{
	if (p->glob)
		return fnmatch(p->text, path, FNM_PATHNAME) == 0;
	return len == p->len && memcmp(p->text, path, len) == 0;
}

static bool
fits_anywhere(const struct pattern *p, const char *path, size_t len)
{
	const char *at = path, *slash;

	for (;;) {
		if (fits(p, at, len - (size_t)(at - path)))
			return true;
		slash = strchr(at, '/');
		if (slash == NULL)
			return false;
		at = slash + 1;
	}
}

bool
mv_excludes_match(const struct mv_excludes *x, const char *path, size_t len,
    bool is_dir)
{
	size_t i;

	for (i = 0; i < x->n; i++) {
		const struct pattern *p = &x->v[i];

		if (p->dirs_only && !is_dir)
			continue;
		if (p->anywhere ? fits_anywhere(p, path, len) :
		    fits(p, path, len))
			return true;
	}
	return false;
}

void
mv_excludes_free(struct mv_excludes *x)
{
	size_t i;

	if (x == NULL)
		return;
	for (i = 0; i < x->n; i++)
		free(x->v[i].text);
	free(x);
}
