/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <string.h>

#include "base/stop.h"
#include "support/mv_test.h"

static struct mv_err err;

struct heard {
	enum mv_log_level level;
	char text[2048];
	int n;
};

static void
hear(enum mv_log_level level, const char *text, void *arg)
{
	struct heard *h = arg;

	h->level = level;
	h->n++;
	assert_true(strlen(text) < sizeof(h->text));
	memcpy(h->text, text, strlen(text) + 1);
}

static void
messages_reach_the_sink_until_it_is_taken_away(void **state)
{
	struct heard h = { 0 };

	(void)state;
	mv_warn("nobody hears this");
	mv_log_set(hear, &h);
	mv_warn("disk is %d %% full", 93);
	assert_int_equal(h.level, MV_LOG_WARN);
	assert_string_equal(h.text, "disk is 93 % full");
	mv_debug("more");
	assert_int_equal(h.level, MV_LOG_DEBUG);
	mv_log_set(NULL, NULL);
	mv_info("nobody hears this");
	assert_int_equal(h.n, 2);
}

static void
strangers_cannot_forge_lines_or_drive_the_terminal(void **state)
{
	struct heard h = { 0 };
	char longest[4096];

	(void)state;
	mv_log_set(hear, &h);
	mv_warn("cannot read '%s'", "a\nb\r\033[2J\x7f\xc3\xa4");
	assert_string_equal(h.text, "cannot read 'a?b??[2J?\xc3\xa4'");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	mv_warn("%s", longest);
	assert_int_equal(strlen(h.text), 1023);
	mv_log_set(NULL, NULL);
}

static void
stop_stays_requested(void **state)
{
	(void)state;
	assert_false(mv_stop_requested());
	assert_ok(mv_stop_check(&err), &err);
	mv_stop_request();
	assert_true(mv_stop_requested());
	assert_fails(mv_stop_check(&err), MV_EINTR, &err);
	assert_fails(mv_stop_check(&err), MV_EINTR, &err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_reach_the_sink_until_it_is_taken_away),
		cmocka_unit_test(
		    strangers_cannot_forge_lines_or_drive_the_terminal),
		cmocka_unit_test(stop_stays_requested),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
