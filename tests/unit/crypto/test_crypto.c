/* SPDX-License-Identifier: MIT */
/* The primitives against published vectors, and what they refuse. */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/crypto.h"

static int
setup(void **state)
{
	struct mv_err err = { 0 };

	(void)state;
	assert_ok(mv_secret_init(&err), &err);
	return 0;
}

static void
is_hex(const uint8_t *p, size_t len, const char *want)
{
	char hex[1025];

	assert_true(2 * len < sizeof(hex));
	mv_hex_encode(p, len, hex);
	assert_string_equal(hex, want);
}

static void
from_hex(const char *hex, uint8_t *out, size_t len)
{
	assert_int_equal(mv_hex_decode(hex, strlen(hex), out, len), 0);
}

/* FIPS 180-4, "abc", and the same in pieces. */
static void
sha256_of_abc_is_the_known_one(void **state)
{
	static const char want[] =
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct mv_sha256 h = { 0 };
	uint8_t out[MV_HASH_BYTES];
	struct mv_err err;

	(void)state;
	mv_sha256("abc", 3, out);
	is_hex(out, sizeof(out), want);
	assert_ok(mv_sha256_begin(&h, &err), &err);
	mv_sha256_add(&h, "a", 1);
	mv_sha256_add(&h, "bc", 2);
	mv_sha256_end(&h, out);
	is_hex(out, sizeof(out), want);
	assert_null(h.ctx);
}

/* RFC 4231, 4.2 to 4.5; its keys are shorter, and HMAC pads with zeros. */
static void
hmac_agrees_with_rfc_4231(void **state)
{
	static const struct {
		uint8_t first, step, keylen, fill, filllen;
		const char *text, *want;
	} cases[] = {
		{ 0x0b, 0, 20, 0, 0, "Hi There",
		    "b0344c61d8db38535ca8afceaf0bf12b"
		    "881dc200c9833da726e9376c2e32cff7" },
		{ 0, 0, 0, 0, 0, "what do ya want for nothing?",
		    "5bdcc146bf60754e6a042426089575c7"
		    "5a003f089d2739839dec58b964ec3843" },
		{ 0xaa, 0, 20, 0xdd, 50, NULL,
		    "773ea91e36800e46854db8ebd09181a7"
		    "2959098b3ef8c122d9635514ced565fe" },
		{ 0x01, 1, 25, 0xcd, 50, NULL,
		    "82558a389a443c0ea4cc819899f2083a"
		    "85f0faa3e578f8077a2e3ff46729665b" },
	};
	mv_auto(mv_hmac_freep) struct mv_hmac *h = NULL;
	uint8_t out[MV_HASH_BYTES], msg[64];
	struct mv_key key;
	struct mv_err err;
	size_t i, k, len;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		memset(&key, 0, sizeof(key));
		for (k = 0; k < cases[i].keylen; k++)
			key.b[k] = (uint8_t)(cases[i].first +
			    k * cases[i].step);
		if (cases[i].keylen == 0)
			memcpy(key.b, "Jefe", 4);
		len = cases[i].filllen;
		memset(msg, cases[i].fill, sizeof(msg));
		if (cases[i].text != NULL) {
			len = strlen(cases[i].text);
			memcpy(msg, cases[i].text, len);
		}
		if (h == NULL)
			assert_ok(mv_hmac_new(&key, &h, &err), &err);
		else
			assert_ok(mv_hmac_rekey(h, key.b, &err), &err);
		/* Twice: the prepared state must survive. */
		mv_hmac(h, msg, len, out);
		mv_hmac(h, msg, len, out);
		is_hex(out, sizeof(out), cases[i].want);
	}
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static void
aead_agrees_with_the_draft(void **state)
{
	static const char text[] = "Ladies and Gentlemen of the class of '99: "
	    "If I could offer you only one tip for the future, sunscreen "
	    "would be it.";
	static const char want[] =
	    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
	    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
	    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	    "21f9664c97637da9768812f615c68b13b52e"
	    "c0875924c1c7987947deafd8780acf49";
	uint8_t nonce[MV_NONCE_BYTES], ad[12], out[sizeof(text) + 16];
	uint8_t back[sizeof(text)];
	const size_t n = sizeof(text) - 1;
	struct mv_key key;
	struct mv_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)(0x80 + i);
	for (i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(0x40 + i);
	from_hex("50515253c0c1c2c3c4c5c6c7", ad, sizeof(ad));
	mv_aead_seal(&key, nonce, ad, sizeof(ad), (const uint8_t *)text, n,
	    out);
	is_hex(out, n + MV_TAG_BYTES, want);
	assert_ok(mv_aead_open(&key, nonce, ad, sizeof(ad), out,
	    n + MV_TAG_BYTES, back, &err), &err);
	assert_memory_equal(back, text, n);
}

