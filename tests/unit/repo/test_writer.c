/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "repo/pinset.h"
#include "support/mv_test.h"
#include "support/rig.h"

#define MIB (1u << 20)

struct fx {
	struct rig rig;
	struct mv_writer *w;
	uint8_t *data;
	size_t len;
};

static int
setup_n(void **state, size_t nstores)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	rig_new(&fx->rig, nstores);
	fx->len = 24 * MIB;
	fx->data = malloc(fx->len);
	assert_non_null(fx->data);
	mv_test_fill(fx->data, fx->len, 1);
	return 0;
}

static int
setup(void **state)
{
	return setup_n(state, 1);
}

static int
setup_two(void **state)
{
	return setup_n(state, 2);
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_writer_freep(&fx->w);
	rig_free(&fx->rig);
	free(fx->data);
	free(fx);
	return 0;
}

/* Rows as COPY writes them; what row i says depends on i and salt. */
static size_t
rows(uint8_t *buf, size_t len, uint64_t salt)
{
	size_t at = 0, i;
	char line[160];
	int n;

	for (i = 0; ; i++) {
		n = snprintf(line, sizeof(line), "%zu\tuser%zu@example.org\t"
		    "the quick brown fox %zu jumps over %llu\t\\N\n", i,
		    i * 7919 % 1000, i * i % 9973,
		    (unsigned long long)(salt + i % 512));
		if (at + (size_t)n > len)
			return at;
		memcpy(buf + at, line, (size_t)n);
		at += (size_t)n;
	}
}

static void
an_empty_stream_is_an_empty_root(void **state)
{
	struct fx *fx = *state;
	struct mv_root root;

	fx->w = rig_begin(&fx->rig, 1);
	root = rig_put(fx->w, fx->data, 0, 1, false);
	assert_int_equal(root.tag, MV_ROOT_EMPTY);
	rig_commit(&fx->w, &root, 1);
	rig_expect(&fx->rig, 0, fx->data, 0);
	assert_int_equal(rig_count(&fx->rig, "packs/", NULL), 0);
}

static void
one_byte_is_read_back(void **state)
{
	struct fx *fx = *state;
	struct mv_root root;

	fx->w = rig_begin(&fx->rig, 1);
	root = rig_put(fx->w, fx->data, 1, 1, false);
	assert_int_equal(root.tag, MV_ROOT_INLINE);
	rig_commit(&fx->w, &root, 1);
	rig_expect(&fx->rig, 0, fx->data, 1);
}

static void
several_packs_are_read_back(void **state)
{
	struct fx *fx = *state;
	struct mv_root roots[2];
	uint64_t bytes;

	fx->w = rig_begin(&fx->rig, 2);
	roots[0] = rig_put(fx->w, fx->data, fx->len, 0, false);
	roots[1] = rig_put(fx->w, fx->data, fx->len / 2, 3, false);
	assert_int_equal(roots[0].tag, MV_ROOT_TREE);
	rig_commit(&fx->w, roots, 2);
	rig_expect(&fx->rig, 0, fx->data, fx->len);
	rig_expect(&fx->rig, 1, fx->data, fx->len / 2);
	/* Two nodes' packs: of the streams and of the pins. */
	assert_in_range(rig_count(&fx->rig, "packs/", &bytes), 4, 6);
	assert_in_range(bytes, fx->len * 3 / 2, fx->len * 3 / 2 + 4 * MIB);
	assert_int_equal(rig_count(&fx->rig, "index/", NULL), 1);
	assert_int_equal(rig_count(&fx->rig, "snapshots/", NULL), 1);
}

static void
an_unchanged_stream_adds_no_data(void **state)
{
	struct fx *fx = *state;
	struct mv_root first, second;
	struct mv_writer_stats stats;
	size_t len = rows(fx->data, fx->len / 2, 0);

	fx->w = rig_begin(&fx->rig, 2);
	first = rig_put(fx->w, fx->data, len, 0, true);
	rig_commit(&fx->w, &first, 1);
	rig_reopen(&fx->rig);
	fx->w = rig_begin(&fx->rig, 2);
	assert_int_equal(mv_writer_seq(fx->w), 2);
	second = rig_put(fx->w, fx->data, len, 0, true);
	mv_writer_stats(fx->w, &stats);
	assert_int_equal(stats.bytes_read, len);
	assert_int_equal(stats.bytes_new, 0);
	assert_int_equal(stats.chunks_new, 0);
	assert_int_equal(stats.bytes_resumed, 0);
	assert_memory_equal(&first, &second, sizeof(first));
	rig_commit(&fx->w, &second, 1);
	rig_expect(&fx->rig, 0, fx->data, len);
}

