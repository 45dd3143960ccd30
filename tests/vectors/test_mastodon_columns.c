/* SPDX-License-Identifier: MIT */
/*
 * mastodon-columns.json: what the real Ruby libraries wrote is read, and
 * written again to the byte; what they refuse is refused.
 */
#include "support/mv_test.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mastodon/column_internal.h"
#include "mastodon/vapid.h"

#define PATH "tests/vectors/mastodon-columns.json"

/* The keys of one env-file, derived once. */
struct env {
	const char *name;
	struct mv_legacy *legacy;
	struct mv_ar *ar, *det;
};

struct fx {
	json_t *doc;
	struct env envs[8];
	size_t n;
};

static struct mv_secret *
var(const json_t *vars, const char *name)
{
	const char *s = json_string_value(json_object_get(vars, name));
	struct mv_secret *out = NULL;
	struct mv_err err;

	assert_non_null(s);
	assert_ok(mv_secret_from(s, strlen(s), &out, &err), &err);
	return out;
}

static void
add_env(struct fx *fx, const char *name, const json_t *vars)
{
	mv_auto(mv_secret_freep) struct mv_secret *otp = var(vars, "OTP_SECRET");
	mv_auto(mv_secret_freep) struct mv_secret *key = var(vars,
	    "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY");
	mv_auto(mv_secret_freep) struct mv_secret *det = var(vars,
	    "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY");
	mv_auto(mv_secret_freep) struct mv_secret *salt = var(vars,
	    "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT");
	struct env *e = &fx->envs[fx->n];
	struct mv_err err;

	assert_true(fx->n < MV_ARRAY_LEN(fx->envs));
	e->name = name;
	assert_ok(mv_legacy_new(otp, &e->legacy, &err), &err);
	assert_ok(mv_ar_new(key, salt, &e->ar, &err), &err);
	assert_ok(mv_ar_new(det, salt, &e->det, &err), &err);
	fx->n++;
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err = { 0 };
	const char *name;
	json_t *env;

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	fx->doc = json_load_file(PATH, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(fx->doc);
	json_object_foreach(json_object_get(fx->doc, "envs"), name, env)
		add_env(fx, name, json_object_get(env, "vars"));
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < fx->n; i++) {
		mv_legacy_free(fx->envs[i].legacy);
		mv_ar_free(fx->envs[i].ar);
		mv_ar_free(fx->envs[i].det);
	}
	json_decref(fx->doc);
	free(fx);
	return 0;
}

static const char *
str(const json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static struct env *
env_of(struct fx *fx, const json_t *row)
{
	size_t i;

	for (i = 0; i < fx->n; i++)
		if (strcmp(fx->envs[i].name, str(row, "env")) == 0)
			return &fx->envs[i];
	fail_msg("no such env");
	return NULL;
}

static bool
must_work(const json_t *row)
{
	return strcmp(str(row, "expect"), "ok") == 0;
}

static void
same_text(const struct mv_buf *got, const char *want)
{
	assert_int_equal(got->len, strlen(want));
	assert_memory_equal(got->p, want, got->len);
}

static bool
legacy_row(const json_t *row, struct mv_legacy_row *out)
{
	const json_t *cols = json_object_get(row, "columns");

	out->secret = str(cols, "encrypted_otp_secret");
	if (out->secret == NULL)
		return false;
	out->iv = str(cols, "encrypted_otp_secret_iv");
	out->salt = str(cols, "encrypted_otp_secret_salt");
	out->secret_len = strlen(out->secret);
	out->iv_len = strlen(out->iv);
	out->salt_len = strlen(out->salt);
	return true;
}

/* Sealed with the row's own salt and IV it is the row, to the byte. */
static void
legacy_again(struct mv_legacy *k, const struct mv_legacy_row *row,
    const struct mv_sbuf *plain)
{
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	uint8_t salt[64], iv[64];
	struct mv_err err;

	(void)mv_base64_lenient(row->salt, row->salt_len, salt);
	(void)mv_base64_lenient(row->iv, row->iv_len, iv);
	assert_ok(mv_legacy_seal_with(k, plain->p, plain->len, salt, iv, &t,
	    &err), &err);
	same_text(&t.secret, row->secret);
	same_text(&t.iv, row->iv);
	same_text(&t.salt, row->salt);
}

static void
legacy_rows_read_and_write_the_same(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	struct fx *fx = *state;
	struct mv_legacy_row cols;
	const char *want;
	json_t *row;
	size_t i, good = 0, bad = 0;
	struct mv_err err;

	json_array_foreach(json_object_get(fx->doc, "rows"), i, row) {
		struct env *e = env_of(fx, row);

		if (!legacy_row(row, &cols))
			continue;
		if (!must_work(row)) {
			assert_fails(mv_legacy_open(e->legacy, &cols, &plain,
			    &err), MV_EAUTH, &err);
			assert_int_equal(plain.len, 0);
			bad++;
			continue;
		}
		want = str(row, "legacy_plaintext");
		assert_ok(mv_legacy_open(e->legacy, &cols, &plain, &err), &err);
		assert_int_equal(plain.len, strlen(want));
		assert_memory_equal(plain.p, want, plain.len);
		/* One row was stripped of its line breaks, to be read only. */
		if (strchr(cols.iv, '\n') != NULL)
			legacy_again(e->legacy, &cols, &plain);
		good++;
	}
	assert_int_equal(good, 40);
	assert_int_equal(bad, 4);
}

static const char *
message_of(const json_t *row)
{
	return str(json_object_get(row, "columns"), str(row, "attr"));
}

static bool
is_edited(const json_t *row)
{
	const char *writer = str(row, "writer");

	return writer != NULL && strcmp(writer, "edited") == 0;
}

/* With its own IV, or with the one that follows, it is the row again. */
static void
ar_again(struct mv_ar *ar, const char *text, const struct mv_sbuf *plain,
    struct mv_ar_how *how, bool deterministic)
{
	mv_auto(mv_ar_message_clear) struct mv_ar_message m = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	struct mv_err err;

	if (how->sha1)
		return;
	how->deterministic = deterministic;
	assert_ok(mv_ar_message_decode(text, strlen(text), &m, &err), &err);
	assert_ok(mv_ar_seal_with(ar, plain->p, plain->len, how, m.iv, &out,
	    &err), &err);
	same_text(&out, text);
}

static void
ar_row_works(struct mv_ar *ar, const json_t *row, bool deterministic)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	const char *b64 = str(row, "plaintext_b64"), *text = message_of(row);
	const char *encoding = str(row, "encoding");
	uint8_t want[65536];
	struct mv_ar_how how;
	struct mv_err err;
	size_t len;

	assert_true(strlen(b64) / 4 * 3 <= sizeof(want));
	assert_int_equal(mv_base64_strict(b64, strlen(b64), want, &len), 0);
	assert_ok(mv_ar_open(ar, text, strlen(text), &plain, &how, &err),
	    &err);
	assert_int_equal(plain.len, len);
	assert_memory_equal(plain.p, want, len);
	assert_int_equal(how.sha1, strcmp(str(row, "digest"), "SHA1") == 0);
	if (encoding != NULL)
		assert_string_equal(how.encoding,
		    strcmp(encoding, "UTF-8") == 0 ? "" : encoding);
	if (!is_edited(row))
		ar_again(ar, text, &plain, &how, deterministic);
}

