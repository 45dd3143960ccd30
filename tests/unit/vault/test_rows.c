/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"
#include "support/pg.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mastodon/column_internal.h"
#include "postgres/quote.h"
#include "vault/rows_internal.h"

#define OLD_ENV "OTP_SECRET=old-old-old-old-old-old-old-old-old\n"	\
	"ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=oldPrimary\n"		\
	"ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=oldSalt\n"
#define NEW_ENV "OTP_SECRET=new-new-new-new-new-new-new-new-new\n"	\
	"ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=newPrimary\n"		\
	"ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=newSalt\n"
#define OTHER_ENV "OTP_SECRET=oth-oth-oth-oth-oth-oth-oth-oth-oth\n"	\
	"ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=othPrimary\n"		\
	"ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=othSalt\n"
/* The same but for one secret. */
#define AR_ENV "OTP_SECRET=old-old-old-old-old-old-old-old-old\n"	\
	"ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=newPrimary\n"		\
	"ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT=newSalt\n"

#define SCHEMA_43 "20241007071624"
#define SCHEMA_46 "20260611150940"

/* Mastodon 4.3's and 4.6's columns at once, as between two releases. */
static const char schema[] =
    "CREATE TABLE public.schema_migrations (version varchar PRIMARY KEY);"
    "INSERT INTO public.schema_migrations VALUES ('20220429101850'),"
    "('" SCHEMA_43 "');"
    "CREATE TABLE public.users (id bigserial PRIMARY KEY,"
    " email varchar NOT NULL DEFAULT '', otp_secret varchar,"
    " encrypted_otp_secret varchar, encrypted_otp_secret_iv varchar,"
    " encrypted_otp_secret_salt varchar);"
    "CREATE TABLE public.keypairs (id bigserial PRIMARY KEY,"
    " type integer NOT NULL DEFAULT 0, public_key varchar NOT NULL,"
    " private_key varchar);";

enum { OLD, NEW, OTHER, AR_ONLY, NKEYS };

struct fx {
	struct mv_test_pg pg;
	struct mv_rows_keys *keys[NKEYS];
	char *conninfo;
	struct mv_pg *place;
	struct mv_pg_session *s, *second;
	struct mv_rows_report report, again;
	struct mv_buf sql;
	struct mv_buf dump;
	char *value;
};

static struct mv_err err;

static struct mv_rows_keys *
keys_of(const char *text)
{
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	struct mv_rows_keys *k = NULL;

	assert_ok(mv_dotenv_new(&env, &err), &err);
	assert_ok(mv_dotenv_add(env, text, strlen(text), &err), &err);
	assert_ok(mv_rows_keys_new(env, &k, &err), &err);
	return k;
}

static int
setup(void **state)
{
	static const char *const envs[] = { OLD_ENV, NEW_ENV, OTHER_ENV,
	    AR_ENV };
	struct fx *fx = calloc(1, sizeof(*fx));
	size_t i;

	assert_non_null(fx);
	*state = fx;
	signal(SIGPIPE, SIG_IGN);
	assert_ok(mv_secret_init(&err), &err);
	for (i = 0; i < NKEYS; i++)
		fx->keys[i] = keys_of(envs[i]);
	(void)mv_test_pg_start(&fx->pg);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;
	size_t i;

	mv_test_pg_stop(&fx->pg);
	for (i = 0; i < NKEYS; i++)
		mv_rows_keys_free(fx->keys[i]);
	free(fx);
	return 0;
}

/* A new database for every test, and a session with it. */
static int
open_database(void **state)
{
	struct fx *fx = *state;
	struct mv_pg_target target;

	if (fx->pg.pid == 0)
		return 0;
	mv_test_pg_sql(&fx->pg, "postgres", "CREATE DATABASE m");
	mv_test_pg_sql(&fx->pg, "m", schema);
	fx->conninfo = mv_test_pg_db(&fx->pg, "m");
	target = mv_test_pg_target(fx->conninfo);
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_ok(mv_pg_session_open(fx->place, NULL, &fx->s, &err), &err);
	return 0;
}

