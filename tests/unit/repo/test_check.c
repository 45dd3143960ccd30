/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/manifest.h"
#include "repo/check.h"
#include "repo/check_internal.h"
#include "repo/reader.h"
#include "support/mini_repo.h"

/*
 * Two snapshots: a table, a media tree of three files, its manifest, a vault
 * version, and an index of all packs.
 */
#define ROWS 40
#define ROW_BYTES 3000

struct fx {
	struct mini m;
	uint8_t *rows;
	struct mini_chunk chunks[ROWS];
	char snap[2][MV_OBJECT_NAME_MAX];
	char index[MV_OBJECT_NAME_MAX], vault[MV_OBJECT_NAME_MAX];
	struct mv_check_report report;
	struct mv_buf obj;
};

static const char detail[] =
    "{\"database\":{\"tables\":[{\"name\":\"statuses\",\"schema\":\"public\","
    "\"stream\":0}]},\"media\":{\"content\":1,\"manifest\":2}}";

static void
add_entry(struct mv_buf *out, enum mv_entry_type type, const char *path,
    uint64_t size, uint64_t nchunks)
{
	struct mv_entry e = { .type = type, .mode = 0644, .size = size,
	    .nchunks = nchunks, .path = { (const uint8_t *)path,
	    strlen(path) } };
	struct mv_err err;

	assert_ok(mv_entry_encode(&e, out, &err), &err);
}

static void
put_media(struct fx *f, size_t from)
{
	struct mini_chunk files[6];
	struct mv_buf manifest = { 0 };
	struct mini_chunk all;
	size_t i;

	add_entry(&manifest, MV_ENTRY_DIR, "", 0, 0);
	for (i = 0; i < 6; i++) {
		files[i] = f->chunks[from + i];
		files[i].path = i < 2 ? "a.png" : i < 4 ? "b.png" : "c.png";
		if (i % 2 == 1)
			add_entry(&manifest, MV_ENTRY_FILE, files[i].path,
			    2 * ROW_BYTES, 2);
	}
	/* Each chunk in a segment of its own. */
	mini_put_stream(&f->m, files, 6, 1, 16);
	all = (struct mini_chunk){ .p = manifest.p, .len = manifest.len };
	mini_put_stream(&f->m, &all, 1, 1, 16);
	mv_buf_clear(&manifest);
}

static void
put_snapshot(struct fx *f, size_t i)
{
	mini_put_stream(&f->m, f->chunks + 20 * i, 20, 4, 8);
	put_media(f, 10 * i);
	if (i == 0)
		mini_vault(&f->m, f->vault);
	mini_snapshot(&f->m, detail, MV_PART_DB | MV_PART_MEDIA,
	    1000 * (int64_t)(i + 1), f->snap[i]);
}

static int
setup_stores(void **state, size_t nstores)
{
	struct fx *f = calloc(1, sizeof(*f));
	char **names;
	size_t i, n;

	*state = f;
	mini_open(&f->m, nstores, NULL);
	f->rows = malloc(ROWS * ROW_BYTES);
	mv_test_fill(f->rows, ROWS * ROW_BYTES, 5);
	for (i = 0; i < ROWS; i++)
		f->chunks[i] = (struct mini_chunk){
		    .p = f->rows + i * ROW_BYTES, .len = ROW_BYTES };
	put_snapshot(f, 0);
	put_snapshot(f, 1);
	names = mini_names(&f->m, "packs/", &n);
	mini_index(&f->m, (const char *const *)names, n, f->index);
	mini_names_free(names, n);
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

	mv_check_report_clear(&f->report);
	mini_close(&f->m);
	mv_buf_clear(&f->obj);
	free(f->rows);
	free(f);
	return 0;
}

static void
check(struct fx *f, struct mv_repo *r, bool read_data)
{
	struct mv_check_opts opts = { .read_data = read_data };
	struct mv_err err;

	mv_check_report_clear(&f->report);
	assert_ok(mv_repo_check(r, &opts, &f->report, &err), &err);
}

static const struct mv_damage *
damage_of(const struct fx *f, const char *object)
{
	size_t i;

	for (i = 0; i < f->report.ndamaged; i++)
		if (strcmp(f->report.damaged[i].object, object) == 0)
			return &f->report.damaged[i];
	return NULL;
}

