/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "repo/snapshots.h"
#include "support/mini_repo.h"

#define DAY 86400
#define NSNAPS 4

/*
 * Four snapshots, noon on four days of November 2026 (UTC): whole, whole,
 * media only, database only.
 */
struct fx {
	struct mini m;
	char *dir;
	char names[NSNAPS][MV_OBJECT_NAME_MAX];
	struct mv_snapshots s;
};

static const uint32_t parts[NSNAPS] = {
	MV_PART_DB | MV_PART_MEDIA, MV_PART_DB | MV_PART_MEDIA,
	MV_PART_MEDIA, MV_PART_DB,
};
static const int64_t noon = 1793534400;	/* 2026-11-01T12:00:00Z */

static int
setup_stores(void **state, size_t nstores)
{
	struct fx *f = calloc(1, sizeof(*f));
	size_t i;

	*state = f;
	f->dir = mv_test_dir();
	mini_open(&f->m, nstores, f->dir);
	for (i = 0; i < NSNAPS; i++)
		mini_snapshot(&f->m, "{}", parts[i],
		    noon + (int64_t)i * DAY, f->names[i]);
	return 0;
}

static int
setup(void **state)
{
	return setup_stores(state, 1);
}

static int
setup_two(void **state)
{
	return setup_stores(state, 2);
}

static int
teardown(void **state)
{
	struct fx *f = *state;

	mv_snapshots_clear(&f->s);
	mini_close(&f->m);
	mv_test_rmdir(f->dir);
	free(f->dir);
	free(f);
	return 0;
}

static void
load(struct fx *f)
{
	struct mv_err err;

	mv_snapshots_clear(&f->s);
	assert_ok(mv_snapshots_load(f->m.kit, &f->s, &err), &err);
}

static bool
has_problem(const struct fx *f, const char *a, const char *b)
{
	size_t i;

	for (i = 0; i < f->s.nproblems; i++)
		if (strstr(f->s.problems[i], a) != NULL &&
		    strstr(f->s.problems[i], b) != NULL)
			return true;
	return false;
}

static void
remove_object(struct fx *f, size_t store, const char *name)
{
	struct mv_err err;

	assert_ok(mv_store_remove(f->m.stores[store], name, &err), &err);
}

static void
a_chain_loads_in_order_without_problems(void **state)
{
	struct fx *f = *state;
	size_t i;

	load(f);
	assert_int_equal(f->s.n, NSNAPS);
	assert_int_equal(f->s.nproblems, 0);
	for (i = 0; i < NSNAPS; i++)
		assert_int_equal(f->s.list[i].seq, i + 1);
	assert_int_equal(mv_snapshots_newest(&f->s, 1)->seq, NSNAPS);
	assert_null(mv_snapshots_newest(&f->s, 2));
}

static const struct mv_snapshot *
find(struct fx *f, const char *spec, uint32_t want)
{
	const struct mv_snapshot *s = NULL;
	struct mv_err err;

	assert_ok(mv_snapshots_find(&f->s, spec, want, &s, &err), &err);
	return s;
}

static void
latest_is_the_newest_that_holds_what_is_asked(void **state)
{
	struct fx *f = *state;
	const struct mv_snapshot *s;
	struct mv_err err;

	load(f);
	assert_int_equal(find(f, "latest", 0)->seq, 4);
	assert_int_equal(find(f, "latest", MV_PART_DB)->seq, 4);
	assert_int_equal(find(f, "latest", MV_PART_MEDIA)->seq, 3);
	assert_int_equal(find(f, "latest",
	    MV_PART_DB | MV_PART_MEDIA)->seq, 2);
	assert_int_equal(find(f, "latest~1", 0)->seq, 3);
	assert_int_equal(find(f, "latest~1", MV_PART_DB)->seq, 2);
	assert_fails(mv_snapshots_find(&f->s, "latest~4", 0, &s, &err),
	    MV_ENOTFOUND, &err);
	assert_fails(mv_snapshots_find(&f->s, "latest", MV_PART_REDIS, &s,
	    &err), MV_ENOTFOUND, &err);
}

/* A clock that was a year ahead for one run must not make that the latest. */
static void
a_snapshot_from_the_future_is_older_than_the_next(void **state)
{
	struct fx *f = *state;
	char ahead[MV_OBJECT_NAME_MAX], next[MV_OBJECT_NAME_MAX];
	char got[MV_OBJECT_NAME_MAX];
	struct mv_err err;
	const struct mv_snapshot *snap;

	mini_snapshot(&f->m, "{}", MV_PART_DB, noon + 365 * DAY, ahead);
	mini_snapshot(&f->m, "{}", MV_PART_DB, noon + 4 * DAY, next);
	load(f);
	assert_int_equal(f->s.nproblems, 0);
	assert_ok(mv_snapshots_find(&f->s, "latest", MV_PART_DB, &snap, &err),
	    &err);
	mv_object_name(MV_KIND_SNAPSHOT, 0, NULL, &snap->id, got);
	assert_string_equal(got, next);
	assert_ok(mv_snapshots_find(&f->s, "latest~1", MV_PART_DB, &snap,
	    &err), &err);
	mv_object_name(MV_KIND_SNAPSHOT, 0, NULL, &snap->id, got);
	assert_string_equal(got, ahead);
}

