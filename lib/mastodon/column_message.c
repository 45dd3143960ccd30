/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/column_internal.h"

static void
json_freep(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static int
malformed(const char *what, struct mv_err *err)
{
	/* What stands there may be clear text: it is not told. */
	return mv_err_set(err, MV_ECORRUPT, "no encrypted message: %s", what);
}

/* A base64 string of exactly len bytes. */
static int
take_fixed(const json_t *j, uint8_t *out, size_t len, const char *what,
    struct mv_err *err)
{
	uint8_t buf[MV_BASE64_ROOM(MV_BASE64_LEN(MV_AR_ENCODING_MAX))];
	size_t n;

	if (!json_is_string(j) ||
	    json_string_length(j) != MV_BASE64_LEN(len) ||
	    mv_base64_strict(json_string_value(j), json_string_length(j), buf,
	    &n) < 0 || n != len)
		return malformed(what, err);
	memcpy(out, buf, len);
	return 0;
}

/* The name of a Ruby encoding: "ASCII-8BIT", "Windows-31J", "UTF-8-MAC". */
static int
take_encoding(const json_t *j, char out[MV_AR_ENCODING_MAX + 1],
    struct mv_err *err)
{
	uint8_t buf[MV_BASE64_ROOM(MV_BASE64_LEN(MV_AR_ENCODING_MAX))];
	size_t n, i;

	out[0] = '\0';
	if (j == NULL || json_is_null(j))
		return 0;
	if (!json_is_string(j) ||
	    json_string_length(j) > MV_BASE64_LEN(MV_AR_ENCODING_MAX) ||
	    mv_base64_strict(json_string_value(j), json_string_length(j), buf,
	    &n) < 0 || n == 0 || n > MV_AR_ENCODING_MAX)
		return malformed("bad encoding", err);
	for (i = 0; i < n; i++)
		if (buf[i] <= ' ' || buf[i] > '~')
			return malformed("bad encoding", err);
	memcpy(out, buf, n);
	out[n] = '\0';
	return 0;
}

static int
take_payload(const json_t *j, struct mv_ar_message *m, struct mv_err *err)
{
	size_t len;

	if (!json_is_string(j))
		return malformed("no payload", err);
	len = json_string_length(j);
	m->p = malloc(MV_BASE64_ROOM(len));
	if (m->p == NULL)
		return mv_err_set(err, MV_ENOMEM, "read a message");
	if (mv_base64_strict(json_string_value(j), len, m->p, &m->len) < 0)
		return malformed("bad payload", err);
	return 0;
}

/* Headers unknown here are passed over, as Rails does. */
static int
take_headers(const json_t *h, struct mv_ar_message *m, struct mv_err *err)
{
	const json_t *c = json_object_get(h, "c");
	int rc;

	rc = take_fixed(json_object_get(h, "iv"), m->iv, sizeof(m->iv),
	    "bad IV", err);
	if (rc == 0)
		rc = take_fixed(json_object_get(h, "at"), m->tag,
		    sizeof(m->tag), "bad tag", err);
	if (rc == 0)
		rc = take_encoding(json_object_get(h, "e"), m->encoding, err);
	if (rc == 0 && c != NULL && !json_is_boolean(c) && !json_is_null(c))
		rc = malformed("bad compression flag", err);
	m->compressed = json_is_true(c);
	return rc;
}

int
mv_ar_message_decode(const char *text, size_t len, struct mv_ar_message *out,
    struct mv_err *err)
{
	mv_auto(mv_ar_message_clear) struct mv_ar_message m = { 0 };
	mv_auto(json_freep) json_t *j = NULL;
	json_error_t why;
	int rc;

	if (len > MV_AR_TEXT_MAX)
		return malformed("too long", err);
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(j))
		return malformed("not JSON", err);
	rc = take_payload(json_object_get(j, "p"), &m, err);
	if (rc == 0)
		rc = take_headers(json_object_get(j, "h"), &m, err);
	if (rc < 0)
		return rc;
	*out = m;
	m.p = NULL;
	return 0;
}

/* Rails adds the headers in this order. */
void
mv_ar_message_encode(const struct mv_ar_message *m, struct mv_buf *out)
{
	mv_buf_put_str(out, "{\"p\":\"");
	mv_base64_put(out, m->p, m->len);
	mv_buf_put_str(out, "\",\"h\":{\"iv\":\"");
	mv_base64_put(out, m->iv, sizeof(m->iv));
	mv_buf_put_str(out, "\",\"at\":\"");
	mv_base64_put(out, m->tag, sizeof(m->tag));
	mv_buf_put_str(out, "\"");
	if (m->encoding[0] != '\0') {
		mv_buf_put_str(out, ",\"e\":\"");
		mv_base64_put(out, (const uint8_t *)m->encoding,
		    strlen(m->encoding));
		mv_buf_put_str(out, "\"");
	}
	if (m->compressed)
		mv_buf_put_str(out, ",\"c\":true");
	mv_buf_put_str(out, "}}");
}

void
mv_ar_message_clear(struct mv_ar_message *m)
{
	/* Ciphertext, or zeros: nothing here is secret. */
	free(m->p);
	m->p = NULL;
}
