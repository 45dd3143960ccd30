/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local/local.h"
#include "store/store.h"
#include "support/mv_test.h"

/*
 * The promises of store/backend.h, held up to every backend.  A kind says how
 * to get a fresh, created store.
 */
struct fx;

struct kind {
	const char *name;
	void (*open)(struct fx *fx);
};

struct fx {
	const struct kind *kind;
	struct mv_store *st;
	char *dir;
	struct mv_buf buf;
	size_t fds;
};

static struct mv_err err;

static void
open_mem(struct fx *fx)
{
	assert_ok(mv_store_mem(&fx->st, &err), &err);
}

static void
open_local(struct fx *fx)
{
	const struct mv_store_ops *const backends[] = {
		&mv_store_local, NULL
	};
	mv_auto(mv_freep) char *url = NULL;

	fx->dir = mv_test_dir();
	assert_true(asprintf(&url, "file://%s/store", fx->dir) > 0);
	assert_ok(mv_store_open(backends, url, &fx->st, &err), &err);
}

/* A decorator keeps the promises of what it decorates. */
static void
open_min_free(struct fx *fx)
{
	struct mv_store *inner;

	open_local(fx);
	inner = mv_take(&fx->st);
	assert_ok(mv_store_min_free(&inner, 0, &fx->st, &err), &err);
	assert_null(inner);
}

static const struct kind kinds[] = {
	{ "memory", open_mem },
	{ "local", open_local },
	{ "local with min-free", open_min_free },
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	fx->kind = *state;
	*state = fx;
	fx->fds = mv_test_open_fds();
	fx->kind->open(fx);
	assert_ok(mv_store_create(fx->st, &err), &err);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;
	int bad;

	mv_store_free(fx->st);
	mv_buf_clear(&fx->buf);
	bad = mv_test_open_fds() != fx->fds;
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx);
	return bad ? -1 : 0;
}

static void
put_text(struct fx *fx, const char *name, const char *text)
{
	assert_ok(mv_store_put(fx->st, name, text, strlen(text), &err), &err);
}

static void
assert_holds(struct fx *fx, const char *name, const void *want, size_t len)
{
	mv_buf_reset(&fx->buf);
	assert_ok(mv_store_get_all(fx->st, name, len, &fx->buf, &err), &err);
	assert_int_equal(fx->buf.len, len);
	if (len > 0)
		assert_memory_equal(fx->buf.p, want, len);
}

static void
objects_come_back_as_they_were_put(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 65536, (1 << 20) + 7 };
	struct fx *fx = *state;
	mv_auto(mv_freep) uint8_t *data = malloc((1 << 20) + 7);
	char name[32];
	uint64_t size;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(sizes); i++) {
		(void)snprintf(name, sizeof(name), "packs/0%zu/x", i);
		mv_test_fill(data, sizes[i], i);
		assert_ok(mv_store_put(fx->st, name, data, sizes[i], &err),
		    &err);
	}
	for (i = 0; i < MV_ARRAY_LEN(sizes); i++) {
		(void)snprintf(name, sizeof(name), "packs/0%zu/x", i);
		mv_test_fill(data, sizes[i], i);
		assert_ok(mv_store_size(fx->st, name, &size, &err), &err);
		assert_int_equal(size, sizes[i]);
		assert_holds(fx, name, data, sizes[i]);
	}
}

static void
ranges_are_cut_at_the_end_only(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len;
		const char *want;
	} cases[] = {
		{ 0, 10, "0123456789" },
		{ 0, 3, "012" },
		{ 4, 3, "456" },
		{ 8, 5, "89" },
		{ 9, 1, "9" },
		{ 10, 1, "" },
		{ 11, 5, "" },
		{ 3, 0, "" },
		{ UINT64_MAX, 5, "" },
		{ INT64_MAX, 5, "" },
	};
	struct fx *fx = *state;
	size_t i, got;
	char out[16];

	put_text(fx, "a", "0123456789");
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		got = 99;
		assert_ok(mv_store_get(fx->st, "a", cases[i].offset, out,
		    cases[i].len, &got, &err), &err);
		assert_int_equal(got, strlen(cases[i].want));
		assert_memory_equal(out, cases[i].want, got);
	}
}

