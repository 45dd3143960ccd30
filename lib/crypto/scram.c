/* SPDX-License-Identifier: MIT */
#include "crypto/scram.h"

#include <limits.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "crypto/base64.h"
#include "crypto/crypto.h"

#define PREFIX "SCRAM-SHA-256$"
#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define DIGITS_MAX 8

_Static_assert(MV_SCRAM_KEY == MV_HASH_BYTES, "keys are hashes");
_Static_assert(MV_SCRAM_ITERATIONS_MAX < 100000000, "DIGITS_MAX");
_Static_assert(MV_SCRAM_TEXT == sizeof(PREFIX) - 1 + DIGITS_MAX + 3 +
    sodium_base64_ENCODED_LEN(MV_SCRAM_SALT_MAX, BASE64) - 1 +
    2 * (sodium_base64_ENCODED_LEN(MV_SCRAM_KEY, BASE64) - 1) + 1, "text");

static int
check_password(struct mv_secret *password, struct mv_err *err)
{
	const uint8_t *p = mv_secret_bytes(password);
	size_t i, len = mv_secret_len(password);

	if (len == 0)
		return mv_err_set(err, MV_EUSAGE, "the password is empty");
	if (len > INT_MAX)
		return mv_err_set(err, MV_EUSAGE, "the password is too long");
	for (i = 0; i < len; i++)
		if (p[i] < ' ' || p[i] > '~')
			return mv_err_set(err, MV_EUSAGE, "the password holds "
			    "more than printable ASCII, and not all programs "
			    "send the same for that");
	return 0;
}

/* HMAC-SHA-256(salted, label). */
static int
labelled(const struct mv_key *salted, const char *label, struct mv_key *out,
    struct mv_err *err)
{
	mv_auto(mv_hmac_freep) struct mv_hmac *h = NULL;
	int rc;

	rc = mv_hmac_new(salted, &h, err);
	if (rc == 0)
		mv_hmac(h, label, strlen(label), out->b);
	return rc;
}

/* RFC 5802, 3. */
int
mv_scram_compute(struct mv_secret *password, struct mv_scram *v,
    struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key salted = { 0 };
	mv_auto(mv_key_wipe) struct mv_key client = { 0 };
	mv_auto(mv_key_wipe) struct mv_key server = { 0 };
	int rc;

	rc = check_password(password, err);
	if (rc < 0)
		return rc;
	if (PKCS5_PBKDF2_HMAC((const char *)mv_secret_bytes(password),
	    (int)mv_secret_len(password), v->salt, (int)v->salt_len,
	    (int)v->iterations, EVP_sha256(), sizeof(salted.b), salted.b) != 1)
		return mv_err_set(err, MV_ENOMEM, "compute a verifier");
	rc = labelled(&salted, "Client Key", &client, err);
	if (rc == 0)
		rc = labelled(&salted, "Server Key", &server, err);
	if (rc < 0)
		return rc;
	mv_sha256(client.b, sizeof(client.b), v->stored_key);
	memcpy(v->server_key, server.b, sizeof(v->server_key));
	return 0;
}

int
mv_scram_verifier(struct mv_secret *password, char out[MV_SCRAM_TEXT],
    struct mv_err *err)
{
	struct mv_scram v = {
		.iterations = MV_SCRAM_ITERATIONS, .salt_len = MV_SCRAM_SALT,
	};
	int rc;

	mv_random(v.salt, v.salt_len);
	rc = mv_scram_compute(password, &v, err);
	if (rc == 0)
		mv_scram_encode(&v, out);
	return rc;
}

void
mv_scram_encode(const struct mv_scram *v, char out[MV_SCRAM_TEXT])
{
	char salt[sodium_base64_ENCODED_LEN(MV_SCRAM_SALT_MAX, BASE64)];
	char stored[sodium_base64_ENCODED_LEN(MV_SCRAM_KEY, BASE64)];
	char server[sodium_base64_ENCODED_LEN(MV_SCRAM_KEY, BASE64)];

	sodium_bin2base64(salt, sizeof(salt), v->salt, v->salt_len, BASE64);
	sodium_bin2base64(stored, sizeof(stored), v->stored_key,
	    sizeof(v->stored_key), BASE64);
	sodium_bin2base64(server, sizeof(server), v->server_key,
	    sizeof(v->server_key), BASE64);
	(void)snprintf(out, MV_SCRAM_TEXT, PREFIX "%u:%s$%s:%s",
	    (unsigned)v->iterations, salt, stored, server);
}

/* The text before end, which is passed over; '\0' takes the rest. */
static bool
field(struct mv_cur *c, char end, const char **text, size_t *len)
{
	const uint8_t *at = c->p + c->left;

	if (end != '\0')
		at = c->left > 0 ? memchr(c->p, end, c->left) : NULL;
	if (at == NULL)
		return false;
	*len = (size_t)(at - c->p);
	*text = (const char *)mv_cur_take(c, *len);
	if (end != '\0')
		(void)mv_cur_u8(c);
	return true;
}

static bool
decode_number(struct mv_cur *c, uint32_t *out)
{
	const char *text;
	size_t i, len;
	uint32_t n = 0;

	if (!field(c, ':', &text, &len) || len == 0 || len > DIGITS_MAX ||
	    text[0] == '0')
		return false;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(text[i] - '0');
	}
	*out = n;
	return n <= MV_SCRAM_ITERATIONS_MAX;
}

/* Base64 of at most max bytes. */
static bool
decode_bytes(struct mv_cur *c, char end, uint8_t *out, size_t max, size_t *got)
{
	const char *text;
	size_t len;

	return field(c, end, &text, &len) && len > 0 &&
	    mv_base64_decode(text, len, BASE64, out, max, got) == 0;
}

int
mv_scram_decode(const char *text, size_t len, struct mv_scram *out,
    struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(text, len);
	const uint8_t *prefix = mv_cur_take(&c, sizeof(PREFIX) - 1);
	struct mv_scram v = { 0 };
	size_t stored = 0, server = 0;
	bool good;

	good = prefix != NULL &&
	    memcmp(prefix, PREFIX, sizeof(PREFIX) - 1) == 0 &&
	    decode_number(&c, &v.iterations) &&
	    decode_bytes(&c, '$', v.salt, sizeof(v.salt), &v.salt_len) &&
	    decode_bytes(&c, ':', v.stored_key, sizeof(v.stored_key),
	    &stored) &&
	    decode_bytes(&c, '\0', v.server_key, sizeof(v.server_key),
	    &server) &&
	    stored == sizeof(v.stored_key) && server == sizeof(v.server_key);
	if (!good)
		return mv_err_set(err, MV_ECORRUPT,
		    "that is no SCRAM-SHA-256 verifier");
	*out = v;
	return 0;
}

int
mv_scram_matches(const struct mv_scram *v, struct mv_secret *password,
    bool *out, struct mv_err *err)
{
	struct mv_scram want = *v;
	int rc;

	rc = mv_scram_compute(password, &want, err);
	if (rc == 0)
		*out = mv_equal(want.stored_key, v->stored_key,
		    sizeof(want.stored_key));
	return rc;
}
