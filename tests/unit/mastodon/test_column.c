/* SPDX-License-Identifier: MIT */
/* What tests/vectors/test_mastodon_columns.c has no vectors for. */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "mastodon/column_internal.h"

struct fx {
	struct mv_legacy *legacy, *other_legacy;
	struct mv_ar *ar, *other_ar;
	struct mv_sbuf plain;
	struct mv_buf out;
	struct mv_legacy_text text;
};

static struct mv_secret *
secret(const char *s)
{
	struct mv_secret *out = NULL;
	struct mv_err err;

	assert_ok(mv_secret_from(s, strlen(s), &out, &err), &err);
	return out;
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err;

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	mv_auto(mv_secret_freep) struct mv_secret *a = secret(
	    "0123456789abcdef0123456789abcdef");
	mv_auto(mv_secret_freep) struct mv_secret *b = secret(
	    "0123456789abcdef0123456789abcdeX");
	assert_ok(mv_legacy_new(a, &fx->legacy, &err), &err);
	assert_ok(mv_legacy_new(b, &fx->other_legacy, &err), &err);
	assert_ok(mv_ar_new(a, b, &fx->ar, &err), &err);
	assert_ok(mv_ar_new(b, a, &fx->other_ar, &err), &err);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_legacy_free(fx->legacy);
	mv_legacy_free(fx->other_legacy);
	mv_ar_free(fx->ar);
	mv_ar_free(fx->other_ar);
	mv_sbuf_clear(&fx->plain);
	mv_buf_clear(&fx->out);
	mv_legacy_text_clear(&fx->text);
	free(fx);
	return 0;
}

/* Around HMAC's block of 64 bytes: libcrypto's own PBKDF2 agrees. */
static void
legacy_keys_are_pbkdf2s(void **state)
{
	static const size_t lens[] = { 32, 63, 64, 65, 128, 300 };
	const uint8_t salt[MV_LEGACY_SALT_BYTES] = "salt", iv[12] = "iv";
	struct fx *fx = *state;
	uint8_t blob[64], out[64];
	struct mv_err err;
	char pass[300];
	size_t i, n;

	memset(pass, 'p', sizeof(pass));
	for (i = 0; i < MV_ARRAY_LEN(lens); i++) {
		mv_auto(mv_secret_freep) struct mv_secret *s = NULL;
		mv_auto(mv_legacy_freep) struct mv_legacy *k = NULL;
		mv_auto(mv_key_wipe) struct mv_key key = { 0 };
		EVP_CIPHER_CTX *ctx;

		assert_ok(mv_secret_from(pass, lens[i], &s, &err), &err);
		assert_ok(mv_legacy_new(s, &k, &err), &err);
		assert_ok(mv_legacy_seal_with(k, (const uint8_t *)"PLAIN", 5,
		    salt, iv, &fx->text, &err), &err);
		assert_int_equal(PKCS5_PBKDF2_HMAC(pass, (int)lens[i], salt,
		    sizeof(salt), 2000, EVP_sha1(), 32, key.b), 1);
		n = mv_base64_lenient((const char *)fx->text.secret.p,
		    fx->text.secret.len, blob);
		assert_int_equal(n, 5 + MV_GCM_TAG_BYTES);
		ctx = mv_gcm_new(key.b, 0);
		assert_non_null(ctx);
		n = (size_t)mv_gcm_open(ctx, iv, blob, 5, blob + 5, out);
		mv_gcm_freep(&ctx);
		assert_int_equal(n, 0);
		assert_memory_equal(out, "PLAIN", 5);
	}
}

static struct mv_legacy_row
row_of(const struct mv_legacy_text *t)
{
	return (struct mv_legacy_row){ (const char *)t->secret.p,
	    (const char *)t->iv.p, (const char *)t->salt.p, t->secret.len,
	    t->iv.len, t->salt.len };
}

static void
legacy_rows_never_repeat(void **state)
{
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(mv_legacy_seal(fx->legacy, (const uint8_t *)"SECRET", 6,
	    &fx->text, &err), &err);
	assert_ok(mv_legacy_seal(fx->legacy, (const uint8_t *)"SECRET", 6, &t,
	    &err), &err);
	assert_int_equal(t.iv.len, fx->text.iv.len);
	assert_memory_not_equal(t.iv.p, fx->text.iv.p, t.iv.len);
	assert_memory_not_equal(t.salt.p, fx->text.salt.p, t.salt.len);
	assert_memory_not_equal(t.secret.p, fx->text.secret.p, t.secret.len);
}