static void
taken_name_keeps_the_older_object(void **state)
{
	struct fx *fx = *state;

	put_text(fx, "snapshots/a", "older");
	assert_fails(mv_store_put(fx->st, "snapshots/a", "newer one", 9, &err),
	    MV_EEXIST, &err);
	assert_says(&err, "snapshots/a");
	assert_holds(fx, "snapshots/a", "older", 5);
}

static void
missing_objects_are_not_found(void **state)
{
	struct fx *fx = *state;
	uint64_t size;
	size_t got;
	char c;

	put_text(fx, "packs/here", "x");
	assert_fails(mv_store_get(fx->st, "packs/gone", 0, &c, 1, &got, &err),
	    MV_ENOTFOUND, &err);
	assert_fails(mv_store_get(fx->st, "no/such/place", 0, &c, 1, &got,
	    &err), MV_ENOTFOUND, &err);
	assert_fails(mv_store_size(fx->st, "packs/gone", &size, &err),
	    MV_ENOTFOUND, &err);
	assert_fails(mv_store_remove(fx->st, "packs/gone", &err),
	    MV_ENOTFOUND, &err);
	assert_fails(mv_store_get_all(fx->st, "packs/gone", 10, &fx->buf,
	    &err), MV_ENOTFOUND, &err);
}

static void
removed_name_is_free_again(void **state)
{
	struct fx *fx = *state;

	put_text(fx, "packs/a", "one");
	assert_ok(mv_store_remove(fx->st, "packs/a", &err), &err);
	assert_fails(mv_store_remove(fx->st, "packs/a", &err), MV_ENOTFOUND,
	    &err);
	put_text(fx, "packs/a", "two");
	assert_holds(fx, "packs/a", "two", 3);
}

static void
object_longer_than_allowed_is_corrupt(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) uint8_t *big = calloc(1, 600000);

	put_text(fx, "a", "0123456789");
	assert_fails(mv_store_get_all(fx->st, "a", 9, &fx->buf, &err),
	    MV_ECORRUPT, &err);
	assert_ok(mv_store_put(fx->st, "b", big, 600000, &err), &err);
	assert_fails(mv_store_get_all(fx->st, "b", 599999, &fx->buf, &err),
	    MV_ECORRUPT, &err);
	assert_holds(fx, "b", big, 600000);
}

#define MANY 3000

struct seen {
	unsigned char times[MANY];
	size_t n;
	int stop_at;
	int wrong;
};

static int
see(const char *name, uint64_t size, void *arg)
{
	struct seen *seen = arg;
	unsigned i;

	seen->n++;
	if (sscanf(name, "packs/%*2x/p%u", &i) == 1 && i < MANY)
		seen->times[i]++;
	else
		i = MANY;
	seen->wrong += size != i % 7;
	return (int)seen->n == seen->stop_at ? 42 : 0;
}

static void
pack_name(unsigned i, char out[32])
{
	(void)snprintf(out, 32, "packs/%02x/p%u", i % 256, i);
}

static void
listing_has_every_object_once(void **state)
{
	struct fx *fx = *state;
	struct seen seen = { 0 };
	char name[32];
	unsigned i;

	put_text(fx, "snapshots/other", "");
	for (i = 0; i < MANY; i++) {
		pack_name(i, name);
		assert_ok(mv_store_put(fx->st, name, "0123456", i % 7, &err),
		    &err);
	}
	assert_ok(mv_store_list(fx->st, "packs/", see, &seen, &err), &err);
	assert_int_equal(seen.n, MANY);
	assert_int_equal(seen.wrong, 0);
	for (i = 0; i < MANY; i++)
		assert_int_equal(seen.times[i], 1);
	seen = (struct seen){ 0 };
	assert_ok(mv_store_list(fx->st, "packs/0a/", see, &seen, &err), &err);
	assert_int_equal(seen.n, (MANY - 10 + 255) / 256);
	seen = (struct seen){ .stop_at = 5 };
	assert_int_equal(mv_store_list(fx->st, "packs/", see, &seen, NULL), 42);
	assert_int_equal(seen.n, 5);
}

