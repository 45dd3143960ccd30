/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "mastvault/output.h"

/* A name as long as this is an object's, which no person reads twice. */
#define LONG 40
#define HEAD 12		/* what is left of it */

/* The quoted text that begins at p, and its part behind the last slash. */
struct quoted {
	const char *base;
	size_t len;		/* of base */
	const char *end;	/* the closing quote */
};

static bool
find_quoted(const char *p, struct quoted *q)
{
	const char *c;

	if (*p != '\'')
		return false;
	q->end = strchr(p + 1, '\'');
	if (q->end == NULL)
		return false;
	q->base = p + 1;
	for (c = p + 1; c < q->end; c++)
		if (*c == '/')
			q->base = c + 1;
	q->len = (size_t)(q->end - q->base);
	return true;
}

/* Does base stand in the text before, behind a quote or a slash? */
static bool
was_said(const char *text, const struct quoted *q)
{
	const char *p;

	for (p = text; p + q->len < q->base; p++)
		if (memcmp(p, q->base, q->len) == 0)
			return true;
	return false;
}

void
mv_shorten_put(struct mv_buf *out, const char *text)
{
	const char *p = text;
	struct quoted q;

	while (*p != '\0') {
		if (!find_quoted(p, &q)) {
			mv_buf_put(out, p++, 1);
			continue;
		}
		if (q.len >= LONG && was_said(text, &q)) {
			mv_buf_put_str(out, "'");
			mv_buf_put(out, q.base, HEAD);
			mv_buf_put_str(out, "...'");
		} else {
			mv_buf_put(out, p, (size_t)(q.end - p) + 1);
		}
		p = q.end + 1;
	}
}
