/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_JSON_H
#define MV_BASE_JSON_H

#include <jansson.h>

#include "base/err.h"

/*
 * json: documents out of bytes, with the reason when there is none.
 *
 * jansson calls a text malformed for which it had no memory; that must not
 * pass for damage.
 */

/*
 * Decode len bytes with jansson's flags.  The caller owns *out.  MV_ENOMEM,
 * and MV_ECORRUPT with what is wrong and where.
 */
int mv_json_decode(const void *text, size_t len, size_t flags, json_t **out,
    struct mv_err *err) MV_MUST_CHECK;
/* The same for what must be an object, in which no name repeats. */
int mv_json_object(const void *text, size_t len, json_t **out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
