/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "mastodon/secret_make.h"
#include "mastodon/vapid.h"
#include "mastodon/version.h"

#define SCHEMA_42 20230907150100
#define SCHEMA_43 20241007071624
#define SCHEMA_44 20250627132728
#define SCHEMA_46 20260611150940

static int
setup(void **state)
{
	struct mv_err err;

	(void)state;
	assert_ok(mv_secret_init(&err), &err);
	return 0;
}

static const struct mv_secret_fact *
fact(const char *name)
{
	const struct mv_secret_fact *f = mv_secret_fact_find(name);

	assert_non_null(f);
	return f;
}

static unsigned
judge(const char *name, const char *value)
{
	return mv_secret_judge(fact(name), value, strlen(value));
}

static void
what_is_made_has_the_set_ups_form(void **state)
{
	mv_auto(mv_secret_freep) struct mv_secret *hex = NULL;
	mv_auto(mv_secret_freep) struct mv_secret *key = NULL;
	struct mv_err err;
	size_t i;

	(void)state;
	assert_ok(mv_secret_make(fact("SECRET_KEY_BASE"), &hex, &err), &err);
	assert_int_equal(mv_secret_len(hex), 128);
	for (i = 0; i < 128; i++)
		assert_non_null(memchr("0123456789abcdef",
		    mv_secret_bytes(hex)[i], 16));
	assert_ok(mv_secret_make(fact("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"),
	    &key, &err), &err);
	assert_int_equal(mv_secret_len(key), 32);
}

/* 62 * 2000 draws expected: 6 sigma of each is about 270. */
static void
no_character_is_likelier(void **state)
{
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;
	unsigned count[256] = { 0 };
	struct mv_err err;
	size_t i, n = 0;

	(void)state;
	assert_ok(mv_secret_make_alnum(62 * 2000, &s, &err), &err);
	for (i = 0; i < 62 * 2000; i++)
		count[mv_secret_bytes(s)[i]]++;
	for (i = 0; i < 256; i++)
		if (count[i] > 0) {
			assert_true(count[i] > 1730 && count[i] < 2270);
			n++;
		}
	assert_int_equal(n, 62);
}

static void
what_is_made_elsewhere_is_refused(void **state)
{
	struct mv_secret *s = NULL;
	struct mv_err err;

	(void)state;
	assert_fails(mv_secret_make(fact("SMTP_PASSWORD"), &s, &err),
	    MV_EUSAGE, &err);
	assert_fails(mv_secret_make(fact("VAPID_PUBLIC_KEY"), &s, &err),
	    MV_EUSAGE, &err);
	assert_says(&err, "VAPID_PRIVATE_KEY");
}

static void
what_is_made_is_judged_fine(void **state)
{
	struct mv_err err;
	size_t i, round;

	(void)state;
	for (i = 0; i < mv_secret_fact_count(); i++) {
		const struct mv_secret_fact *f = mv_secret_fact_at(i);

		for (round = 0; round < 200; round++) {
			mv_auto(mv_secret_freep) struct mv_secret *s = NULL;

			if (f->make != MV_MAKE_HEX && f->make != MV_MAKE_ALNUM)
				break;
			assert_ok(mv_secret_make(f, &s, &err), &err);
			assert_int_equal(mv_secret_judge(f, mv_secret_bytes(s),
			    mv_secret_len(s)), 0);
		}
	}
}

static void
bad_values_are_found(void **state)
{
	char value[129];

	(void)state;
	assert_int_equal(judge("SECRET_KEY_BASE", ""), MV_FAULT_EMPTY);
	assert_int_equal(judge("OTP_SECRET", "k9vQ2xT7"),
	    MV_FAULT_SHORT | MV_FAULT_WEAK);
	assert_int_equal(judge("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY",
	    "test_primary_key_DO_NOT_USE_IN_PRODUCTION") & MV_FAULT_SAMPLE,
	    MV_FAULT_SAMPLE);
	assert_int_equal(judge("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY",
	    "PhdFyyfy5xJ7WVd2lWBpcPScRQHzRTNr"), MV_FAULT_SAMPLE);
	assert_true(judge("SMTP_PASSWORD", "ChangeMe") & MV_FAULT_SAMPLE);

	/* Long enough, and nothing in it. */
	memset(value, 'a', 128);
	value[128] = '\0';
	assert_int_equal(judge("SECRET_KEY_BASE", value), MV_FAULT_WEAK);
	memset(value + 64, 'b', 64);
	assert_int_equal(judge("SECRET_KEY_BASE", value), MV_FAULT_WEAK);
	assert_int_equal(judge("OTP_SECRET",
	    "0123456789abcdef0123456789abcdef0123456789abcdef"
	    "0123456789abcdef"), MV_FAULT_WEAK);
	assert_int_equal(judge("DB_PASS", "mastodon"),
	    MV_FAULT_SHORT | MV_FAULT_WEAK | MV_FAULT_SAMPLE);
}

static void
bits_are_about_right(void **state)
{
	(void)state;
	assert_int_equal(mv_secret_bits("", 0), 0);
	assert_int_equal(mv_secret_bits("zzzzzzzz", 8), 0);
	assert_int_equal(mv_secret_bits("abababab", 8), 2);
	/* Sixteen different ones in no order: 4 bits each. */
	assert_in_range(mv_secret_bits("3f8a1d0c7e5b9264", 16), 60, 64);
	assert_true(mv_secret_bits("0123456789", 10) < 10);
}