static bool
is_warned(const struct fx *f, const char *text)
{
	size_t i;

	for (i = 0; i < f->report.nwarnings; i++)
		if (strstr(f->report.warnings[i], text) != NULL)
			return true;
	return false;
}

static void
print_report(const struct fx *f)
{
	size_t i;

	for (i = 0; i < f->report.ndamaged; i++)
		print_message("%s | %s | %s | %s\n",
		    f->report.damaged[i].object,
		    f->report.damaged[i].store ?: "-",
		    f->report.damaged[i].what,
		    f->report.damaged[i].affects ?: "-");
	for (i = 0; i < f->report.nwarnings; i++)
		print_message("warning: %s\n", f->report.warnings[i]);
}

/* Nothing damaged and no warning, or the report is shown. */
static void
expect_clean(struct fx *f)
{
	if (f->report.ndamaged + f->report.nwarnings > 0)
		print_report(f);
	assert_int_equal(f->report.ndamaged, 0);
	assert_int_equal(f->report.nwarnings, 0);
}

static void
a_whole_repository_is_clean(void **state)
{
	struct fx *f = *state;

	check(f, f->m.kit, false);
	expect_clean(f);
	assert_int_equal(f->report.snapshots, 2);
	assert_false(f->report.contents);
	check(f, f->m.kit, true);
	expect_clean(f);
	assert_true(f->report.contents);
	assert_true(f->report.packs >= 8);
	/* Without reading keys ciphertext is what can be looked at. */
	check(f, f->m.writer, true);
	expect_clean(f);
	assert_false(f->report.contents);
}

static void
two_whole_stores_are_clean(void **state)
{
	struct fx *f = *state;

	check(f, f->m.kit, true);
	expect_clean(f);
}

/* Flip the bit at of an object in one store, keeping its name. */
static void
flip(struct fx *f, size_t store, const char *name, size_t bit)
{
	mini_get(&f->m, name, &f->obj);
	f->obj.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	mini_replace(&f->m, store, name, f->obj.p, f->obj.len);
}

/* The first data pack whose segment holds what stream's first ids are. */
static void
pack_of(struct fx *f, size_t snapshot, size_t stream, char *name)
{
	struct mv_snapshots snaps = { 0 };
	struct mv_reader *rd = NULL;
	struct mv_stream_in *in = NULL;
	struct mv_location loc;
	struct mv_id16 id;
	struct mv_err err;

	assert_ok(mv_snapshots_load(f->m.kit, &snaps, &err), &err);
	assert_ok(mv_reader_open(f->m.kit, &snaps.list[snapshot], &rd, &err),
	    &err);
	assert_ok(mv_stream_in_open(rd,
	    &snaps.list[snapshot].streams[stream], &in, &err), &err);
	assert_ok(mv_stream_in_ids(in, 1, &id, &err), &err);
	assert_true(mv_reader_locate(rd, MV_KIND_DATA_PACK, &id, &loc));
	mv_object_name(loc.kind, 0, &loc.pack, &loc.pack_hash, name);
	mv_stream_in_free(in);
	mv_reader_free(rd);
	mv_snapshots_clear(&snaps);
}

static void
damage_names_table_and_file(void **state)
{
	struct fx *f = *state;
	char table[MV_OBJECT_NAME_MAX], media[MV_OBJECT_NAME_MAX];
	const struct mv_damage *d;

	pack_of(f, 1, 0, table);
	pack_of(f, 0, 1, media);
	flip(f, 0, table, 8 * 100);
	/* The third of six segments of about 3000 bytes: file b. */
	flip(f, 0, media, 8 * (48 + 2 * 3070 + 100));
	check(f, f->m.kit, true);
	d = damage_of(f, table);
	assert_non_null(d);
	assert_non_null(strstr(d->what, "segment 0 is damaged"));
	assert_non_null(strstr(d->affects, "table public.statuses"));
	assert_null(strstr(d->affects, "media"));
	d = damage_of(f, media);
	assert_non_null(d);
	assert_non_null(strstr(d->affects, "media file 'b.png'"));
	assert_null(strstr(d->affects, "a.png"));
	/* Who may not read is told the number. */
	check(f, f->m.writer, true);
	d = damage_of(f, media);
	assert_non_null(d);
	assert_non_null(strstr(d->affects, "stream 1"));
}

