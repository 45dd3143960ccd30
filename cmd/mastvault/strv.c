/* SPDX-License-Identifier: MIT */
#include "mastvault/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int
mv_strv_add(struct mv_strv *l, const char *s, size_t len, struct mv_err *err)
{
	char **v = reallocarray(l->v, l->n + 2, sizeof(*v));

	if (v == NULL)
		return mv_err_set(err, MV_ENOMEM, "list of words");
	l->v = v;
	l->v[l->n] = strndup(s, len);
	if (l->v[l->n] == NULL)
		return mv_err_set(err, MV_ENOMEM, "list of words");
	l->v[++l->n] = NULL;
	return 0;
}

int
mv_strv_addf(struct mv_strv *l, struct mv_err *err, const char *fmt, ...)
{
	mv_auto(mv_freep) char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return mv_err_set(err, MV_ENOMEM, "list of sentences");
	}
	return mv_strv_add(l, text, (size_t)n, err);
}

int
mv_strv_split(struct mv_strv *l, const char *text, struct mv_err *err)
{
	size_t len;
	int rc;

	for (;;) {
		text += strspn(text, " \t");
		len = strcspn(text, " \t");
		if (len == 0)
			return 0;
		rc = mv_strv_add(l, text, len, err);
		if (rc < 0)
			return rc;
		text += len;
	}
}

const char *const *
mv_strv_const(const struct mv_strv *l)
{
	return (const char *const *)l->v;
}

void
mv_strv_clear(struct mv_strv *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct mv_strv){ 0 };
}
