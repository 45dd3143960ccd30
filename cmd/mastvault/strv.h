/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_STRV_H
#define MV_MASTVAULT_STRV_H

#include <stddef.h>

#include "base/err.h"

/* strv: a list of strings that it owns, with a NULL behind the last. */
struct mv_strv {
	char **v;		/* NULL while empty */
	size_t n;
};

/* Append a copy of len bytes of s. */
int mv_strv_add(struct mv_strv *l, const char *s, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
/* A sentence, as printf() makes it. */
int mv_strv_addf(struct mv_strv *l, struct mv_err *err, const char *fmt, ...)
    MV_PRINTF(3, 4) MV_MUST_CHECK;
/* The words of text that blanks separate, appended. */
int mv_strv_split(struct mv_strv *l, const char *text, struct mv_err *err)
    MV_MUST_CHECK;
/* For callees that read and want NULL when there is none. */
const char *const *mv_strv_const(const struct mv_strv *l);
void mv_strv_clear(struct mv_strv *l);

#endif
