/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/mv_test.h"
#include "vault/incident.h"

/* 2026-11-28T02:15:00Z */
#define AWARE 1795832100

struct fx {
	char *dir, *path;
	json_t *doc, *again;
	struct mv_buf text;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	fx->dir = mv_test_dir();
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_buf_clear(&fx->text);
	json_decref(fx->doc);
	json_decref(fx->again);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx->path);
	free(fx);
	return 0;
}

static void
begin(struct fx *fx, int64_t begun)
{
	static char rest[] = "have the provider make a new one";
	static char *by_hand[] = { rest };
	const struct mv_exposed exposed = {
		.users = 1201, .addresses = 1304, .messages = 5605,
		.tokens = 777,
	};
	const struct mv_revoke revoke = { .tokens = true };
	const struct mv_incident_facts facts = {
		.environment = "production", .host = "one",
		.operator_name = "root", .mastodon = "4.6",
		.database = "mastodon", .server = "db", .aware = AWARE,
		.begun = begun, .exposed = &exposed, .revoke = &revoke,
		.by_hand = by_hand, .nby_hand = 1,
	};
	struct mv_err err;

	json_decref(fx->doc);
	fx->doc = NULL;
	free(fx->path);
	fx->path = NULL;
	assert_ok(mv_incident_new(&facts, &fx->doc, &err), &err);
	assert_ok(mv_incident_write(fx->dir, fx->doc, &fx->path, &err), &err);
}

static void
end(struct fx *fx, enum mv_rotation_outcome outcome, int rc)
{
	char name[] = "SECRET_KEY_BASE";
	char *names[] = { name };
	const struct mv_rotation_report rotated = {
		.outcome = outcome, .names = names, .nnames = 1,
		.vault_version = 9,
	};
	const struct mv_disarm_report revoked = { 0 };
	struct mv_err err;

	assert_ok(mv_incident_end(fx->doc, &rotated, &revoked, rc,
	    AWARE + 600, &err), &err);
	assert_ok(mv_incident_write(fx->dir, fx->doc, &fx->path, &err), &err);
}

static char *
beside(const struct fx *fx)
{
	char *text = strdup(fx->path);

	assert_non_null(text);
	memcpy(strrchr(text, '.'), ".txt", 4);
	text[strlen(text) - 1] = '\0';
	return text;
}

static void
read_text(struct fx *fx)
{
	mv_auto(mv_freep) char *path = beside(fx);

	mv_buf_reset(&fx->text);
	mv_test_read(path, &fx->text);
	assert_non_null(mv_buf_cstr(&fx->text));
}

static void
assert_has(struct fx *fx, const char *words)
{
	if (strstr((char *)fx->text.p, words) == NULL)
		fail_msg("the text lacks '%s':\n%s", words,
		    (char *)fx->text.p);
}

static void
a_record_is_there_before_anything_is_done(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *text = NULL;
	struct stat st;
	struct mv_err err;

	begin(fx, AWARE + 300);
	assert_non_null(strstr(fx->path, "/incidents/20261128T022000Z.json"));
	text = beside(fx);
	assert_int_equal(stat(fx->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(text, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ok(mv_incident_read(fx->path, &fx->again, &err), &err);
	assert_true(json_equal(fx->doc, fx->again));
	assert_string_equal(json_string_value(json_object_get(fx->again,
	    "state")), "begun");
	read_text(fx);
	assert_has(fx, "Begun, and not ended yet");
}

static void
the_deadline_counts_from_awareness(void **state)
{
	struct fx *fx = *state;

	begin(fx, AWARE + 86400);
	assert_string_equal(json_string_value(json_object_get(fx->doc,
	    "deadline")), "2026-12-01T02:15:00Z");
	read_text(fx);
	assert_has(fx, "2026-12-01T02:15:00Z");
	assert_has(fx, "1304 mail addresses");
	assert_has(fx, "5605 private messages");
	assert_has(fx, "[ ] have the provider make a new one");
	assert_has(fx, "All apps were logged out");
	assert_null(strstr((char *)fx->text.p, "Two-factor login was\n"
	    "switched off"));
	assert_has(fx, "Evidence: none was taken.");
}

static void
what_was_done_is_added_at_the_end(void **state)
{
	struct fx *fx = *state;

	begin(fx, AWARE);
	end(fx, MV_ROTATION_DONE, 0);
	read_text(fx);
	assert_has(fx, "2026-11-28T02:25:00Z  new SECRET_KEY_BASE");
	assert_null(strstr((char *)fx->text.p, "not ended yet"));
}

static void
what_failed_is_not_called_done(void **state)
{
	struct fx *fx = *state;

	begin(fx, AWARE);
	end(fx, MV_ROTATION_UNFINISHED, MV_EIO);
	read_text(fx);
	assert_has(fx, "Not finished (unfinished)");
	assert_null(strstr((char *)fx->text.p, "new SECRET_KEY_BASE"));
}

static void
what_a_person_wrote_into_the_text_stays(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *text = NULL;

	begin(fx, AWARE);
	text = beside(fx);
	mv_test_write(text, "the thief has called\n", 21);
	end(fx, MV_ROTATION_DONE, 0);
	read_text(fx);
	assert_string_equal((char *)fx->text.p, "the thief has called\n");
}

static void
the_newest_record_is_found(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *newest = NULL;
	struct mv_err err;

	assert_fails(mv_incident_newest(fx->dir, &newest, &err), MV_ENOTFOUND,
	    &err);
	begin(fx, AWARE + 100000);
	begin(fx, AWARE);
	assert_ok(mv_incident_newest(fx->dir, &newest, &err), &err);
	assert_non_null(strstr(newest, "20261129T060140Z.json"));
}

static void
a_record_that_is_no_json_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	begin(fx, AWARE);
	mv_test_write(fx->path, "{\"aware\":", 9);
	assert_fails(mv_incident_read(fx->path, &fx->again, &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, fx->path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_is_there_before_anything_is_done),
		TEST(the_deadline_counts_from_awareness),
		TEST(what_was_done_is_added_at_the_end),
		TEST(what_failed_is_not_called_done),
		TEST(what_a_person_wrote_into_the_text_stays),
		TEST(the_newest_record_is_found),
		TEST(a_record_that_is_no_json_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