static void
a_whole_copy_elsewhere_is_said(void **state)
{
	struct fx *f = *state;
	char table[MV_OBJECT_NAME_MAX];
	const struct mv_damage *d;

	pack_of(f, 1, 0, table);
	flip(f, 1, table, 8 * 100);
	check(f, f->m.kit, true);
	assert_int_equal(f->report.ndamaged, 1);
	d = &f->report.damaged[0];
	assert_string_equal(d->object, table);
	assert_string_equal(d->store, "mem:b");
	assert_non_null(strstr(d->what, "store 'mem:a' has a whole copy"));
	assert_string_equal(d->affects, "no snapshot");
}

static void
a_missing_pack_is_traced_without_reading_data(void **state)
{
	struct fx *f = *state;
	char table[MV_OBJECT_NAME_MAX];
	const struct mv_damage *d;
	struct mv_err err;
	size_t i;

	pack_of(f, 0, 0, table);
	assert_ok(mv_store_remove(f->m.stores[0], table, &err), &err);
	check(f, f->m.kit, false);
	for (i = 0, d = NULL; i < f->report.ndamaged; i++)
		if (strncmp(table, f->report.damaged[i].object, 41) == 0)
			d = &f->report.damaged[i];
	if (d == NULL)
		print_report(f);
	assert_non_null(d);
	assert_non_null(strstr(d->what, "missing"));
	assert_non_null(strstr(d->affects, "table public.statuses"));
	/* The index that still names it is set aside. */
	assert_true(is_warned(f, f->index));
}

static void
a_store_that_lacks_a_pack_is_told(void **state)
{
	struct fx *f = *state;
	char table[MV_OBJECT_NAME_MAX];
	const struct mv_damage *d;
	struct mv_err err;

	pack_of(f, 0, 0, table);
	assert_ok(mv_store_remove(f->m.stores[1], table, &err), &err);
	check(f, f->m.kit, false);
	d = damage_of(f, table);
	assert_non_null(d);
	assert_string_equal(d->store, "mem:b");
	assert_non_null(strstr(d->what, "missing"));
}

static void
a_store_that_missed_a_run_is_behind_and_not_damaged(void **state)
{
	struct fx *f = *state;
	char table[MV_OBJECT_NAME_MAX], old[MV_OBJECT_NAME_MAX];
	struct mv_err err;

	pack_of(f, 1, 0, table);
	pack_of(f, 0, 0, old);
	assert_string_not_equal(table, old);
	assert_ok(mv_store_remove(f->m.stores[1], table, &err), &err);
	assert_ok(mv_store_remove(f->m.stores[1], f->snap[1], &err), &err);
	check(f, f->m.kit, false);
	print_report(f);
	assert_int_equal(f->report.ndamaged, 0);
	assert_int_equal(f->report.nbehind, 1);
	assert_string_equal(f->report.behind[0], "store 'mem:b' is behind: "
	    "it lacks what another has: 1 snapshot, 1 pack");
	/* What the snapshot that it does have needs is another matter. */
	assert_ok(mv_store_remove(f->m.stores[1], old, &err), &err);
	assert_ok(mv_store_remove(f->m.stores[1], f->vault, &err), &err);
	check(f, f->m.kit, false);
	assert_int_equal(f->report.ndamaged, 2);
	assert_non_null(damage_of(f, old));
	assert_non_null(damage_of(f, f->vault));
	assert_int_equal(f->report.nbehind, 1);
}

/* Everything in the store but packs, and one of each kind of pack. */
static size_t
objects_to_flip(struct fx *f, char *out[16])
{
	bool data = false, node = false;
	char **names;
	size_t i, n, k = 0;
	bool *seen;

	names = mini_names(&f->m, "", &n);
	for (i = 0; i < n; i++) {
		if (strncmp(names[i], "packs/", 6) == 0) {
			mini_get(&f->m, names[i], &f->obj);
			seen = f->obj.p[9] == MV_KIND_DATA_PACK ? &data :
			    &node;
			if (*seen)
				continue;
			*seen = true;
		}
		assert_true(k < 16);
		out[k++] = strdup(names[i]);
	}
	mini_names_free(names, n);
	return k;
}

/* With MV_LONG set, every single one, which takes minutes. */
static size_t
step(size_t usual)
{
	return getenv("MV_LONG") != NULL ? 1 : usual;
}

