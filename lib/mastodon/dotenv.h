/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_DOTENV_H
#define MV_MASTODON_DOTENV_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * dotenv: the settings of .env.production, as Mastodon sees them.
 *
 * The grammar is that of Ruby's dotenv 3.2, with which Rails reads the file,
 * including its odd corners: '#' ends an unquoted value wherever it stands,
 * "\n" in double quotes stays two characters, a quoted value may span lines,
 * the last of several settings of one key counts.  Where dotenv would skip a
 * line without a word, or run a command, this parser fails instead and names
 * the line, never what stands in it.
 *
 * $VAR and ${VAR} are replaced by what was set before, here or in a file
 * added earlier.  A name set in neither may come from the environment that
 * Mastodon was started with, which is not known here: such a value is marked,
 * and asking for it is an error.  All others can be had.
 *
 * Values are secrets: they lie in locked memory and are wiped.
 */
struct mv_dotenv;

/* More text, settings or expanded text than this is refused. */
#define MV_DOTENV_TEXT_MAX (256 * 1024)
#define MV_DOTENV_KEYS_MAX 4096
#define MV_DOTENV_VALUES_MAX (1024 * 1024)

int mv_dotenv_new(struct mv_dotenv **out, struct mv_err *err) MV_MUST_CHECK;

/*
 * Add the text of one more file.  Keys that an earlier file set keep their
 * value, as Rails has it.  MV_EUSAGE, with the line, for what is malformed;
 * the object may then hold a part of the file and is good only for freeing.
 */
int mv_dotenv_add(struct mv_dotenv *env, const void *text, size_t len,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * The value of key, which may hold any byte but NUL; *p is NULL when it is
 * not set.  Valid until the next add.  MV_EUSAGE when the value cannot be
 * known.
 */
int mv_dotenv_get(const struct mv_dotenv *env, const char *key,
    const uint8_t **p, size_t *len, struct mv_err *err) MV_MUST_CHECK;

/* 1 when key is set to exactly text (as in S3_ENABLED=true), else 0. */
int mv_dotenv_is(const struct mv_dotenv *env, const char *key,
    const char *text);

/* The keys, each once, in no promised order. */
size_t mv_dotenv_count(const struct mv_dotenv *env);
const char *mv_dotenv_key(const struct mv_dotenv *env, size_t i);

void mv_dotenv_free(struct mv_dotenv *env);
void mv_dotenv_freep(struct mv_dotenv **env);

#endif
