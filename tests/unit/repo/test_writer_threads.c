/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/mv_test.h"
#include "support/rig.h"

/*
 * Several producers at once, over bytes that they share: run under
 * SAN=thread, this is the test of the pipeline's locks.
 */
#define PRODUCERS 4
#define LEN (8u << 20)

struct fx {
	struct rig rig;
	struct mv_writer *w;
	uint8_t *data;
};

struct producer {
	struct fx *fx;
	pthread_t thread;
	unsigned class;
	size_t start;
	struct mv_root root;
	int rc;
	struct mv_err err;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	rig_new(&fx->rig, 1);
	fx->data = malloc(2 * LEN);
	assert_non_null(fx->data);
	mv_test_fill(fx->data, 2 * LEN, 5);
	return 0;
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

static int
produce_all(struct producer *p, struct mv_err *err)
{
	mv_auto(mv_stream_freep) struct mv_stream *s = NULL;
	const uint8_t *data = p->fx->data + p->start;
	size_t at, n;
	int rc;

	rc = mv_stream_open(p->fx->w, p->class, false, &s, err);
	for (at = 0; rc == 0 && at < LEN; at += n) {
		n = LEN - at < 50000 ? LEN - at : 50000;
		rc = mv_stream_write(s, data + at, n, err);
	}
	if (rc == 0)
		rc = mv_stream_finish(s, &p->root, err);
	return rc;
}

static void *
produce(void *arg)
{
	struct producer *p = arg;

	p->rc = produce_all(p, &p->err);
	return NULL;
}

static void
start(struct fx *fx, struct producer *p, size_t overlap)
{
	size_t i;

	memset(p, 0, PRODUCERS * sizeof(*p));
	for (i = 0; i < PRODUCERS; i++) {
		p[i].fx = fx;
		p[i].start = i * overlap;
		assert_int_equal(pthread_create(&p[i].thread, NULL, produce,
		    &p[i]), 0);
	}
}

static void
join(struct producer *p)
{
	size_t i;

	for (i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_join(p[i].thread, NULL), 0);
}

static void
producers_that_meet_store_a_chunk_once(void **state)
{
	struct fx *fx = *state;
	struct producer p[PRODUCERS];
	struct mv_writer_stats stats;
	struct mv_root roots[PRODUCERS];
	size_t i;

	fx->w = rig_begin(&fx->rig, 2);
	start(fx, p, 0);
	join(p);
	for (i = 0; i < PRODUCERS; i++) {
		assert_int_equal(p[i].rc, 0);
		assert_memory_equal(&p[i].root, &p[0].root, sizeof(p[0].root));
		roots[i] = p[i].root;
	}
	mv_writer_stats(fx->w, &stats);
	assert_int_equal(stats.bytes_read, (uint64_t)PRODUCERS * LEN);
	assert_int_equal(stats.bytes_new, LEN);
	rig_commit(&fx->w, roots, PRODUCERS);
	for (i = 0; i < PRODUCERS; i++)
		rig_expect(&fx->rig, i, fx->data, LEN);
}

static void
producers_over_their_own_bytes_are_read_back(void **state)
{
	struct fx *fx = *state;
	struct producer p[PRODUCERS];
	struct mv_root roots[PRODUCERS];
	size_t i;

	fx->w = rig_begin(&fx->rig, 3);
	start(fx, p, LEN / PRODUCERS);
	join(p);
	for (i = 0; i < PRODUCERS; i++) {
		assert_int_equal(p[i].rc, 0);
		roots[i] = p[i].root;
	}
	rig_commit(&fx->w, roots, PRODUCERS);
	for (i = 0; i < PRODUCERS; i++)
		rig_expect(&fx->rig, i, fx->data + p[i].start, LEN);
}

/* A store of which every put fails from the n-th on. */
static struct mv_store_ops failing_ops;
static struct mv_store_ops real_ops;
static int puts_left;

static int
failing_put(struct mv_store *st, const char *name, const void *buf,
    size_t len, struct mv_err *err)
{
	if (__atomic_sub_fetch(&puts_left, 1, __ATOMIC_SEQ_CST) < 0)
		return mv_err_set(err, MV_ENOSPC, "no space left");
	return real_ops.put(st, name, buf, len, err);
}

static void
a_failing_store_stops_all_producers(void **state)
{
	struct fx *fx = *state;
	struct producer p[PRODUCERS];
	struct mv_snapshot snap = { 0 };
	struct mv_err err;
	size_t i, failed = 0;

	real_ops = *fx->rig.stores[0]->ops;
	failing_ops = real_ops;
	failing_ops.put = failing_put;
	fx->rig.stores[0]->ops = &failing_ops;
	puts_left = 0;
	fx->w = rig_begin(&fx->rig, 2);
	/* More than queues and packs can hold: they have to be told. */
	for (i = 0; i < 20 && failed < PRODUCERS; i++) {
		mv_test_fill(fx->data, 2 * LEN, 100 + i);
		start(fx, p, LEN / PRODUCERS);
		join(p);
		for (failed = 0; failed < PRODUCERS && p[failed].rc < 0; )
			assert_int_equal(p[failed++].rc, MV_ENOSPC);
	}
	assert_int_equal(failed, PRODUCERS);
	assert_fails(mv_writer_commit(fx->w, &snap, "{}", 2, &err), MV_ENOSPC,
	    &err);
	assert_says(&err, "no space left");
	mv_writer_freep(&fx->w);
	assert_int_equal(rig_count(&fx->rig, "snapshots/", NULL), 0);
	fx->rig.stores[0]->ops = &real_ops;
}

static void
a_run_is_abandoned_at_any_time(void **state)
{
	struct fx *fx = *state;
	struct producer p[PRODUCERS];
	size_t i;

	for (i = 0; i < 5; i++) {
		mv_test_fill(fx->data, 2 * LEN, 200 + i);
		fx->w = rig_begin(&fx->rig, 2);
		start(fx, p, LEN / PRODUCERS);
		join(p);
		mv_writer_freep(&fx->w);
	}
	assert_int_equal(rig_count(&fx->rig, "snapshots/", NULL), 0);
}

/* No 16 bytes of what went in are found in any object. */
static int
search(const char *name, uint64_t size, void *arg)
{
	struct fx *fx = arg;
	struct mv_buf obj = { 0 };
	struct mv_err err;
	size_t at;

	(void)size;
	assert_ok(mv_store_get_all(fx->rig.stores[0], name, 1u << 25, &obj,
	    &err), &err);
	for (at = 0; at < LEN; at += LEN / 16)
		assert_null(memmem(obj.p, obj.len, fx->data + at, 16));
	assert_null(memmem(obj.p, obj.len, "plaintext", 9));
	mv_buf_clear(&obj);
	return 0;
}

struct name_list {
	char name[32][MV_NAME_MAX + 1];
	size_t n;
};

static int
note_name(const char *name, uint64_t size, void *arg)
{
	struct name_list *l = arg;

	(void)size;
	assert_true(l->n < MV_ARRAY_LEN(l->name));
	memcpy(l->name[l->n++], name, strlen(name) + 1);
	return 0;
}

static void
nothing_in_the_store_is_plain(void **state)
{
	struct fx *fx = *state;
	struct name_list *l = calloc(1, sizeof(*l));
	struct mv_root roots[2];
	struct mv_err err;
	size_t i;

	assert_non_null(l);
	for (i = 0; i < LEN / 64; i++)
		memcpy(fx->data + LEN + i * 64, "plaintext in many rows",
		    22);
	fx->w = rig_begin(&fx->rig, 2);
	/* What is stored as it is, and what is compressed. */
	roots[0] = rig_put(fx->w, fx->data, LEN, 3, false);
	roots[1] = rig_put(fx->w, fx->data + LEN, LEN, 0, true);
	rig_commit(&fx->w, roots, 2);
	assert_ok(mv_store_list(fx->rig.stores[0], "", note_name, l, &err),
	    &err);
	assert_true(l->n >= 5);
	for (i = 0; i < l->n; i++)
		(void)search(l->name[i], 0, fx);
	free(l);
}

int
main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(producers_that_meet_store_a_chunk_once),
		CASE(producers_over_their_own_bytes_are_read_back),
		CASE(a_failing_store_stops_all_producers),
		CASE(a_run_is_abandoned_at_any_time),
		CASE(nothing_in_the_store_is_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
