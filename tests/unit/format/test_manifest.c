/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "format/manifest.h"
#include "support/mv_test.h"

#define SPAN(s) ((struct mv_span){ (const uint8_t *)(s), sizeof(s) - 1 })

struct fx {
	struct mv_buf bytes;
	struct mv_buf again;
	struct mv_entry e;
	struct mv_entry back;
	struct mv_manifest_reader *reader;
	struct mv_cur left;		/* what the source has yet to give */
	size_t step;			/* at most so much at once */
	struct mv_err err;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	fx->step = SIZE_MAX;
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_manifest_reader_free(fx->reader);
	mv_entry_clear(&fx->e);
	mv_entry_clear(&fx->back);
	mv_buf_clear(&fx->bytes);
	mv_buf_clear(&fx->again);
	free(fx);
	return 0;
}

static int
feed(void *arg, uint8_t *buf, size_t len, size_t *got, struct mv_err *err)
{
	struct fx *fx = arg;

	(void)err;
	*got = len < fx->left.left ? len : fx->left.left;
	if (*got > fx->step)
		*got = fx->step;
	if (*got > 0)
		mv_cur_copy(&fx->left, buf, *got);
	return 0;
}

static void
open_reader(struct fx *fx)
{
	mv_manifest_reader_free(fx->reader);
	fx->reader = NULL;
	fx->left = mv_cur_of(fx->bytes.p, fx->bytes.len);
	assert_ok(mv_manifest_reader_new((struct mv_source){ feed, fx },
	    &fx->reader, &fx->err), &fx->err);
}

static void
plain_file(struct mv_entry *e, struct mv_span path)
{
	mv_entry_reset(e);
	e->type = MV_ENTRY_FILE;
	e->path = path;
	e->mode = 0644;
	e->size = 100;
	e->nchunks = 1;
}

static void
put(struct fx *fx, enum mv_entry_type type, const char *path)
{
	struct mv_entry e = {
		.type = type,
		.path = { (const uint8_t *)path, strlen(path) },
		.target = SPAN("a"),
	};

	assert_ok(mv_entry_encode(&e, &fx->bytes, &fx->err), &fx->err);
}

/* bytes -> entry -> bytes, which must be the same. */
static void
assert_round_trip(struct fx *fx)
{
	struct mv_cur c;

	mv_buf_reset(&fx->bytes);
	mv_buf_reset(&fx->again);
	assert_ok(mv_entry_encode(&fx->e, &fx->bytes, &fx->err), &fx->err);
	c = mv_cur_of(fx->bytes.p, fx->bytes.len);
	assert_ok(mv_entry_decode(&c, &fx->back, &fx->err), &fx->err);
	assert_true(mv_cur_done(&c));
	assert_ok(mv_entry_encode(&fx->back, &fx->again, &fx->err), &fx->err);
	assert_int_equal(fx->bytes.len, fx->again.len);
	assert_memory_equal(fx->bytes.p, fx->again.p, fx->bytes.len);
}

static void
a_full_entry_survives_the_round_trip(void **state)
{
	struct fx *fx = *state;
	struct mv_entry *e = &fx->e;

	plain_file(e, SPAN("media/\xff\n odd"));
	e->mode = 04711;
	e->uid = UINT32_MAX;
	e->gid = 991;
	e->owner = SPAN("mastodon");
	e->group = SPAN("www-data");
	e->mtime = -1;
	e->mtime_nsec = 999999999;
	e->size = 3ULL << 30;
	e->nchunks = 7;
	e->sparse = true;
	assert_ok(mv_entry_add_extent(e, 0, 4096, &fx->err), &fx->err);
	assert_ok(mv_entry_add_extent(e, 8192, (3ULL << 30) - 8192, &fx->err),
	    &fx->err);
	assert_ok(mv_entry_add_xattr(e, SPAN("user.a"), SPAN(""), &fx->err),
	    &fx->err);
	assert_ok(mv_entry_add_xattr(e, SPAN("user.b"), SPAN("\0x"), &fx->err),
	    &fx->err);
	assert_round_trip(fx);
	assert_int_equal(fx->back.mtime, -1);
	assert_int_equal(fx->back.uid, UINT32_MAX);
	assert_int_equal(fx->back.nextents, 2);
	assert_true(fx->back.extents[1].offset == 8192);
	assert_int_equal(fx->back.xattrs[1].value.len, 2);
	assert_memory_equal(fx->back.owner.p, "mastodon", 8);
	assert_true(mv_entry_data_size(&fx->back) == (3ULL << 30) - 4096);
}