static int
close_database(void **state)
{
	struct fx *fx = *state;

	mv_rows_report_clear(&fx->report);
	mv_rows_report_clear(&fx->again);
	mv_pg_session_free(fx->s);
	mv_pg_session_free(fx->second);
	mv_pg_free(fx->place);
	mv_buf_clear(&fx->sql);
	mv_buf_clear(&fx->dump);
	free(fx->value);
	free(fx->conninfo);
	fx->s = fx->second = NULL;
	fx->place = NULL;
	fx->conninfo = fx->value = NULL;
	if (fx->pg.pid != 0)
		mv_test_pg_sql(&fx->pg, "postgres",
		    "DROP DATABASE m WITH (FORCE)");
	return 0;
}

static void
need_server(const struct fx *fx)
{
	if (fx->pg.pid == 0)
		skip();
}

static void
put_text(struct fx *fx, const struct mv_buf *b)
{
	char *copy = strndup((const char *)b->p, b->len);

	assert_non_null(copy);
	mv_pg_put_literal(&fx->sql, copy);
	free(copy);
}

static void
run_sql(struct fx *fx)
{
	assert_non_null(mv_buf_cstr(&fx->sql));
	mv_test_pg_sql(&fx->pg, "m", (char *)fx->sql.p);
	mv_buf_reset(&fx->sql);
}

/* The next user, with an otp_secret of this generation. */
static void
add_ar(struct fx *fx, int which, const char *plain, const char *encoding)
{
	struct mv_ar_how how = { 0 };
	struct mv_buf out = { 0 };

	memcpy(how.encoding, encoding, strlen(encoding) + 1);
	assert_ok(mv_ar_seal(fx->keys[which]->ar, (const uint8_t *)plain,
	    strlen(plain), &how, &out, &err), &err);
	mv_buf_put_str(&fx->sql, "INSERT INTO public.users (otp_secret) "
	    "VALUES (");
	put_text(fx, &out);
	mv_buf_put_str(&fx->sql, ");");
	mv_buf_clear(&out);
}

/* As the same under the key that SHA-1 derives. */
static void
add_sha1(struct fx *fx, const char *primary, const char *salt,
    const char *plain)
{
	struct mv_ar_message m = { .len = strlen(plain) };
	uint8_t key[MV_KEY_BYTES], out[256];
	struct mv_buf text = { 0 };
	EVP_CIPHER_CTX *ctx;

	assert_int_equal(PKCS5_PBKDF2_HMAC(primary, (int)strlen(primary),
	    (const uint8_t *)salt, (int)strlen(salt), 65536, EVP_sha1(),
	    sizeof(key), key), 1);
	ctx = mv_gcm_new(key, 1);
	assert_non_null(ctx);
	memset(m.iv, 7, sizeof(m.iv));
	assert_int_equal(mv_gcm_seal(ctx, m.iv, (const uint8_t *)plain, m.len,
	    out, m.tag), 0);
	mv_gcm_freep(&ctx);
	m.p = out;
	mv_ar_message_encode(&m, &text);
	mv_buf_put_str(&fx->sql, "INSERT INTO public.users (otp_secret) "
	    "VALUES (");
	put_text(fx, &text);
	mv_buf_put_str(&fx->sql, ");");
	mv_buf_clear(&text);
}

static void
add_legacy(struct fx *fx, int which, const char *plain)
{
	struct mv_legacy_text t = { 0 };

	assert_ok(mv_legacy_seal(fx->keys[which]->legacy,
	    (const uint8_t *)plain, strlen(plain), &t, &err), &err);
	mv_buf_put_str(&fx->sql, "INSERT INTO public.users "
	    "(encrypted_otp_secret, encrypted_otp_secret_iv, "
	    "encrypted_otp_secret_salt) VALUES (");
	put_text(fx, &t.secret);
	mv_buf_put_str(&fx->sql, ", ");
	put_text(fx, &t.iv);
	mv_buf_put_str(&fx->sql, ", ");
	put_text(fx, &t.salt);
	mv_buf_put_str(&fx->sql, ");");
	mv_legacy_text_clear(&t);
}

static void
add(struct fx *fx, const char *columns, const char *values)
{
	mv_buf_printf(&fx->sql, "INSERT INTO public.users (%s) VALUES (%s);",
	    columns, values);
}