/*
 * The hash finds every bit, so each object's bits are tried against that
 * alone, and one bit of each object against the whole check.
 */
static void
every_bit_flipped_is_found_and_named(void **state)
{
	struct fx *f = *state;
	char *names[16];
	size_t i, bit, n = objects_to_flip(f, names);
	struct mv_name what;

	assert_true(n >= 7);
	for (i = 0; i < n; i++) {
		assert_int_equal(mv_object_name_parse(names[i], &what), 0);
		mini_get(&f->m, names[i], &f->obj);
		/* A hash over 64 KiB each: every 61st, all bits in turn. */
		for (bit = 0; bit < 8 * f->obj.len; bit += step(61)) {
			f->obj.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(mv_object_verify(f->obj.p,
			    f->obj.len, &what.hash, names[i], NULL),
			    MV_ECORRUPT);
			f->obj.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		flip(f, 0, names[i], 8 * 100 + i);
		check(f, f->m.kit, true);
		assert_non_null(damage_of(f, names[i]));
		flip(f, 0, names[i], 8 * 100 + i);
	}
	for (i = 0; i < n; i++)
		free(names[i]);
}

static void
random_flips_are_all_found(void **state)
{
	struct fx *f = *state;
	uint64_t seed[2];
	char **names;
	size_t i, n, at;

	names = mini_names(&f->m, "", &n);
	for (i = 0; i < 200; i++) {
		mv_test_fill(seed, sizeof(seed), 1000 + i);
		at = (size_t)(seed[0] % n);
		mini_get(&f->m, names[at], &f->obj);
		flip(f, 0, names[at], (size_t)(seed[1] % (8 * f->obj.len)));
		check(f, f->m.kit, true);
		assert_non_null(damage_of(f, names[at]));
		mini_replace(&f->m, 0, names[at], f->obj.p, f->obj.len);
		flip(f, 0, names[at], (size_t)(seed[1] % (8 * f->obj.len)));
	}
	mini_names_free(names, n);
	check(f, f->m.kit, true);
	expect_clean(f);
}

static int
count_say(void *arg, const struct mv_id16 *origin, uint32_t ordinal,
    const char *what, struct mv_err *err)
{
	size_t *n = arg;

	(void)origin, (void)ordinal, (void)what, (void)err;
	(*n)++;
	return 0;
}

/*
 * An attacker who may write to the store gives the changed bytes the name
 * that their hash asks for: what is inside must give every bit away.
 */
static void
every_bit_of_a_renamed_pack_is_found(void **state)
{
	struct fx *f = *state;
	struct mv_pack_check pc = { .repo = f->m.kit, .contents = true,
	    .say = count_say };
	char *names[16];
	size_t i, bit, said, n = objects_to_flip(f, names);
	struct mv_footer footer;
	struct mv_name what;
	struct mv_err err;

	pc.arg = &said;
	assert_ok(mv_opener_new(f->m.kit, &pc.opener, &err), &err);
	assert_ok(mv_idhash_new(f->m.kit, &pc.h, &err), &err);
	for (i = 0; i < n; i++) {
		if (strncmp(names[i], "packs/", 6) != 0)
			continue;
		assert_int_equal(mv_object_name_parse(names[i], &what), 0);
		mini_get(&f->m, names[i], &f->obj);
		for (bit = 0; bit < 8 * f->obj.len; bit += step(127)) {
			f->obj.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			mv_sha256(f->obj.p, f->obj.len, what.hash.b);
			footer = (struct mv_footer){ 0 };
			said = 0;
			assert_ok(mv_pack_check(&pc, &what, f->obj.p,
			    f->obj.len, &footer, &err), &err);
			mv_footer_clear(&footer);
			if (said == 0)
				fail_msg("bit %zu of '%s'", bit, names[i]);
			f->obj.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	mv_opener_free(pc.opener);
	mv_idhash_free(pc.h);
	for (i = 0; i < n; i++)
		free(names[i]);
}

static void
every_renamed_object_is_found(void **state)
{
	struct fx *f = *state;
	char *names[16], renamed[MV_OBJECT_NAME_MAX];
	size_t i, bit, n = objects_to_flip(f, names);
	struct mv_buf whole = { 0 };

	for (i = 0; i < n; i++) {
		mini_get(&f->m, names[i], &whole);
		for (bit = 3; bit < 8 * whole.len; bit += 8 * 9973) {
			/* The keyring's opening is tested with the keyring. */
			if (strncmp(names[i], "keyring/", 8) == 0)
				break;
			whole.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			mini_rename(&f->m, names[i], whole.p, whole.len,
			    renamed);
			whole.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			check(f, f->m.kit, true);
			if (damage_of(f, renamed) == NULL &&
			    !is_warned(f, renamed)) {
				print_report(f);
				fail_msg("bit %zu of '%s'", bit, names[i]);
			}
			mini_replace(&f->m, 0, renamed, "", 0);
			assert_int_equal(mv_store_remove(f->m.stores[0],
			    renamed, NULL), 0);
			assert_int_equal(mv_store_put(f->m.stores[0],
			    names[i], whole.p, whole.len, NULL), 0);
		}
		free(names[i]);
	}
	mv_buf_clear(&whole);
	check(f, f->m.kit, true);
	expect_clean(f);
}

static void
swapped_objects_are_found(void **state)
{
	struct fx *f = *state;
	struct mv_buf a = { 0 }, b = { 0 };

	mini_get(&f->m, f->snap[0], &a);
	mini_get(&f->m, f->snap[1], &b);
	mini_replace(&f->m, 0, f->snap[0], b.p, b.len);
	mini_replace(&f->m, 0, f->snap[1], a.p, a.len);
	check(f, f->m.kit, false);
	assert_non_null(damage_of(f, f->snap[0]));
	assert_non_null(damage_of(f, f->snap[1]));
	mv_buf_clear(&a);
	mv_buf_clear(&b);
}

static void
a_deleted_snapshot_is_a_gap(void **state)
{
	struct fx *f = *state;
	struct mv_err err;

	assert_ok(mv_store_remove(f->m.stores[0], f->snap[0], &err), &err);
	check(f, f->m.kit, false);
	assert_non_null(damage_of(f, f->snap[0]));
}

static void
an_expected_head_is_demanded(void **state)
{
	struct fx *f = *state;
	struct mv_check_opts opts = { 0 };
	struct mv_snapshots snaps = { 0 };
	char head[MV_HEAD_TEXT];
	struct mv_err err;

	assert_ok(mv_snapshots_load(f->m.kit, &snaps, &err), &err);
	mv_snapshot_head(&snaps.list[1], head);
	mv_snapshots_clear(&snaps);
	opts.expect = head;
	assert_ok(mv_repo_check(f->m.kit, &opts, &f->report, &err), &err);
	expect_clean(f);
	assert_ok(mv_store_remove(f->m.stores[0], f->snap[1], &err), &err);
	mv_check_report_clear(&f->report);
	assert_ok(mv_repo_check(f->m.kit, &opts, &f->report, &err), &err);
	assert_int_equal(f->report.ndamaged, 1);
	assert_non_null(strstr(f->report.damaged[0].what, head));
	opts.expect = "nonsense";
	mv_check_report_clear(&f->report);
	assert_fails(mv_repo_check(f->m.kit, &opts, &f->report, &err),
	    MV_EUSAGE, &err);
}

static void
a_missing_vault_version_is_found(void **state)
{
	struct fx *f = *state;
	struct mv_err err;

	assert_ok(mv_store_remove(f->m.stores[0], f->vault, &err), &err);
	check(f, f->m.kit, false);
	assert_non_null(damage_of(f, f->snap[0]));
}

static void
a_planted_index_is_a_warning(void **state)
{
	struct fx *f = *state;
	char name[MV_OBJECT_NAME_MAX];
	struct mv_id32 hash;
	uint8_t junk[65536];
	struct mv_err err;

	mv_test_fill(junk, sizeof(junk), 9);
	mv_sha256(junk, sizeof(junk), hash.b);
	mv_object_name(MV_KIND_INDEX, 0, NULL, &hash, name);
	assert_ok(mv_store_put(f->m.stores[0], name, junk, sizeof(junk),
	    &err), &err);
	check(f, f->m.kit, true);
	assert_int_equal(f->report.ndamaged, 0);
	assert_true(is_warned(f, name));
}

/* The writer's signature does not say where a segment lies. */
static void
shift_segments(struct mv_footer *f)
{
	f->origins[0].segs[0].offset += 16;
}

static void
an_index_that_contradicts_footers_is_named_and_goes(void **state)
{
	struct mv_check_opts opts = { .repair_index = true };
	struct fx *f = *state;
	char bad[MV_OBJECT_NAME_MAX], **packs;
	struct mv_err err;
	size_t n;

	packs = mini_names(&f->m, "packs/", &n);
	mini_index_altered(&f->m, (const char *const *)packs, n,
	    shift_segments, bad);
	mini_names_free(packs, n);
	check(f, f->m.kit, true);
	assert_int_equal(f->report.ndamaged, 0);
	assert_true(is_warned(f, bad));
	mv_check_report_clear(&f->report);
	assert_ok(mv_repo_check(f->m.writer, &opts, &f->report, &err), &err);
	assert_int_equal(f->report.indexes_dropped, 1);
	assert_fails(mv_store_size(f->m.stores[0], bad, &(uint64_t){ 0 },
	    &err), MV_ENOTFOUND, &err);
}

static void
a_wrong_index_goes_and_a_new_one_covers_all(void **state)
{
	struct mv_check_opts opts = { .repair_index = true };
	struct fx *f = *state;
	char bad[MV_OBJECT_NAME_MAX], **names;
	struct mv_err err;
	size_t n, packs;

	mini_get(&f->m, f->index, &f->obj);
	f->obj.p[f->obj.len / 2] ^= 1;
	mini_rename(&f->m, f->index, f->obj.p, f->obj.len, bad);
	names = mini_names(&f->m, "packs/", &packs);
	mini_names_free(names, packs);
	assert_ok(mv_repo_check(f->m.writer, &opts, &f->report, &err), &err);
	assert_int_equal(f->report.ndamaged, 0);
	assert_int_equal(f->report.indexes_dropped, 1);
	assert_int_equal(f->report.packs_indexed, packs);
	mv_check_report_clear(&f->report);
	names = mini_names(&f->m, "index/", &n);
	assert_int_equal(n, 1);
	assert_string_not_equal(names[0], bad);
	mini_names_free(names, n);
	/* Now there is nothing to repair. */
	assert_ok(mv_repo_check(f->m.writer, &opts, &f->report, &err), &err);
	assert_int_equal(f->report.nwarnings, 0);
	assert_int_equal(f->report.indexes_dropped, 0);
	assert_int_equal(f->report.packs_indexed, 0);
}

static void
only_a_writer_repairs_the_index(void **state)
{
	struct mv_check_opts opts = { .repair_index = true };
	struct fx *f = *state;
	struct mv_err err;

	assert_fails(mv_repo_check(f->m.kit, &opts, &f->report, &err),
	    MV_EAUTH, &err);
}

static void
half_an_object_is_ignored_unless_needed(void **state)
{
	struct fx *f = *state;
	char table[MV_OBJECT_NAME_MAX];
	const struct mv_damage *d;
	struct mini_pack p;
	struct mv_id16 id;
	char name[MV_OBJECT_NAME_MAX];

	/* A pack that no snapshot pins, cut in the middle. */
	mini_pack_begin(&f->m, &p, MV_KIND_DATA_PACK);
	mini_pack_segment(&f->m, &p, f->chunks, 1, &id);
	mini_pack_put(&f->m, &p, false, name);
	mini_get(&f->m, name, &f->obj);
	mini_replace(&f->m, 0, name, f->obj.p, 12345);
	check(f, f->m.kit, true);
	assert_int_equal(f->report.ndamaged, 0);
	assert_true(is_warned(f, name));
	/* The same with one that is needed. */
	pack_of(f, 0, 0, table);
	mini_get(&f->m, table, &f->obj);
	mini_replace(&f->m, 0, table, f->obj.p, 12345);
	check(f, f->m.kit, true);
	d = damage_of(f, table);
	assert_non_null(d);
	assert_non_null(strstr(d->affects, "table public.statuses"));
}

static void
a_signed_lie_about_an_id_is_found_by_who_decrypts(void **state)
{
	struct fx *f = *state;
	char name[MV_OBJECT_NAME_MAX];
	struct mv_id16 id, not_this;
	struct mini_pack p;

	mini_pack_begin(&f->m, &p, MV_KIND_DATA_PACK);
	mini_pack_segment(&f->m, &p, f->chunks, 1, &id);
	mini_pack_segment(&f->m, &p, f->chunks + 1, 1, &not_this);
	p.footer.origins[0].segs[1].ids[0] = id;
	mini_pack_put(&f->m, &p, false, name);
	check(f, f->m.kit, false);
	assert_null(damage_of(f, name));
	check(f, f->m.writer, true);
	assert_null(damage_of(f, name));
	check(f, f->m.kit, true);
	assert_non_null(damage_of(f, name));
	assert_non_null(strstr(damage_of(f, name)->what,
	    "segment 1 holds a chunk that is not what its id says"));
}

static void
a_gap_between_segments_is_found_when_the_pack_is_read(void **state)
{
	struct fx *f = *state;
	char name[MV_OBJECT_NAME_MAX];
	struct mini_pack p;
	struct mv_id16 id;

	mini_pack_begin(&f->m, &p, MV_KIND_DATA_PACK);
	mini_pack_segment(&f->m, &p, f->chunks, 1, &id);
	mv_buf_put_u8(&p.buf, 0);
	mini_pack_segment(&f->m, &p, f->chunks + 1, 1, &id);
	mini_pack_put(&f->m, &p, false, name);
	check(f, f->m.kit, false);
	expect_clean(f);
	check(f, f->m.writer, true);
	assert_non_null(damage_of(f, name));
	assert_non_null(strstr(damage_of(f, name)->what, "leave gaps"));
}

static void
a_lost_node_loses_what_is_below(void **state)
{
	struct fx *f = *state;
	char **names;
	size_t i, k, n, found = 0;

	names = mini_names(&f->m, "packs/", &n);
	for (i = 0; i < n; i++) {
		mini_get(&f->m, names[i], &f->obj);
		if (f->obj.p[9] != MV_KIND_NODE_PACK)
			continue;
		flip(f, 0, names[i], 8 * 60);
		check(f, f->m.kit, true);
		assert_non_null(damage_of(f, names[i]));
		for (k = 0; k < f->report.ndamaged; k++)
			found += f->report.damaged[k].affects != NULL &&
			    strstr(f->report.damaged[k].affects,
			    "table public.statuses") != NULL;
		flip(f, 0, names[i], 8 * 60);
	}
	mini_names_free(names, n);
	/* Two tables of 20 chunks: leaf nodes and a top node each. */
	assert_int_equal(found, 4);
}

static void
parts_of_the_data_add_up(void **state)
{
	struct fx *f = *state;
	struct mv_check_opts opts = { .read_data = true, .parts = 3 };
	uint64_t all, some = 0, none;
	struct mv_err err;

	check(f, f->m.kit, false);
	none = f->report.bytes;
	check(f, f->m.kit, true);
	all = f->report.bytes - none;
	for (opts.part = 1; opts.part <= 3; opts.part++) {
		mv_check_report_clear(&f->report);
		assert_ok(mv_repo_check(f->m.kit, &opts, &f->report, &err),
		    &err);
		expect_clean(f);
		some += f->report.bytes - none;
	}
	assert_int_equal(some, all);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define T2(fn) cmocka_unit_test_setup_teardown(fn, setup_two, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_whole_repository_is_clean),
		T2(two_whole_stores_are_clean),
		T(damage_names_table_and_file),
		T2(a_whole_copy_elsewhere_is_said),
		T(a_missing_pack_is_traced_without_reading_data),
		T2(a_store_that_lacks_a_pack_is_told),
		T2(a_store_that_missed_a_run_is_behind_and_not_damaged),
		T(every_bit_flipped_is_found_and_named),
		T(random_flips_are_all_found),
		T(every_bit_of_a_renamed_pack_is_found),
		T(every_renamed_object_is_found),
		T(swapped_objects_are_found),
		T(a_deleted_snapshot_is_a_gap),
		T(an_expected_head_is_demanded),
		T(a_missing_vault_version_is_found),
		T(a_planted_index_is_a_warning),
		T(an_index_that_contradicts_footers_is_named_and_goes),
		T(a_wrong_index_goes_and_a_new_one_covers_all),
		T(only_a_writer_repairs_the_index),
		T(half_an_object_is_ignored_unless_needed),
		T(a_signed_lie_about_an_id_is_found_by_who_decrypts),
		T(a_gap_between_segments_is_found_when_the_pack_is_read),
		T(a_lost_node_loses_what_is_below),
		T(parts_of_the_data_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