static void
opening_refuses_every_altered_bit_and_leaves_zeros(void **state)
{
	static const uint8_t zeros[5];
	uint8_t box[5 + MV_BOX_EXTRA], out[5];
	struct mv_key key = { { 1 } };
	struct mv_err err;
	size_t bit;

	(void)state;
	mv_box_seal(&key, "ad", 2, (const uint8_t *)"hello", 5, box);
	assert_ok(mv_box_open(&key, "ad", 2, box, sizeof(box), out, &err),
	    &err);
	assert_memory_equal(out, "hello", 5);
	for (bit = 0; bit < 8 * sizeof(box); bit++) {
		box[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(out, 0xff, sizeof(out));
		assert_fails(mv_box_open(&key, "ad", 2, box, sizeof(box), out,
		    &err), MV_ECORRUPT, &err);
		assert_memory_equal(out, zeros, sizeof(out));
		box[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_fails(mv_box_open(&key, "aD", 2, box, sizeof(box), out, &err),
	    MV_ECORRUPT, &err);
	assert_fails(mv_box_open(&key, "ad", 2, box, MV_BOX_EXTRA - 1, out,
	    &err), MV_ECORRUPT, &err);
}

static void
sealing_in_place_gives_the_same(void **state)
{
	uint8_t nonce[MV_NONCE_BYTES] = { 7 }, apart[9 + 16];
	uint8_t same[9 + 16] = "in place!";
	struct mv_key key = { { 2 } };
	struct mv_err err;

	(void)state;
	mv_aead_seal(&key, nonce, NULL, 0, same, 9, apart);
	mv_aead_seal(&key, nonce, NULL, 0, same, 9, same);
	assert_memory_equal(same, apart, sizeof(same));
	assert_ok(mv_aead_open(&key, nonce, NULL, 0, same, sizeof(same), same,
	    &err), &err);
	assert_memory_equal(same, "in place!", 9);
}

/* RFC 7748, 6.1 and RFC 8032, 7.1, TEST 1: the public keys. */
static void
public_keys_agree_with_the_rfcs(void **state)
{
	struct mv_key key;
	uint8_t pub[MV_PUBLIC_BYTES];

	(void)state;
	from_hex("5dab087e624a8a4b79e17f8b83800ee6"
	    "6f3bb1292618b6fd1c2f8b27ff88e0eb", key.b, sizeof(key.b));
	mv_seal_public(&key, pub);
	is_hex(pub, sizeof(pub), "de9edb7d7b7dc1b4d35b61c2ece43537"
	    "3f8343c85b78674dadfc7e146f882b4f");
	from_hex("9d61b19deffd5a60ba844af492ec2cc4"
	    "4449c5697b326919703bac031cae7f60", key.b, sizeof(key.b));
	mv_sign_public(&key, pub);
	is_hex(pub, sizeof(pub), "d75a980182b10ab7d54bfed3c964073a"
	    "0ee172f3daa62325af021a68f707511a");
}

static void
sealed_boxes_open_for_their_key_only(void **state)
{
	uint8_t pub[MV_PUBLIC_BYTES], other_pub[MV_PUBLIC_BYTES];
	uint8_t box[6 + MV_SEAL_EXTRA], out[6];
	static const uint8_t zeros[6], low_order[MV_PUBLIC_BYTES];
	struct mv_key priv, other;
	struct mv_err err;

	(void)state;
	mv_seal_keypair(pub, &priv);
	mv_seal_keypair(other_pub, &other);
	assert_ok(mv_seal_to(pub, (const uint8_t *)"secret", 6, box, &err),
	    &err);
	assert_ok(mv_seal_open(pub, &priv, box, sizeof(box), out, &err), &err);
	assert_memory_equal(out, "secret", 6);
	assert_fails(mv_seal_open(other_pub, &other, box, sizeof(box), out,
	    &err), MV_ECORRUPT, &err);
	assert_memory_equal(out, zeros, sizeof(out));
	assert_fails(mv_seal_open(pub, &priv, box, MV_SEAL_EXTRA - 1, out,
	    &err), MV_ECORRUPT, &err);
	assert_fails(mv_seal_to(low_order, (const uint8_t *)"secret", 6, box,
	    &err), MV_ECORRUPT, &err);
}

static void
a_signature_is_bound_to_label_message_and_key(void **state)
{
	struct mv_key seed = { { 3 } }, other = { { 4 } };
	uint8_t pub[MV_PUBLIC_BYTES], other_pub[MV_PUBLIC_BYTES];
	uint8_t sig[MV_SIGN_BYTES];
	struct mv_err err;
	size_t bit;

	(void)state;
	mv_sign_public(&seed, pub);
	mv_sign_public(&other, other_pub);
	assert_ok(mv_sign(&seed, "label", "text", 4, sig, &err), &err);
	assert_ok(mv_verify(pub, "label", "text", 4, sig, &err), &err);
	assert_fails(mv_verify(pub, "labels", "text", 4, sig, &err),
	    MV_ECORRUPT, &err);
	assert_fails(mv_verify(pub, "label", "texT", 4, sig, &err),
	    MV_ECORRUPT, &err);
	assert_fails(mv_verify(other_pub, "label", "text", 4, sig, &err),
	    MV_ECORRUPT, &err);
	for (bit = 0; bit < 8 * sizeof(sig); bit++) {
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_fails(mv_verify(pub, "label", "text", 4, sig, &err),
		    MV_ECORRUPT, &err);
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
argon2id_refuses_what_it_cannot_do(void **state)
{
	static const uint8_t salt[16];
	struct mv_key out;
	struct mv_err err;

	(void)state;
	assert_fails(mv_argon2id("p", 1, salt, 0, 64, &out, &err), MV_EUSAGE,
	    &err);
	assert_fails(mv_argon2id("p", 1, salt, 1, 7, &out, &err), MV_EUSAGE,
	    &err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_abc_is_the_known_one),
		cmocka_unit_test(hmac_agrees_with_rfc_4231),
		cmocka_unit_test(aead_agrees_with_the_draft),
		cmocka_unit_test(
		    opening_refuses_every_altered_bit_and_leaves_zeros),
		cmocka_unit_test(sealing_in_place_gives_the_same),
		cmocka_unit_test(public_keys_agree_with_the_rfcs),
		cmocka_unit_test(sealed_boxes_open_for_their_key_only),
		cmocka_unit_test(a_signature_is_bound_to_label_message_and_key),
		cmocka_unit_test(argon2id_refuses_what_it_cannot_do),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
