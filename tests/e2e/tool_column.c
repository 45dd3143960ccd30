/* SPDX-License-Identifier: MIT */
/*
 * tool_column: encrypted columns from one generation of secrets to the next,
 * for scripts that let the real Ruby libraries write and read them.
 *
 *   tool_column keys            a document with two generations, old and new
 *   tool_column rotate          the document on stdin with its rows under new
 *   tool_column bench SECONDS   rows a second, of each format
 *
 * Secrets come on stdin and go to stdout: never arguments.  A row is an
 * object with "kind" (legacy or ar), its columns, and anything else.
 */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "mastodon/column_ar.h"
#include "mastodon/column_legacy.h"
#include "mastodon/secret_make.h"

#define OTP "OTP_SECRET"
#define PRIMARY "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"
#define SALT "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT"

struct keys {
	struct mv_legacy *legacy;
	struct mv_ar *ar;
};

static struct mv_err err;

static void
keys_clear(struct keys *k)
{
	mv_legacy_free(k->legacy);
	mv_ar_free(k->ar);
}

static _Noreturn void
die(const char *what)
{
	char text[MV_ERR_TEXT_MAX];

	(void)mv_err_text(&err, text, sizeof(text));
	(void)fprintf(stderr, "%s: %s\n", what, text);
	exit(1);
}

static json_t *
generation(void)
{
	static const char *const names[] = { OTP, PRIMARY, SALT };
	json_t *out = json_object();
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(names); i++) {
		mv_auto(mv_secret_freep) struct mv_secret *s = NULL;

		if (mv_secret_make(mv_secret_fact_find(names[i]), &s, &err) < 0)
			die("make");
		(void)json_object_set_new(out, names[i], json_stringn(
		    (const char *)mv_secret_bytes(s), mv_secret_len(s)));
	}
	return out;
}

static int
make_keys(void)
{
	json_t *doc = json_object();

	(void)json_object_set_new(doc, "old", generation());
	(void)json_object_set_new(doc, "new", generation());
	(void)json_object_set_new(doc, "rows", json_array());
	(void)json_dumpf(doc, stdout, JSON_COMPACT);
	json_decref(doc);
	return 0;
}

static struct mv_secret *
secret(const json_t *vars, const char *name)
{
	const json_t *s = json_object_get(vars, name);
	struct mv_secret *out = NULL;

	if (mv_secret_from(json_string_value(s), json_string_length(s), &out,
	    &err) < 0)
		die(name);
	return out;
}

static void
load(const json_t *vars, struct keys *out)
{
	mv_auto(mv_secret_freep) struct mv_secret *otp = secret(vars, OTP);
	mv_auto(mv_secret_freep) struct mv_secret *key = secret(vars, PRIMARY);
	mv_auto(mv_secret_freep) struct mv_secret *salt = secret(vars, SALT);

	if (mv_legacy_new(otp, &out->legacy, &err) < 0 ||
	    mv_ar_new(key, salt, &out->ar, &err) < 0)
		die("keys");
}

static const char *
text(const json_t *row, const char *name, size_t *len)
{
	const json_t *s = json_object_get(row, name);

	*len = json_string_length(s);
	return json_string_value(s);
}

static void
set(json_t *row, const char *name, const struct mv_buf *b)
{
	(void)json_object_set_new(row, name, json_stringn((const char *)b->p,
	    b->len));
}

static void
rotate_legacy(struct keys *from, struct keys *to, json_t *row)
{
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	struct mv_legacy_row r;

	r.secret = text(row, "encrypted_otp_secret", &r.secret_len);
	r.iv = text(row, "encrypted_otp_secret_iv", &r.iv_len);
	r.salt = text(row, "encrypted_otp_secret_salt", &r.salt_len);
	if (mv_legacy_open(from->legacy, &r, &plain, &err) < 0 ||
	    mv_legacy_seal(to->legacy, plain.p, plain.len, &t, &err) < 0)
		die("legacy row");
	set(row, "encrypted_otp_secret", &t.secret);
	set(row, "encrypted_otp_secret_iv", &t.iv);
	set(row, "encrypted_otp_secret_salt", &t.salt);
}

/* Whether it was the SHA-1-derived key that opened it. */
static bool
rotate_ar(struct keys *from, struct keys *to, json_t *row)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	struct mv_ar_how how;
	const char *s;
	size_t len;

	s = text(row, "message", &len);
	if (mv_ar_open(from->ar, s, len, &plain, &how, &err) < 0 ||
	    mv_ar_seal(to->ar, plain.p, plain.len, &how, &out, &err) < 0)
		die("message");
	set(row, "message", &out);
	return how.sha1;
}

