/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_URL_H
#define MV_MASTODON_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "secret/secret.h"

/*
 * url: the pieces of a URL of Mastodon's settings, such as DATABASE_URL.
 *
 * A span points into the text it was cut from and is not yet unescaped.
 * Nobody can say beforehand where in a URL the password is: the text lies in
 * locked memory, and errors never quote it.
 */
struct mv_span {
	const uint8_t *p;
	size_t len;
};

/*
 * SCHEME://user:password@host:port/path?query#fragment, of which all but the
 * scheme may be missing, and is then empty.  An address in brackets has lost
 * them.  The path has lost its slash, the fragment is dropped.
 */
struct mv_url {
	struct mv_span user, password, host, port, path, query;
};

/* s is what follows "SCHEME://". */
void mv_url_split(struct mv_span s, struct mv_url *out);

/* Cut s at the first c: what is before it stays, what follows is returned. */
struct mv_span mv_span_cut(struct mv_span *s, uint8_t c);
bool mv_span_is(struct mv_span s, const char *text);

/*
 * Replace out by s without its percent signs.  MV_EUSAGE for one that two
 * digits do not follow, and for %00.
 */
int mv_span_unescape(struct mv_span s, struct mv_sbuf *out,
    struct mv_err *err) MV_MUST_CHECK;

/*
 * Append url to out, with this password in the place of its own, escaped as
 * needed.  All else stays byte for byte.  MV_EUSAGE when url has no "://", or
 * no password to replace; one in the query counts as none.
 */
int mv_url_with_password(const uint8_t *url, size_t len,
    struct mv_secret *password, struct mv_sbuf *out, struct mv_err *err)
    MV_MUST_CHECK;

#endif