/* 20 rows, of all kinds, in one database. */
static void
add_mixture(struct fx *fx)
{
	char plain[32];
	int i;

	for (i = 0; i < 6; i++) {
		(void)snprintf(plain, sizeof(plain), "AR%d", i);
		add_ar(fx, OLD, plain, i % 2 ? "ASCII-8BIT" : "");
	}
	for (i = 0; i < 4; i++) {
		(void)snprintf(plain, sizeof(plain), "LEGACY%d", i);
		add_legacy(fx, OLD, plain);
	}
	add(fx, "email", "'nobody@example'");
	add(fx, "encrypted_otp_secret", "''");
	add_sha1(fx, "oldPrimary", "oldSalt", "OLDSHA1");
	add_sha1(fx, "newPrimary", "newSalt", "NEWSHA1");
	add_ar(fx, NEW, "ALREADY", "");
	add_legacy(fx, NEW, "ALREADYLEGACY");
	run_sql(fx);
}

/* What stands in a row, read with a generation; "" when it does not open. */
static void
assert_reads(struct fx *fx, int which, int id, const char *want,
    const char *encoding)
{
	struct mv_sbuf plain = { 0 };
	struct mv_ar_how how = { 0 };
	char sql[128];
	int rc;

	(void)snprintf(sql, sizeof(sql),
	    "SELECT otp_secret FROM public.users WHERE id = %d", id);
	free(fx->value);
	fx->value = mv_test_pg_value(&fx->pg, "m", sql);
	rc = mv_ar_open(fx->keys[which]->ar, fx->value, strlen(fx->value),
	    &plain, &how, NULL);
	if (want == NULL) {
		assert_int_equal(rc, MV_EAUTH);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(plain.len, strlen(want));
	assert_memory_equal(plain.p, want, plain.len);
	assert_string_equal(how.encoding, encoding);
	mv_sbuf_clear(&plain);
}

static void
assert_reads_legacy(struct fx *fx, int which, int id, const char *want)
{
	struct mv_sbuf plain = { 0 };
	struct mv_legacy_row row;
	char sql[256], *p[3];
	size_t i;

	(void)snprintf(sql, sizeof(sql), "SELECT encrypted_otp_secret || '|' "
	    "|| encrypted_otp_secret_iv || '|' || encrypted_otp_secret_salt "
	    "FROM public.users WHERE id = %d", id);
	free(fx->value);
	fx->value = mv_test_pg_value(&fx->pg, "m", sql);
	p[0] = fx->value;
	for (i = 1; i < 3; i++) {
		p[i] = strchr(p[i - 1], '|');
		assert_non_null(p[i]);
		*p[i]++ = '\0';
	}
	row = (struct mv_legacy_row){ p[0], p[1], p[2], strlen(p[0]),
	    strlen(p[1]), strlen(p[2]) };
	assert_ok(mv_legacy_open(fx->keys[which]->legacy, &row, &plain, &err),
	    &err);
	assert_int_equal(plain.len, strlen(want));
	assert_memory_equal(plain.p, want, plain.len);
	mv_sbuf_clear(&plain);
}

static struct mv_rows_opts
from_to(struct fx *fx, int from, int to)
{
	return (struct mv_rows_opts){
		.from = (const struct mv_rows_keys *const *)&fx->keys[from],
		.nfrom = 1, .to = fx->keys[to], .jobs = 3,
	};
}

/* In a transaction of its own, which is committed when it succeeds. */
static int
convert(struct fx *fx, const struct mv_rows_opts *o)
{
	int rc;

	mv_rows_report_clear(&fx->report);
	err = (struct mv_err){ 0 };
	assert_int_equal(mv_pg_exec(fx->s, "BEGIN", &err), 0);
	rc = mv_rows_convert(fx->s, o, &fx->report, &err);
	assert_int_equal(mv_pg_exec(fx->s, rc == 0 ? "COMMIT" : "ROLLBACK",
	    NULL), 0);
	return rc;
}

static const struct mv_rows_column *
column(const struct mv_rows_report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->columns[i].fact->column, name) == 0)
			return &r->columns[i];
	fail_msg("no column '%s' was looked at", name);
	return NULL;
}

static void
assert_counts(const struct mv_rows_report *r, const char *name,
    uint64_t total, uint64_t current, uint64_t converted, uint64_t bad)
{
	const struct mv_rows_column *c = column(r, name);

	assert_int_equal(c->total, total);
	assert_int_equal(c->current, current);
	assert_int_equal(c->converted, converted);
	assert_int_equal(c->undecryptable, bad);
}

static void
dump(struct fx *fx)
{
	mv_buf_reset(&fx->dump);
	mv_test_pg_dump(&fx->pg, "m", &fx->dump);
}