static void
extreme_times_survive_the_round_trip(void **state)
{
	static const int64_t times[] = { 0, 1, -1, INT64_MAX, INT64_MIN };
	struct fx *fx = *state;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(times); i++) {
		plain_file(&fx->e, SPAN("a"));
		fx->e.mtime = times[i];
		assert_round_trip(fx);
		assert_true(fx->back.mtime == times[i]);
	}
}

static void
a_file_that_is_one_hole_survives_the_round_trip(void **state)
{
	struct fx *fx = *state;

	plain_file(&fx->e, SPAN("a"));
	fx->e.sparse = true;
	fx->e.nchunks = 0;
	assert_round_trip(fx);
	assert_true(fx->back.sparse);
	assert_int_equal(mv_entry_data_size(&fx->back), 0);
}

/* Records with one thing wrong each; the encoder must not make them. */
enum wrong {
	BAD_PATH_DOTS, BAD_PATH_DOT, BAD_PATH_SLASH, BAD_PATH_END,
	BAD_PATH_DOUBLE, BAD_PATH_NUL, BAD_PATH_EMPTY, BAD_MODE, BAD_NSEC,
	BAD_SIZE, BAD_CHUNKS_NONE, BAD_CHUNKS_MANY, BAD_CHUNKS_EMPTY,
	BAD_EXTENT_ALL, BAD_EXTENT_BEYOND, BAD_EXTENT_TOUCH, BAD_EXTENT_EMPTY,
	BAD_EXTENT_ORDER, BAD_EXTENT_OF_EMPTY, BAD_XATTR_ORDER,
	BAD_XATTR_TWICE, BAD_XATTR_NAME, BAD_OWNER, BAD_SYMLINK_EMPTY,
	BAD_SYMLINK_NUL, BAD_HARDLINK_SELF, BAD_HARDLINK_LATER,
	BAD_HARDLINK_DOTS, BAD_HARDLINK_ROOT, NWRONG
};

static void
extents(struct mv_entry *e, uint64_t o1, uint64_t l1, uint64_t o2, uint64_t l2)
{
	struct mv_err err = { 0 };

	e->sparse = true;
	assert_ok(mv_entry_add_extent(e, o1, l1, &err), &err);
	if (o2 + l2 > 0)
		assert_ok(mv_entry_add_extent(e, o2, l2, &err), &err);
}

static void
xattrs(struct mv_entry *e, struct mv_span a, struct mv_span b)
{
	struct mv_err err = { 0 };

	assert_ok(mv_entry_add_xattr(e, a, SPAN("1"), &err), &err);
	assert_ok(mv_entry_add_xattr(e, b, SPAN("2"), &err), &err);
}

static void
link_to(struct mv_entry *e, enum mv_entry_type type, struct mv_span target)
{
	e->type = type;
	e->target = target;
}

