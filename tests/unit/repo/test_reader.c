/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "chunk/chunker.h"
#include "format/segment.h"
#include "repo/reader.h"
#include "repo/reader_internal.h"
#include "repo/snapshots.h"
#include "support/mini_repo.h"

/*
 * A table of ROWS chunks whose tree has three levels, and a media stream of
 * two files with two chunks each.
 */
#define ROWS 700
#define ROW_BYTES 3000
#define MEDIA_CHUNK 150000

struct fx {
	struct mini m;
	uint8_t *rows, *media;
	struct mini_chunk chunks[ROWS], files[4];
	struct mv_snapshots snaps;
	struct mv_reader *rd;
	struct mv_stream_in *in;
	int warnings;
};

static void
count_warning(enum mv_log_level level, const char *text, void *arg)
{
	struct fx *f = arg;

	(void)text;
	if (level == MV_LOG_WARN)
		__atomic_add_fetch(&f->warnings, 1, __ATOMIC_RELAXED);
}

static void
fill_chunks(struct fx *f)
{
	size_t i;

	f->rows = malloc(ROWS * ROW_BYTES);
	f->media = malloc(4 * MEDIA_CHUNK);
	mv_test_fill(f->rows, ROWS * ROW_BYTES, 1);
	mv_test_fill(f->media, 4 * MEDIA_CHUNK, 2);
	for (i = 0; i < ROWS; i++)
		f->chunks[i] = (struct mini_chunk){
		    .p = f->rows + i * ROW_BYTES, .len = ROW_BYTES };
	for (i = 0; i < 4; i++)
		f->files[i] = (struct mini_chunk){
		    .p = f->media + i * MEDIA_CHUNK, .len = MEDIA_CHUNK,
		    .path = i < 2 ? "a/one.png" : "b/two.png" };
}

static int
setup_stores(void **state, size_t nstores)
{
	struct fx *f = calloc(1, sizeof(*f));
	struct mv_err err;

	*state = f;
	mini_open(&f->m, nstores, NULL);
	mv_log_set(count_warning, f);
	fill_chunks(f);
	mini_put_stream(&f->m, f->chunks, ROWS, 50, 10);
	mini_put_stream(&f->m, f->files, 4, 2, 16);
	mini_put_stream(&f->m, NULL, 0, 1, 16);
	mini_snapshot(&f->m, "{}", MV_PART_DB | MV_PART_MEDIA, 2000, NULL);
	assert_ok(mv_snapshots_load(f->m.kit, &f->snaps, &err), &err);
	assert_int_equal(f->snaps.n, 1);
	assert_int_equal(f->snaps.nproblems, 0);
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

	mv_stream_in_free(f->in);
	mv_reader_free(f->rd);
	mv_snapshots_clear(&f->snaps);
	mini_close(&f->m);
	mv_log_set(NULL, NULL);
	free(f->rows);
	free(f->media);
	free(f);
	return 0;
}

static void
open_stream(struct fx *f, size_t stream)
{
	struct mv_err err;

	if (f->rd == NULL)
		assert_ok(mv_reader_open(f->m.kit, &f->snaps.list[0], &f->rd,
		    &err), &err);
	mv_stream_in_freep(&f->in);
	assert_ok(mv_stream_in_open(f->rd, &f->snaps.list[0].streams[stream],
	    &f->in, &err), &err);
}

/* All bytes of the stream are those expected, read in pieces of step. */
static void
expect_bytes(struct fx *f, const uint8_t *want, size_t len, size_t step)
{
	uint8_t *buf = malloc(len + step);
	size_t got, at = 0;
	struct mv_err err;

	do {
		assert_ok(mv_stream_in_read(f->in, buf + at, step, &got,
		    &err), &err);
		at += got;
		assert_true(at <= len);
	} while (got > 0);
	assert_int_equal(at, len);
	assert_memory_equal(buf, want, len);
	free(buf);
}

static void
streams_read_back_as_written(void **state)
{
	struct fx *f = *state;

	open_stream(f, 0);
	expect_bytes(f, f->rows, ROWS * ROW_BYTES, 65536);
	open_stream(f, 0);
	expect_bytes(f, f->rows, ROWS * ROW_BYTES, 777);
	assert_int_equal(f->warnings, 0);
}

