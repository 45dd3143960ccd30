/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mastvault/config.h"

struct fx {
	char *dir;
	char *path;
	struct mv_config c;
	struct mv_err err;
};

static int
setup(void **state)
{
	static struct fx fx;

	fx = (struct fx){ 0 };
	fx.dir = mv_test_dir();
	fx.path = mv_test_path(fx.dir, "mastvault.conf");
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_config_clear(&fx->c);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx->path);
	return 0;
}

static int
parse(struct fx *fx, const char *text)
{
	mv_config_clear(&fx->c);
	return mv_config_parse("f", text, strlen(text), &fx->c, &fx->err);
}

#define MINIMAL "[p]\nmastodon = /m\nstore = file:///s\n"

static void
every_key_is_read(void **state)
{
	const struct mv_config_env *e;
	struct fx *fx = *state;

	assert_ok(parse(fx, "; comment\n# comment\n\n[production]\n"
	    "mastodon = /home/mastodon/live\n"
	    "env-file=/e\nmedia =/me dia\ndatabase = dbname='x' user=y\n"
	    "database-exec = docker compose exec -T db\npg-bin = /bin\n"
	    "store = file:///a\nstore = file:///b\n"
	    "key-dir = /k\nstate-dir = /s\nexclude = cache/\nexclude = x#y;z\n"
	    "passphrase-file = /p\nmin-free = 0%\njobs = 4\nlevel = 19\n"
	    "exclude-file = /x\nredis = /r.rdb\nbefore-backup = a b\n"
	    "after-backup = c\non-failure = d\nhook-timeout = 5m\n"
	    "stop-command = s t\nstart-command = u\nverify-command = v\n"
	    "apply-command = w 1\napply-command = w 2\n"
	    "command-timeout = 2m\n"
	    "limit-read = 20M\nlimit-upload = 500K\n"),
	    &fx->err);
	assert_int_equal(fx->c.n, 1);
	e = &fx->c.envs[0];
	assert_string_equal(e->name, "production");
	assert_string_equal(e->mastodon, "/home/mastodon/live");
	assert_string_equal(e->env_file, "/e");
	assert_string_equal(e->media, "/me dia");
	assert_string_equal(e->database, "dbname='x' user=y");
	assert_string_equal(e->database_exec, "docker compose exec -T db");
	assert_string_equal(e->pg_bin, "/bin");
	assert_int_equal(e->stores.n, 2);
	assert_string_equal(e->stores.v[1], "file:///b");
	assert_string_equal(e->key_dir, "/k");
	assert_string_equal(e->state_dir, "/s");
	assert_int_equal(e->excludes.n, 2);
	assert_string_equal(e->excludes.v[1], "x#y;z");
	assert_string_equal(e->passphrase_file, "/p");
	assert_int_equal(e->min_free, 0);
	assert_int_equal(e->jobs, 4);
	assert_int_equal(e->level, 19);
	assert_string_equal(e->exclude_files.v[0], "/x");
	assert_string_equal(e->redis, "/r.rdb");
	assert_string_equal(e->before_backup, "a b");
	assert_string_equal(e->after_backup, "c");
	assert_string_equal(e->on_failure, "d");
	assert_int_equal(e->hook_timeout, 300);
	assert_string_equal(e->stop_command, "s t");
	assert_string_equal(e->start_command, "u");
	assert_string_equal(e->verify_command, "v");
	assert_int_equal(e->apply_commands.n, 2);
	assert_string_equal(e->apply_commands.v[1], "w 2");
	assert_int_equal(e->command_timeout, 120);
	assert_string_equal(e->limit_read, "20M");
	assert_string_equal(e->limit_upload, "500K");
}