static int
rotate(void)
{
	mv_auto(keys_clear) struct keys from = { 0 };
	mv_auto(keys_clear) struct keys to = { 0 };
	json_t *doc = json_loadf(stdin, JSON_REJECT_DUPLICATES, NULL), *row;
	const char *kind;
	size_t i, sha1 = 0;

	if (doc == NULL) {
		(void)fprintf(stderr, "stdin is no JSON\n");
		return 1;
	}
	load(json_object_get(doc, "old"), &from);
	load(json_object_get(doc, "new"), &to);
	json_array_foreach(json_object_get(doc, "rows"), i, row) {
		kind = json_string_value(json_object_get(row, "kind"));
		if (strcmp(kind, "legacy") == 0)
			rotate_legacy(&from, &to, row);
		else
			sha1 += rotate_ar(&from, &to, row);
	}
	(void)fprintf(stderr, "%zu rows, of them %zu under the SHA-1 key\n", i,
	    sha1);
	(void)json_dumpf(doc, stdout, JSON_COMPACT);
	json_decref(doc);
	return 0;
}

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static json_t *
sample_rows(struct keys *k, const char *kind, size_t len)
{
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	json_t *row = json_object();

	if (mv_secret_make_alnum(len, &s, &err) < 0 ||
	    mv_legacy_seal(k->legacy, mv_secret_bytes(s), len, &t, &err) < 0 ||
	    mv_ar_seal(k->ar, mv_secret_bytes(s), len, NULL, &out, &err) < 0)
		die("sample");
	(void)json_object_set_new(row, "kind", json_string(kind));
	set(row, "encrypted_otp_secret", &t.secret);
	set(row, "encrypted_otp_secret_iv", &t.iv);
	set(row, "encrypted_otp_secret_salt", &t.salt);
	set(row, "message", &out);
	return row;
}

/* Decrypt, encrypt anew, decrypt again and compare: as a rotation does. */
static void
once(struct keys *from, struct keys *to, const json_t *row, bool legacy,
    struct mv_sbuf *plain, struct mv_sbuf *again, struct mv_legacy_text *t,
    struct mv_buf *out)
{
	struct mv_legacy_row r;
	struct mv_ar_how how;
	const char *s;
	size_t len;

	if (!legacy) {
		s = text(row, "message", &len);
		if (mv_ar_open(from->ar, s, len, plain, &how, &err) < 0 ||
		    mv_ar_seal(to->ar, plain->p, plain->len, &how, out,
		    &err) < 0 ||
		    mv_ar_open(to->ar, (const char *)out->p, out->len, again,
		    NULL, &err) < 0)
			die("message");
		return;
	}
	r.secret = text(row, "encrypted_otp_secret", &r.secret_len);
	r.iv = text(row, "encrypted_otp_secret_iv", &r.iv_len);
	r.salt = text(row, "encrypted_otp_secret_salt", &r.salt_len);
	if (mv_legacy_open(from->legacy, &r, plain, &err) < 0 ||
	    mv_legacy_seal(to->legacy, plain->p, plain->len, t, &err) < 0)
		die("legacy row");
	r = (struct mv_legacy_row){ (const char *)t->secret.p,
	    (const char *)t->iv.p, (const char *)t->salt.p, t->secret.len,
	    t->iv.len, t->salt.len };
	if (mv_legacy_open(to->legacy, &r, again, &err) < 0)
		die("legacy row, again");
}

static void
measure(struct keys *from, struct keys *to, const char *kind, size_t len,
    double seconds)
{
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf again = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	const bool legacy = strcmp(kind, "legacy") == 0;
	json_t *rows[2] = { sample_rows(from, kind, len),
	    sample_rows(from, kind, len) };
	double start = now(), took;
	unsigned long n = 0;

	/* Two rows in turn: the key of one salt is not found again. */
	do {
		once(from, to, rows[n++ % 2], legacy, &plain, &again, &t, &out);
		took = now() - start;
	} while (took < seconds);
	if (plain.len != again.len || memcmp(plain.p, again.p, len) != 0)
		abort();
	json_decref(rows[0]);
	json_decref(rows[1]);
	printf("%-7s %5zu bytes: %9.0f rows/s, %8.1f us a row\n", kind, len,
	    (double)n / took, took / (double)n * 1e6);
}

/* What two derivations cost with libcrypto's own function. */
static void
measure_floor(double seconds)
{
	uint8_t key[32], salt[16] = { 0 };
	char pass[128];
	double start = now(), took;
	unsigned long n = 0;

	memset(pass, 'a', sizeof(pass));
	do {
		salt[0] = (uint8_t)n++;
		if (PKCS5_PBKDF2_HMAC(pass, sizeof(pass), salt, sizeof(salt),
		    2000, EVP_sha1(), sizeof(key), key) != 1)
			die("PBKDF2");
		took = now() - start;
	} while (took < seconds);
	printf("two PBKDF2-HMAC-SHA1 of libcrypto: %.1f us\n",
	    2 * took / (double)n * 1e6);
}

static int
bench(double seconds)
{
	mv_auto(keys_clear) struct keys from = { 0 };
	mv_auto(keys_clear) struct keys to = { 0 };
	json_t *old = generation(), *new = generation();

	load(old, &from);
	load(new, &to);
	json_decref(old);
	json_decref(new);
	puts("one thread; decrypt, encrypt anew, decrypt again:");
	measure(&from, &to, "ar", 52, seconds);
	measure(&from, &to, "ar", 1675, seconds);
	measure(&from, &to, "legacy", 32, seconds);
	measure_floor(seconds);
	return 0;
}

int
main(int argc, char **argv)
{
	if (mv_secret_init(&err) < 0)
		die("start");
	if (argc == 2 && strcmp(argv[1], "keys") == 0)
		return make_keys();
	if (argc == 2 && strcmp(argv[1], "rotate") == 0)
		return rotate();
	if (argc == 3 && strcmp(argv[1], "bench") == 0)
		return bench(strtod(argv[2], NULL));
	(void)fprintf(stderr, "tool_column keys|rotate|bench SECONDS\n");
	return 2;
}