static void
make_wrong(struct mv_entry *e, enum wrong what)
{
	switch (what) {
	case BAD_PATH_DOTS: e->path = SPAN("a/../b"); break;
	case BAD_PATH_DOT: e->path = SPAN("./a"); break;
	case BAD_PATH_SLASH: e->path = SPAN("/a"); break;
	case BAD_PATH_END: e->path = SPAN("a/"); break;
	case BAD_PATH_DOUBLE: e->path = SPAN("a//b"); break;
	case BAD_PATH_NUL: e->path = SPAN("a\0b"); break;
	case BAD_PATH_EMPTY: e->path = SPAN(""); break;
	case BAD_MODE: e->mode = 010644; break;
	case BAD_NSEC: e->mtime_nsec = 1000000000; break;
	case BAD_SIZE: e->size = 1ULL << 63; break;
	case BAD_CHUNKS_NONE: e->nchunks = 0; break;
	case BAD_CHUNKS_MANY: e->nchunks = 101; break;
	case BAD_CHUNKS_EMPTY: e->size = 0; break;
	case BAD_EXTENT_ALL: extents(e, 0, 100, 0, 0); break;
	case BAD_EXTENT_BEYOND: extents(e, 50, 51, 0, 0); break;
	case BAD_EXTENT_TOUCH: extents(e, 0, 10, 10, 10); break;
	case BAD_EXTENT_EMPTY: extents(e, 0, 10, 20, 0); break;
	case BAD_EXTENT_ORDER: extents(e, 20, 10, 0, 10); break;
	case BAD_EXTENT_OF_EMPTY:
		e->size = e->nchunks = 0;
		e->sparse = true;
		break;
	case BAD_XATTR_ORDER: xattrs(e, SPAN("b"), SPAN("a")); break;
	case BAD_XATTR_TWICE: xattrs(e, SPAN("a"), SPAN("a")); break;
	case BAD_XATTR_NAME: xattrs(e, SPAN(""), SPAN("a")); break;
	case BAD_OWNER: e->owner = SPAN("a\0b"); break;
	case BAD_SYMLINK_EMPTY: link_to(e, MV_ENTRY_SYMLINK, SPAN("")); break;
	case BAD_SYMLINK_NUL:
		link_to(e, MV_ENTRY_SYMLINK, SPAN("a\0"));
		break;
	case BAD_HARDLINK_SELF:
		link_to(e, MV_ENTRY_HARDLINK, SPAN("dir/b"));
		break;
	case BAD_HARDLINK_LATER:
		link_to(e, MV_ENTRY_HARDLINK, SPAN("dir/c"));
		break;
	case BAD_HARDLINK_DOTS:
		link_to(e, MV_ENTRY_HARDLINK, SPAN("../a"));
		break;
	case BAD_HARDLINK_ROOT:
		link_to(e, MV_ENTRY_HARDLINK, SPAN(""));
		break;
	case NWRONG: break;
	}
}

static void
impossible_entries_are_not_encoded(void **state)
{
	struct fx *fx = *state;
	int i;

	for (i = 0; i < NWRONG; i++) {
		plain_file(&fx->e, SPAN("dir/b"));
		make_wrong(&fx->e, (enum wrong)i);
		assert_fails(mv_entry_encode(&fx->e, &fx->bytes, &fx->err),
		    MV_EUSAGE, &fx->err);
		assert_int_equal(fx->bytes.len, 0);
	}
}

static void
attributes_beyond_a_record_name_the_file(void **state)
{
	static uint8_t value[65536];
	struct fx *fx = *state;
	char name[] = "user.a";
	int i;

	plain_file(&fx->e, SPAN("dir/heavy"));
	for (i = 0; i < 17; i++) {
		char *copy = mv_test_path("user", name);

		copy[0] = (char)('a' + i);
		assert_ok(mv_entry_add_xattr(&fx->e, (struct mv_span){
		    (const uint8_t *)copy, strlen(copy) }, (struct mv_span){
		    value, sizeof(value) }, &fx->err), &fx->err);
	}
	assert_fails(mv_entry_encode(&fx->e, &fx->bytes, &fx->err), MV_EUSAGE,
	    &fx->err);
	assert_says(&fx->err, "dir/heavy");
	assert_int_equal(fx->bytes.len, 0);
	for (i = 0; i < 17; i++)
		free(__extension__(void *)(uintptr_t)fx->e.xattrs[i].name.p);
}

/* The file "a", empty, all numbers 0; below, the same with one thing wrong. */
static const uint8_t smallest[] = { 11, 2, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0 };

