/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "repo/index_internal.h"
#include "repo/index_write.h"
#include "support/mv_test.h"
#include "support/rig.h"

#define LEN (1u << 20)

struct fx {
	struct rig rig;
	struct mv_index *ix;
	uint8_t *data;
	struct mv_ids ids;	/* chunks of all runs */
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	rig_new(&fx->rig, 1);
	fx->data = malloc(LEN);
	assert_non_null(fx->data);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_index_freep(&fx->ix);
	rig_free(&fx->rig);
	mv_ids_clear(&fx->ids);
	free(fx->data);
	free(fx);
	return 0;
}

/* A run over bytes of its own; its ids are kept. */
static void
add_run(struct fx *fx, uint64_t seed)
{
	struct mv_writer *w = rig_begin(&fx->rig, 1);
	struct mv_chunks *c = NULL;
	struct mv_err err;

	mv_test_fill(fx->data, LEN, seed);
	assert_ok(mv_chunks_open(w, 1, false, &c, &err), &err);
	assert_ok(mv_chunks_write(c, fx->data, LEN, &err), &err);
	assert_ok(mv_chunks_flush(c, &err), &err);
	assert_ok(mv_ids_add(&fx->ids, mv_chunks_ids(c)->p,
	    mv_chunks_ids(c)->n, &err), &err);
	mv_chunks_freep(&c);
	rig_commit(&w, NULL, 0);
}

static void
open_index(struct fx *fx, struct mv_repo *r, unsigned flags)
{
	struct mv_err err;

	mv_index_freep(&fx->ix);
	assert_ok(mv_index_open(r, flags, &fx->ix, &err), &err);
}

static void
expect_all(struct fx *fx)
{
	struct mv_location loc;
	size_t i;

	for (i = 0; i < fx->ids.n; i++) {
		assert_true(mv_index_find(fx->ix, MV_KIND_DATA_PACK,
		    &fx->ids.p[i], 0, &loc, 1) == 1);
		assert_true(mv_index_find_segment(fx->ix, MV_KIND_DATA_PACK,
		    &loc.origin, loc.ordinal, &loc, 1) == 1);
		assert_false(mv_index_has(fx->ix, MV_KIND_NODE_PACK,
		    &fx->ids.p[i]));
	}
}

static int
collect(const char *name, uint64_t size, void *arg)
{
	char (*names)[MV_NAME_MAX + 1] = arg;

	(void)size;
	while ((*names)[0] != '\0')
		names++;
	memcpy(*names, name, strlen(name) + 1);
	return 0;
}

#define MANY 64

/* Take away, or replace by rubbish, all objects below prefix. */
static void
spoil(struct fx *fx, const char *prefix, bool keep_rubbish)
{
	static char names[MANY][MV_NAME_MAX + 1];
	struct mv_store *st = fx->rig.stores[0];
	struct mv_err err;
	size_t i;

	memset(names, 0, sizeof(names));
	assert_ok(mv_store_list(st, prefix, collect, names, &err), &err);
	for (i = 0; names[i][0] != '\0'; i++) {
		assert_ok(mv_store_remove(st, names[i], &err), &err);
		if (keep_rubbish)
			assert_ok(mv_store_put(st, names[i], "rubbish", 7,
			    &err), &err);
	}
}

static void
chunks_are_found_on_an_empty_machine(void **state)
{
	struct fx *fx = *state;

	add_run(fx, 1);
	add_run(fx, 2);
	/* The reader has no state directory: all comes from index objects. */
	open_index(fx, fx->rig.reader, 0);
	expect_all(fx);
	assert_int_equal(fx->ix->runs[0]->nsources, 2);
}

static void
chunks_are_found_without_index_objects(void **state)
{
	struct fx *fx = *state;

	add_run(fx, 1);
	add_run(fx, 2);
	spoil(fx, "index/", false);
	open_index(fx, fx->rig.reader, 0);
	expect_all(fx);
}

static void
a_spoiled_index_object_is_set_aside(void **state)
{
	struct fx *fx = *state;

	add_run(fx, 1);
	spoil(fx, "index/", true);
	open_index(fx, fx->rig.reader, 0);
	expect_all(fx);
}

static void
a_pack_that_is_no_pack_harms_nobody(void **state)
{
	struct fx *fx = *state;

	add_run(fx, 1);
	spoil(fx, "packs/", true);
	spoil(fx, "index/", false);
	open_index(fx, fx->rig.reader, 0);
	assert_int_equal(mv_index_packs(fx->ix), 0);
	assert_false(mv_index_has(fx->ix, MV_KIND_DATA_PACK, &fx->ids.p[0]));
}

