/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_DOTENV_LEX_H
#define MV_MASTODON_DOTENV_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mastodon/dotenv_value.h"
#include "secret/secret.h"

/*
 * dotenv_lex: where the settings of an env-file stand, one after the other.
 * Internal to dotenv, which wants their values, and dotenv_edit, which wants
 * their places.
 */
struct mv_dotenv_lex {
	const uint8_t *p;	/* lines */
	size_t len, at;
	unsigned line;		/* of at */
};

/* One setting as it stands there; places are in the lines. */
struct mv_dotenv_setting {
	const uint8_t *key;
	size_t key_len;
	unsigned line;
	bool export;
	bool has_separator;	/* else only "export KEY" */
	bool has_value;
	struct mv_dotenv_raw raw;
	size_t begin;		/* of its line */
	size_t value;		/* behind the separator */
	size_t tail;		/* behind the value, quotes included */
	size_t end;		/* of the line that the value ends in */
};

/*
 * The text with '\n' for every line break and without a byte order mark; a
 * NUL is refused.  map, if not NULL, has len + 1 places and gets for each byte
 * of out where it is in the text.
 */
int mv_dotenv_lines(const uint8_t *p, size_t len, struct mv_sbuf *out,
    size_t *map, struct mv_err *err) MV_MUST_CHECK;

struct mv_dotenv_lex mv_dotenv_lex_of(const struct mv_sbuf *lines);

/* 1 with the next setting, 0 at the end; MV_EUSAGE with the line. */
int mv_dotenv_next(struct mv_dotenv_lex *lex, struct mv_dotenv_setting *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