static const struct {
	const char *what;
	size_t len;
	uint8_t bytes[32];
} malformed[] = {
	{ "nothing", 0, { 0 } },
	{ "cut short", 5, { 11, 2, 0, 1, 'a' } },
	{ "length 0", 1, { 0 } },
	{ "longer length", 13, { 0x8b, 0, 2, 0, 1, 'a' } },
	{ "type 0", 12, { 11, 0, 0, 1, 'a' } },
	{ "type 5", 12, { 11, 5, 0, 1, 'a' } },
	{ "unknown flag", 12, { 11, 2, 16, 1, 'a' } },
	{ "longer number", 13, { 12, 2, 0, 1, 'a', 0x80, 0 } },
	{ "one byte too many", 13, { 12, 2, 0, 1, 'a' } },
	{ "extents of a directory", 11, { 10, 1, 8, 1, 'a' } },
	{ "flag of a hard link", 7, { 6, 4, 1, 1, 'b', 1, 'a' } },
	{ "empty owner", 13, { 12, 2, 1, 1, 'a' } },
	{ "empty group", 13, { 12, 2, 2, 1, 'a' } },
	{ "no attributes", 13, { 12, 2, 4, 1, 'a' } },
	{ "attributes beyond the end", 13,
	    { 12, 2, 4, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 9 } },
	{ "uid of 33 bits", 16,
	    { 15, 2, 0, 1, 'a', 0, 0x80, 0x80, 0x80, 0x80, 0x10 } },
	{ "empty extent", 15,
	    { 14, 2, 8, 1, 'a', 0, 0, 0, 0, 0, 9, 1, 1, 1, 0 } },
	{ "extents that touch", 17,
	    { 16, 2, 8, 1, 'a', 0, 0, 0, 0, 0, 9, 1, 2, 0, 1, 0, 1 } },
	{ "all in an extent", 15,
	    { 14, 2, 8, 1, 'a', 0, 0, 0, 0, 0, 9, 1, 1, 0, 9 } },
	{ "extents that overflow", 31,
	    { 30, 2, 8, 1, 'a', 0, 0, 0, 0, 0, 9, 1, 1,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f } },
};

static void
malformed_records_are_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_cur c;
	size_t i;

	c = mv_cur_of(smallest, sizeof(smallest));
	assert_ok(mv_entry_decode(&c, &fx->back, &fx->err), &fx->err);
	for (i = 0; i < MV_ARRAY_LEN(malformed); i++) {
		c = mv_cur_of(malformed[i].bytes,
		    malformed[i].len < 32 ? malformed[i].len : 32);
		assert_fails(mv_entry_decode(&c, &fx->back, &fx->err),
		    MV_ECORRUPT, &fx->err);
	}
}

static void
every_cut_of_a_record_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_cur c;
	size_t n;

	plain_file(&fx->e, SPAN("a"));
	xattrs(&fx->e, SPAN("user.a"), SPAN("user.b"));
	extents(&fx->e, 1, 2, 5, 10);
	assert_ok(mv_entry_encode(&fx->e, &fx->bytes, &fx->err), &fx->err);
	for (n = 0; n < fx->bytes.len; n++) {
		c = mv_cur_of(fx->bytes.p, n);
		assert_fails(mv_entry_decode(&c, &fx->back, &fx->err),
		    MV_ECORRUPT, &fx->err);
	}
}

static void
slash_sorts_lowest(void **state)
{
	static const char *const sorted[] = { "", "a", "a/\x01", "a/b",
	    "a/b/c", "a/b-", "a\x01", "a-", "a-/x", "a.b", "aa", "\xff" };
	size_t i, j;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(sorted); i++)
		for (j = 0; j < MV_ARRAY_LEN(sorted); j++) {
			struct mv_span a = { (const uint8_t *)sorted[i],
			    strlen(sorted[i]) };
			struct mv_span b = { (const uint8_t *)sorted[j],
			    strlen(sorted[j]) };
			int d = mv_path_cmp(a, b);

			assert_int_equal((d > 0) - (d < 0), (i > j) - (i < j));
		}
}

static void
shown_paths_hold_no_control_characters(void **state)
{
	static uint8_t far[5000];
	char out[MV_PATH_SHOW];

	(void)state;
	assert_string_equal(mv_path_show(SPAN("a/b c"), out), "a/b c");
	assert_string_equal(mv_path_show(SPAN(""), out), ".");
	assert_string_equal(mv_path_show(SPAN("\x1b[2J\n\\\xe4"), out),
	    "\\x1b[2J\\x0a\\x5c\\xe4");
	mv_path_show((struct mv_span){ far, sizeof(far) }, out);
	assert_true(strlen(out) < MV_PATH_SHOW);
	assert_string_equal(out + strlen(out) - 3, "...");
}

static void
a_reader_gives_what_was_written(void **state)
{
	static const char *const paths[] = { "", "a", "b", "b/c", "b/c/d",
	    "b/c/e", "b/x", "z" };
	static const char types[] = "dfddffff";
	struct fx *fx = *state;
	const struct mv_entry *e;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(paths); i++)
		put(fx, types[i] == 'd' ? MV_ENTRY_DIR : MV_ENTRY_FILE,
		    paths[i]);
	/* One byte at a time is the hardest source. */
	for (fx->step = 1; fx->step < 100; fx->step += 49) {
		open_reader(fx);
		for (i = 0; i < MV_ARRAY_LEN(paths); i++) {
			assert_ok(mv_manifest_next(fx->reader, &e, &fx->err),
			    &fx->err);
			assert_int_equal(e->path.len, strlen(paths[i]));
			assert_memory_equal(e->path.p, paths[i], e->path.len);
		}
		assert_int_equal(mv_manifest_next(fx->reader, &e, &fx->err),
		    0);
	}
}

