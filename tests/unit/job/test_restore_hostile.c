/* SPDX-License-Identifier: MIT */
/*
 * Snapshots that are signed and sealed as they must be, but whose manifest
 * wants out of the directory that it is restored into.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "job/restore.h"
#include "support/mini_repo.h"
#include "support/mv_test.h"

static const char detail[] = "{\"media\":{\"content\":0,\"manifest\":1}}";
static const char kept[] = "untouched";

struct record {
	enum mv_entry_type type;
	const char *path;
	const char *target;
	uint64_t size, nchunks;
	size_t path_len;	/* 0: of the string */
};

static void
put_record(struct mv_buf *out, const struct record *r)
{
	struct mv_buf b = { 0 };
	size_t len = r->path_len > 0 ? r->path_len : strlen(r->path);

	mv_buf_put_u8(&b, (uint8_t)r->type);
	mv_buf_put_u8(&b, 0);
	mv_buf_put_varint(&b, len);
	mv_buf_put(&b, r->path, len);
	if (r->type != MV_ENTRY_HARDLINK) {
		mv_buf_put_varint(&b, 0755);
		mv_buf_put_varint(&b, geteuid());
		mv_buf_put_varint(&b, getegid());
		mv_buf_put_varint(&b, 0);
		mv_buf_put_varint(&b, 0);
	}
	if (r->type == MV_ENTRY_FILE) {
		mv_buf_put_varint(&b, r->size);
		mv_buf_put_varint(&b, r->nchunks);
	} else if (r->type != MV_ENTRY_DIR) {
		mv_buf_put_varint(&b, strlen(r->target));
		mv_buf_put(&b, r->target, strlen(r->target));
	}
	mv_buf_put_varint(out, b.len);
	mv_buf_put(out, b.p, b.len);
	mv_buf_clear(&b);
}

struct fx {
	struct mini m;
	char *dir, *target, *outside, *canary;
};

static int
setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));
	int fd;

	*state = f;
	mini_open(&f->m, 1, NULL);
	f->dir = mv_test_dir();
	f->target = mv_test_path(f->dir, "target");
	f->outside = mv_test_path(f->dir, "outside");
	f->canary = mv_test_path(f->outside, "canary");
	assert_int_equal(mkdir(f->outside, 0700), 0);
	fd = open(f->canary, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, kept, sizeof(kept)), sizeof(kept));
	(void)close(fd);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *f = *state;

	mini_close(&f->m);
	mv_test_rmdir(f->dir);
	free(f->canary);
	free(f->outside);
	free(f->target);
	free(f->dir);
	free(f);
	return 0;
}

/* Root, then records, then whatever tail holds, as a snapshot's media. */
static int
restore(struct fx *f, const struct record *records, size_t n,
    const struct mv_buf *tail, struct mv_err *err)
{
	static const struct record root = { MV_ENTRY_DIR, "", NULL, 0, 0, 0 };
	struct mv_restore_opts opts = { .parts = MV_PART_MEDIA,
	    .media = f->target, .overwrite = true };
	struct mini_chunk content = { .p = (const uint8_t *)"stolen",
	    .len = 6, .path = "escape" };
	struct mv_restore_report report = { 0 };
	const struct mv_snapshot *snap = NULL;
	struct mv_snapshots snaps = { 0 };
	struct mv_buf manifest = { 0 };
	struct mini_chunk all;
	size_t i;
	int rc;

	put_record(&manifest, &root);
	for (i = 0; i < n; i++)
		put_record(&manifest, &records[i]);
	if (tail != NULL)
		mv_buf_put(&manifest, tail->p, tail->len);
	mini_put_stream(&f->m, &content, 1, 1, 8);
	all = (struct mini_chunk){ .p = manifest.p, .len = manifest.len };
	mini_put_stream(&f->m, &all, 1, 1, 8);
	mini_snapshot(&f->m, detail, MV_PART_MEDIA, 1000, NULL);
	assert_ok(mv_snapshots_load(f->m.kit, &snaps, err), err);
	assert_ok(mv_snapshots_find(&snaps, "latest", MV_PART_MEDIA, &snap,
	    err), err);
	rc = mv_job_restore(f->m.kit, snap, &opts, &report, err);
	mv_restore_report_clear(&report);
	mv_snapshots_clear(&snaps);
	mv_buf_clear(&manifest);
	return rc;
}