/* The remembered key of one salt must not open a row of another. */
static void
legacy_rows_open_in_any_order(void **state)
{
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	mv_auto(mv_legacy_freep) struct mv_legacy *clone = NULL;
	struct fx *fx = *state;
	struct mv_legacy_row r;
	struct mv_err err;
	int i;

	assert_ok(mv_legacy_seal(fx->legacy, (const uint8_t *)"FIRST", 5,
	    &fx->text, &err), &err);
	assert_ok(mv_legacy_seal(fx->legacy, (const uint8_t *)"SECOND", 6, &t,
	    &err), &err);
	assert_ok(mv_legacy_clone(fx->legacy, &clone, &err), &err);
	for (i = 0; i < 3; i++) {
		r = row_of(i == 1 ? &t : &fx->text);
		assert_ok(mv_legacy_open(i == 2 ? clone : fx->legacy, &r,
		    &fx->plain, &err), &err);
		assert_int_equal(fx->plain.len, i == 1 ? 6 : 5);
		assert_memory_equal(fx->plain.p, i == 1 ? "SECOND" : "FIRST",
		    fx->plain.len);
		assert_fails(mv_legacy_open(fx->other_legacy, &r, &fx->plain,
		    &err), MV_EAUTH, &err);
		assert_int_equal(fx->plain.len, 0);
	}
}

static void
malformed_legacy_rows_are_corrupt(void **state)
{
	static const struct mv_legacy_row rows[] = {
		{ "", "QUJDREVGR0hJSktM", "_QUJD", 0, 16, 5 },
		/* A tag and nothing else; then no tag. */
		{ "AAAAAAAAAAAAAAAAAAAAAA==", "QUJDREVGR0hJSktM", "_QUJD", 24,
		    16, 5 },
		{ "AAAA", "QUJDREVGR0hJSktM", "_QUJD", 4, 16, 5 },
		/* An IV of 9, of 15 and of no bytes. */
		{ "AAAAAAAAAAAAAAAAAAAAAAAA", "QUJDREVGR0hJ", "_QUJD", 24, 12,
		    5 },
		{ "AAAAAAAAAAAAAAAAAAAAAAAA", "QUJDREVGR0hJSktMTU5P", "_QUJD",
		    24, 20, 5 },
		{ "AAAAAAAAAAAAAAAAAAAAAAAA", "", "_QUJD", 24, 0, 5 },
		/* No salt. */
		{ "AAAAAAAAAAAAAAAAAAAAAAAA", "QUJDREVGR0hJSktM", "", 24, 16,
		    0 },
		{ "AAAAAAAAAAAAAAAAAAAAAAAA", "QUJDREVGR0hJSktM", "_", 24, 16,
		    1 },
		{ "AAAAAAAAAAAAAAAAAAAAAAAA", "QUJDREVGR0hJSktM", "_=", 24,
		    16, 2 },
	};
	struct fx *fx = *state;
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(rows); i++) {
		assert_fails(mv_legacy_open(fx->legacy, &rows[i], &fx->plain,
		    &err), MV_ECORRUPT, &err);
		assert_int_equal(fx->plain.len, 0);
	}
}

static void
legacy_secrets_have_limits(void **state)
{
	uint8_t big[MV_LEGACY_PLAIN_MAX + 1] = { 0 };
	mv_auto(mv_secret_freep) struct mv_secret *s = secret(
	    "0123456789abcdef0123456789abcde");
	struct mv_legacy *k = NULL;
	struct fx *fx = *state;
	struct mv_legacy_row r;
	struct mv_err err;

	assert_fails(mv_legacy_new(s, &k, &err), MV_EUSAGE, &err);
	assert_fails(mv_legacy_seal(fx->legacy, big, 0, &fx->text, &err),
	    MV_EUSAGE, &err);
	assert_fails(mv_legacy_seal(fx->legacy, big, sizeof(big), &fx->text,
	    &err), MV_EUSAGE, &err);
	assert_ok(mv_legacy_seal(fx->legacy, big, sizeof(big) - 1, &fx->text,
	    &err), &err);
	r = row_of(&fx->text);
	assert_ok(mv_legacy_open(fx->legacy, &r, &fx->plain, &err), &err);
	assert_int_equal(fx->plain.len, sizeof(big) - 1);
}

static int
open_text(struct fx *fx, const char *text, struct mv_err *err)
{
	return mv_ar_open(fx->ar, text, strlen(text), &fx->plain, NULL, err);
}

#define IV "\"iv\":\"QUJDREVGR0hJSktM\""
#define AT "\"at\":\"AAAAAAAAAAAAAAAAAAAAAA==\""