static void
a_small_change_adds_little(void **state)
{
	struct fx *fx = *state;
	struct mv_root root;
	struct mv_writer_stats stats;
	size_t len = rows(fx->data, fx->len / 2, 0), at = len / 2;

	fx->w = rig_begin(&fx->rig, 2);
	root = rig_put(fx->w, fx->data, len, 0, true);
	rig_commit(&fx->w, &root, 1);
	memcpy(fx->data + at, "changed!", 8);
	fx->w = rig_begin(&fx->rig, 2);
	root = rig_put(fx->w, fx->data, len, 0, true);
	mv_writer_stats(fx->w, &stats);
	assert_in_range(stats.bytes_new, 1, 16384);
	rig_commit(&fx->w, &root, 1);
	rig_expect(&fx->rig, 0, fx->data, len);
}

static void
an_abandoned_run_leaves_packs_that_the_next_one_uses(void **state)
{
	struct fx *fx = *state;
	struct mv_root root;
	struct mv_writer_stats stats;

	fx->w = rig_begin(&fx->rig, 1);
	(void)rig_put(fx->w, fx->data, fx->len, 3, false);
	mv_writer_freep(&fx->w);
	assert_int_equal(rig_count(&fx->rig, "snapshots/", NULL), 0);
	rig_reopen(&fx->rig);
	fx->w = rig_begin(&fx->rig, 1);
	root = rig_put(fx->w, fx->data, fx->len, 3, false);
	mv_writer_stats(fx->w, &stats);
	/* The first pack was full long before the end. */
	if (rig_count(&fx->rig, "packs/", NULL) > 0)
		assert_true(stats.bytes_resumed >= 12 * MIB);
	assert_int_equal(stats.bytes_resumed + stats.bytes_new, fx->len);
	rig_commit(&fx->w, &root, 1);
	rig_expect(&fx->rig, 0, fx->data, fx->len);
}

static void
equal_files_share_nothing_under_different_paths(void **state)
{
	struct fx *fx = *state;
	struct mv_writer_stats stats;
	struct mv_chunks *c = NULL;
	struct mv_err err;

	fx->w = rig_begin(&fx->rig, 1);
	assert_ok(mv_chunks_open(fx->w, 3, false, &c, &err), &err);
	assert_ok(mv_chunks_file(c, (const uint8_t *)"a", 1, &err), &err);
	assert_ok(mv_chunks_write(c, fx->data, MIB, &err), &err);
	assert_ok(mv_chunks_cut(c, &err), &err);
	assert_ok(mv_chunks_file(c, (const uint8_t *)"b", 1, &err), &err);
	assert_ok(mv_chunks_write(c, fx->data, MIB, &err), &err);
	assert_ok(mv_chunks_cut(c, &err), &err);
	assert_ok(mv_chunks_file(c, (const uint8_t *)"a", 1, &err), &err);
	assert_ok(mv_chunks_write(c, fx->data, MIB, &err), &err);
	assert_ok(mv_chunks_flush(c, &err), &err);
	mv_chunks_freep(&c);
	mv_writer_stats(fx->w, &stats);
	assert_int_equal(stats.bytes_new, 2 * MIB);
}

static void
only_what_is_there_is_reused(void **state)
{
	struct fx *fx = *state;
	struct mv_ids ids = { 0 };
	struct mv_chunks *c = NULL;
	struct mv_id16 unknown = { { 1 } };
	struct mv_root root = { 0 };
	struct mv_err err;
	bool all = false;

	fx->w = rig_begin(&fx->rig, 1);
	assert_ok(mv_chunks_open(fx->w, 1, false, &c, &err), &err);
	assert_ok(mv_chunks_write(c, fx->data, MIB, &err), &err);
	assert_ok(mv_chunks_flush(c, &err), &err);
	assert_ok(mv_ids_add(&ids, mv_chunks_ids(c)->p, mv_chunks_ids(c)->n,
	    &err), &err);
	mv_chunks_freep(&c);
	rig_commit(&fx->w, &root, 1);
	fx->w = rig_begin(&fx->rig, 1);
	assert_ok(mv_writer_reuse(fx->w, ids.p, ids.n, &all, &err), &err);
	assert_true(all);
	assert_ok(mv_ids_add(&ids, &unknown, 1, &err), &err);
	assert_ok(mv_writer_reuse(fx->w, ids.p, ids.n, &all, &err), &err);
	assert_false(all);
	mv_ids_clear(&ids);
}