static void
a_cut_pack_does_not_count(void **state)
{
	struct fx *fx = *state;

	add_run(fx, 1);
	/* Local files and index objects know the packs as they were. */
	spoil(fx, "packs/", true);
	open_index(fx, fx->rig.writer, MV_INDEX_EVERYWHERE);
	assert_false(mv_index_has(fx->ix, MV_KIND_DATA_PACK, &fx->ids.p[0]));
}

/* Call with each local file's path. */
static size_t
each_run_file(struct fx *fx, void (*each)(const char *path))
{
	char *dir = mv_test_path(fx->rig.state, "index");
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;
	char *path;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".run") == NULL)
			continue;
		path = mv_test_path(dir, e->d_name);
		if (each != NULL)
			each(path);
		free(path);
		n++;
	}
	(void)closedir(d);
	free(dir);
	return n;
}

static void
flip_a_bit(const char *path)
{
	struct mv_buf b = { 0 };

	mv_test_read(path, &b);
	b.p[b.len / 2] ^= 4;
	(void)remove(path);
	mv_test_write(path, b.p, b.len);
	mv_buf_clear(&b);
}

static void
cut_in_half(const char *path)
{
	struct mv_buf b = { 0 };

	mv_test_read(path, &b);
	(void)remove(path);
	mv_test_write(path, b.p, b.len / 2);
	mv_buf_clear(&b);
}

static void
empty(const char *path)
{
	(void)remove(path);
	mv_test_write(path, "", 0);
}

static void
damaged_local_files_are_made_again(void **state)
{
	void (*const damage[])(const char *) = { flip_a_bit, cut_in_half,
	    empty };
	struct fx *fx = *state;
	size_t i;

	add_run(fx, 1);
	for (i = 0; i < MV_ARRAY_LEN(damage); i++) {
		mv_index_freep(&fx->ix);
		assert_int_equal(each_run_file(fx, damage[i]), 1);
		open_index(fx, fx->rig.writer, MV_INDEX_EVERYWHERE);
		expect_all(fx);
		assert_int_equal(each_run_file(fx, NULL), 1);
	}
}

static void
local_files_stay_few(void **state)
{
	struct fx *fx = *state;
	uint64_t seed;

	for (seed = 1; seed <= 30; seed++)
		add_run(fx, seed);
	assert_in_range(each_run_file(fx, NULL), 1, MV_INDEX_RUNS);
	open_index(fx, fx->rig.writer, MV_INDEX_EVERYWHERE);
	expect_all(fx);
	assert_in_range(fx->ix->nruns, 1, MV_INDEX_RUNS);
}

static void
a_second_process_only_reads_local_files(void **state)
{
	struct fx *fx = *state;
	struct mv_index *first = NULL;
	struct mv_err err;

	add_run(fx, 1);
	assert_ok(mv_index_open(fx->rig.writer, 0, &first, &err), &err);
	assert_true(first->lock >= 0);
	open_index(fx, fx->rig.writer, 0);
	assert_int_equal(fx->ix->lock, -1);
	expect_all(fx);
	mv_index_freep(&first);
}

/* A run of n entries that leaves no file. */
static void
build_nameless(size_t n, struct mv_run **out)
{
	struct mv_footer_segment seg = { .present = true, .nids = n };
	struct mv_footer_origin origin = { .segs = &seg, .nsegs = 1 };
	struct mv_footer f = { .kind = MV_KIND_DATA_PACK, .origins = &origin,
	    .norigins = 1 };
	mv_auto(mv_run_builder_clear) struct mv_run_builder b = { 0 };
	const struct mv_run_pack pack = { .kind = MV_KIND_DATA_PACK };
	const struct mv_id16 repo = { { 1 } };
	const struct mv_key k = { { 2 } };
	struct mv_run_place at = { .dirfd = -1, .repo = &repo };
	struct mv_err err;

	seg.ids = calloc(n, sizeof(*seg.ids));
	assert_non_null(seg.ids);
	mv_test_fill(seg.ids, n * sizeof(*seg.ids), 1);
	assert_ok(mv_hmac_new(&k, &at.hmac, &err), &err);
	assert_ok(mv_run_builder_add(&b, &pack, &f, &err), &err);
	assert_ok(mv_run_build(&b, &at, out, &err), &err);
	assert_non_null(mv_run_find(*out, &seg.ids[n / 2]));
	mv_hmac_free(at.hmac);
	free(seg.ids);
}