static void
empty_prefix_lists_everything(void **state)
{
	struct fx *fx = *state;
	struct seen seen = { 0 };

	assert_ok(mv_store_list(fx->st, "", see, &seen, &err), &err);
	assert_int_equal(seen.n, 0);
	assert_ok(mv_store_list(fx->st, "packs/", see, &seen, &err), &err);
	assert_int_equal(seen.n, 0);
	put_text(fx, "config", "");
	put_text(fx, "packs/00/p0", "");
	put_text(fx, "packs2/deep/er/x", "");
	assert_ok(mv_store_list(fx->st, "", see, &seen, &err), &err);
	assert_int_equal(seen.n, 3);
	seen = (struct seen){ 0 };
	assert_ok(mv_store_list(fx->st, "packs/", see, &seen, &err), &err);
	assert_int_equal(seen.n, 1);
	/* Twice over the same store gives the same. */
	seen = (struct seen){ 0 };
	assert_ok(mv_store_list(fx->st, "", see, &seen, &err), &err);
	assert_int_equal(seen.n, 3);
}

static int
remove_it(const char *name, uint64_t size, void *arg)
{
	struct fx *fx = arg;

	(void)size;
	return mv_store_remove(fx->st, name, NULL);
}

static void
listing_may_remove_what_it_sees(void **state)
{
	struct fx *fx = *state;
	struct seen seen = { 0 };
	char name[32];
	unsigned i;

	for (i = 0; i < 300; i++) {
		pack_name(i % 3 * 256 + i, name);
		put_text(fx, name, "");
	}
	assert_ok(mv_store_list(fx->st, "packs/", remove_it, fx, &err), &err);
	assert_ok(mv_store_list(fx->st, "", see, &seen, &err), &err);
	assert_int_equal(seen.n, 0);
}

static void
bad_names_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "/", "/a", "a/", "a//b", ".", "..", ".a", "a/.b", "a/..",
		"../a", "a/../b", "A", "a b", "a\n", "\xc3\xa4", "a\\b", "a:b",
		"a%41", "packs/.tmp/x",
	};
	struct fx *fx = *state;
	char longest[MV_NAME_MAX + 2];
	struct seen seen = { 0 };
	uint64_t size;
	size_t i, got;
	char c;

	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		assert_fails(mv_store_put(fx->st, bad[i], "x", 1, &err),
		    MV_EUSAGE, &err);
		assert_fails(mv_store_get(fx->st, bad[i], 0, &c, 1, &got,
		    &err), MV_EUSAGE, &err);
		assert_fails(mv_store_size(fx->st, bad[i], &size, &err),
		    MV_EUSAGE, &err);
		assert_fails(mv_store_remove(fx->st, bad[i], &err), MV_EUSAGE,
		    &err);
	}
	memset(longest, 'a', sizeof(longest));
	longest[MV_NAME_MAX + 1] = '\0';
	assert_fails(mv_store_put(fx->st, longest, "x", 1, &err), MV_EUSAGE,
	    &err);
	assert_ok(mv_store_list(fx->st, "", see, &seen, &err), &err);
	assert_int_equal(seen.n, 0);
	longest[MV_NAME_MAX] = '\0';
	put_text(fx, longest, "x");
	put_text(fx, "a-b_c.d/0..1", "x");
	assert_holds(fx, longest, "x", 1);
	assert_ok(mv_store_list(fx->st, "", see, &seen, &err), &err);
	assert_int_equal(seen.n, 2);
}

#define RACERS 6
#define RACES 25
#define RACE_LEN 200000

struct racer {
	struct fx *fx;
	pthread_barrier_t *barrier;
	unsigned id;
	int rc[RACES];
};

static void *
race(void *arg)
{
	struct racer *r = arg;
	uint8_t *data = malloc(RACE_LEN);
	char name[32];
	unsigned i;

	memset(data, (int)r->id, RACE_LEN);
	for (i = 0; i < RACES; i++) {
		(void)pthread_barrier_wait(r->barrier);
		pack_name(i, name);
		r->rc[i] = mv_store_put(r->fx->st, name, data, RACE_LEN, NULL);
	}
	free(data);
	return NULL;
}

