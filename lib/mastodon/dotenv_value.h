/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_DOTENV_VALUE_H
#define MV_MASTODON_DOTENV_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * dotenv_value: from the raw text between separator and line end to the
 * value.  Internal to dotenv.
 */
struct mv_dotenv_raw {
	const uint8_t *p;	/* without the quotes around it */
	size_t len;
	char quote;		/* '\'', '"' or 0 */
	unsigned line;		/* for error texts */
	bool legacy;		/* DOTENV_LINEBREAK_MODE=legacy */
};

/* What $VAR is looked up with: false when name is not set. */
struct mv_dotenv_scope {
	bool (*lookup)(void *arg, const uint8_t *name, size_t len,
	    const uint8_t **value, size_t *value_len, bool *unknown);
	void *arg;
};

/*
 * Append the value to out, which is empty and not what lookup reads from.
 * *unknown becomes true when a variable in it is set nowhere.  Expanding
 * stops soon after max bytes.  MV_EUSAGE for a command substitution.
 */
int mv_dotenv_value(const struct mv_dotenv_raw *raw,
    const struct mv_dotenv_scope *scope, size_t max, struct mv_sbuf *out,
    bool *unknown, struct mv_err *err) MV_MUST_CHECK;

#endif