static void
assert_unchanged(struct fx *fx)
{
	struct mv_buf now = { 0 };

	mv_test_pg_dump(&fx->pg, "m", &now);
	assert_int_equal(now.len, fx->dump.len);
	assert_memory_equal(now.p, fx->dump.p, now.len);
	mv_buf_clear(&now);
}

static void
rows_of_all_kinds_are_converted(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_mixture(fx);
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 9, 2, 7, 0);
	assert_counts(&fx->report, "encrypted_otp_secret", 5, 1, 4, 0);
	assert_counts(&fx->report, "private_key", 0, 0, 0, 0);
	assert_reads(fx, NEW, 1, "AR0", "");
	assert_reads(fx, NEW, 2, "AR1", "ASCII-8BIT");
	assert_reads(fx, OLD, 1, NULL, NULL);
	assert_reads_legacy(fx, NEW, 7, "LEGACY0");
	assert_reads_legacy(fx, NEW, 10, "LEGACY3");
	assert_reads(fx, NEW, 13, "OLDSHA1", "");
	assert_reads(fx, NEW, 14, "NEWSHA1", "");
	assert_reads(fx, NEW, 15, "ALREADY", "");
	assert_reads_legacy(fx, NEW, 16, "ALREADYLEGACY");
}

static void
a_second_time_nothing_is_left_to_convert(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_mixture(fx);
	assert_ok(convert(fx, &o), &err);
	dump(fx);
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 9, 9, 0, 0);
	assert_counts(&fx->report, "encrypted_otp_secret", 5, 5, 0, 0);
	assert_unchanged(fx);
}

static void
within_one_transaction_too(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_mixture(fx);
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_ok(mv_rows_convert(fx->s, &o, &fx->report, &err), &err);
	assert_ok(mv_rows_convert(fx->s, &o, &fx->again, &err), &err);
	assert_ok(mv_pg_exec(fx->s, "COMMIT", &err), &err);
	assert_counts(&fx->again, "otp_secret", 9, 9, 0, 0);
	assert_reads(fx, NEW, 1, "AR0", "");
}

static void
a_row_of_the_old_key_is_swept_up(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_mixture(fx);
	assert_ok(convert(fx, &o), &err);
	add_ar(fx, OLD, "LATE", "");
	run_sql(fx);
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 10, 9, 1, 0);
	assert_reads(fx, NEW, 17, "LATE", "");
}

static void
from_and_to_exchanged_undo(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);
	struct mv_rows_opts back = from_to(fx, NEW, OLD);

	need_server(fx);
	add_mixture(fx);
	assert_ok(convert(fx, &o), &err);
	assert_ok(convert(fx, &back), &err);
	assert_counts(&fx->report, "otp_secret", 9, 0, 9, 0);
	assert_reads(fx, OLD, 2, "AR1", "ASCII-8BIT");
	assert_reads(fx, OLD, 15, "ALREADY", "");
	assert_reads_legacy(fx, OLD, 7, "LEGACY0");
}

static void
rows_of_two_generations_are_brought_to_a_third(void **state)
{
	struct fx *fx = *state;
	const struct mv_rows_keys *from[] = { fx->keys[OLD], fx->keys[NEW] };
	struct mv_rows_opts o = { .from = from, .nfrom = 2,
	    .to = fx->keys[OTHER], .jobs = 2 };

	need_server(fx);
	add_mixture(fx);
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 9, 0, 9, 0);
	assert_counts(&fx->report, "encrypted_otp_secret", 5, 0, 5, 0);
	assert_reads(fx, OTHER, 2, "AR1", "ASCII-8BIT");
	assert_reads_legacy(fx, OTHER, 16, "ALREADYLEGACY");
}

static void
rows_that_no_secret_opens_refuse_it_all(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);
	const struct mv_rows_column *c;

	need_server(fx);
	add_mixture(fx);
	add_ar(fx, OTHER, "LOST", "");
	add(fx, "otp_secret", "'JBSWY3DPEHPK3PXP'");
	add(fx, "otp_secret", "''");
	add_legacy(fx, OTHER, "LOST");
	add(fx, "encrypted_otp_secret", "'QUJD'");
	run_sql(fx);
	dump(fx);
	assert_fails(convert(fx, &o), MV_EREFUSED, &err);
	assert_says(&err, "5 rows of the database decrypt with none");
	c = column(&fx->report, "otp_secret");
	assert_int_equal(c->undecryptable, 3);
	assert_string_equal(c->ids[0], "17");
	assert_string_equal(c->ids[1], "18");
	assert_string_equal(c->ids[2], "19");
	c = column(&fx->report, "encrypted_otp_secret");
	assert_int_equal(c->undecryptable, 2);
	assert_string_equal(c->ids[0], "20");
	assert_string_equal(c->ids[1], "21");
	assert_unchanged(fx);
}