static void
what_is_left_out_has_its_default(void **state)
{
	const struct mv_config_env *e;
	struct fx *fx = *state;

	assert_ok(parse(fx, MINIMAL), &fx->err);
	e = &fx->c.envs[0];
	assert_string_equal(e->key_dir, "/etc/mastvault/p");
	assert_string_equal(e->state_dir, "/var/lib/mastvault/p");
	assert_int_equal(e->excludes.n, 2);
	assert_string_equal(e->excludes.v[0], "cache/");
	assert_string_equal(e->excludes.v[1], "backups/");
	assert_int_equal(e->min_free, 10);
	assert_null(e->media);
	assert_int_equal(e->hook_timeout, 60);
	assert_int_equal(e->command_timeout, 180);
	assert_null(e->limit_read);
}

static void
long_lines_are_whole(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct fx *fx = *state;
	int i;

	mv_buf_put_str(&text, MINIMAL "database = ");
	for (i = 0; i < 1000; i++)
		mv_buf_put_str(&text, "0123456789");
	assert_ok(mv_config_parse("f", text.p, text.len, &fx->c, &fx->err),
	    &fx->err);
	assert_int_equal(strlen(fx->c.envs[0].database), 10000);
}

static const struct {
	const char *text, *says;
} refusals[] = {
	{ "mastodon = /m\n", "f:1: 'mastodon' stands before the first" },
	{ "[p]\n mastodon = /m\n", "f:2: an indented line" },
	{ "[p]\nmastodon = /m\n\tstore = x\n", "f:3: an indented line" },
	{ "[p]\n ; comment\n", "f:2: an indented line" },
	{ "[p]\nmastodon = /m ; live\n", "f:2: 'mastodon': a comment stands" },
	{ "[p]\nmastodon = /m\t#live\n", "f:2: 'mastodon': a comment stands" },
	{ "[p]\nmastodon = \"/m\"\n", "f:2: 'mastodon': values are written" },
	{ "[p]\nmastodon =\n", "f:2: 'mastodon' has no value" },
	{ "[p]\nmastodon = ; x\n", "f:2: 'mastodon' must begin with '/'" },
	{ "[p]\nmastodon = live\n", "f:2: 'mastodon' must begin with '/'" },
	{ "[p]\nmedia = None\n", "f:2: 'media' must begin with '/', or be" },
	{ "[p]\nmastodon = /m\nmastodon = /n\n", "f:3: 'mastodon' is there "
	    "already, in line 2" },
	{ MINIMAL MINIMAL, "f:4: [p] is there already, in line 1" },
	{ "[p]\nstor = x\n", "f:2: unknown key 'stor'; did you mean 'store'?" },
	{ "[p]\nenv_file = x\n", "did you mean 'env-file'?" },
	{ "[p]\npassphrase-fiel = x\n", "did you mean 'passphrase-file'?" },
	{ "[p]\ncolour = x\n", "f:2: unknown key 'colour'" },
	{ "[p]\nSTORE = x\n", "f:2: unknown key 'STORE'" },
	{ "[p]\nstore\n", "f:2: neither '[name]' nor 'key = value'" },
	{ "[p]\nstore: x\n", "f:2: neither" },
	{ "[p\n", "f:1: no ']' at the end" },
	{ "[p] x\n", "f:1: no ']'" },
	{ "[]\n", "f:1: an environment's name" },
	{ "[a b]\n", "f:1: an environment's name" },
	{ "[../x]\n", "f:1: an environment's name" },
	{ "[p]\nmastodon = /m\n", "f:1: [p] has no 'store'" },
	{ "\n[p]\nstore = x\n[q]\n", "f:4: [q] has no 'store'" },
	{ "[p]\nlimit-read = 5x\n", "f:2: 'limit-read' is a number of bytes" },
	{ "[p]\nhook-timeout = 0s\n", "from 1 s to 86400 s" },
	{ "[p]\nredis = dump.rdb\n", "f:2: 'redis' must begin with '/'" },
	{ "[p]\nmax-age = 26\n", "f:2: 'max-age' is a time as 90m, 26h or 2d" },
	{ "[p]\nmax-age = h\n", "f:2: 'max-age' is a time as 90m, 26h or 2d" },
	{ "[p]\nmax-age = 59s\n", "f:2: 'max-age' is a time as 90m, 26h or 2d" },
	{ "[p]\nmax-age = 99999999d\n",
	    "f:2: 'max-age' is a time as 90m, 26h or 2d" },
	{ "[p]\nmin-free = 10\n", "f:2: 'min-free' is a number from 0 to 99" },
	{ "[p]\nmin-free = 100%\n", "f:2: 'min-free' is a number" },
	{ "[p]\nmin-free = %\n", "f:2: 'min-free' is a number" },
	{ "[p]\njobs = 0\n", "f:2: 'jobs' is a number from 1 to 64" },
	{ "[p]\njobs = 4294967297\n", "f:2: 'jobs' is a number" },
	{ "[p]\njobs = -1\n", "f:2: 'jobs' is a number" },
	{ "[p]\nlevel = 3x\n", "f:2: 'level' is a number" },
	{ "[p]\nstore = a\rb\n", "f:2: a control character, 0x0d" },
	{ MINIMAL "passphrase-file = /p\npassphrase-command = p\n",
	    "f:1: [p] has both" },
};