static void
a_dry_run_stores_nothing_and_counts(void **state)
{
	struct fx *fx = *state;
	struct mv_writer_opts opts = { .workers = 2, .dry_run = true };
	struct mv_writer_stats stats;
	struct mv_snapshot snap = { .parts = MV_PART_DB };
	struct mv_err err;

	assert_ok(mv_writer_begin(fx->rig.writer, &opts, &fx->w, &err), &err);
	(void)rig_put(fx->w, fx->data, fx->len, 1, false);
	assert_ok(mv_writer_commit(fx->w, &snap, "{}", 2, &err), &err);
	mv_snapshot_clear(&snap);
	mv_writer_stats(fx->w, &stats);
	assert_true(stats.bytes_added > fx->len);
	assert_int_equal(rig_count(&fx->rig, "packs/", NULL), 0);
	assert_int_equal(rig_count(&fx->rig, "index/", NULL), 0);
	assert_int_equal(rig_count(&fx->rig, "snapshots/", NULL), 0);
}

static void
two_runs_at_once_are_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_writer_opts opts = { 0 };
	struct mv_writer *second = NULL;
	struct mv_err err;

	fx->w = rig_begin(&fx->rig, 1);
	assert_fails(mv_writer_begin(fx->rig.writer, &opts, &second, &err),
	    MV_EAGAIN, &err);
	assert_null(second);
}

static void
behind_the_highest_number_no_run_begins(void **state)
{
	static const uint64_t seqs[] = { UINT64_MAX, UINT64_MAX - 1 };
	struct mv_writer_opts opts = { 0 };
	struct fx *fx;
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(seqs); i++) {
		teardown(state);
		setup(state);
		fx = *state;
		rig_plant(&fx->rig, seqs[i]);
		assert_fails(mv_writer_begin(fx->rig.writer, &opts, &fx->w,
		    &err), MV_EAUTH, &err);
		assert_says(&err, "remove the key");
	}
	teardown(state);
	setup(state);
	fx = *state;
	rig_plant(&fx->rig, UINT64_MAX - 2);
	fx->w = rig_begin(&fx->rig, 1);
	rig_commit(&fx->w, NULL, 0);
}

static void
a_commit_before_a_flush_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_snapshot snap = { .parts = MV_PART_DB };
	struct mv_chunks *c = NULL;
	struct mv_err err;

	fx->w = rig_begin(&fx->rig, 1);
	assert_ok(mv_chunks_open(fx->w, 0, false, &c, &err), &err);
	assert_ok(mv_chunks_write(c, fx->data, 100000, &err), &err);
	assert_fails(mv_writer_commit(fx->w, &snap, "{}", 2, &err),
	    MV_EUSAGE, &err);
	mv_snapshot_clear(&snap);
	mv_chunks_freep(&c);
}

static int
first_name(const char *name, uint64_t size, void *arg)
{
	(void)size;
	memcpy(arg, name, strlen(name) + 1);
	return 1;
}

static void
remove_a_pack(struct rig *rig, size_t store)
{
	char name[MV_NAME_MAX + 1] = "";
	struct mv_err err = { 0 };

	assert_int_equal(mv_store_list(rig->stores[store], "packs/",
	    first_name, name, &err), 1);
	assert_ok(mv_store_remove(rig->stores[store], name, &err), &err);
}

