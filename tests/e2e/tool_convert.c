/* SPDX-License-Identifier: MIT */
/*
 * tool_convert: rows of a database from one generation of secrets to another,
 * for benchmarks, and for scripts that let the real Ruby libraries write and
 * read them.
 *
 *   tool_convert fill ENVFILE AR LEGACY    so many users, as COPY's text
 *   tool_convert convert CONNINFO OLD NEW  rows from env-file OLD's to NEW's
 *   tool_convert floor ENVFILE AR LEGACY   seconds of the crypto alone, by all
 *                                       processors
 *
 * Of env-files only their paths are arguments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/tasks.h"
#include "base/time.h"
#include "mastodon/secret_make.h"
#include "vault/rows_internal.h"

#define PLAIN 52

static struct mv_err err;

static _Noreturn void
die(const char *what)
{
	char text[MV_ERR_TEXT_MAX];

	(void)mv_err_text(&err, text, sizeof(text));
	(void)fprintf(stderr, "%s: %s\n", what, text);
	exit(1);
}

static struct mv_rows_keys *
load(const char *path)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	struct mv_rows_keys *k = NULL;

	if (mv_sbuf_read_file(&text, path, 1 << 20, &err) < 0 ||
	    mv_dotenv_new(&env, &err) < 0 ||
	    mv_dotenv_add(env, text.p, text.len, &err) < 0 ||
	    mv_rows_keys_new(env, &k, &err) < 0)
		die(path);
	return k;
}

static void
plain(uint8_t out[PLAIN])
{
	mv_auto(mv_secret_freep) struct mv_secret *s = NULL;

	if (mv_secret_make_alnum(PLAIN, &s, &err) < 0)
		die("make");
	memcpy(out, mv_secret_bytes(s), PLAIN);
}

static void
put(const struct mv_buf *field, char end)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };

	mv_pg_put_field(&text, field->p, field->len);
	mv_buf_put_u8(&text, (uint8_t)end);
	(void)fwrite(text.p, 1, text.len, stdout);
}

static int
fill(struct mv_rows_keys *k, unsigned long ar, unsigned long legacy)
{
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	const struct mv_buf null = { 0 };
	uint8_t p[PLAIN];
	unsigned long i;

	plain(p);
	for (i = 0; i < ar + legacy; i++) {
		printf("user%lu@mail.example\t", i);
		if (i < ar && mv_ar_seal(k->ar, p, PLAIN, NULL, &text,
		    &err) < 0)
			die("message");
		if (i >= ar && mv_legacy_seal(k->legacy, p, PLAIN, &t,
		    &err) < 0)
			die("legacy row");
		put(i < ar ? &text : &null, '\t');
		put(i < ar ? &null : &t.secret, '\t');
		put(i < ar ? &null : &t.iv, '\t');
		put(i < ar ? &null : &t.salt, '\n');
	}
	return 0;
}

static int
convert(const char *conninfo, struct mv_rows_keys *from,
    struct mv_rows_keys *to)
{
	const struct mv_pg_target target = {
		.conninfo = conninfo, .uid = (uid_t)-1, .gid = (gid_t)-1,
	};
	const struct mv_rows_opts o = {
		.from = (const struct mv_rows_keys *const *)&from,
		.nfrom = 1, .to = to,
	};
	mv_auto(mv_pg_freep) struct mv_pg *pg = NULL;
	mv_auto(mv_pg_session_freep) struct mv_pg_session *s = NULL;
	mv_auto(mv_rows_report_clear) struct mv_rows_report rep = { 0 };
	double start;
	size_t i;

	if (mv_pg_new(&target, &pg, &err) < 0 ||
	    mv_pg_session_open(pg, NULL, &s, &err) < 0)
		die("connect");
	start = mv_time_monotonic();
	if (mv_pg_exec(s, "BEGIN", &err) < 0 ||
	    mv_rows_convert(s, &o, &rep, &err) < 0 ||
	    mv_pg_exec(s, "COMMIT", &err) < 0)
		die("convert");
	printf("%.3f", mv_time_monotonic() - start);
	for (i = 0; i < rep.n; i++)
		printf(" %s.%s %llu", rep.columns[i].fact->table,
		    rep.columns[i].fact->column,
		    (unsigned long long)rep.columns[i].converted);
	puts("");
	return 0;
}

/* floor: what no implementation does without. */
struct share {
	struct mv_rows_keys *keys;
	unsigned long ar, legacy;	/* of one thread */
};

static int
seal_share(size_t i, void **local, void *arg, struct mv_err *e)
{
	const struct share *s = arg;
	mv_auto(mv_legacy_freep) struct mv_legacy *legacy = NULL;
	mv_auto(mv_ar_freep) struct mv_ar *ar = NULL;
	mv_auto(mv_legacy_text_clear) struct mv_legacy_text t = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf out = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	uint8_t p[PLAIN];
	unsigned long n;
	int rc;

	(void)i;
	(void)local;
	plain(p);
	rc = mv_legacy_clone(s->keys->legacy, &legacy, e);
	if (rc == 0)
		rc = mv_ar_clone(s->keys->ar, &ar, e);
	if (rc == 0)
		rc = mv_ar_seal(ar, p, PLAIN, NULL, &text, e);
	/* Decrypt, encrypt, and decrypt what was encrypted. */
	for (n = 0; rc == 0 && n < s->ar; n++) {
		rc = mv_ar_open(ar, (char *)text.p, text.len, &out, NULL, e);
		if (rc == 0)
			rc = mv_ar_seal(ar, p, PLAIN, NULL, &text, e);
		if (rc == 0)
			rc = mv_ar_open(ar, (char *)text.p, text.len, &out,
			    NULL, e);
	}
	/* Each of these derives the key of a new salt: two a row. */
	for (n = 0; rc == 0 && n < 2 * s->legacy; n++)
		rc = mv_legacy_seal(legacy, p, PLAIN, &t, e);
	return rc;
}

static int
measure_floor(struct mv_rows_keys *k, unsigned long ar, unsigned long legacy)
{
	const unsigned n = mv_cores();
	struct share s = { .keys = k, .ar = ar / n, .legacy = legacy / n };
	struct mv_tasks tasks = { .n = n, .run = seal_share, .arg = &s };
	double start = mv_time_monotonic();

	if (mv_tasks_run(&tasks, n, &err) < 0)
		die("floor");
	printf("%.3f\n", mv_time_monotonic() - start);
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned long ar, legacy;

	if (mv_secret_init(&err) < 0)
		die("start");
	if (argc == 5 && strcmp(argv[1], "convert") == 0)
		return convert(argv[2], load(argv[3]), load(argv[4]));
	if (argc == 5) {
		ar = strtoul(argv[3], NULL, 10);
		legacy = strtoul(argv[4], NULL, 10);
		if (strcmp(argv[1], "fill") == 0)
			return fill(load(argv[2]), ar, legacy);
		if (strcmp(argv[1], "floor") == 0)
			return measure_floor(load(argv[2]), ar, legacy);
	}
	(void)fprintf(stderr, "tool_convert fill|floor ENVFILE AR LEGACY, "
	    "convert CONNINFO OLD NEW\n");
	return 2;
}
