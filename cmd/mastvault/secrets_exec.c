/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mastvault/output.h"
#include "mastvault/secrets.h"

/* The environment to be: pointers into ours and into locked text. */
struct block {
	struct mv_sbuf text;	/* "NAME=value\0"... */
	char **env;
	size_t n;
};

static void
block_clear(struct block *b)
{
	mv_sbuf_clear(&b->text);
	free(b->env);
}

static int
put_setting(struct block *b, const struct mv_dotenv *env, const char *key,
    struct mv_err *err)
{
	const uint8_t *p = NULL;
	size_t len = 0;
	int rc;

	rc = mv_dotenv_get(env, key, &p, &len, err);
	if (rc == 0)
		rc = mv_sbuf_put(&b->text, key, strlen(key), err);
	if (rc == 0)
		rc = mv_sbuf_put(&b->text, "=", 1, err);
	if (rc == 0 && len > 0)
		rc = mv_sbuf_put(&b->text, p, len, err);
	return rc < 0 ? rc : mv_sbuf_put(&b->text, "", 1, err);
}

/* Is "NAME=value" of ours one that the vault sets? */
static bool
is_replaced(const char *ours, const struct mv_dotenv *env)
{
	size_t i, len = strcspn(ours, "=");

	for (i = 0; i < mv_dotenv_count(env); i++)
		if (strlen(mv_dotenv_key(env, i)) == len &&
		    memcmp(mv_dotenv_key(env, i), ours, len) == 0)
			return true;
	return false;
}

static int
build(struct block *b, const struct mv_dotenv *env, struct mv_err *err)
{
	size_t i, ours = 0, n = mv_dotenv_count(env);
	char *p;
	int rc = 0;

	while (environ[ours] != NULL)
		ours++;
	for (i = 0; rc == 0 && i < n; i++)
		rc = put_setting(b, env, mv_dotenv_key(env, i), err);
	if (rc < 0)
		return rc;
	b->env = calloc(ours + n + 1, sizeof(char *));
	if (b->env == NULL)
		return mv_err_set(err, MV_ENOMEM, "make an environment");
	for (i = 0; i < ours; i++)
		if (!is_replaced(environ[i], env))
			b->env[b->n++] = environ[i];
	/* Only now does the text stay where it is. */
	p = (char *)b->text.p;
	for (i = 0; i < n; i++, p += strlen(p) + 1)
		b->env[b->n++] = p;
	return 0;
}

mode_t mv_umask_given = 022;

/*
 * This process becomes the command: nobody else ever holds the values, and
 * its signals, terminal and exit code are its own.
 */
int
mv_secrets_exec(struct mv_secrets *s, struct mv_err *err)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;
	mv_auto(block_clear) struct block b = { 0 };
	int rc;

	rc = mv_secrets_newest(s, NULL, &env, err);
	if (rc == 0)
		rc = build(&b, env, err);
	if (rc == 0)
		rc = mv_output_flush(err);
	if (rc < 0)
		return rc;
	/* What is ignored stays so, unlike what is caught. */
	(void)sigemptyset(&standard.sa_mask);
	(void)sigaction(SIGPIPE, &standard, NULL);
	(void)sigprocmask(SIG_SETMASK, &standard.sa_mask, NULL);
	(void)umask(mv_umask_given);
	(void)execvpe(s->args[0], s->args, b.env);
	return mv_err_sys(err, "run '%s'", s->args[0]);
}