static void
they_can_be_left_alone(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_mixture(fx);
	add_ar(fx, OTHER, "LOST", "");
	add(fx, "otp_secret", "'JBSWY3DPEHPK3PXP'");
	run_sql(fx);
	o.skip_undecryptable = true;
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 11, 2, 7, 2);
	assert_reads(fx, NEW, 1, "AR0", "");
	assert_reads(fx, OTHER, 17, "LOST", "");
	free(fx->value);
	fx->value = mv_test_pg_value(&fx->pg, "m",
	    "SELECT otp_secret FROM public.users WHERE id = 18");
	assert_string_equal(fx->value, "JBSWY3DPEHPK3PXP");
}

static void
a_dry_run_counts_and_changes_nothing(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_mixture(fx);
	dump(fx);
	o.dry_run = true;
	/* A writer is no hindrance. */
	assert_ok(mv_pg_session_open(fx->place, NULL, &fx->second, &err),
	    &err);
	assert_ok(mv_pg_exec(fx->second, "BEGIN", &err), &err);
	assert_ok(mv_pg_exec(fx->second, "UPDATE public.users SET email = 'x'",
	    &err), &err);
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 9, 2, 7, 0);
	assert_counts(&fx->report, "encrypted_otp_secret", 5, 1, 4, 0);
	assert_ok(mv_pg_exec(fx->second, "ROLLBACK", &err), &err);
	assert_unchanged(fx);
}

static void
nobody_writes_until_the_transaction_ends(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);
	const char *write = "INSERT INTO public.users (email) VALUES ('x')";

	need_server(fx);
	add_mixture(fx);
	assert_ok(mv_pg_session_open(fx->place, NULL, &fx->second, &err),
	    &err);
	assert_ok(mv_pg_exec(fx->second, "SET lock_timeout = 100", &err),
	    &err);
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_ok(mv_rows_convert(fx->s, &o, &fx->report, &err), &err);
	assert_fails(mv_pg_exec(fx->second, write, &err), MV_EAGAIN, &err);
	assert_fails(mv_pg_exec(fx->second, "UPDATE public.keypairs SET "
	    "private_key = ''", &err), MV_EAGAIN, &err);
	/* Who only reads is not kept waiting, and sees the old rows. */
	assert_ok(mv_pg_exec(fx->second, "BEGIN", &err), &err);
	assert_ok(mv_rows_prove(fx->second,
	    (const struct mv_rows_keys *const *)fx->keys, 2, &fx->again, &err),
	    &err);
	assert_int_equal(column(&fx->again, "otp_secret")->current, 7);
	assert_int_equal(column(&fx->again, "otp_secret")->older, 2);
	assert_ok(mv_pg_exec(fx->second, "ROLLBACK", &err), &err);
	assert_ok(mv_pg_exec(fx->s, "COMMIT", &err), &err);
	assert_ok(mv_pg_exec(fx->second, write, &err), &err);
}

static void
a_snapshot_that_is_older_than_the_lock_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	assert_ok(mv_pg_exec(fx->s,
	    "BEGIN ISOLATION LEVEL REPEATABLE READ", &err), &err);
	assert_fails(mv_rows_convert(fx->s, &o, &fx->report, &err), MV_EUSAGE,
	    &err);
	assert_says(&err, "READ COMMITTED");
}

static void
a_column_whose_secret_stays_is_not_touched(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, AR_ONLY);
	size_t i;

	need_server(fx);
	add_mixture(fx);
	assert_ok(convert(fx, &o), &err);
	for (i = 0; i < fx->report.n; i++)
		assert_int_equal(fx->report.columns[i].fact->format,
		    MV_COLUMN_AR);
	assert_reads(fx, NEW, 1, "AR0", "");
	assert_reads_legacy(fx, OLD, 7, "LEGACY0");
}