/* Outside of the target is what was there before, and nothing else. */
static void
expect_untouched(const struct fx *f)
{
	struct mv_buf now = { 0 };
	struct mv_err err;
	char *escaped;

	assert_ok(mv_file_read(f->canary, 100, &now, &err), &err);
	assert_int_equal(now.len, sizeof(kept));
	assert_memory_equal(now.p, kept, sizeof(kept));
	mv_buf_clear(&now);
	assert_int_equal(mv_test_count(f->outside, ""), 1);
	escaped = mv_test_path(f->dir, "escape");
	assert_int_equal(access(escaped, F_OK), -1);
	free(escaped);
	assert_int_equal(access("/mv-escape", F_OK), -1);
}

#define FILE_AT(path) { MV_ENTRY_FILE, path, NULL, 6, 1, 0 }
#define DIR_AT(path) { MV_ENTRY_DIR, path, NULL, 0, 0, 0 }
#define LINK_AT(path, to) { MV_ENTRY_SYMLINK, path, to, 0, 0, 0 }
#define HARD_AT(path, to) { MV_ENTRY_HARDLINK, path, to, 0, 0, 0 }

static void
a_manifest_that_wants_out_is_damage_and_stays_in(void **state)
{
	static const struct record cases[][3] = {
		{ FILE_AT("../escape") },
		{ FILE_AT("../outside/canary") },
		{ FILE_AT("/mv-escape") },
		{ DIR_AT("a"), FILE_AT("a/../../escape") },
		{ DIR_AT("..") },
		{ FILE_AT(".") },
		{ DIR_AT("a"), FILE_AT("a//escape") },
		{ { MV_ENTRY_FILE, "a\0b", NULL, 6, 1, 3 } },
		{ LINK_AT("l", "../outside"), FILE_AT("l/escape") },
		{ LINK_AT("l", "../outside"), DIR_AT("l"),
		    FILE_AT("l/escape") },
		{ LINK_AT("l", "../outside/canary"), FILE_AT("l") },
		{ FILE_AT("nowhere/escape") },
		{ HARD_AT("h", "../outside/canary") },
		{ HARD_AT("h", "/etc/passwd") },
		{ HARD_AT("h", "z") },
		{ FILE_AT("f"), { MV_ENTRY_FILE, "f", NULL, 0, 0, 0 } },
		{ FILE_AT("f"), { MV_ENTRY_FILE, "e", NULL, 0, 0, 0 } },
		{ { MV_ENTRY_FILE, "f", NULL, 1ULL << 62, 1ULL << 61, 0 } },
		{ { MV_ENTRY_FILE, "f", NULL, 6, 1ULL << 63, 0 } },
		{ { MV_ENTRY_FILE, "f", NULL, UINT64_MAX, 1, 0 } },
	};
	struct fx *f = *state;
	struct mv_err err;
	size_t i, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (n = 0; n < 3 && cases[i][n].path != NULL; n++)
			continue;
		err = (struct mv_err){ 0 };
		mv_test_rmdir(f->target);
		if (restore(f, cases[i], n, NULL, &err) != MV_ECORRUPT)
			fail_msg("case %zu: %s", i, err.text);
		expect_untouched(f);
	}
}

/* Whether that is damage or a tree that changed meanwhile cannot be told. */
static void
a_hard_link_to_what_is_no_file_is_refused(void **state)
{
	static const struct record cases[][2] = {
		{ HARD_AT("h", "a") },
		{ LINK_AT("a", "../outside/canary"), HARD_AT("h", "a") },
		{ DIR_AT("a"), HARD_AT("h", "a") },
	};
	struct fx *f = *state;
	struct mv_err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = (struct mv_err){ 0 };
		mv_test_rmdir(f->target);
		assert_true(restore(f, cases[i],
		    cases[i][1].path != NULL ? 2 : 1, NULL, &err) < 0);
		expect_untouched(f);
	}
}