static void
a_pack_that_vanished_meanwhile_fails_the_commit(void **state)
{
	struct fx *fx = *state;
	struct mv_snapshot snap = { .parts = MV_PART_DB };
	struct mv_root root;
	struct mv_err err;

	fx->w = rig_begin(&fx->rig, 1);
	root = rig_put(fx->w, fx->data, 64, 1, false);
	rig_commit(&fx->w, &root, 1);
	fx->w = rig_begin(&fx->rig, 1);
	(void)rig_put(fx->w, fx->data, 64, 1, false);
	while (rig_count(&fx->rig, "packs/", NULL) > 0)
		remove_a_pack(&fx->rig, 0);
	assert_fails(mv_writer_commit(fx->w, &snap, "{}", 2, &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, "gone");
	assert_int_equal(rig_count(&fx->rig, "snapshots/", NULL), 1);
	mv_snapshot_clear(&snap);
}

static void
what_one_store_lacks_is_stored_anew(void **state)
{
	struct fx *fx = *state;
	struct mv_writer_stats stats;
	struct mv_root root;

	fx->w = rig_begin(&fx->rig, 1);
	root = rig_put(fx->w, fx->data, 1000, 1, false);
	rig_commit(&fx->w, &root, 1);
	while (rig_count(&fx->rig, "packs/", NULL) > 0)
		remove_a_pack(&fx->rig, 0);
	rig_reopen(&fx->rig);
	fx->w = rig_begin(&fx->rig, 1);
	root = rig_put(fx->w, fx->data, 1000, 1, false);
	mv_writer_stats(fx->w, &stats);
	assert_int_equal(stats.bytes_new, 1000);
	rig_commit(&fx->w, &root, 1);
	rig_expect(&fx->rig, 0, fx->data, 1000);
}

/* A planted pack may say of another one's origin that it is short. */
static void
packs_that_disagree_on_an_origin_are_pinned_alike(void **state)
{
	const struct mv_pack_ref a = { { { 1 } }, { { 1 } }, 65536 };
	const struct mv_pack_ref b = { { { 2 } }, { { 2 } }, 65536 };
	const struct mv_id16 origin = { { 7 } };
	struct mv_pin *pins = NULL;
	struct mv_pinset set;
	struct mv_err err;
	size_t n;

	(void)state;
	mv_pinset_init(&set);
	assert_ok(mv_pinset_add(&set, &origin, 1, 0, &a, &err), &err);
	assert_ok(mv_pinset_add(&set, &origin, 20, 17, &b, &err), &err);
	assert_ok(mv_pinset_add(&set, &origin, 3, 2, &a, &err), &err);
	assert_fails(mv_pinset_add(&set, &origin, 3, 20, &a, &err),
	    MV_ECORRUPT, &err);
	assert_ok(mv_pinset_sorted(&set, &pins, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(pins[0].nbits, 20);
	assert_memory_equal(pins[0].bits, "\x05\x00\x02", 3);
	free(pins);
	mv_pinset_clear(&set);
}

static void
a_stop_request_ends_the_run(void **state)
{
	struct fx *fx = *state;
	struct mv_stream *s = NULL;
	struct mv_err err;

	fx->w = rig_begin(&fx->rig, 2);
	assert_ok(mv_stream_open(fx->w, 0, false, &s, &err), &err);
	assert_ok(mv_stream_write(s, fx->data, MIB, &err), &err);
	mv_stop_request();
	assert_fails(mv_stream_write(s, fx->data, MIB, &err), MV_EINTR, &err);
	mv_stream_freep(&s);
	mv_writer_freep(&fx->w);
}

int
main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(an_empty_stream_is_an_empty_root),
		CASE(one_byte_is_read_back),
		CASE(several_packs_are_read_back),
		CASE(an_unchanged_stream_adds_no_data),
		CASE(a_small_change_adds_little),
		CASE(an_abandoned_run_leaves_packs_that_the_next_one_uses),
		CASE(equal_files_share_nothing_under_different_paths),
		CASE(only_what_is_there_is_reused),
		CASE(a_dry_run_stores_nothing_and_counts),
		CASE(two_runs_at_once_are_refused),
		CASE(behind_the_highest_number_no_run_begins),
		CASE(a_commit_before_a_flush_is_refused),
		CASE(a_pack_that_vanished_meanwhile_fails_the_commit),
		cmocka_unit_test_setup_teardown(
		    what_one_store_lacks_is_stored_anew, setup_two, teardown),
		CASE(packs_that_disagree_on_an_origin_are_pinned_alike),
		/* Last: a request is not taken back. */
		CASE(a_stop_request_ends_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