static void
an_empty_stream_ends_at_once(void **state)
{
	struct fx *f = *state;

	open_stream(f, 2);
	expect_bytes(f, NULL, 0, 100);
}

static void
every_segment_is_fetched_once(void **state)
{
	struct fx *f = *state;
	uint64_t nodes;

	open_stream(f, 0);
	expect_bytes(f, f->rows, ROWS * ROW_BYTES, 65536);
	/* 70 + 7 + 1 nodes, each a segment of its own here. */
	nodes = ROWS / 10 + ROWS / 100 + 1;
	assert_int_equal(mv_segment_cache_fetches(mv_reader_cache(f->rd)),
	    nodes + ROWS / 50);
}

static void
media_takes_the_path(void **state)
{
	struct fx *f = *state;
	const uint8_t *data;
	struct mv_err err;
	size_t i, len;

	open_stream(f, 1);
	for (i = 0; i < 4; i++) {
		assert_ok(mv_stream_in_chunk(f->in,
		    (const uint8_t *)f->files[i].path, 9, &data, &len, &err),
		    &err);
		assert_int_equal(len, MEDIA_CHUNK);
		assert_memory_equal(data, f->files[i].p, len);
	}
	assert_ok(mv_stream_in_chunk(f->in, NULL, 0, &data, &len, &err),
	    &err);
	assert_int_equal(len, 0);
	/* The same bytes under another name have another id. */
	open_stream(f, 1);
	assert_fails(mv_stream_in_chunk(f->in, (const uint8_t *)"b/two.png",
	    9, &data, &len, &err), MV_ECORRUPT, &err);
}

static void
ids_do_not_move_and_skip_does(void **state)
{
	struct fx *f = *state;
	struct mv_id16 ids[ROWS], id;
	const uint8_t *data;
	struct mv_err err;
	size_t len, n;

	open_stream(f, 0);
	assert_ok(mv_stream_in_ids(f->in, 5, ids, &err), &err);
	assert_ok(mv_stream_in_ids(f->in, ROWS, ids, &err), &err);
	assert_ok(mv_stream_in_chunk(f->in, NULL, 0, &data, &len, &err),
	    &err);
	assert_memory_equal(data, f->rows, len);
	open_stream(f, 0);
	for (n = 0; n + 123 < ROWS; n += 124) {
		assert_ok(mv_stream_in_skip(f->in, 123, &err), &err);
		assert_ok(mv_stream_in_ids(f->in, 1, &id, &err), &err);
		assert_memory_equal(&id, &ids[n + 123], sizeof(id));
		assert_ok(mv_stream_in_chunk(f->in, NULL, 0, &data, &len,
		    &err), &err);
		assert_memory_equal(data, f->chunks[n + 123].p, len);
	}
	assert_fails(mv_stream_in_skip(f->in, ROWS, &err), MV_ECORRUPT,
	    &err);
	assert_fails(mv_stream_in_ids(f->in, ROWS, ids, &err), MV_ECORRUPT,
	    &err);
}

static void
skipping_reads_only_the_nodes_on_the_way(void **state)
{
	struct fx *f = *state;
	struct mv_err err;
	struct mv_id16 id;

	open_stream(f, 0);
	assert_ok(mv_stream_in_skip(f->in, ROWS - 5, &err), &err);
	assert_ok(mv_stream_in_ids(f->in, 1, &id, &err), &err);
	assert_int_equal(mv_segment_cache_fetches(mv_reader_cache(f->rd)),
	    3);
}

/* Flip one byte of the n-th pack below packs/ in a store. */
static void
damage_pack(struct fx *f, size_t store, const char *name, size_t at)
{
	struct mv_buf b = { 0 };

	mini_get(&f->m, name, &b);
	b.p[at] ^= 1;
	mini_replace(&f->m, store, name, b.p, b.len);
	mv_buf_clear(&b);
}

static void
damage_all_packs(struct fx *f, size_t store, size_t at)
{
	size_t i, n;
	char **names = mini_names(&f->m, "packs/", &n);

	for (i = 0; i < n; i++)
		damage_pack(f, store, names[i], at);
	mini_names_free(names, n);
}