static void
malformed_messages_are_corrupt(void **state)
{
	static const char *const bad[] = {
		"", "null", "[]", "\"JBSWY3DPEHPK3PXP\"", "{}", "JBSWY3DPEHPK3PXP",
		"{\"p\":\"\"}", "{\"p\":\"\",\"h\":null}",
		"{\"p\":\"\",\"h\":{" IV "}}", "{\"p\":\"\",\"h\":{" AT "}}",
		"{\"p\":1,\"h\":{" IV "," AT "}}",
		/* The same member twice, outside and inside. */
		"{\"p\":\"\",\"p\":\"\",\"h\":{" IV "," AT "}}",
		"{\"p\":\"\",\"h\":{" IV "," IV "," AT "}}",
		"{\"p\":\"\",\"h\":{" IV "," AT "}} x",
		"{\"p\":\"\",\"h\":{" IV "," AT ",}}",
		/* Not strict base64, or not what strict base64 would write. */
		"{\"p\":\"QQ\",\"h\":{" IV "," AT "}}",
		"{\"p\":\"QR==\",\"h\":{" IV "," AT "}}",
		"{\"p\":\"Q Q=\",\"h\":{" IV "," AT "}}",
		"{\"p\":\"Q_-=\",\"h\":{" IV "," AT "}}",
		"{\"p\":\"QQ==QQ==\",\"h\":{" IV "," AT "}}",
		"{\"p\":\"\",\"h\":{\"iv\":\"QUJDREVGR0hJ\"," AT "}}",
		"{\"p\":\"\",\"h\":{\"iv\":\"QUJDREVGR0hJSkt=\"," AT "}}",
		"{\"p\":\"\",\"h\":{" IV "," AT ",\"c\":\"true\"}}",
		"{\"p\":\"\",\"h\":{" IV "," AT ",\"c\":1}}",
		"{\"p\":\"\",\"h\":{" IV "," AT ",\"e\":\"\"}}",
		"{\"p\":\"\",\"h\":{" IV "," AT ",\"e\":\"Cg==\"}}",
		"{\"p\":\"\",\"h\":{" IV "," AT ",\"e\":true}}",
	};
	struct fx *fx = *state;
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(bad); i++)
		assert_fails(open_text(fx, bad[i], &err), MV_ECORRUPT, &err);
	/* What is well-formed is only not authentic. */
	assert_fails(open_text(fx, "{\"p\":\"\",\"h\":{" IV "," AT "}}", &err),
	    MV_EAUTH, &err);
	assert_fails(open_text(fx, "{\"p\":\"QQ==\",\"h\":{" IV "," AT
	    ",\"k\":{\"p\":\"\",\"h\":{}},\"i\":\"QUJD\",\"c\":null}}", &err),
	    MV_EAUTH, &err);
}

static void
errors_do_not_tell_clear_text(void **state)
{
	struct fx *fx = *state;
	char text[MV_ERR_TEXT_MAX];
	struct mv_err err;

	assert_fails(open_text(fx, "JBSWY3DPEHPK3PXP", &err), MV_ECORRUPT,
	    &err);
	(void)mv_err_text(&err, text, sizeof(text));
	assert_null(strstr(text, "JBSWY3DP"));
}

/* A message with c set around whatever payload, under the right key. */
static void
seal_raw(struct fx *fx, const uint8_t *p, size_t len)
{
	static uint8_t sealed[2 * 1024 * 1024];
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	struct mv_ar_message m = { .p = sealed, .len = len, .compressed = 1 };
	EVP_CIPHER_CTX *ctx;

	assert_true(len <= sizeof(sealed));
	assert_int_equal(PKCS5_PBKDF2_HMAC("0123456789abcdef0123456789abcdef",
	    32, (const uint8_t *)"0123456789abcdef0123456789abcdeX", 32, 65536,
	    EVP_sha256(), 32, key.b), 1);
	ctx = mv_gcm_new(key.b, 1);
	assert_non_null(ctx);
	assert_int_equal(mv_gcm_seal(ctx, m.iv, p, len, sealed, m.tag), 0);
	mv_gcm_freep(&ctx);
	mv_buf_reset(&fx->out);
	mv_ar_message_encode(&m, &fx->out);
	assert_false(fx->out.failed);
}

static int
open_out(struct fx *fx, struct mv_err *err)
{
	return mv_ar_open(fx->ar, (const char *)fx->out.p, fx->out.len,
	    &fx->plain, NULL, err);
}

