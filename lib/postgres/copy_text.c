/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "postgres/copy.h"

/* COPY writes these six by letter and the backslash doubled, no others. */
static const char letters[] = "bfnrtv\\";
static const char meant[] = "\b\f\n\r\t\v\\";

static int
malformed(struct mv_err *err)
{
	return mv_err_set(err, MV_ECORRUPT,
	    "the database's answer is not in COPY's format");
}

/* In place: what is escaped only gets shorter. */
static int
unescape(struct mv_pg_field *f, struct mv_err *err)
{
	char *from = f->p, *to = f->p, *end = f->p + f->len;
	const char *at;

	if (f->len == 2 && memcmp(f->p, "\\N", 2) == 0) {
		*f = (struct mv_pg_field){ 0 };
		return 0;
	}
	while (from < end) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		if (++from == end || *from == '\0')
			return malformed(err);
		at = strchr(letters, *from++);
		if (at == NULL)
			return malformed(err);
		*to++ = meant[at - letters];
	}
	f->len = (size_t)(to - f->p);
	return 0;
}

int
mv_pg_copy_line(char *text, size_t len, struct mv_pg_field fields[], size_t n,
    size_t *used, struct mv_err *err)
{
	char *end = memchr(text, '\n', len), *p = text, *tab;
	size_t i;
	int rc;

	if (end == NULL)
		return malformed(err);
	for (i = 0; i < n; i++) {
		tab = memchr(p, '\t', (size_t)(end - p));
		/* As many tabs as there are fields, less one. */
		if ((tab == NULL) != (i + 1 == n))
			return malformed(err);
		if (tab == NULL)
			tab = end;
		fields[i] = (struct mv_pg_field){ p, (size_t)(tab - p) };
		p = tab + 1;
		rc = unescape(&fields[i], err);
		if (rc < 0)
			return rc;
	}
	*used = (size_t)(end - text) + 1;
	return 0;
}

void
mv_pg_put_field(struct mv_buf *b, const void *p, size_t len)
{
	const char *text = p, *at;
	size_t i, plain = 0;

	if (p == NULL) {
		mv_buf_put_str(b, "\\N");
		return;
	}
	for (i = 0; i < len; i++) {
		at = text[i] != '\0' ? strchr(meant, text[i]) : NULL;
		if (at == NULL)
			continue;
		mv_buf_put(b, text + plain, i - plain);
		mv_buf_put_u8(b, '\\');
		mv_buf_put_u8(b, (uint8_t)letters[at - meant]);
		plain = i + 1;
	}
	mv_buf_put(b, text + plain, len - plain);
}