static void
columns_that_a_version_has_not_are_passed_over(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "m", "DROP TABLE public.keypairs; "
	    "ALTER TABLE public.users DROP otp_secret; "
	    "UPDATE public.schema_migrations SET version = '20230907150100' "
	    "WHERE version = '" SCHEMA_43 "'");
	add_legacy(fx, OLD, "FOURTWO");
	run_sql(fx);
	assert_ok(convert(fx, &o), &err);
	assert_int_equal(fx->report.n, 1);
	assert_counts(&fx->report, "encrypted_otp_secret", 1, 0, 1, 0);
	assert_reads_legacy(fx, NEW, 1, "FOURTWO");
}

static void
a_column_that_must_be_there_is_missed(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	mv_test_pg_sql(&fx->pg, "m",
	    "ALTER TABLE public.users DROP otp_secret");
	assert_fails(convert(fx, &o), MV_ENOTFOUND, &err);
	assert_says(&err, "no column 'users.otp_secret'");
	mv_test_pg_sql(&fx->pg, "m", "DROP TABLE public.schema_migrations");
	assert_fails(convert(fx, &o), MV_ENOTFOUND, &err);
	assert_says(&err, "no Mastodon's");
}

static void
a_secret_that_the_new_ones_lack_is_missed(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_keys *bare = keys_of("LOCAL_DOMAIN=a.example\n");
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	if (fx->pg.pid == 0) {
		mv_rows_keys_free(bare);
		skip();
	}
	o.to = bare;
	/* Where there are no rows, nothing is missed. */
	assert_ok(convert(fx, &o), &err);
	add_mixture(fx);
	assert_fails(convert(fx, &o), MV_EUSAGE, &err);
	assert_says(&err, "the new secrets have no "
	    "OTP_SECRET for 'users.encrypted_otp_secret'");
	mv_rows_keys_free(bare);
}

static void
a_trigger_that_changes_them_is_found_out(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_mixture(fx);
	mv_test_pg_sql(&fx->pg, "m", "CREATE FUNCTION public.f() RETURNS "
	    "trigger LANGUAGE plpgsql AS $$ BEGIN NEW.otp_secret := "
	    "OLD.otp_secret; RETURN NEW; END $$; "
	    "CREATE TRIGGER t BEFORE UPDATE ON public.users "
	    "FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION public.f()");
	dump(fx);
	assert_fails(convert(fx, &o), MV_EIO, &err);
	assert_says(&err, "7 rows were encrypted anew and 6 of them");
	assert_unchanged(fx);
}

static void
many_rows_go_through_in_batches(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_ar(fx, OLD, "MANY", "");
	run_sql(fx);
	/* Negative ids, too: of the first batch, as of the last. */
	mv_test_pg_sql(&fx->pg, "m", "INSERT INTO public.users "
	    "(id, otp_secret) SELECT g, otp_secret FROM public.users, "
	    "generate_series(-5000, 9000) g WHERE g <> 1");
	mv_test_pg_sql(&fx->pg, "m",
	    "UPDATE public.users SET otp_secret = 'x' WHERE id IN (-77, 8888)");
	o.skip_undecryptable = true;
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 14001, 0, 13999, 2);
	assert_string_equal(column(&fx->report, "otp_secret")->ids[0], "-77");
	assert_reads(fx, NEW, -5000, "MANY", "");
	assert_reads(fx, NEW, 9000, "MANY", "");
	/* A new IV for every one of them. */
	free(fx->value);
	fx->value = mv_test_pg_value(&fx->pg, "m",
	    "SELECT count(DISTINCT otp_secret) FROM public.users");
	assert_string_equal(fx->value, "14000");
}

/* A key pair as PEM texts. */
static void
make_pair(const char *type, struct mv_buf *priv, struct mv_buf *pub)
{
	EVP_PKEY *k = strcmp(type, "RSA") == 0 ?
	    EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	assert_non_null(k);
	assert_int_equal(PEM_write_bio_PrivateKey(bio, k, NULL, NULL, 0, NULL,
	    NULL), 1);
	n = BIO_get_mem_data(bio, &p);
	mv_buf_put(priv, p, (size_t)n);
	(void)BIO_reset(bio);
	assert_int_equal(PEM_write_bio_PUBKEY(bio, k), 1);
	n = BIO_get_mem_data(bio, &p);
	mv_buf_put(pub, p, (size_t)n);
	BIO_free(bio);
	EVP_PKEY_free(k);
}