static void
versions_read_what_they_read(void **state)
{
	(void)state;
	assert_int_equal(mv_secret_state(fact("OTP_SECRET"), SCHEMA_42),
	    MV_SECRET_REQUIRED);
	assert_int_equal(mv_secret_state(fact("OTP_SECRET"), SCHEMA_43),
	    MV_SECRET_REQUIRED);
	assert_int_equal(mv_secret_state(fact("OTP_SECRET"), SCHEMA_44),
	    MV_SECRET_DEAD);
	assert_int_equal(mv_secret_state(
	    fact("ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"), SCHEMA_42),
	    MV_SECRET_NOT_YET);
	assert_int_equal(mv_secret_state(
	    fact("ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY"), SCHEMA_43),
	    MV_SECRET_REQUIRED);
	assert_int_equal(mv_secret_state(fact("VAPID_PRIVATE_KEY"), SCHEMA_42),
	    MV_SECRET_OPTIONAL);
	assert_int_equal(mv_secret_state(fact("PAPERCLIP_SECRET"), SCHEMA_42),
	    MV_SECRET_DEAD);
	assert_null(mv_secret_fact_find("LOCAL_DOMAIN"));
}

static const struct mv_column_fact *
column(const char *table, const char *name)
{
	size_t i;

	for (i = 0; i < mv_column_fact_count(); i++)
		if (strcmp(mv_column_fact_at(i)->table, table) == 0 &&
		    strcmp(mv_column_fact_at(i)->column, name) == 0)
			return mv_column_fact_at(i);
	fail_msg("no such column");
	return NULL;
}

static void
columns_depend_on_their_secrets(void **state)
{
	const struct mv_column_fact *legacy, *otp, *pair;

	(void)state;
	legacy = column("users", "encrypted_otp_secret");
	otp = column("users", "otp_secret");
	pair = column("keypairs", "private_key");
	assert_true(mv_column_expected(legacy, SCHEMA_42));
	assert_true(mv_column_expected(legacy, SCHEMA_43));
	assert_false(mv_column_expected(legacy, SCHEMA_44));
	assert_false(mv_column_expected(otp, SCHEMA_42));
	assert_true(mv_column_expected(otp, SCHEMA_43));
	assert_false(mv_column_expected(pair, SCHEMA_44));
	assert_true(mv_column_expected(pair, SCHEMA_46));
	assert_true(mv_column_depends(legacy, "OTP_SECRET"));
	assert_false(mv_column_depends(otp, "OTP_SECRET"));
	assert_true(mv_column_depends(pair,
	    "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT"));
	assert_false(mv_column_depends(pair,
	    "ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY"));
}

static void
a_new_vapid_pair_is_one(void **state)
{
	char a[MV_VAPID_PUBLIC_TEXT + 1], b[MV_VAPID_PUBLIC_TEXT + 1];
	mv_auto(mv_sbuf_clear) struct mv_sbuf pa = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf pb = { 0 };
	struct mv_err err;

	(void)state;
	assert_ok(mv_vapid_generate(&pa, a, &err), &err);
	assert_ok(mv_vapid_generate(&pb, b, &err), &err);
	assert_int_equal(pa.len, MV_VAPID_PRIVATE_TEXT);
	assert_int_equal(strlen(a), MV_VAPID_PUBLIC_TEXT);
	assert_int_equal(a[MV_VAPID_PUBLIC_TEXT - 1], '=');
	assert_int_equal(pa.p[MV_VAPID_PRIVATE_TEXT - 1], '=');
	assert_ok(mv_vapid_check(pa.p, pa.len, a, strlen(a), &err), &err);
	assert_fails(mv_vapid_check(pa.p, pa.len, b, strlen(b), &err),
	    MV_EAUTH, &err);
	/* Without padding, each of the two. */
	assert_ok(mv_vapid_check(pa.p, pa.len - 1, a, strlen(a) - 1, &err),
	    &err);
}

static void
what_is_no_vapid_key_is_refused(void **state)
{
	static const char *const priv[] = {
		"", "=", "AAAA*AAA",
		/* zero, the order itself, 33 bytes, broken padding */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE=",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"DJyK7gq2WZMcOxt85fF94lweNotkR1A2o1zecXQgcHE==",
		"DJyK7gq2WZMcOxt85fF94lweNotkR1A2o1zecXQgcHE=\n",
	};
	char out[MV_VAPID_PUBLIC_TEXT + 1];
	struct mv_err err;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(priv); i++)
		assert_fails(mv_vapid_public(priv[i], strlen(priv[i]), out,
		    &err), MV_EUSAGE, &err);
	/* One: the generator itself. */
	assert_ok(mv_vapid_public("AQ", 2, out, &err), &err);
	assert_memory_equal(out, "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW",
	    44);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_made_has_the_set_ups_form),
		cmocka_unit_test(no_character_is_likelier),
		cmocka_unit_test(what_is_made_elsewhere_is_refused),
		cmocka_unit_test(what_is_made_is_judged_fine),
		cmocka_unit_test(bad_values_are_found),
		cmocka_unit_test(bits_are_about_right),
		cmocka_unit_test(versions_read_what_they_read),
		cmocka_unit_test(columns_depend_on_their_secrets),
		cmocka_unit_test(a_new_vapid_pair_is_one),
		cmocka_unit_test(what_is_no_vapid_key_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