static void
a_length_or_count_beyond_all_bounds_is_damage(void **state)
{
	static const uint64_t lengths[] = { 0, 1, (1 << 20) + 1, 1ULL << 40,
	    UINT64_MAX };
	struct fx *f = *state;
	struct mv_err err;
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct mv_buf tail = { 0 };

		mv_buf_put_varint(&tail, lengths[i]);
		mv_buf_put(&tail, "\002\000\001f", 4);
		err = (struct mv_err){ 0 };
		if (restore(f, NULL, 0, &tail, &err) != MV_ECORRUPT)
			fail_msg("length %zu: %s", i, err.text);
		mv_buf_clear(&tail);
		expect_untouched(f);
	}
}

/* The file that is there bounds what comparing it may cost, not the manifest. */
static void
a_count_of_chunks_does_not_say_how_much_memory_is_taken(void **state)
{
	static const struct record files[] = {
		{ MV_ENTRY_FILE, "f", NULL, 64u << 20, 64u << 20, 0 },
	};
	struct fx *f = *state;
	struct rusage before, after;
	struct mv_err err = { 0 };
	char *path;

	assert_int_equal(mkdir(f->target, 0700), 0);
	path = mv_test_path(f->target, "f");
	mv_test_write(path, "", 0);
	assert_int_equal(truncate(path, 64 << 20), 0);
	free(path);
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	assert_int_equal(restore(f, files, 1, NULL, &err), MV_ECORRUPT);
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	/* The ids would take 1 GiB. */
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 256 << 10);
}

static void
a_link_planted_in_the_target_is_not_followed(void **state)
{
	static const struct record records[] = { DIR_AT("sub"),
	    FILE_AT("sub/escape") };
	struct fx *f = *state;
	char *sub = mv_test_path(f->target, "sub");
	struct mv_err err = { 0 };

	assert_int_equal(mkdir(f->target, 0700), 0);
	assert_int_equal(symlink("../outside", sub), 0);
	assert_true(restore(f, records, 2, NULL, &err) < 0);
	expect_untouched(f);
	free(sub);
}

/* Where bytes go until there are too many. */
static int
take_some(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	size_t *left = arg;

	(void)buf;
	if (len > *left)
		return mv_err_set(err, MV_ENOSPC, "more than there can be");
	*left -= len;
	return 0;
}

static void
content_of_another_length_than_the_manifest_says_is_damage(void **state)
{
	/* The content has six bytes. */
	static const uint64_t sizes[] = { 3, 5, 7, 1ULL << 40 };
	struct record record = { MV_ENTRY_FILE, "escape", NULL, 0, 1, 0 };
	const struct mv_snapshot *snap = NULL;
	struct fx *f = *state;
	struct mv_err err;
	size_t i, left;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct mv_sink sink = { take_some, &left };
		struct mv_snapshots snaps = { 0 };

		left = 1000;
		record.size = sizes[i];
		err = (struct mv_err){ 0 };
		assert_int_equal(restore(f, &record, 1, NULL, &err),
		    MV_ECORRUPT);
		assert_ok(mv_snapshots_load(f->m.kit, &snaps, &err), &err);
		assert_ok(mv_snapshots_find(&snaps, "latest", MV_PART_MEDIA,
		    &snap, &err), &err);
		assert_fails(mv_job_cat_file(f->m.kit, snap,
		    (const uint8_t *)"escape", 6, &sink, &err), MV_ECORRUPT,
		    &err);
		mv_snapshots_clear(&snaps);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_manifest_that_wants_out_is_damage_and_stays_in, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_hard_link_to_what_is_no_file_is_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_length_or_count_beyond_all_bounds_is_damage, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_count_of_chunks_does_not_say_how_much_memory_is_taken,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_link_planted_in_the_target_is_not_followed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    content_of_another_length_than_the_manifest_says_is_damage,
		    setup, teardown),
	};

	return cmocka_run_group_tests_name("restore_hostile", tests, NULL,
	    NULL);
}
