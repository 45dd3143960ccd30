/* SPDX-License-Identifier: MIT */
/* primitives.json: what Python's libraries compute, lib/crypto computes. */
#include "support/mv_test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/crypto.h"
#include "format/object.h"

#define PATH "tests/vectors/primitives.json"

struct fx {
	json_t *doc;
	struct mv_key key;
	uint8_t nonce[MV_NONCE_BYTES];
	uint8_t msg[256];
	size_t len;
};

static const char *
text(const struct fx *fx, const char *name)
{
	const char *s = json_string_value(json_object_get(fx->doc, name));

	assert_non_null(s);
	return s;
}

static size_t
bytes(const struct fx *fx, const char *name, uint8_t *out)
{
	const char *s = text(fx, name);
	size_t n = strlen(s) / 2;

	assert_int_equal(mv_hex_decode(s, strlen(s), out, n), 0);
	return n;
}

/* The result of a computation must be what the file says. */
static void
same(const struct fx *fx, const char *name, const uint8_t *p, size_t len)
{
	uint8_t want[512];

	assert_int_equal(bytes(fx, name, want), len);
	assert_memory_equal(p, want, len);
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err = { 0 };

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	fx->doc = json_load_file(PATH, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(fx->doc);
	(void)bytes(fx, "key", fx->key.b);
	(void)bytes(fx, "nonce", fx->nonce);
	fx->len = bytes(fx, "message", fx->msg);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	json_decref(fx->doc);
	free(fx);
	return 0;
}

static void
sha256_is_the_same(void **state)
{
	struct fx *fx = *state;
	uint8_t out[MV_HASH_BYTES];

	mv_sha256(fx->msg, fx->len, out);
	same(fx, "sha256", out, sizeof(out));
}

static void
hmac_is_the_same(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_hmac_freep) struct mv_hmac *h = NULL;
	uint8_t out[MV_HASH_BYTES];
	struct mv_err err;

	assert_ok(mv_hmac_new(&fx->key, &h, &err), &err);
	mv_hmac(h, fx->msg, fx->len, out);
	same(fx, "hmac", out, sizeof(out));
}

static void
kdf_is_the_same(void **state)
{
	struct fx *fx = *state;
	struct mv_key out;

	mv_kdf(&fx->key, text(fx, "kdf_label"), &out);
	same(fx, "kdf", out.b, sizeof(out.b));
}

static void
aead_is_the_same(void **state)
{
	struct fx *fx = *state;
	uint8_t ad[16], out[256 + MV_TAG_BYTES];
	size_t n = bytes(fx, "aead_ad", ad);

	mv_aead_seal(&fx->key, fx->nonce, ad, n, fx->msg, fx->len, out);
	same(fx, "aead", out, fx->len + MV_TAG_BYTES);
}

static void
signature_is_the_same(void **state)
{
	struct fx *fx = *state;
	uint8_t pub[MV_PUBLIC_BYTES], sig[MV_SIGN_BYTES];
	struct mv_err err;

	mv_sign_public(&fx->key, pub);
	same(fx, "sign_public", pub, sizeof(pub));
	assert_ok(mv_sign(&fx->key, text(fx, "sign_label"), fx->msg, fx->len,
	    sig, &err), &err);
	same(fx, "sign", sig, sizeof(sig));
}

static void
sealed_box_opens(void **state)
{
	struct fx *fx = *state;
	uint8_t pub[MV_PUBLIC_BYTES], box[512], out[512];
	size_t n = bytes(fx, "seal", box);
	struct mv_err err;

	mv_seal_public(&fx->key, pub);
	same(fx, "x25519_public", pub, sizeof(pub));
	assert_ok(mv_seal_open(pub, &fx->key, box, n, out, &err), &err);
	assert_int_equal(n, fx->len + MV_SEAL_EXTRA);
	assert_memory_equal(out, fx->msg, fx->len);
}

static void
argon2id_is_the_same(void **state)
{
	struct fx *fx = *state;
	uint8_t salt[16];
	struct mv_key out;
	struct mv_err err;

	assert_int_equal(bytes(fx, "argon2id_salt", salt), sizeof(salt));
	assert_ok(mv_argon2id(fx->msg, fx->len, salt,
	    (uint32_t)json_integer_value(json_object_get(fx->doc,
		"argon2id_passes")),
	    (uint32_t)json_integer_value(json_object_get(fx->doc,
		"argon2id_kib")), &out, &err), &err);
	same(fx, "argon2id", out.b, sizeof(out.b));
}

static void
padding_is_the_same(void **state)
{
	struct fx *fx = *state;
	json_t *pads = json_object_get(fx->doc, "pad"), *pair;
	size_t i;

	assert_true(json_array_size(pads) > 10);
	json_array_foreach(pads, i, pair)
		assert_int_equal(mv_pad((uint64_t)json_integer_value(
		    json_array_get(pair, 0))),
		    json_integer_value(json_array_get(pair, 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_is_the_same),
		cmocka_unit_test(hmac_is_the_same),
		cmocka_unit_test(kdf_is_the_same),
		cmocka_unit_test(aead_is_the_same),
		cmocka_unit_test(signature_is_the_same),
		cmocka_unit_test(sealed_box_opens),
		cmocka_unit_test(argon2id_is_the_same),
		cmocka_unit_test(padding_is_the_same),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
