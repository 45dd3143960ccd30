/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "store/store.h"
#include "support/mv_test.h"

/* A store that has as much room as the test says. */
struct room {
	struct mv_store base;
	uint64_t free_bytes;
	uint64_t total;
	int rc;
	unsigned asked;
	unsigned puts;
};

struct fx {
	struct room *room;
	struct mv_store *st;
};

static struct mv_err err;

static struct room *
room_of(struct mv_store *st)
{
	return (struct room *)(void *)st;
}

static void
room_free(struct mv_store *st)
{
	free(st->url);
	free(st);
}

static int
room_put(struct mv_store *st, const char *name, const void *buf, size_t len,
    struct mv_err *e)
{
	(void)name;
	(void)buf;
	(void)len;
	(void)e;
	room_of(st)->puts++;
	return 0;
}

static int
room_space(struct mv_store *st, uint64_t *free_bytes, uint64_t *total,
    struct mv_err *e)
{
	struct room *r = room_of(st);

	r->asked++;
	*free_bytes = r->free_bytes;
	*total = r->total;
	return r->rc < 0 ? mv_err_set(e, r->rc, "asked for space") : 0;
}

static const struct mv_store_ops room_ops = {
	.scheme = "room",
	.free = room_free,
	.put = room_put,
	.space = room_space,
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_store *inner;

	*state = fx;
	fx->room = calloc(1, sizeof(*fx->room));
	fx->room->base.ops = &room_ops;
	fx->room->base.url = strdup("room:");
	fx->room->total = 100000;
	inner = &fx->room->base;
	assert_ok(mv_store_min_free(&inner, 10, &fx->st, &err), &err);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_store_free(fx->st);
	free(fx);
	return 0;
}

static void
puts_go_on_until_the_limit(void **state)
{
	struct fx *fx = *state;

	fx->room->free_bytes = 10100;
	assert_ok(mv_store_put(fx->st, "a", "x", 60, &err), &err);
	assert_ok(mv_store_put(fx->st, "b", "x", 40, &err), &err);
	assert_fails(mv_store_put(fx->st, "c", "x", 1, &err), MV_ENOSPC, &err);
	assert_says(&err, "min-free");
	assert_int_equal(fx->room->puts, 2);
	/* Within one second it was asked once, and counted from there. */
	assert_int_equal(fx->room->asked, 1);
}

static void
full_store_takes_nothing(void **state)
{
	struct fx *fx = *state;

	fx->room->free_bytes = 9999;
	assert_fails(mv_store_put(fx->st, "a", "", 0, &err), MV_ENOSPC, &err);
	fx->room->free_bytes = 0;
	assert_fails(mv_store_put(fx->st, "a", "", 0, &err), MV_ENOSPC, &err);
	assert_int_equal(fx->room->puts, 0);
}

static void
unknown_space_is_no_limit(void **state)
{
	struct fx *fx = *state;

	fx->room->rc = MV_ENOTFOUND;
	assert_ok(mv_store_put(fx->st, "a", "x", 1, &err), &err);
	assert_ok(mv_store_put(fx->st, "b", "x", 1, &err), &err);
	assert_int_equal(fx->room->asked, 1);
}

static void
failure_to_measure_is_passed_on(void **state)
{
	struct fx *fx = *state;

	fx->room->rc = MV_EIO;
	assert_fails(mv_store_put(fx->st, "a", "x", 1, &err), MV_EIO, &err);
	assert_says(&err, "measure free space: asked for space");
	assert_int_equal(fx->room->puts, 0);
}

static int
refuse_open(const char *url, struct mv_store **out, struct mv_err *e)
{
	(void)out;
	return mv_err_set(e, MV_EAUTH, "was asked for '%s'", url);
}

static void
scheme_picks_the_backend(void **state)
{
	static const struct mv_store_ops one = { .scheme = "one",
	    .open = refuse_open };
	static const struct mv_store_ops two = { .scheme = "two",
	    .open = refuse_open };
	const struct mv_store_ops *const backends[] = { &one, &two, NULL };
	struct mv_store *st = NULL;

	(void)state;
	assert_fails(mv_store_open(backends, "two://x", &st, &err), MV_EAUTH,
	    &err);
	assert_says(&err, "two://x");
	assert_fails(mv_store_open(backends, "three://u:secret@h", &st, &err),
	    MV_EUSAGE, &err);
	assert_says(&err, "one:, two:");
	assert_null(strstr(err.text, "secret"));
	assert_fails(mv_store_open(backends, "on", &st, &err), MV_EUSAGE,
	    &err);
	assert_fails(mv_store_open(backends, "ones:", &st, &err), MV_EUSAGE,
	    &err);
	assert_fails(mv_store_open(backends, "", &st, &err), MV_EUSAGE, &err);
	assert_null(st);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(puts_go_on_until_the_limit),
		T(full_store_takes_nothing),
		T(unknown_space_is_no_limit),
		T(failure_to_measure_is_passed_on),
		T(scheme_picks_the_backend),
	};

	return cmocka_run_group_tests_name("min_free", tests, NULL, NULL);
}
