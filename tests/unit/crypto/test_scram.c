/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/scram.h"

/* RFC 7677, section 3: user "user", password "pencil". */
#define NONCE "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define AUTH_MESSAGE "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" NONCE \
	",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=" NONCE
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SERVER_SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
#define VERIFIER "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

struct fx {
	struct mv_secret *password;
	struct mv_err err;
};

static int
setup(void **state)
{
	static struct fx fx;

	fx = (struct fx){ 0 };
	*state = &fx;
	if (mv_secret_init(&fx.err) < 0)
		return -1;
	return mv_secret_from("pencil", 6, &fx.password, &fx.err);
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_secret_freep(&fx->password);
	return 0;
}

static void
decode64(const char *text, uint8_t out[MV_HASH_BYTES])
{
	size_t got;

	assert_int_equal(sodium_base642bin(out, MV_HASH_BYTES, text,
	    strlen(text), NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	assert_int_equal(got, MV_HASH_BYTES);
}

static void
hmac(const uint8_t key[MV_HASH_BYTES], uint8_t out[MV_HASH_BYTES])
{
	struct mv_hmac *h = NULL;
	struct mv_key k;
	struct mv_err err;

	memcpy(k.b, key, sizeof(k.b));
	assert_ok(mv_hmac_new(&k, &h, &err), &err);
	mv_hmac(h, AUTH_MESSAGE, strlen(AUTH_MESSAGE), out);
	mv_hmac_free(h);
}

static void
the_keys_prove_and_sign_what_the_rfc_shows(void **state)
{
	struct fx *fx = *state;
	struct mv_scram v = {
		.iterations = 4096, .salt_len = MV_SCRAM_SALT,
	};
	uint8_t want[MV_HASH_BYTES], got[MV_HASH_BYTES];
	char text[MV_SCRAM_TEXT];
	size_t i;

	assert_int_equal(sodium_base642bin(v.salt, MV_SCRAM_SALT,
	    "W22ZaJ0SNY7soEsUEjb6gQ==", 24, NULL, NULL, NULL,
	    sodium_base64_VARIANT_ORIGINAL), 0);
	assert_ok(mv_scram_compute(fx->password, &v, &fx->err), &fx->err);
	/* What the server signs with. */
	decode64(SERVER_SIGNATURE, want);
	hmac(v.server_key, got);
	assert_memory_equal(got, want, sizeof(got));
	/* What it checks the client's proof with. */
	decode64(PROOF, want);
	hmac(v.stored_key, got);
	for (i = 0; i < sizeof(got); i++)
		want[i] ^= got[i];
	mv_sha256(want, sizeof(want), got);
	assert_memory_equal(got, v.stored_key, sizeof(got));
	mv_scram_encode(&v, text);
	assert_string_equal(text, VERIFIER);
}

static void
a_verifier_fits_its_own_password_only(void **state)
{
	struct fx *fx = *state;
	struct mv_secret *other = NULL;
	struct mv_scram v;
	char a[MV_SCRAM_TEXT], b[MV_SCRAM_TEXT];
	bool is;

	assert_ok(mv_scram_verifier(fx->password, a, &fx->err), &fx->err);
	assert_ok(mv_scram_verifier(fx->password, b, &fx->err), &fx->err);
	assert_string_not_equal(a, b);
	assert_ok(mv_scram_decode(a, strlen(a), &v, &fx->err), &fx->err);
	assert_ok(mv_scram_matches(&v, fx->password, &is, &fx->err), &fx->err);
	assert_true(is);
	assert_ok(mv_secret_from("Pencil", 6, &other, &fx->err), &fx->err);
	assert_ok(mv_scram_matches(&v, other, &is, &fx->err), &fx->err);
	mv_secret_free(other);
	assert_false(is);
}

static void
one_text_per_verifier_is_accepted(void **state)
{
	static const char *const bad[] = {
		"", "md5a6d0ea1d94a0e0f1c2f0d1b5f7c3b9aa", "SCRAM-SHA-256$",
		"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$",
		"SCRAM-SHA-256$04096:W22ZaJ0SNY7soEsUEjb6gQ==$"
		    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
		    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
		"SCRAM-SHA-256$99999999:W22ZaJ0SNY7soEsUEjb6gQ==$"
		    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
		    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
		/* Bits behind the end of the salt; no padding. */
		"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gR==$"
		    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
		    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
		"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
		    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
		    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU",
	};
	struct fx *fx = *state;
	struct mv_scram v;
	size_t i;

	assert_ok(mv_scram_decode(VERIFIER, strlen(VERIFIER), &v, &fx->err),
	    &fx->err);
	for (i = 0; i < MV_ARRAY_LEN(bad); i++)
		assert_fails(mv_scram_decode(bad[i], strlen(bad[i]), &v,
		    &fx->err), MV_ECORRUPT, &fx->err);
	for (i = 0; i < strlen(VERIFIER); i++)
		assert_fails(mv_scram_decode(VERIFIER, i, &v, &fx->err),
		    MV_ECORRUPT, &fx->err);
}

static void
passwords_that_clients_read_differently_are_refused(void **state)
{
	static const char *const bad[] = { "", "pa\nss", "p\xc3\xa4ss",
	    "pass\x7f" };
	struct fx *fx = *state;
	char out[MV_SCRAM_TEXT];
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		mv_secret_freep(&fx->password);
		assert_ok(mv_secret_from(bad[i], strlen(bad[i]),
		    &fx->password, &fx->err), &fx->err);
		assert_fails(mv_scram_verifier(fx->password, out, &fx->err),
		    MV_EUSAGE, &fx->err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(the_keys_prove_and_sign_what_the_rfc_shows),
		T(a_verifier_fits_its_own_password_only),
		T(one_text_per_verifier_is_accepted),
		T(passwords_that_clients_read_differently_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
