/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_OUTPUT_H
#define MV_MASTVAULT_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "job/backup.h"

/*
 * output: everything that the program prints.
 *
 * Results go to standard output: sentences for people, or with --json one
 * document.  Errors, warnings and progress go to standard error.  Text that
 * came from outside is printed so that a terminal obeys none of it.
 */

/* Installs the log sink, too. */
void mv_output_init(bool quiet, unsigned verbose, bool json);

/* A sentence for people on standard output: nothing with --quiet or --json. */
void mv_say(const char *fmt, ...) MV_PRINTF(1, 2);
/* The same for what was asked for (lists): only --json silences it. */
void mv_list(const char *fmt, ...) MV_PRINTF(1, 2);

/* What to do about the next error; kept until it is printed.  NULL: nothing. */
void mv_hint(const char *fmt, ...) MV_PRINTF(1, 2);
/* "mastvault: <chain>" and "hint: ..." as one paragraph. */
void mv_output_error(const struct mv_err *err);
/* A sentence about what was found bad, in the same form. */
void mv_output_problem(const char *fmt, ...) MV_PRINTF(1, 2);

/* Print doc with --json, else nothing.  Takes the reference in any case. */
int mv_output_json(json_t *doc, struct mv_err *err) MV_MUST_CHECK;
bool mv_output_is_json(void);
/*
 * One document that is too long to be held: what it says of the whole (an
 * object without a member called list, or NULL for a plain array), then its
 * list item by item, then the members that are known only at the end (or
 * NULL).  Without --json nothing; references are taken in any case.
 */
int mv_stream_begin(json_t *head, const char *list, struct mv_err *err)
    MV_MUST_CHECK;
int mv_stream_item(json_t *item, struct mv_err *err) MV_MUST_CHECK;
int mv_stream_end(json_t *tail, struct mv_err *err) MV_MUST_CHECK;
/* Bytes as they are. */
int mv_output_bytes(const void *buf, size_t len, struct mv_err *err)
    MV_MUST_CHECK;
/* An error once what was printed no longer arrives: for long lists. */
int mv_output_check(struct mv_err *err) MV_MUST_CHECK;
/* Has the reader of standard output gone away, as head(1) does? */
bool mv_output_is_unwanted(void);
/* Everything on standard output has arrived: else an error. */
int mv_output_flush(struct mv_err *err) MV_MUST_CHECK;
/*
 * With --quiet warnings are kept back; a run that did not end well shows
 * them after all.
 */
void mv_output_end(bool well);

/* For the progress member of a job's options; a terminal is needed. */
struct mv_progress mv_output_progress(void);

/* "1.2 GiB"; "3 min 20 s". */
#define MV_HUMAN_TEXT 32
void mv_human_bytes(uint64_t n, char out[MV_HUMAN_TEXT]);
void mv_human_seconds(double seconds, char out[MV_HUMAN_TEXT]);

/*
 * Append text so that it is one line of harmless UTF-8: control characters
 * and bytes that are no UTF-8 as \xNN, a backslash as two.
 */
void mv_safe_put(struct mv_buf *out, const void *text, size_t len);

/* Append text; the name of an object that it repeats is cut. */
void mv_shorten_put(struct mv_buf *out, const char *text);

#endif