static void
a_damaged_segment_names_pack_and_store(void **state)
{
	struct fx *f = *state;
	struct mv_err err;
	uint8_t byte;
	size_t got;

	open_stream(f, 0);
	damage_all_packs(f, 0, 60);
	assert_fails(mv_stream_in_read(f->in, &byte, 1, &got, &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, "packs/");
	assert_says(&err, "mem:a");
}

static void
another_store_steps_in(void **state)
{
	struct fx *f = *state;

	open_stream(f, 0);
	damage_all_packs(f, 0, 60);
	expect_bytes(f, f->rows, ROWS * ROW_BYTES, 65536);
	assert_true(f->warnings > 0);
}

static void
another_pack_steps_in(void **state)
{
	struct fx *f = *state;
	struct mini_pack p;
	struct mv_id16 ids[ROWS];
	struct mv_location loc;
	struct mv_name other;
	char name[MV_OBJECT_NAME_MAX];
	size_t i;

	/* A second, unpinned copy of the table's chunks. */
	mini_pack_begin(&f->m, &p, MV_KIND_DATA_PACK);
	for (i = 0; i < ROWS; i += 100)
		mini_pack_segment(&f->m, &p, f->chunks + i, 100, ids + i);
	mini_pack_put(&f->m, &p, false, name);
	assert_int_equal(mv_object_name_parse(name, &other), 0);
	open_stream(f, 0);
	for (i = 0; i < ROWS; i += 99) {
		assert_true(mv_reader_locate(f->rd, MV_KIND_DATA_PACK,
		    &ids[i], &loc));
		assert_memory_not_equal(&loc.pack, &other.id,
		    sizeof(loc.pack));
		mv_object_name(loc.kind, 0, &loc.pack, &loc.pack_hash, name);
	}
	/* The pinned one is where reading looks, so that is the damaged. */
	damage_pack(f, 0, name, 60);
	expect_bytes(f, f->rows, ROWS * ROW_BYTES, 65536);
	assert_true(f->warnings > 0);
}

/* The writer's signature holds: it does not say where a segment lies. */
static void
shift_segments(struct mv_footer *f)
{
	struct mv_footer_segment *s = &f->origins[0].segs[0];

	s->offset += 16;
}

/* As if all segments of the pack but one lay in another. */
static void
empty_footer(struct mv_footer *f)
{
	struct mv_footer_origin *o = &f->origins[0];
	size_t i;

	for (i = 1; i < o->nsegs; i++)
		o->segs[i].present = false;
}

static void
read_past_index(struct fx *f, void (*alter)(struct mv_footer *f))
{
	char name[MV_OBJECT_NAME_MAX], **packs;
	size_t n;

	packs = mini_names(&f->m, "packs/", &n);
	mini_index_altered(&f->m, (const char *const *)packs, n, alter, name);
	mini_names_free(packs, n);
	open_stream(f, 0);
	expect_bytes(f, f->rows, ROWS * ROW_BYTES, 65536);
	assert_true(f->warnings > 0);
	/* Told once, not for every chunk. */
	assert_true(f->warnings < 10);
}

static void
an_index_that_names_wrong_places_stops_no_reading(void **state)
{
	read_past_index(*state, shift_segments);
}

static void
an_index_that_leaves_segments_out_stops_no_reading(void **state)
{
	read_past_index(*state, empty_footer);
}

/*
 * Whoever can write to a store can put a pack there again, with its footer
 * and without its segments, under its id and any hash: these come first.
 */
static void
plant_copies(struct fx *f, const char *name, size_t n)
{
	char planted[MV_OBJECT_NAME_MAX];
	struct mv_buf b = { 0 };
	struct mv_name what;
	struct mv_err err;
	size_t i;

	assert_int_equal(mv_object_name_parse(name, &what), 0);
	mini_get(&f->m, name, &b);
	/* A footer is never so long here. */
	for (i = MV_PACK_START; i + 32768 < b.len; i += 64)
		b.p[i] ^= 1;
	memset(what.hash.b, 0, sizeof(what.hash.b));
	for (i = 0; i < n; i++) {
		what.hash.b[31] = (uint8_t)i;
		mv_object_name(what.kind, 0, &what.id, &what.hash, planted);
		assert_ok(mv_store_put(f->m.stores[0], planted, b.p, b.len,
		    &err), &err);
	}
	mv_buf_clear(&b);
}

static void
planted_copies_of_packs_stop_no_reading(void **state)
{
	struct fx *f = *state;
	char **packs;
	size_t i, n;

	packs = mini_names(&f->m, "packs/", &n);
	for (i = 0; i < n; i++)
		plant_copies(f, packs[i], 40);
	mini_names_free(packs, n);
	open_stream(f, 0);
	expect_bytes(f, f->rows, ROWS * ROW_BYTES, 65536);
	/* Each is found out once, and not for every chunk. */
	assert_true(mv_segment_cache_fetches(mv_reader_cache(f->rd)) < 500);
}

/*
 * A pack with the id of another one, and with what the footer of that says
 * of its chunks: but other bytes, sealed with another key, and signed by a
 * writer.  Whoever has a writer's key can make it.
 */
static void
forge_pack(struct fx *f, const struct mv_name *of, struct mv_id16 *ids,
    char name[MV_OBJECT_NAME_MAX])
{
	struct mini_chunk wrong[50];
	struct mv_id16 not_those[50];
	struct mv_footer_origin *o;
	struct mini_pack p;
	size_t i, k;

	mini_pack_begin(&f->m, &p, MV_KIND_DATA_PACK);
	o = &p.footer.origins[0];
	o->id = of->id;
	memcpy(p.buf.p + MV_HEADER_BYTES, of->id.b, sizeof(of->id.b));
	for (i = 0; i < ROWS; i += 50) {
		for (k = 0; k < 50; k++)
			wrong[k] = (struct mini_chunk){
			    .p = f->media + i + k, .len = ROW_BYTES };
		mini_pack_segment(&f->m, &p, wrong, 50, not_those);
		memcpy(o->segs[i / 50].ids, ids + i, 50 * sizeof(*ids));
	}
	mini_pack_put(&f->m, &p, false, name);
}

static void
a_forged_pack_with_the_id_of_another_stops_no_reading(void **state)
{
	struct fx *f = *state;
	char name[MV_OBJECT_NAME_MAX], real[MV_OBJECT_NAME_MAX];
	struct mv_id16 ids[ROWS];
	struct mv_location loc;
	struct mv_name of;
	struct mv_err err;

	open_stream(f, 0);
	assert_ok(mv_stream_in_ids(f->in, ROWS, ids, &err), &err);
	assert_true(mv_reader_locate(f->rd, MV_KIND_DATA_PACK, ids, &loc));
	mv_object_name(loc.kind, 0, &loc.pack, &loc.pack_hash, real);
	assert_int_equal(mv_object_name_parse(real, &of), 0);
	mv_stream_in_freep(&f->in);
	mv_reader_freep(&f->rd);
	/* Until one comes first. */
	do
		forge_pack(f, &of, ids, name);
	while (strcmp(name, real) > 0);
	open_stream(f, 0);
	expect_bytes(f, f->rows, ROWS * ROW_BYTES, 65536);
	assert_true(f->warnings > 0);
}

static void
a_writer_cannot_read_data(void **state)
{
	struct fx *f = *state;
	struct mv_reader *rd = NULL;
	struct mv_stream_in *in = NULL;
	struct mv_err err;
	uint8_t byte;
	size_t got;

	assert_ok(mv_reader_open(f->m.writer, &f->snaps.list[0], &rd, &err),
	    &err);
	assert_ok(mv_stream_in_open(rd, &f->snaps.list[0].streams[0], &in,
	    &err), &err);
	assert_fails(mv_stream_in_read(in, &byte, 1, &got, &err), MV_EAUTH,
	    &err);
	mv_stream_in_free(in);
	mv_reader_free(rd);
}

struct reading {
	struct fx *f;
	int rc;
};

static void *
read_all(void *arg)
{
	struct reading *r = arg;
	struct mv_stream_in *in = NULL;
	uint8_t *buf = malloc(ROWS * ROW_BYTES);
	size_t got = 0;

	r->rc = mv_stream_in_open(r->f->rd,
	    &r->f->snaps.list[0].streams[0], &in, NULL);
	if (r->rc == 0)
		r->rc = mv_stream_in_read(in, buf, ROWS * ROW_BYTES, &got,
		    NULL);
	if (r->rc == 0 && (got != ROWS * ROW_BYTES ||
	    memcmp(buf, r->f->rows, got) != 0))
		r->rc = -1;
	mv_stream_in_free(in);
	free(buf);
	return NULL;
}

static void
threads_share_a_reader(void **state)
{
	struct fx *f = *state;
	struct reading r[4];
	pthread_t t[4];
	size_t i;

	open_stream(f, 0);
	for (i = 0; i < 4; i++) {
		r[i] = (struct reading){ .f = f, .rc = -1 };
		assert_int_equal(pthread_create(&t[i], NULL, read_all, &r[i]),
		    0);
	}
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(r[i].rc, 0);
}

/* A snapshot whose one stream has this root, over these nodes. */
static int
read_hostile(struct fx *f, struct mv_root root, struct mv_err *err)
{
	uint8_t buf[65536];
	size_t got;
	int rc;

	mini_stream(&f->m, root.ids, 1, 16);
	f->m.roots[0] = root;
	mini_snapshot(&f->m, "{}", MV_PART_DB, 3000, NULL);
	mv_snapshots_clear(&f->snaps);
	assert_ok(mv_snapshots_load(f->m.kit, &f->snaps, err), err);
	assert_ok(mv_reader_open(f->m.kit, &f->snaps.list[1], &f->rd, err),
	    err);
	assert_ok(mv_stream_in_open(f->rd, &f->snaps.list[1].streams[0],
	    &f->in, err), err);
	do {
		rc = mv_stream_in_read(f->in, buf, sizeof(buf), &got, err);
	} while (rc == 0 && got > 0);
	return rc;
}

/* One node of level with n ids, each with leaves below. */
static struct mv_id16
put_node(struct fx *f, unsigned level, const struct mv_id16 *ids, size_t n,
    uint64_t leaves)
{
	struct mv_list_node *node = calloc(1, sizeof(*node));
	struct mv_buf blob = { 0 };
	struct mv_id16 id;
	struct mv_err err;
	size_t i;

	node->level = (uint8_t)level;
	node->n = n;
	for (i = 0; i < n; i++) {
		node->ids[i] = ids[i];
		node->leaves[i] = leaves;
	}
	assert_ok(mv_list_node_encode(node, &blob, &err), &err);
	mini_nodes(&f->m, &blob, 1, &id, true);
	mv_buf_clear(&blob);
	free(node);
	return id;
}

static void
levels_must_decrease(void **state)
{
	struct fx *f = *state;
	struct mv_id16 ids[20], mid;
	struct mv_root root = { .tag = 2, .level = 2, .leaves = 20 };
	struct mv_err err = { 0 };

	mini_chunks(&f->m, f->chunks, 20, 20, ids);
	mid = put_node(f, 0, ids, 20, 1);
	/* Level 2 over a node of level 0. */
	root.ids[0] = put_node(f, 2, &mid, 1, 20);
	assert_int_equal(read_hostile(f, root, &err), MV_ECORRUPT);
	assert_says(&err, "level");
}

static void
leaf_counts_must_match(void **state)
{
	struct fx *f = *state;
	struct mv_id16 ids[20], mid;
	struct mv_root root = { .tag = 2, .level = 1, .leaves = 21 };
	struct mv_err err = { 0 };

	mini_chunks(&f->m, f->chunks, 20, 20, ids);
	mid = put_node(f, 0, ids, 20, 1);
	root.ids[0] = put_node(f, 1, &mid, 1, 21);
	assert_int_equal(read_hostile(f, root, &err), MV_ECORRUPT);
	assert_says(&err, "leaves");
}

static void
overflowing_leaf_counts_are_refused(void **state)
{
	struct fx *f = *state;
	struct mv_id16 ids[20], mid[2];
	struct mv_root root = { .tag = 2, .level = 1, .leaves = 20 };
	struct mv_err err = { 0 };

	mini_chunks(&f->m, f->chunks, 20, 20, ids);
	mid[0] = mid[1] = put_node(f, 0, ids, 20, 1);
	root.ids[0] = put_node(f, 1, mid, 2, (UINT64_MAX - 20) / 2 + 20);
	assert_int_equal(read_hostile(f, root, &err), MV_ECORRUPT);
}

static void
a_pin_leaf_is_no_list(void **state)
{
	struct fx *f = *state;
	struct mv_root root = { .tag = 2, .level = 0, .leaves = 17 };
	struct mv_err err = { 0 };

	root.ids[0] = f->snaps.list[0].pins.ids[0];
	assert_int_equal(read_hostile(f, root, &err), MV_ECORRUPT);
}

static int
read_fixed(void *arg, uint8_t *buf, size_t len, size_t *got,
    struct mv_err *err)
{
	struct mv_cur *c = arg;

	(void)err;
	*got = len < c->left ? len : c->left;
	memcpy(buf, mv_cur_take(c, *got), *got);
	return 0;
}

/* Cut data as a writer does. */
struct cut {
	struct fx *f;
	struct mv_id16 ids[64];
	size_t n;
};

static int
take_cut(const uint8_t *p, size_t len, void *arg, struct mv_err *err)
{
	struct cut *c = arg;

	return mv_reader_media_id(c->f->rd, (const uint8_t *)"x/y", 3, p, len,
	    &c->ids[c->n++], err);
}

static void
a_file_that_is_there_already_is_recognised(void **state)
{
	struct fx *f = *state;
	struct cut cut = { .f = f };
	struct mv_chunker *chunker = NULL;
	const struct mv_gear *gear;
	struct mv_cur c;
	struct mv_source src = { .read = read_fixed, .arg = &c };
	struct mv_err err;
	size_t len = ROWS * ROW_BYTES;
	bool same;

	open_stream(f, 0);
	assert_ok(mv_reader_gear(f->rd, 1, &gear, &err), &err);
	assert_ok(mv_chunker_new(gear, MV_CLASS_MEDIA, false, take_cut, &cut,
	    &chunker, &err), &err);
	assert_ok(mv_chunker_feed(chunker, f->rows, len, &err), &err);
	assert_ok(mv_chunker_end(chunker, &err), &err);
	mv_chunker_free(chunker);
	c = mv_cur_of(f->rows, len);
	assert_ok(mv_reader_same_file(f->rd, (const uint8_t *)"x/y", 3, src,
	    cut.ids, cut.n, &same, &err), &err);
	assert_true(same);
	f->rows[len / 2] ^= 1;
	c = mv_cur_of(f->rows, len);
	assert_ok(mv_reader_same_file(f->rd, (const uint8_t *)"x/y", 3, src,
	    cut.ids, cut.n, &same, &err), &err);
	assert_false(same);
	f->rows[len / 2] ^= 1;
	c = mv_cur_of(f->rows, len - 1);
	assert_ok(mv_reader_same_file(f->rd, (const uint8_t *)"x/y", 3, src,
	    cut.ids, cut.n, &same, &err), &err);
	assert_false(same);
	c = mv_cur_of(f->rows, 0);
	assert_ok(mv_reader_same_file(f->rd, (const uint8_t *)"x/y", 3, src,
	    cut.ids, 0, &same, &err), &err);
	assert_true(same);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(streams_read_back_as_written),
		T(an_empty_stream_ends_at_once),
		T(every_segment_is_fetched_once),
		T(media_takes_the_path),
		T(ids_do_not_move_and_skip_does),
		T(skipping_reads_only_the_nodes_on_the_way),
		T(a_damaged_segment_names_pack_and_store),
		cmocka_unit_test_setup_teardown(another_store_steps_in,
		    setup_two, teardown),
		T(another_pack_steps_in),
		T(an_index_that_names_wrong_places_stops_no_reading),
		T(an_index_that_leaves_segments_out_stops_no_reading),
		T(planted_copies_of_packs_stop_no_reading),
		T(a_forged_pack_with_the_id_of_another_stops_no_reading),
		T(a_writer_cannot_read_data),
		T(threads_share_a_reader),
		T(levels_must_decrease),
		T(leaf_counts_must_match),
		T(overflowing_leaf_counts_are_refused),
		T(a_pin_leaf_is_no_list),
		T(a_file_that_is_there_already_is_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