static void
what_is_not_understood_is_refused_by_line(void **state)
{
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(refusals); i++) {
		assert_fails(parse(fx, refusals[i].text), MV_EUSAGE, &fx->err);
		assert_says(&fx->err, refusals[i].says);
		assert_int_equal(fx->c.n, 0);
	}
}

static void
a_nul_is_refused(void **state)
{
	static const char text[] = "[p]\nmastodon = /m\0/n\n";
	struct fx *fx = *state;

	assert_fails(mv_config_parse("f", text, sizeof(text) - 1, &fx->c,
	    &fx->err), MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "f:2: a control character, 0x00");
}

static void
the_only_environment_needs_no_name(void **state)
{
	const struct mv_config_env *e = NULL;
	struct fx *fx = *state;

	assert_ok(parse(fx, MINIMAL), &fx->err);
	assert_ok(mv_config_pick(&fx->c, "f", NULL, &e, &fx->err), &fx->err);
	assert_string_equal(e->name, "p");
	assert_fails(mv_config_pick(&fx->c, "f", "q", &e, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "no environment 'q', but: p");
	assert_ok(parse(fx, MINIMAL "[q]\nmastodon=/m\nstore=s\n"), &fx->err);
	assert_fails(mv_config_pick(&fx->c, "f", NULL, &e, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "choose one with -e: p, q");
	assert_ok(mv_config_pick(&fx->c, "f", "q", &e, &fx->err), &fx->err);
	assert_string_equal(e->name, "q");
	assert_ok(parse(fx, ""), &fx->err);
	assert_fails(mv_config_pick(&fx->c, "f", NULL, &e, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "describes no environment");
}

static void
a_file_that_others_may_change_is_refused(void **state)
{
	struct fx *fx = *state;

	assert_fails(mv_config_load(fx->path, &fx->c, &fx->err), MV_ENOTFOUND,
	    &fx->err);
	mv_test_write(fx->path, MINIMAL, strlen(MINIMAL));
	assert_int_equal(chmod(fx->path, 0644), 0);
	assert_ok(mv_config_load(fx->path, &fx->c, &fx->err), &fx->err);
	mv_config_clear(&fx->c);
	assert_int_equal(chmod(fx->path, 0664), 0);
	assert_fails(mv_config_load(fx->path, &fx->c, &fx->err), MV_EUSAGE,
	    &fx->err);
	assert_says(&fx->err, "can be changed by others (mode 0664)");
	assert_int_equal(unlink(fx->path), 0);
	assert_int_equal(mkfifo(fx->path, 0600), 0);
	assert_fails(mv_config_load(fx->path, &fx->c, &fx->err), MV_EUSAGE,
	    &fx->err);
}

static char name_q[] = "q", dir_m[] = "/m", url_s[] = "file:///s";
static char evil[] = "/m\nstore = file:///evil";
static char *one_store[] = { url_s, NULL };

static void
appending_keeps_what_is_there(void **state)
{
	static const char old[] = "# mine\r\n" MINIMAL "; no newline here";
	struct mv_config_env env = { .name = name_q, .mastodon = dir_m,
	    .stores = { one_store, 1 } };
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct fx *fx = *state;
	struct stat st;

	mv_test_write(fx->path, old, strlen(old));
	assert_int_equal(chmod(fx->path, 0640), 0);
	assert_ok(mv_config_append(fx->path, &env, &fx->err), &fx->err);
	mv_test_read(fx->path, &text);
	assert_string_equal(mv_buf_cstr(&text), "# mine\r\n" MINIMAL
	    "; no newline here\n\n[q]\nmastodon = /m\nstore = file:///s\n");
	assert_int_equal(stat(fx->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_fails(mv_config_append(fx->path, &env, &fx->err), MV_EEXIST,
	    &fx->err);
	assert_says(&fx->err, "describes 'q' already, in line 7");
}

static void
appending_to_nothing_makes_a_private_file(void **state)
{
	struct mv_config_env env = { .name = name_q, .mastodon = dir_m,
	    .stores = { one_store, 1 } };
	struct fx *fx = *state;
	mv_auto(mv_freep) char *path = mv_test_path(fx->dir, "a/b/conf");
	struct stat st;

	assert_ok(mv_config_append(path, &env, &fx->err), &fx->err);
	assert_ok(mv_config_load(path, &fx->c, &fx->err), &fx->err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
a_value_cannot_smuggle_in_another_key(void **state)
{
	struct mv_config_env env = { .name = name_q, .mastodon = evil,
	    .stores = { one_store, 1 } };
	struct fx *fx = *state;

	assert_fails(mv_config_append(fx->path, &env, &fx->err), MV_EUSAGE,
	    &fx->err);
	assert_int_not_equal(access(fx->path, F_OK), 0);
}

static size_t
names_in(const char *dir)
{
	struct dirent **list = NULL;
	int i, n = scandir(dir, &list, NULL, NULL);

	assert_true(n >= 2);
	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return (size_t)n - 2;
}

static void
trying_leaves_no_trace(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *deep = mv_test_path(fx->dir, "a/b/conf");
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };

	assert_ok(mv_config_try(fx->path, &fx->err), &fx->err);
	assert_ok(mv_config_try(deep, &fx->err), &fx->err);
	assert_int_equal(names_in(fx->dir), 0);
	mv_test_write(fx->path, MINIMAL, strlen(MINIMAL));
	assert_ok(mv_config_try(fx->path, &fx->err), &fx->err);
	mv_test_read(fx->path, &text);
	assert_string_equal(mv_buf_cstr(&text), MINIMAL);
	assert_int_equal(names_in(fx->dir), 1);
}

/* Places in which not even root can make a file. */
static void
a_place_that_takes_no_file_is_found_out(void **state)
{
	static const char *const paths[] = { "/proc/sys/mv.conf",
	    "/proc/sys/mv/conf", "/dev/null/conf", "/dev/null/mv/conf" };
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(paths); i++) {
		fx->err = (struct mv_err){ 0 };
		assert_true(mv_config_try(paths[i], &fx->err) < 0);
		assert_int_not_equal(fx->err.code, MV_OK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(every_key_is_read),
		T(what_is_left_out_has_its_default),
		T(long_lines_are_whole),
		T(what_is_not_understood_is_refused_by_line),
		T(a_nul_is_refused),
		T(the_only_environment_needs_no_name),
		T(a_file_that_others_may_change_is_refused),
		T(appending_keeps_what_is_there),
		T(appending_to_nothing_makes_a_private_file),
		T(a_value_cannot_smuggle_in_another_key),
		T(trying_leaves_no_trace),
		T(a_place_that_takes_no_file_is_found_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