static void
records_of_the_greatest_length_are_read(void **state)
{
	static uint8_t value[MV_ENTRY_MAX - 19];
	struct fx *fx = *state;
	const struct mv_entry *e;
	int i;

	put(fx, MV_ENTRY_DIR, "");
	for (i = 0; i < 3; i++) {
		char path[2] = { (char)('a' + i), '\0' };

		plain_file(&fx->e, (struct mv_span){ (uint8_t *)path, 1 });
		assert_ok(mv_entry_add_xattr(&fx->e, SPAN("u"),
		    (struct mv_span){ value, sizeof(value) }, &fx->err),
		    &fx->err);
		assert_ok(mv_entry_encode(&fx->e, &fx->bytes, &fx->err),
		    &fx->err);
		put(fx, MV_ENTRY_FILE, i == 0 ? "a-" : i == 1 ? "b-" : "c-");
	}
	assert_true(fx->bytes.len > 3 * (MV_ENTRY_MAX));
	fx->step = 60000;
	open_reader(fx);
	for (i = 0; i < 7; i++)
		assert_int_equal(mv_manifest_next(fx->reader, &e, &fx->err),
		    1);
	assert_int_equal(mv_manifest_next(fx->reader, &e, &fx->err), 0);
}

/* Read until it ends; the last answer. */
static int
read_all(struct fx *fx)
{
	const struct mv_entry *e;
	int rc;

	open_reader(fx);
	fx->err = (struct mv_err){ 0 };
	do {
		rc = mv_manifest_next(fx->reader, &e, &fx->err);
	} while (rc == 1);
	return rc;
}

static void
misplaced_records_are_refused(void **state)
{
	/* d: directory, f: file, l: symbolic link; then the path. */
	static const char *const bad[][6] = {
		{ NULL },
		{ "da" },
		{ "d", "d" },
		{ "d", "fa", "fa" },
		{ "d", "fb", "fa" },
		{ "d", "fa/b" },
		{ "d", "fa", "fa/b" },
		{ "d", "la", "fa/b" },
		{ "d", "da", "fa/b", "fc/d" },
		{ "d", "da", "da/b", "fa/c/d" },
		{ "d", "da", "db", "fa/c" },
		{ "d", "da", "fab/c" },
	};
	struct fx *fx = *state;
	size_t i, j;

	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		mv_buf_reset(&fx->bytes);
		for (j = 0; j < 6 && bad[i][j] != NULL; j++)
			put(fx, bad[i][j][0] == 'd' ? MV_ENTRY_DIR :
			    bad[i][j][0] == 'f' ? MV_ENTRY_FILE :
			    MV_ENTRY_SYMLINK, bad[i][j] + 1);
		assert_int_equal(read_all(fx), MV_ECORRUPT);
		assert_int_equal(fx->err.code, MV_ECORRUPT);
	}
}

static void
a_manifest_that_ends_within_a_record_is_refused(void **state)
{
	struct fx *fx = *state;

	put(fx, MV_ENTRY_DIR, "");
	put(fx, MV_ENTRY_FILE, "a");
	assert_int_equal(read_all(fx), 0);
	fx->bytes.len--;
	assert_int_equal(read_all(fx), MV_ECORRUPT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_full_entry_survives_the_round_trip),
		T(extreme_times_survive_the_round_trip),
		T(a_file_that_is_one_hole_survives_the_round_trip),
		T(impossible_entries_are_not_encoded),
		T(attributes_beyond_a_record_name_the_file),
		T(malformed_records_are_refused),
		T(every_cut_of_a_record_is_refused),
		T(slash_sorts_lowest),
		T(shown_paths_hold_no_control_characters),
		T(a_reader_gives_what_was_written),
		T(records_of_the_greatest_length_are_read),
		T(misplaced_records_are_refused),
		T(a_manifest_that_ends_within_a_record_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