static void
malformed_choices_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "abc", "latest~", "latest~-1", "latest~01", "latest~1x",
		"latest1", "ABCD", "2026-13-01", "g123",
		"latest~99999999999999999999",
	};
	struct fx *f = *state;
	const struct mv_snapshot *s;
	struct mv_err err;
	size_t i;

	load(f);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_fails(mv_snapshots_find(&f->s, bad[i], 0, &s, &err),
		    MV_EUSAGE, &err);
}

static void
an_id_is_found_by_its_first_digits(void **state)
{
	struct fx *f = *state;
	const struct mv_snapshot *s;
	char hex[65], prefix[65];
	struct mv_err err;

	load(f);
	mv_hex_encode(f->s.list[1].id.b, 32, hex);
	assert_ptr_equal(find(f, hex, MV_PART_REDIS), &f->s.list[1]);
	(void)snprintf(prefix, sizeof(prefix), "%.12s", hex);
	assert_ptr_equal(find(f, prefix, 0), &f->s.list[1]);
	/* Two with the same first digits. */
	memcpy(f->s.list[2].id.b, f->s.list[1].id.b, 8);
	assert_fails(mv_snapshots_find(&f->s, prefix, 0, &s, &err),
	    MV_EUSAGE, &err);
	prefix[0] = prefix[0] == 'f' ? '0' : 'f';
	assert_fails(mv_snapshots_find(&f->s, prefix, 0, &s, &err),
	    MV_ENOTFOUND, &err);
}

static void
a_date_means_at_or_before(void **state)
{
	struct fx *f = *state;
	const struct mv_snapshot *s;
	struct mv_err err;

	load(f);
	assert_int_equal(find(f, "2026-11-02T12:00:00Z", 0)->seq, 2);
	assert_int_equal(find(f, "2026-11-02T11:59:59Z", 0)->seq, 1);
	assert_int_equal(find(f, "2026-12-31T00:00:00Z",
	    MV_PART_MEDIA)->seq, 3);
	assert_fails(mv_snapshots_find(&f->s, "2026-10-31T00:00:00Z", 0, &s,
	    &err), MV_ENOTFOUND, &err);
}

static void
a_gap_names_writer_number_and_id(void **state)
{
	struct fx *f = *state;

	remove_object(f, 0, f->names[1]);
	load(f);
	assert_int_equal(f->s.n, 3);
	assert_int_equal(f->s.nproblems, 1);
	assert_true(has_problem(f, "snapshot 2 of writer 1", f->names[1]));
	remove_object(f, 0, f->names[0]);
	load(f);
	assert_int_equal(f->s.nproblems, 1);
	assert_true(has_problem(f, "snapshots 1 to 2", f->names[1]));
}

static void
damage_is_a_problem_and_no_failure(void **state)
{
	struct fx *f = *state;
	struct mv_buf a = { 0 }, b = { 0 };
	char name[MV_OBJECT_NAME_MAX];

	/* Swapped contents: each lies under the other's name. */
	mini_get(&f->m, f->names[2], &a);
	mini_get(&f->m, f->names[3], &b);
	mini_replace(&f->m, 0, f->names[2], b.p, b.len);
	mini_replace(&f->m, 0, f->names[3], a.p, a.len);
	load(f);
	assert_int_equal(f->s.n, 2);
	assert_true(has_problem(f, f->names[2], "cannot be read"));
	assert_true(has_problem(f, f->names[3], "cannot be read"));
	/* Garbage with the right name for its hash. */
	mini_rename(&f->m, f->names[2], "garbage", 7, name);
	load(f);
	assert_true(has_problem(f, name, "is no snapshot"));
	mv_buf_clear(&a);
	mv_buf_clear(&b);
}

static void
a_snapshot_of_another_repository_is_no_snapshot(void **state)
{
	struct fx *f = *state;
	struct mini other;
	char name[MV_OBJECT_NAME_MAX];
	struct mv_err err;
	struct mv_buf b = { 0 };

	mini_open(&other, 1, NULL);
	mini_snapshot(&other, "{}", MV_PART_DB, noon, name);
	mini_get(&other, name, &b);
	assert_ok(mv_store_put(f->m.stores[0], name, b.p, b.len, &err), &err);
	mini_close(&other);
	mv_buf_clear(&b);
	load(f);
	assert_int_equal(f->s.n, NSNAPS);
	assert_true(has_problem(f, name, "is no snapshot"));
}

static void
a_store_that_lacks_snapshots_is_behind(void **state)
{
	struct fx *f = *state;

	load(f);
	assert_int_equal(f->s.nproblems, 0);
	remove_object(f, 1, f->names[3]);
	load(f);
	assert_int_equal(f->s.n, NSNAPS);
	assert_int_equal(f->s.nproblems, 1);
	assert_true(has_problem(f, "'mem:b' is behind", f->names[3]));
}