static void
bad_compression_is_corrupt(void **state)
{
	static uint8_t zeros[MV_AR_PLAIN_MAX + 1], z[64 * 1024];
	struct fx *fx = *state;
	struct mv_err err;
	uLongf n = sizeof(z);

	/* A bomb: one byte more than is taken. */
	assert_int_equal(compress2(z, &n, zeros, sizeof(zeros), 9), Z_OK);
	seal_raw(fx, z, n);
	assert_fails(open_out(fx, &err), MV_ECORRUPT, &err);
	assert_int_equal(fx->plain.len, 0);

	n = sizeof(z);
	assert_int_equal(compress2(z, &n, zeros, sizeof(zeros) - 1, 9), Z_OK);
	seal_raw(fx, z, n);
	assert_ok(open_out(fx, &err), &err);
	assert_int_equal(fx->plain.len, sizeof(zeros) - 1);
	/* Cut short, lengthened, empty, nothing of zlib's. */
	seal_raw(fx, z, n - 1);
	assert_fails(open_out(fx, &err), MV_ECORRUPT, &err);
	seal_raw(fx, z, n + 1);
	assert_fails(open_out(fx, &err), MV_ECORRUPT, &err);
	seal_raw(fx, z, 0);
	assert_fails(open_out(fx, &err), MV_ECORRUPT, &err);
	seal_raw(fx, zeros, 100);
	assert_fails(open_out(fx, &err), MV_ECORRUPT, &err);
	assert_int_equal(fx->plain.len, 0);
}

static void
values_of_every_length_come_back(void **state)
{
	static const size_t lens[] = { 0, 1, 52, 139, 140, 141, 4096, 4097,
	    70000, MV_AR_PLAIN_MAX };
	mv_auto(mv_ar_freep) struct mv_ar *clone = NULL;
	static uint8_t value[MV_AR_PLAIN_MAX + 1];
	struct fx *fx = *state;
	struct mv_err err;
	size_t i;

	mv_test_fill(value, sizeof(value), 1);
	assert_ok(mv_ar_clone(fx->ar, &clone, &err), &err);
	for (i = 0; i < MV_ARRAY_LEN(lens); i++) {
		assert_ok(mv_ar_seal(fx->ar, value, lens[i], NULL, &fx->out,
		    &err), &err);
		assert_int_equal(memmem(fx->out.p, fx->out.len, "\"c\":true", 8)
		    != NULL, lens[i] > 140);
		assert_ok(mv_ar_open(clone, (const char *)fx->out.p,
		    fx->out.len, &fx->plain, NULL, &err), &err);
		assert_int_equal(fx->plain.len, lens[i]);
		assert_memory_equal(fx->plain.p, value, lens[i]);
		assert_fails(mv_ar_open(fx->other_ar, (const char *)fx->out.p,
		    fx->out.len, &fx->plain, NULL, &err), MV_EAUTH, &err);
	}
	assert_fails(mv_ar_seal(fx->ar, value, sizeof(value), NULL, &fx->out,
	    &err), MV_EUSAGE, &err);
}

static void
empty_keys_are_refused(void **state)
{
	mv_auto(mv_secret_freep) struct mv_secret *none = secret("");
	mv_auto(mv_secret_freep) struct mv_secret *some = secret("x");
	struct mv_ar *ar = NULL;
	struct mv_err err;

	(void)state;
	assert_fails(mv_ar_new(none, some, &ar, &err), MV_EUSAGE, &err);
	assert_fails(mv_ar_new(some, none, &ar, &err), MV_EUSAGE, &err);
}

/* What Ruby's unpack('m') makes of each of these. */
static void
lenient_base64_is_rubys(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" }, { "QUJD", "ABC" }, { "QU JD\n", "ABC" },
		{ "QQ==", "A" }, { "QR==", "A" }, { "QQ", "A" }, { "Q", "" },
		{ "QUI", "AB" }, { "QR=A", "A" }, { "QU=J", "A" },
		{ "=QUJD", "ABC" }, { "Q=UJD", "ABC" }, { "QUJDQ", "ABC" },
		{ "QUJDQU", "ABCA" }, { "QQ==QUJD", "A" }, { "_QUJD", "ABC" },
	};
	uint8_t out[64];
	size_t i, n;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		n = mv_base64_lenient(cases[i].text, strlen(cases[i].text),
		    out);
		assert_int_equal(n, strlen(cases[i].want));
		assert_memory_equal(out, cases[i].want, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_keys_are_pbkdf2s),
		cmocka_unit_test(legacy_rows_never_repeat),
		cmocka_unit_test(legacy_rows_open_in_any_order),
		cmocka_unit_test(malformed_legacy_rows_are_corrupt),
		cmocka_unit_test(legacy_secrets_have_limits),
		cmocka_unit_test(malformed_messages_are_corrupt),
		cmocka_unit_test(errors_do_not_tell_clear_text),
		cmocka_unit_test(bad_compression_is_corrupt),
		cmocka_unit_test(values_of_every_length_come_back),
		cmocka_unit_test(empty_keys_are_refused),
		cmocka_unit_test(lenient_base64_is_rubys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