static void
add_keypair(struct fx *fx, const struct mv_buf *priv,
    const struct mv_buf *pub)
{
	struct mv_buf out = { 0 };

	assert_ok(mv_ar_seal(fx->keys[OLD]->ar, priv->p, priv->len, NULL,
	    &out, &err), &err);
	mv_buf_put_str(&fx->sql, "INSERT INTO public.keypairs "
	    "(private_key, public_key) VALUES (");
	put_text(fx, &out);
	mv_buf_put_str(&fx->sql, ", ");
	put_text(fx, pub);
	mv_buf_put_str(&fx->sql, ");");
	mv_buf_clear(&out);
}

static void
private_keys_must_match_the_public_ones(void **state)
{
	struct fx *fx = *state;
	struct mv_buf priv[2] = { { 0 } }, pub[2] = { { 0 } };
	struct mv_buf other = { 0 };
	const struct mv_rows_column *c;
	size_t i;

	need_server(fx);
	make_pair("RSA", &priv[0], &pub[0]);
	make_pair("ED25519", &priv[1], &pub[1]);
	mv_buf_put_str(&other, "a key of next year's kind");
	add_keypair(fx, &priv[0], &pub[0]);
	add_keypair(fx, &priv[1], &pub[1]);
	add_keypair(fx, &priv[1], &pub[0]);	/* 3 */
	add_keypair(fx, &other, &pub[1]);	/* 4 */
	add_keypair(fx, &other, &other);
	mv_buf_put_str(&fx->sql, "INSERT INTO public.keypairs (public_key) "
	    "VALUES ('a remote one');");
	run_sql(fx);
	assert_ok(mv_rows_prove(fx->s,
	    (const struct mv_rows_keys *const *)fx->keys, 1, &fx->report,
	    &err), &err);
	c = column(&fx->report, "private_key");
	assert_int_equal(c->total, 5);
	assert_int_equal(c->current, 3);
	assert_int_equal(c->undecryptable, 0);
	assert_int_equal(c->mismatched, 2);
	assert_string_equal(c->mismatched_ids[0], "3");
	assert_string_equal(c->mismatched_ids[1], "4");
	for (i = 0; i < 2; i++) {
		mv_buf_clear(&priv[i]);
		mv_buf_clear(&pub[i]);
	}
	mv_buf_clear(&other);
}

static void
a_proof_names_what_fits_nothing(void **state)
{
	struct fx *fx = *state;
	const struct mv_rows_keys *keys[] = { fx->keys[NEW], fx->keys[OLD],
	    fx->keys[OLD] };
	mv_auto(mv_json_decrefp) json_t *json = NULL;
	json_t *o;

	need_server(fx);
	add_mixture(fx);
	add_ar(fx, OTHER, "LOST", "");
	run_sql(fx);
	assert_ok(mv_rows_prove(fx->s, keys, 3, &fx->report, &err), &err);
	assert_int_equal(column(&fx->report, "otp_secret")->current, 2);
	assert_int_equal(column(&fx->report, "otp_secret")->older, 7);
	assert_int_equal(mv_rows_bad(&fx->report), 1);
	assert_ok(mv_rows_report_json(&fx->report, 10, &json, &err), &err);
	o = json_array_get(json, 1);
	assert_string_equal(json_string_value(json_object_get(o, "column")),
	    "users.otp_secret");
	assert_int_equal(json_integer_value(json_array_get(json_object_get(o,
	    "undecryptable"), 0)), 17);
}

static void
a_sample_of_slow_rows_is_enough_where_it_is_asked_for(void **state)
{
	struct fx *fx = *state;
	const struct mv_rows_prove_opts o = {
		.keys = (const struct mv_rows_keys *const *)fx->keys, .n = 1,
		.legacy_max = 3, .jobs = 2,
	};
	const struct mv_rows_column *c;
	int i;

	need_server(fx);
	for (i = 0; i < 10; i++)
		add_legacy(fx, OLD, "SLOW");
	run_sql(fx);
	assert_ok(mv_rows_prove_some(fx->s, &o, &fx->report, &err), &err);
	c = column(&fx->report, "encrypted_otp_secret");
	assert_int_equal(c->total, 10);
	assert_int_equal(c->checked, 3);
	assert_int_equal(c->current, 3);
}

