/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "postgres/quote.h"

/* text with every byte that is in special written as prefix and itself. */
static void
put_escaped(struct mv_buf *b, const char *text, const char *special,
    char prefix)
{
	size_t plain;

	while (*text != '\0') {
		plain = strcspn(text, special);
		mv_buf_put(b, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		/* A quote is doubled; a backslash hides what follows it. */
		mv_buf_put_u8(b, (uint8_t)(prefix != 0 ? prefix : *text));
		mv_buf_put_u8(b, (uint8_t)*text++);
	}
}

void
mv_pg_put_ident(struct mv_buf *b, const char *name)
{
	mv_buf_put_str(b, "\"");
	put_escaped(b, name, "\"", 0);
	mv_buf_put_str(b, "\"");
}

void
mv_pg_put_qualified(struct mv_buf *b, const char *schema, const char *name)
{
	mv_pg_put_ident(b, schema);
	mv_buf_put_str(b, ".");
	mv_pg_put_ident(b, name);
}

void
mv_pg_put_literal(struct mv_buf *b, const char *text)
{
	/* The blank keeps the E from growing onto a word before it. */
	mv_buf_put_str(b, strchr(text, '\\') != NULL ? " E'" : "'");
	put_escaped(b, text, "'\\", 0);
	mv_buf_put_str(b, "'");
}

void
mv_pg_put_pattern(struct mv_buf *b, const char *schema, const char *name)
{
	/*
	 * Between double quotes pg_dump takes everything literally but the
	 * quote itself: processSQLNamePattern() escapes for the regular
	 * expression that it makes of it.  So it is what SQL has.
	 */
	mv_pg_put_qualified(b, schema, name);
}

void
mv_pg_put_option(struct mv_buf *b, const char *key, const char *value)
{
	mv_buf_put_str(b, key);
	mv_buf_put_str(b, "='");
	put_escaped(b, value, "'\\", '\\');
	mv_buf_put_str(b, "' ");
}
