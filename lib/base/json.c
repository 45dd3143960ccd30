/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <errno.h>

int
mv_json_decode(const void *text, size_t len, size_t flags, json_t **out,
    struct mv_err *err)
{
	json_error_t why = { .line = -1 };

	/* The only trace that a failing allocation leaves for certain. */
	errno = 0;
	*out = json_loadb(text, len, flags, &why);
	if (*out != NULL)
		return 0;
	if (errno == ENOMEM)
		return mv_err_set(err, MV_ENOMEM, "read JSON");
	return mv_err_set(err, MV_ECORRUPT, "no JSON: %s, in line %d",
	    why.text, why.line);
}

int
mv_json_object(const void *text, size_t len, json_t **out, struct mv_err *err)
{
	int rc;

	rc = mv_json_decode(text, len, JSON_REJECT_DUPLICATES, out, err);
	if (rc < 0 || json_is_object(*out))
		return rc;
	json_decref(*out);
	*out = NULL;
	return mv_err_set(err, MV_ECORRUPT, "no JSON object");
}