/* Whether something below dir, or a memory file for NULL, is mapped. */
static bool
maps(const char *dir)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[1024];
	bool found = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, dir != NULL ? dir :
		    "memfd:mastvault-index") != NULL)
			found = true;
	(void)fclose(f);
	return found;
}

static void
a_large_index_that_leaves_no_file_is_not_in_memory(void **state)
{
	const char *before = getenv("TMPDIR");
	mv_auto(mv_freep) char *kept = before != NULL ? strdup(before) : NULL;
	mv_auto(mv_freep) char *dir = mv_test_dir();
	mv_auto(mv_run_freep) struct mv_run *run = NULL;

	(void)state;
	assert_int_equal(setenv("TMPDIR", dir, 1), 0);
	build_nameless(1000, &run);
	assert_true(maps(NULL));
	assert_false(maps(dir));
	mv_run_freep(&run);
	build_nameless(100000, &run);
	assert_true(maps(dir));
	assert_false(maps(NULL));
	mv_run_freep(&run);
	/* Where there is no such place, it is memory again. */
	assert_int_equal(setenv("TMPDIR", "/proc/nowhere", 1), 0);
	build_nameless(100000, &run);
	assert_true(maps(NULL));
	assert_int_equal(rmdir(dir), 0);
	if (kept != NULL)
		assert_int_equal(setenv("TMPDIR", kept, 1), 0);
	else
		assert_int_equal(unsetenv("TMPDIR"), 0);
}

static void
one_caller_is_told_to_store_a_chunk(void **state)
{
	struct fx *fx = *state;
	struct mv_id16 id = { { 1, 2, 3 } };
	struct mv_index_hit hit;
	enum mv_claim claim;
	struct mv_err err;

	add_run(fx, 1);
	open_index(fx, fx->rig.writer, MV_INDEX_EVERYWHERE);
	assert_ok(mv_index_claim(fx->ix, MV_KIND_DATA_PACK, &id, false,
	    &claim, &hit, &err), &err);
	assert_int_equal(claim, MV_CLAIM_NEW);
	assert_ok(mv_index_claim(fx->ix, MV_KIND_DATA_PACK, &id, true,
	    &claim, &hit, &err), &err);
	assert_int_equal(claim, MV_CLAIM_NEW);
	assert_ok(mv_index_claim(fx->ix, MV_KIND_DATA_PACK, &id, true,
	    &claim, &hit, &err), &err);
	assert_int_equal(claim, MV_CLAIM_PENDING);
	assert_ok(mv_index_claim(fx->ix, MV_KIND_DATA_PACK, &fx->ids.p[0],
	    true, &claim, &hit, &err), &err);
	assert_int_equal(claim, MV_CLAIM_FOUND);
	assert_int_equal(hit.writer, 1);
	assert_int_equal(hit.seq, 1);
	assert_false(hit.own);
}

static void
a_set_of_ids_forgets_what_is_removed(void **state)
{
	struct mv_idset s = { 0 };
	struct mv_id16 id;
	struct mv_err err;
	bool added;
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		mv_test_fill(&id, sizeof(id), i);
		assert_ok(mv_idset_add(&s, &id, &added, &err), &err);
		assert_true(added);
	}
	for (i = 0; i < 5000; i += 2) {
		mv_test_fill(&id, sizeof(id), i);
		mv_idset_remove(&s, &id);
		mv_idset_remove(&s, &id);
	}
	assert_int_equal(s.n, 2500);
	for (i = 0; i < 5000; i++) {
		mv_test_fill(&id, sizeof(id), i);
		assert_int_equal(mv_idset_has(&s, &id), i % 2);
	}
	memset(&id, 0, sizeof(id));
	assert_false(mv_idset_has(&s, &id));
	assert_ok(mv_idset_add(&s, &id, &added, &err), &err);
	assert_true(added && mv_idset_has(&s, &id));
	mv_idset_clear(&s);
}

int
main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(chunks_are_found_on_an_empty_machine),
		CASE(chunks_are_found_without_index_objects),
		CASE(a_spoiled_index_object_is_set_aside),
		CASE(a_pack_that_is_no_pack_harms_nobody),
		CASE(a_cut_pack_does_not_count),
		CASE(damaged_local_files_are_made_again),
		CASE(local_files_stay_few),
		CASE(a_second_process_only_reads_local_files),
		CASE(a_large_index_that_leaves_no_file_is_not_in_memory),
		CASE(one_caller_is_told_to_store_a_chunk),
		cmocka_unit_test(a_set_of_ids_forgets_what_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
