/* SPDX-License-Identifier: MIT */
/*
 * tool_rows: values of users.otp_secret as Rails would write and read them,
 * for scripts that play Mastodon.
 *
 *   tool_rows seal ENVFILE   lines "id<TAB>text" with the text encrypted
 *   tool_rows open ENVFILE   and decrypted; "?" for what does not open
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mastodon/column_ar.h"
#include "mastodon/dotenv.h"

#define PRIMARY "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"
#define SALT "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT"

static struct mv_err err;

static _Noreturn void
die(const char *what)
{
	char text[MV_ERR_TEXT_MAX];

	(void)mv_err_text(&err, text, sizeof(text));
	(void)fprintf(stderr, "%s: %s\n", what, text);
	exit(1);
}

static void
setting(const struct mv_dotenv *env, const char *key, struct mv_secret **out)
{
	const uint8_t *p = NULL;
	size_t len = 0;

	if (mv_dotenv_get(env, key, &p, &len, &err) < 0 || len == 0 ||
	    mv_secret_from(p, len, out, &err) < 0)
		die(key);
}

static struct mv_ar *
keys_of(const char *path)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	mv_auto(mv_secret_freep) struct mv_secret *key = NULL, *salt = NULL;
	struct mv_ar *ar = NULL;

	if (mv_sbuf_read_file(&text, path, MV_DOTENV_TEXT_MAX, &err) < 0 ||
	    mv_dotenv_new(&env, &err) < 0 ||
	    mv_dotenv_add(env, text.p, text.len, &err) < 0)
		die(path);
	setting(env, PRIMARY, &key);
	setting(env, SALT, &salt);
	if (mv_ar_new(key, salt, &ar, &err) < 0)
		die(path);
	return ar;
}

static void
put(const struct mv_ar *ar, bool seal, const char *id, const char *text)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf sealed = { 0 };
	mv_auto(mv_ar_freep) struct mv_ar *own = NULL;

	if (mv_ar_clone(ar, &own, &err) < 0)
		die("clone");
	if (seal && mv_ar_seal(own, (const uint8_t *)text, strlen(text), NULL,
	    &sealed, &err) < 0)
		die("seal");
	if (seal)
		(void)printf("%s\t%.*s\n", id, (int)sealed.len,
		    (const char *)sealed.p);
	else if (mv_ar_open(own, text, strlen(text), &plain, NULL, NULL) < 0)
		(void)printf("%s\t?\n", id);
	else
		(void)printf("%s\t%.*s\n", id, (int)plain.len,
		    (const char *)plain.p);
}

int
main(int argc, char **argv)
{
	mv_auto(mv_ar_freep) struct mv_ar *ar = NULL;
	char line[16384], *tab;

	if (argc != 3 || mv_secret_init(&err) < 0)
		die("usage: tool_rows seal|open ENVFILE");
	ar = keys_of(argv[2]);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		tab = strchr(line, '\t');
		if (tab == NULL)
			die("a line without a tab");
		*tab = '\0';
		put(ar, strcmp(argv[1], "seal") == 0, line, tab + 1);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