static void
a_rollback_below_the_mark_is_told(void **state)
{
	struct fx *f = *state;
	struct mv_err err;
	size_t i;

	load(f);
	assert_ok(mv_highwater_update(f->m.kit, &f->s, &err), &err);
	load(f);
	assert_int_equal(f->s.nproblems, 0);
	/* The newest is gone: its chain has no gap. */
	remove_object(f, 0, f->names[3]);
	load(f);
	assert_int_equal(f->s.nproblems, 1);
	assert_true(has_problem(f, "rolled back", f->names[3]));
	/* Seeing less lowers no mark. */
	assert_ok(mv_highwater_update(f->m.kit, &f->s, &err), &err);
	for (i = 0; i < 3; i++)
		remove_object(f, 0, f->names[i]);
	load(f);
	assert_int_equal(f->s.n, 0);
	assert_true(has_problem(f, "rolled back", f->names[3]));
}

static void
a_fork_of_the_chain_is_told(void **state)
{
	struct fx *f = *state;
	char name[MV_OBJECT_NAME_MAX];

	/* The writer's host was set back by one snapshot and ran again. */
	load(f);
	f->m.seq = 3;
	f->m.last = f->s.list[2].id;
	mini_snapshot(&f->m, "{}", MV_PART_DB, noon + 9 * DAY, name);
	load(f);
	assert_int_equal(f->s.n, NSNAPS + 1);
	assert_true(has_problem(f, "two snapshots with number 4", name));
}

static void
an_expected_head_must_be_there(void **state)
{
	struct fx *f = *state;
	char head[MV_HEAD_TEXT], bad[MV_HEAD_TEXT + 8];
	struct mv_err err;

	load(f);
	mv_snapshot_head(&f->s.list[3], head);
	assert_ok(mv_snapshots_expect(&f->s, head, &err), &err);
	remove_object(f, 0, f->names[3]);
	load(f);
	assert_fails(mv_snapshots_expect(&f->s, head, &err), MV_ECORRUPT,
	    &err);
	assert_says(&err, "number 3");
	/* The right id with another number. */
	(void)snprintf(bad, sizeof(bad), "1:2:%s", head + 4);
	assert_fails(mv_snapshots_expect(&f->s, bad, &err), MV_ECORRUPT,
	    &err);
	(void)snprintf(bad, sizeof(bad), "7:4:%s", head + 4);
	assert_fails(mv_snapshots_expect(&f->s, bad, &err), MV_ECORRUPT,
	    &err);
	(void)snprintf(bad, sizeof(bad), "%s0", head);
	assert_fails(mv_snapshots_expect(&f->s, bad, &err), MV_EUSAGE, &err);
	(void)snprintf(bad, sizeof(bad), "01:4:%s", head + 4);
	assert_fails(mv_snapshots_expect(&f->s, bad, &err), MV_EUSAGE, &err);
	assert_fails(mv_snapshots_expect(&f->s, "", &err), MV_EUSAGE, &err);
}

static void
the_longest_head_fits(void **state)
{
	struct mv_snapshot s = { .writer = UINT32_MAX, .seq = UINT64_MAX };
	char head[MV_HEAD_TEXT];

	(void)state;
	mv_snapshot_head(&s, head);
	assert_int_equal(strlen(head), 10 + 1 + 20 + 1 + 64);
}

static void
copies_on_disk_are_used_but_not_believed(void **state)
{
	struct fx *f = *state;
	char *path = mv_test_path(f->dir, f->names[0]);
	struct mv_buf b = { 0 };

	load(f);
	mv_test_read(path, &b);
	assert_true(b.len >= 65536);
	/* A spoiled copy is read again from the store, and mended. */
	mv_test_write(path, "spoiled", 7);
	load(f);
	assert_int_equal(f->s.n, NSNAPS);
	assert_int_equal(f->s.nproblems, 0);
	mv_buf_reset(&b);
	mv_test_read(path, &b);
	assert_true(b.len >= 65536);
	/* What no store lists is not there, copy or not. */
	remove_object(f, 0, f->names[3]);
	load(f);
	assert_int_equal(f->s.n, 3);
	mv_buf_clear(&b);
	free(path);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_chain_loads_in_order_without_problems),
		T(latest_is_the_newest_that_holds_what_is_asked),
		T(a_snapshot_from_the_future_is_older_than_the_next),
		T(malformed_choices_are_refused),
		T(an_id_is_found_by_its_first_digits),
		T(a_date_means_at_or_before),
		T(a_gap_names_writer_number_and_id),
		T(damage_is_a_problem_and_no_failure),
		T(a_snapshot_of_another_repository_is_no_snapshot),
		cmocka_unit_test_setup_teardown(
		    a_store_that_lacks_snapshots_is_behind, setup_two,
		    teardown),
		T(a_rollback_below_the_mark_is_told),
		T(a_fork_of_the_chain_is_told),
		T(an_expected_head_must_be_there),
		cmocka_unit_test(the_longest_head_fits),
		T(copies_on_disk_are_used_but_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
