/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mastodon/site.h"
#include "secret/secret.h"

struct fx {
	char *dir;
	struct mv_site *site;
	struct mv_err err;
};

static int
setup(void **state)
{
	static struct fx fx;

	fx = (struct fx){ 0 };
	if (mv_secret_init(&fx.err) < 0)
		return -1;
	fx.dir = mv_test_dir();
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_site_freep(&fx->site);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	return 0;
}

static void
put(struct fx *fx, const char *name, const char *text)
{
	mv_auto(mv_freep) char *path = mv_test_path(fx->dir, name);

	mv_test_write(path, text, strlen(text));
}

static int
site_open(struct fx *fx)
{
	const struct mv_site_opts opts = { .dir = fx->dir };

	mv_site_freep(&fx->site);
	return mv_site_open(&opts, &fx->site, &fx->err);
}

static void
assert_below(struct fx *fx, const char *path, const char *rest)
{
	assert_memory_equal(path, fx->dir, strlen(fx->dir));
	assert_string_equal(path + strlen(fx->dir), rest);
}

static void
everything_follows_from_the_directory(void **state)
{
	struct fx *fx = *state;

	put(fx, ".env.production", "DB_NAME=m\n");
	assert_ok(site_open(fx), &fx->err);
	assert_below(fx, fx->site->env_file, "/.env.production");
	assert_below(fx, fx->site->media_root, "/public/system");
	assert_int_equal(fx->site->media, MV_SITE_MEDIA_FILES);
	assert_int_equal(fx->site->uid, getuid());
	assert_non_null(strstr(fx->site->database.conninfo, "dbname='m'"));
}

static void
local_files_win_over_the_main_one(void **state)
{
	struct fx *fx = *state;

	put(fx, ".env", "DB_NAME=last\nDB_USER=last\nDB_PORT=1\nDB_HOST=h\n");
	put(fx, ".env.production", "DB_NAME=third\nDB_USER=third\nDB_PORT=3\n");
	put(fx, ".env.local", "DB_NAME=second\nDB_USER=second\n");
	put(fx, ".env.production.local", "DB_NAME=first\n");
	assert_ok(site_open(fx), &fx->err);
	assert_string_equal(fx->site->database.conninfo, "host='h' port='3' "
	    "dbname='first' user='second' sslmode='prefer'");
}

static void
a_named_file_stands_for_the_main_one(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *path = mv_test_path(fx->dir, "secrets");
	const struct mv_site_opts opts = { .dir = fx->dir, .env_file = path };

	put(fx, "secrets", "DB_NAME=named\n");
	put(fx, ".env.production", "this is not read\n");
	put(fx, ".env.local", "DB_NAME=local\nDB_USER=local\n");
	assert_ok(mv_site_open(&opts, &fx->site, &fx->err), &fx->err);
	assert_string_equal(fx->site->env_file, path);
	assert_non_null(strstr(fx->site->database.conninfo,
	    "dbname='named' user='local'"));
}

static void
media_may_lie_elsewhere(void **state)
{
	struct fx *fx = *state;

	put(fx, ".env.production", "PAPERCLIP_ROOT_PATH=/srv/media\n");
	assert_ok(site_open(fx), &fx->err);
	assert_string_equal(fx->site->media_root, "/srv/media");
	put(fx, ".env.production", "PAPERCLIP_ROOT_PATH=:rails_root/m\n");
	assert_ok(site_open(fx), &fx->err);
	assert_below(fx, fx->site->media_root, "/m");
	put(fx, ".env.production", "PAPERCLIP_ROOT_PATH=m/n\n");
	assert_ok(site_open(fx), &fx->err);
	assert_below(fx, fx->site->media_root, "/m/n");
}

static void
object_storage_is_noticed(void **state)
{
	struct fx *fx = *state;

	put(fx, ".env.production", "S3_ENABLED=true\n");
	assert_ok(site_open(fx), &fx->err);
	assert_int_equal(fx->site->media, MV_SITE_MEDIA_S3);
	assert_string_equal(mv_site_media_setting(fx->site->media),
	    "S3_ENABLED");
	put(fx, ".env.production", "S3_ENABLED=false\nAZURE_ENABLED=true\n");
	assert_ok(site_open(fx), &fx->err);
	assert_int_equal(fx->site->media, MV_SITE_MEDIA_AZURE);
	put(fx, ".env.production", "SWIFT_ENABLED=true\n");
	assert_ok(site_open(fx), &fx->err);
	assert_int_equal(fx->site->media, MV_SITE_MEDIA_SWIFT);
	put(fx, ".env.production", "S3_ENABLED=yes\n");
	assert_ok(site_open(fx), &fx->err);
	assert_int_equal(fx->site->media, MV_SITE_MEDIA_FILES);
}

static void
a_missing_or_odd_main_file_is_an_error(void **state)
{
	mv_auto(mv_freep) char *path = NULL;
	struct fx *fx = *state;

	put(fx, ".env", "DB_NAME=m\n");
	assert_fails(site_open(fx), MV_ENOTFOUND, &fx->err);
	assert_says(&fx->err, ".env.production");
	path = mv_test_path(fx->dir, ".env.production");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_fails(site_open(fx), MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "is not a regular file");
	assert_int_equal(unlink(path), 0);
	put(fx, ".env.production", "A=1\nnonsense\n");
	assert_fails(site_open(fx), MV_EUSAGE, &fx->err);
	assert_says(&fx->err, ".env.production': line 2: no '='");
}

static void
settings_can_be_had_for_a_text_that_is_not_there_yet(void **state)
{
	struct fx *fx = *state;
	const struct mv_site_opts opts = { .dir = fx->dir };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *env = NULL;

	put(fx, ".env.production", "A=old\nB=old\n");
	put(fx, ".env.local", "B=local\n");
	assert_ok(mv_site_settings(&opts, "A=new\nB=new\n", 12, &env,
	    &fx->err), &fx->err);
	assert_int_equal(mv_dotenv_is(env, "A", "new"), 1);
	assert_int_equal(mv_dotenv_is(env, "B", "local"), 1);
}

static void
the_file_that_sets_a_name_is_found(void **state)
{
	struct fx *fx = *state;
	const struct mv_site_opts opts = { .dir = fx->dir };
	const struct {
		const char *key, *file;
		bool is_env_file;
	} cases[] = {
		{ "A", "/.env.production", true },
		{ "B", "/.env.local", false },
		{ "C", "/.env", false },
		{ "D", NULL, false },
	};
	size_t i;

	put(fx, ".env.production", "A=1\nB=1\n");
	put(fx, ".env.local", "B=1\n");
	put(fx, ".env", "A=1\nC=1\n");
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		mv_auto(mv_freep) char *path = NULL;
		bool is_env_file = true;

		assert_ok(mv_site_winner(&opts, cases[i].key, &path,
		    &is_env_file, &fx->err), &fx->err);
		assert_int_equal(path != NULL, cases[i].file != NULL);
		assert_int_equal(is_env_file, cases[i].is_env_file);
		if (path != NULL)
			assert_below(fx, path, cases[i].file);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(everything_follows_from_the_directory),
		T(local_files_win_over_the_main_one),
		T(a_named_file_stands_for_the_main_one),
		T(media_may_lie_elsewhere),
		T(object_storage_is_noticed),
		T(settings_can_be_had_for_a_text_that_is_not_there_yet),
		T(the_file_that_sets_a_name_is_found),
		T(a_missing_or_odd_main_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
