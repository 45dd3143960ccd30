/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <string.h>

#include "mastvault/commands.h"
#include "mastvault/meter.h"
#include "mastvault/output.h"

static void
sizes_are_short(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1048524, "1023.9 KiB" },
		{ 1048525, "1.0 MiB" },
		{ 1610612736, "1.5 GiB" },
		{ UINT64_MAX, "16384.0 PiB" },
	};
	char text[MV_HUMAN_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		mv_human_bytes(cases[i].n, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void
durations_are_short(void **state)
{
	static const struct {
		double s;
		const char *want;
	} cases[] = {
		{ -1, "0.0 s" },
		{ 0.04, "0.0 s" },
		{ 9.94, "9.9 s" },
		{ 9.96, "10 s" },
		{ 59.4, "59 s" },
		{ 59.6, "1 min 0 s" },
		{ 3599.4, "59 min 59 s" },
		{ 90000, "25 h 0 min" },
	};
	char text[MV_HUMAN_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		mv_human_seconds(cases[i].s, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void
a_terminal_obeys_nothing_that_is_printed(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain ~", "plain ~" },
		{ "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x98",
		    "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x98" },
		{ "a\x1b[2Jb\n\r\t\x7f", "a\\x1b[2Jb\\x0a\\x0d\\x09\\x7f" },
		{ "back\\slash", "back\\\\slash" },
		/* C1 "control sequence introducer", as UTF-8 and as a byte. */
		{ "\xc2\x9b" "2J \x9b", "\\xc2\\x9b2J \\x9b" },
		/* Right-to-left override. */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },
		/* Too long, a surrogate, beyond Unicode, cut off. */
		{ "\xc0\xaf", "\\xc0\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xe2\x82", "\\xe2\\x82" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		mv_auto(mv_buf_clear) struct mv_buf out = { 0 };

		mv_safe_put(&out, cases[i].text, strlen(cases[i].text));
		assert_string_equal(mv_buf_cstr(&out), cases[i].want);
	}
}

static void
the_meter_says_only_what_it_knows(void **state)
{
	char text[128];

	(void)state;
	mv_meter_text("media", 512, 0, 0.1, text, sizeof(text));
	assert_string_equal(text, "media  512 B");
	mv_meter_text("media", 1024, 4096, 0.1, text, sizeof(text));
	assert_string_equal(text, "media  1.0 KiB of 4.0 KiB, 25 %");
	mv_meter_text("media", 1024, 4096, 2, text, sizeof(text));
	assert_string_equal(text,
	    "media  1.0 KiB of 4.0 KiB, 25 %, 512 B/s, 6.0 s left");
	/* More than was expected: a growing tree. */
	mv_meter_text("media", 8192, 4096, 2, text, sizeof(text));
	assert_string_equal(text,
	    "media  8.0 KiB of 4.0 KiB, 100 %, 4.0 KiB/s");
	mv_meter_text("media", 8192, 4096, 2, text, 12);
	assert_string_equal(text, "media  8.0 ");
}

static void
parts_are_read_and_named(void **state)
{
	char text[MV_PARTS_TEXT];
	struct mv_err err;
	uint32_t parts = 0;

	(void)state;
	assert_ok(mv_parts_parse(NULL, &parts, &err), &err);
	assert_int_equal(parts, MV_PART_DB | MV_PART_MEDIA | MV_PART_SECRETS |
	    MV_PART_REDIS);
	assert_ok(mv_parts_parse("secrets,db", &parts, &err), &err);
	assert_int_equal(parts, MV_PART_DB | MV_PART_SECRETS);
	mv_parts_text(parts | MV_PART_INCOMPLETE, text);
	assert_string_equal(text, "database, secrets (incomplete)");
	assert_fails(mv_parts_parse("db,", &parts, &err), MV_EUSAGE, &err);
	assert_fails(mv_parts_parse("", &parts, &err), MV_EUSAGE, &err);
	assert_fails(mv_parts_parse("medai", &parts, &err), MV_EUSAGE, &err);
	assert_says(&err, "did you mean 'media'?");
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
an_objects_name_is_said_once(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "get 'packs/" HASH "' from 'file:///s': open '/s/packs/" HASH
		    "': Permission denied", "get 'packs/" HASH "' from "
		    "'file:///s': open '0123456789ab...': Permission denied" },
		{ "'" HASH "' and '" HASH "1'", "'" HASH "' and '" HASH "1'" },
		{ "'/a/b' is '/a/b'", "'/a/b' is '/a/b'" },
		{ "it's '", "it's '" },
		{ "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		mv_auto(mv_buf_clear) struct mv_buf out = { 0 };

		mv_shorten_put(&out, cases[i].text);
		assert_string_equal(mv_buf_cstr(&out), cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_objects_name_is_said_once),
		cmocka_unit_test(sizes_are_short),
		cmocka_unit_test(durations_are_short),
		cmocka_unit_test(a_terminal_obeys_nothing_that_is_printed),
		cmocka_unit_test(the_meter_says_only_what_it_knows),
		cmocka_unit_test(parts_are_read_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