/* A command that runs psql somewhere else: here, right here. */
static void
behind_a_prefix_it_is_the_same(void **state)
{
	struct fx *fx = *state;
	static const char *const prefix[] = { "env", "LC_ALL=C", NULL };
	struct mv_rows_opts o = from_to(fx, OLD, NEW);
	struct mv_pg_target target;

	need_server(fx);
	add_mixture(fx);
	add(fx, "otp_secret", "E'\\\\.'");
	run_sql(fx);
	mv_pg_session_free(fx->s);
	mv_pg_free(fx->place);
	fx->s = NULL;
	fx->place = NULL;
	target = mv_test_pg_target(fx->conninfo);
	target.exec_prefix = prefix;
	target.pg_bin = fx->pg.bin;
	assert_ok(mv_pg_new(&target, &fx->place, &err), &err);
	assert_ok(mv_pg_session_open(fx->place, NULL, &fx->s, &err), &err);
	o.skip_undecryptable = true;
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 10, 2, 7, 1);
	assert_counts(&fx->report, "encrypted_otp_secret", 5, 1, 4, 0);
	assert_reads(fx, NEW, 2, "AR1", "ASCII-8BIT");
	assert_reads_legacy(fx, NEW, 7, "LEGACY0");
}

static void
a_server_that_dies_leaves_the_old_rows(void **state)
{
	struct fx *fx = *state;
	struct mv_rows_opts o = from_to(fx, OLD, NEW);

	need_server(fx);
	add_mixture(fx);
	assert_ok(mv_pg_exec(fx->s, "BEGIN", &err), &err);
	assert_ok(mv_rows_convert(fx->s, &o, &fx->report, &err), &err);
	mv_test_pg_crash(&fx->pg);
	mv_test_pg_again(&fx->pg);
	mv_pg_session_free(fx->s);
	fx->s = NULL;
	assert_reads(fx, OLD, 1, "AR0", "");
	assert_reads_legacy(fx, OLD, 7, "LEGACY0");
	assert_ok(mv_pg_session_open(fx->place, NULL, &fx->s, &err), &err);
	assert_ok(convert(fx, &o), &err);
	assert_counts(&fx->report, "otp_secret", 9, 2, 7, 0);
	assert_reads(fx, NEW, 1, "AR0", "");
}

static void
secrets_that_are_no_use_open_nothing(void **state)
{
	struct mv_rows_keys *k = keys_of("OTP_SECRET=short\n"
	    "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=alone\n");
	size_t i;

	(void)state;
	for (i = 0; i < mv_column_fact_count(); i++)
		assert_false(mv_rows_keys_have(k, mv_column_fact_at(i)));
	mv_rows_keys_free(k);
}

#define with_database(f) \
	cmocka_unit_test_setup_teardown(f, open_database, close_database)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_database(rows_of_all_kinds_are_converted),
		with_database(a_second_time_nothing_is_left_to_convert),
		with_database(within_one_transaction_too),
		with_database(a_row_of_the_old_key_is_swept_up),
		with_database(from_and_to_exchanged_undo),
		with_database(rows_of_two_generations_are_brought_to_a_third),
		with_database(rows_that_no_secret_opens_refuse_it_all),
		with_database(they_can_be_left_alone),
		with_database(a_dry_run_counts_and_changes_nothing),
		with_database(nobody_writes_until_the_transaction_ends),
		with_database(a_snapshot_that_is_older_than_the_lock_is_refused),
		with_database(a_column_whose_secret_stays_is_not_touched),
		with_database(columns_that_a_version_has_not_are_passed_over),
		with_database(a_column_that_must_be_there_is_missed),
		with_database(a_secret_that_the_new_ones_lack_is_missed),
		with_database(a_trigger_that_changes_them_is_found_out),
		with_database(many_rows_go_through_in_batches),
		with_database(private_keys_must_match_the_public_ones),
		with_database(a_proof_names_what_fits_nothing),
		with_database(
		    a_sample_of_slow_rows_is_enough_where_it_is_asked_for),
		with_database(behind_a_prefix_it_is_the_same),
		with_database(a_server_that_dies_leaves_the_old_rows),
		cmocka_unit_test(secrets_that_are_no_use_open_nothing),
	};

	return cmocka_run_group_tests_name("rows", tests, setup, teardown);
}