static void
ar_rows_read_and_write_the_same(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	struct fx *fx = *state;
	struct mv_err err = { 0 };
	json_t *row;
	size_t i, good = 0, bad = 0;
	int rc;

	json_array_foreach(json_object_get(fx->doc, "rows"), i, row) {
		bool det = json_is_true(json_object_get(row, "deterministic"));
		struct env *e = env_of(fx, row);
		const char *text;

		if (json_object_get(row, "attr") == NULL)
			continue;
		if (must_work(row)) {
			ar_row_works(det ? e->det : e->ar, row, det);
			good++;
			continue;
		}
		text = message_of(row);
		err = (struct mv_err){ 0 };
		rc = mv_ar_open(e->ar, text, strlen(text), &plain, NULL, &err);
		assert_true(rc == MV_EAUTH || rc == MV_ECORRUPT);
		assert_int_equal(err.code, rc);
		assert_int_equal(plain.len, 0);
		bad++;
	}
	assert_int_equal(good, 120);
	assert_int_equal(bad, 9);
}

/* Bit by bit: no change of what is authenticated, or of its frame, passes. */
static void
every_changed_byte_is_found(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	struct fx *fx = *state;
	const json_t *row = json_array_get(json_object_get(fx->doc, "rows"), 0);
	struct mv_err err;
	char text[512];
	json_t *r;
	size_t i, j, len;

	json_array_foreach(json_object_get(fx->doc, "rows"), i, r)
		if (json_object_get(r, "attr") != NULL && must_work(r) &&
		    !is_edited(r) && str(r, "writer") != NULL) {
			row = r;
			break;
		}
	len = strlen(message_of(row));
	assert_true(len < sizeof(text));
	for (i = 0; i < len; i++)
		for (j = 0; j < 8; j++) {
			memcpy(text, message_of(row), len);
			text[i] = (char)(text[i] ^ 1 << j);
			err = (struct mv_err){ 0 };
			assert_true(mv_ar_open(env_of(fx, row)->ar, text, len,
			    &plain, NULL, &err) < 0);
			assert_int_equal(plain.len, 0);
		}
}

static void
the_wrong_env_opens_nothing(void **state)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	struct fx *fx = *state;
	struct mv_err err;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(fx->doc, "rows"), i, row) {
		struct env *e = env_of(fx, row);
		struct env *other = &fx->envs[e == &fx->envs[0] ? 1 : 0];

		if (json_object_get(row, "attr") == NULL || !must_work(row))
			continue;
		assert_fails(mv_ar_open(other->ar, message_of(row),
		    strlen(message_of(row)), &plain, NULL, &err), MV_EAUTH,
		    &err);
	}
}

static void
vapid_pairs_are_told_from_others(void **state)
{
	struct fx *fx = *state;
	const json_t *pairs = json_object_get(fx->doc, "vapid");
	const char *priv, *pub;
	char computed[MV_VAPID_PUBLIC_TEXT + 1];
	struct mv_err err;
	json_t *pair;
	size_t i;

	assert_true(json_array_size(pairs) >= 4);
	json_array_foreach(pairs, i, pair) {
		priv = str(pair, "private_key");
		pub = str(pair, "public_key");
		if (!must_work(pair)) {
			assert_fails(mv_vapid_check(priv, strlen(priv), pub,
			    strlen(pub), &err), MV_EUSAGE, &err);
			continue;
		}
		assert_ok(mv_vapid_check(priv, strlen(priv), pub, strlen(pub),
		    &err), &err);
		assert_ok(mv_vapid_public(priv, strlen(priv), computed, &err),
		    &err);
		assert_string_equal(computed, pub);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_rows_read_and_write_the_same),
		cmocka_unit_test(ar_rows_read_and_write_the_same),
		cmocka_unit_test(every_changed_byte_is_found),
		cmocka_unit_test(the_wrong_env_opens_nothing),
		cmocka_unit_test(vapid_pairs_are_told_from_others),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