static void
one_of_many_puts_of_a_name_wins(void **state)
{
	struct fx *fx = *state;
	struct racer racers[RACERS];
	pthread_t threads[RACERS];
	pthread_barrier_t barrier;
	mv_auto(mv_freep) uint8_t *want = malloc(RACE_LEN);
	char name[32];
	unsigned i, j, winners;

	assert_int_equal(pthread_barrier_init(&barrier, NULL, RACERS), 0);
	for (i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){ .fx = fx, .barrier = &barrier,
		    .id = i };
		assert_int_equal(pthread_create(&threads[i], NULL, race,
		    &racers[i]), 0);
	}
	for (i = 0; i < RACERS; i++)
		(void)pthread_join(threads[i], NULL);
	(void)pthread_barrier_destroy(&barrier);
	for (j = 0; j < RACES; j++) {
		winners = 0;
		pack_name(j, name);
		for (i = 0; i < RACERS; i++) {
			if (racers[i].rc[j] != 0) {
				assert_int_equal(racers[i].rc[j], MV_EEXIST);
				continue;
			}
			winners++;
			memset(want, (int)i, RACE_LEN);
			assert_holds(fx, name, want, RACE_LEN);
		}
		assert_int_equal(winners, 1);
	}
}

#define BIG (3 << 20)
#define BIGS 12

struct watcher {
	struct fx *fx;
	atomic_int done;
	int seen_half;
	unsigned looks;
};

static int
look_at(const char *name, uint64_t size, void *arg)
{
	struct watcher *w = arg;
	size_t got = 0;
	char last;

	if (size != BIG)
		w->seen_half = 1;
	if (mv_store_get(w->fx->st, name, BIG - 1, &last, 1, &got, NULL) != 0 ||
	    got != 1 || last != 'z')
		w->seen_half = 1;
	return 0;
}

static void *
watch(void *arg)
{
	struct watcher *w = arg;

	do {
		w->looks++;
		if (mv_store_list(w->fx->st, "", look_at, w, NULL) != 0)
			w->seen_half = 1;
	} while (!w->done);
	return NULL;
}

static void
half_an_object_is_never_seen(void **state)
{
	struct fx *fx = *state;
	struct watcher w = { .fx = fx };
	mv_auto(mv_freep) char *data = malloc(BIG);
	pthread_t thread;
	char name[32];
	unsigned i;
	int rc = 0;

	memset(data, 'z', BIG);
	assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
	for (i = 0; i < BIGS && rc == 0; i++) {
		pack_name(i, name);
		rc = mv_store_put(fx->st, name, data, BIG, NULL);
	}
	w.done = 1;
	(void)pthread_join(thread, NULL);
	assert_int_equal(rc, 0);
	assert_false(w.seen_half);
	assert_true(w.looks > 0);
}

static void
creating_again_keeps_what_is_there(void **state)
{
	struct fx *fx = *state;

	put_text(fx, "config", "mine");
	assert_ok(mv_store_create(fx->st, &err), &err);
	assert_holds(fx, "config", "mine", 4);
}

static void
space_is_told_or_not_known(void **state)
{
	struct fx *fx = *state;
	uint64_t free_bytes = 0, total = 0;

	if (fx->dir == NULL) {
		assert_fails(mv_store_space(fx->st, &free_bytes, &total, &err),
		    MV_ENOTFOUND, &err);
		return;
	}
	assert_ok(mv_store_space(fx->st, &free_bytes, &total, &err), &err);
	assert_true(free_bytes > 0 && free_bytes <= total);
}

static int
run(const struct kind *kind)
{
#define T(f) { #f, f, setup, teardown, NULL }
	struct CMUnitTest tests[] = {
		T(objects_come_back_as_they_were_put),
		T(ranges_are_cut_at_the_end_only),
		T(taken_name_keeps_the_older_object),
		T(missing_objects_are_not_found),
		T(removed_name_is_free_again),
		T(object_longer_than_allowed_is_corrupt),
		T(listing_has_every_object_once),
		T(empty_prefix_lists_everything),
		T(listing_may_remove_what_it_sees),
		T(bad_names_are_refused),
		T(one_of_many_puts_of_a_name_wins),
		T(half_an_object_is_never_seen),
		T(creating_again_keeps_what_is_there),
		T(space_is_told_or_not_known),
	};
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(tests); i++)
		memcpy(&tests[i].initial_state, &(const void *){ kind },
		    sizeof(void *));
	return cmocka_run_group_tests_name(kind->name, tests, NULL, NULL);
}

int
main(void)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(kinds); i++)
		failed += run(&kinds[i]);
	return failed != 0;
}
