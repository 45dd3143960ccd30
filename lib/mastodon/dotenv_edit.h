/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_DOTENV_EDIT_H
#define MV_MASTODON_DOTENV_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * dotenv_edit: new values in the text of an env-file, all else as it was.
 *
 * The file is read by Rails' dotenv, by node's, by docker compose and by
 * systemd, which agree on little: quotes, '#', '$', backslashes and blanks
 * mean different things to them.  So only values of A-Z a-z 0-9 and
 * _ = + / . , : @ % - are written, which all of them read alike.
 *
 * A setting keeps its line, its quotes and its line ending; a value that is
 * already right keeps its line to the byte.  Where a changed line ends in a
 * comment, the comment moves to a line of its own above it, since systemd
 * would read it as a part of the value.  What is not there yet is appended.
 *
 * Where a file sets a key several times, all of them are changed.  Only the
 * last one counts for dotenv, but settings between them may be made of an
 * earlier one (${DB_PASS}), and no reader, whichever it takes, may find the
 * old value.  Comments, also "# KEY=old", are left alone.
 */
struct mv_dotenv_change {
	const char *key;
	const void *value;
	size_t len;
	/*
	 * The value stood in this file before, and is to return there: what
	 * is not portable is put in single quotes, as Mastodon's own set-up
	 * does it, as long as Rails then reads what it should.
	 */
	bool returns;
};

/* Whether every reader reads the value alike.  So is an empty one. */
bool mv_dotenv_portable(const void *value, size_t len);

/*
 * Append the changed text to out, which is empty.  What was written has been
 * read back.  MV_EUSAGE, with the line, when text is malformed; MV_EREFUSED,
 * with the key, for a value that cannot be written.
 */
int mv_dotenv_edit(const void *text, size_t len,
    const struct mv_dotenv_change *changes, size_t n, struct mv_sbuf *out,
    struct mv_err *err) MV_MUST_CHECK;

#endif
