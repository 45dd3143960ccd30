/* SPDX-License-Identifier: MIT */
#include "support/rig.h"

#include <stdlib.h>
#include <string.h>

#include "support/mv_test.h"

static struct mv_repo *
open_side(struct rig *rig, struct mv_keyset *keys, const char *state)
{
	struct mv_repo_opts opts = {
		.stores = rig->stores,
		.nstores = rig->nstores,
		.keys = keys,
		.state_dir = state,
	};
	struct mv_repo *r = NULL;
	struct mv_err err;

	assert_ok(mv_repo_open(&opts, &r, &err), &err);
	return r;
}

static void
close_sides(struct rig *rig)
{
	mv_repo_freep(&rig->writer);
	mv_repo_freep(&rig->reader);
}

void
rig_reopen(struct rig *rig)
{
	close_sides(rig);
	rig->writer = open_side(rig, rig->plan.keys.writer, rig->state);
	rig->reader = open_side(rig, rig->plan.keys.reader, NULL);
}

void
rig_new_in(struct rig *rig, struct mv_store *const stores[], size_t nstores)
{
	struct mv_err err;
	size_t i;

	assert_ok(mv_secret_init(&err), &err);
	*rig = (struct rig){ .nstores = nstores };
	for (i = 0; i < nstores; i++)
		rig->stores[i] = stores[i];
	rig->dir = mv_test_dir();
	rig->state = mv_test_path(rig->dir, "state");
	assert_ok(mv_repo_plan("test", "host", &rig->plan, &err), &err);
	assert_ok(mv_repo_plan_commit(&rig->plan, rig->stores, nstores, &err),
	    &err);
	rig_reopen(rig);
}

void
rig_new(struct rig *rig, size_t nstores)
{
	struct mv_store *stores[RIG_STORES] = { NULL };
	struct mv_err err;
	size_t i;

	for (i = 0; i < nstores; i++)
		assert_ok(mv_store_mem(&stores[i], &err), &err);
	rig_new_in(rig, stores, nstores);
}

void
rig_free(struct rig *rig)
{
	size_t i;

	close_sides(rig);
	mv_repo_plan_clear(&rig->plan);
	for (i = 0; i < rig->nstores; i++)
		mv_store_freep(&rig->stores[i]);
	mv_test_rmdir(rig->dir);
	free(rig->dir);
	free(rig->state);
	*rig = (struct rig){ 0 };
}

struct mv_writer *
rig_begin(struct rig *rig, unsigned workers)
{
	struct mv_writer_opts opts = { .workers = workers };
	struct mv_writer *w = NULL;
	struct mv_err err;

	assert_ok(mv_writer_begin(rig->writer, &opts, &w, &err), &err);
	return w;
}

struct mv_root
rig_put(struct mv_writer *w, const void *buf, size_t len, unsigned class,
    bool lines)
{
	struct mv_stream *s = NULL;
	struct mv_root root;
	struct mv_err err;

	assert_ok(mv_stream_open(w, class, lines, &s, &err), &err);
	assert_ok(mv_stream_write(s, buf, len, &err), &err);
	assert_ok(mv_stream_finish(s, &root, &err), &err);
	mv_stream_freep(&s);
	return root;
}

void
rig_commit(struct mv_writer **w, const struct mv_root *roots, size_t n)
{
	struct mv_snapshot snap = { .parts = MV_PART_DB, .nstreams = n };
	struct mv_err err;

	snap.streams = calloc(n + 1, sizeof(*snap.streams));
	assert_non_null(snap.streams);
	if (n > 0)
		memcpy(snap.streams, roots, n * sizeof(*roots));
	assert_ok(mv_writer_commit(*w, &snap, "{}", 2, &err), &err);
	mv_snapshot_clear(&snap);
	mv_writer_freep(w);
}

void
rig_plant(struct rig *rig, uint64_t seq)
{
	const struct mv_identity *me = mv_keyset_find(rig->plan.keys.writer,
	    MV_RIGHT_WRITE);
	struct mv_repo *r = rig->writer;
	struct mv_snapshot s = { .seq = seq, .prev = { { 1 } },
	    .writer = me->number, .keyring = 1, .epoch = 1, .started = 1,
	    .finished = 2 };
	char name[MV_OBJECT_NAME_MAX];
	struct mv_buf obj = { 0 };
	struct mv_err err;

	assert_ok(mv_snapshot_seal_detail(&s, mv_repo_id(r),
	    mv_repo_keyring(r)->epochs[0].pub, "{}", 2, &err), &err);
	assert_ok(mv_snapshot_encode(&s, mv_repo_id(r),
	    &mv_repo_epoch(r, 1)->structure, &me->seed, &obj, &err), &err);
	mv_object_name(MV_KIND_SNAPSHOT, 0, NULL, &s.id, name);
	assert_ok(mv_repo_put(r, name, obj.p, obj.len, &err), &err);
	mv_snapshot_clear(&s);
	mv_buf_clear(&obj);
}

static void
compare_stream(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_root *root, const uint8_t *buf, size_t len)
{
	struct mv_stream_in *in = NULL;
	struct mv_reader *rd = NULL;
	const uint8_t *data;
	struct mv_err err;
	size_t at = 0, n;

	assert_ok(mv_reader_open(r, snap, &rd, &err), &err);
	assert_ok(mv_stream_in_open(rd, root, &in, &err), &err);
	for (;;) {
		assert_ok(mv_stream_in_chunk(in, NULL, 0, &data, &n, &err),
		    &err);
		if (n == 0)
			break;
		assert_true(n <= len - at);
		assert_memory_equal(data, buf + at, n);
		at += n;
	}
	assert_int_equal(at, len);
	mv_stream_in_freep(&in);
	mv_reader_freep(&rd);
}

void
rig_expect(struct rig *rig, size_t stream, const void *buf, size_t len)
{
	struct mv_snapshots all = { 0 };
	const struct mv_snapshot *newest;
	struct mv_err err;
	size_t i;

	assert_ok(mv_snapshots_load(rig->reader, &all, &err), &err);
	for (i = 0; i < all.nproblems; i++)
		print_error("%s\n", all.problems[i]);
	assert_int_equal(all.nproblems, 0);
	assert_ok(mv_snapshots_find(&all, "latest", 0, &newest, &err), &err);
	assert_true(stream < newest->nstreams);
	compare_stream(rig->reader, newest, &newest->streams[stream], buf,
	    len);
	mv_snapshots_clear(&all);
}

struct tally {
	size_t n;
	uint64_t bytes;
};

static int
count_one(const char *name, uint64_t size, void *arg)
{
	struct tally *t = arg;

	(void)name;
	t->n++;
	t->bytes += size;
	return 0;
}

size_t
rig_count(struct rig *rig, const char *prefix, uint64_t *bytes)
{
	struct tally t = { 0 };
	struct mv_err err;

	assert_ok(mv_store_list(rig->stores[0], prefix, count_one, &t, &err),
	    &err);
	if (bytes != NULL)
		*bytes = t.bytes;
	return t.n;
}
