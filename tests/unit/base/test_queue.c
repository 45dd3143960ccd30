/* SPDX-License-Identifier: MIT */
#include "base/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/mv_test.h"

#define WRITERS 3
#define READERS 3
#define EACH 2000

static struct mv_err err;
static atomic_int dropped;

struct fx {
	struct mv_queue *q;
	atomic_uint taken;
	atomic_uint sum;
	atomic_int refused;
};

static void
drop(void *item)
{
	free(item);
	dropped++;
}

static unsigned *
item(unsigned v)
{
	unsigned *p = malloc(sizeof(*p));

	*p = v;
	return p;
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	*state = fx;
	dropped = 0;
	assert_ok(mv_queue_new(4, drop, &fx->q, &err), &err);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_queue_free(fx->q);
	free(fx);
	return 0;
}

static void
items_come_out_in_order(void **state)
{
	struct fx *fx = *state;
	unsigned round, i, *p;

	/* More than the capacity, so that it goes round. */
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 3; i++)
			assert_int_equal(mv_queue_put(fx->q, item(i)), 1);
		for (i = 0; i < 3; i++) {
			p = mv_queue_get(fx->q);
			assert_int_equal(*p, i);
			free(p);
		}
	}
}

static void
closed_queue_is_emptied_and_then_ends(void **state)
{
	struct fx *fx = *state;
	unsigned *p = item(2);

	assert_int_equal(mv_queue_put(fx->q, item(1)), 1);
	mv_queue_close(fx->q);
	assert_int_equal(mv_queue_put(fx->q, p), 0);
	free(p);
	p = mv_queue_get(fx->q);
	assert_int_equal(*p, 1);
	free(p);
	assert_null(mv_queue_get(fx->q));
	assert_null(mv_queue_get(fx->q));
}

static void
aborted_queue_drops_what_is_in_it(void **state)
{
	struct fx *fx = *state;
	unsigned *p = item(3);

	assert_int_equal(mv_queue_put(fx->q, item(1)), 1);
	assert_int_equal(mv_queue_put(fx->q, item(2)), 1);
	mv_queue_abort(fx->q);
	assert_int_equal(dropped, 2);
	assert_null(mv_queue_get(fx->q));
	assert_int_equal(mv_queue_put(fx->q, p), 0);
	free(p);
	assert_int_equal(dropped, 2);
}

static void
freeing_drops_the_rest(void **state)
{
	struct fx *fx = *state;

	assert_int_equal(mv_queue_put(fx->q, item(1)), 1);
	mv_queue_freep(&fx->q);
	assert_null(fx->q);
	assert_int_equal(dropped, 1);
}

static void *
read_all(void *arg)
{
	struct fx *fx = arg;
	unsigned *p;

	while ((p = mv_queue_get(fx->q)) != NULL) {
		fx->taken++;
		fx->sum += *p;
		free(p);
	}
	return NULL;
}

static void *
write_all(void *arg)
{
	struct fx *fx = arg;
	unsigned i, *p;

	for (i = 0; i < EACH; i++) {
		p = item(i);
		if (!mv_queue_put(fx->q, p)) {
			free(p);
			fx->refused++;
			break;
		}
	}
	return NULL;
}

static void
nothing_is_lost_between_many_threads(void **state)
{
	struct fx *fx = *state;
	pthread_t w[WRITERS], r[READERS];
	size_t i;

	for (i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&r[i], NULL, read_all, fx), 0);
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&w[i], NULL, write_all, fx), 0);
	for (i = 0; i < WRITERS; i++)
		(void)pthread_join(w[i], NULL);
	mv_queue_close(fx->q);
	for (i = 0; i < READERS; i++)
		(void)pthread_join(r[i], NULL);
	assert_int_equal(fx->taken, WRITERS * EACH);
	assert_int_equal(fx->sum, WRITERS * (EACH * (EACH - 1) / 2));
	assert_int_equal(dropped, 0);
}

static void
abort_wakes_writers_that_wait(void **state)
{
	struct fx *fx = *state;
	pthread_t w[WRITERS];
	size_t i;

	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&w[i], NULL, write_all, fx), 0);
	(void)usleep(20000);
	mv_queue_abort(fx->q);
	for (i = 0; i < WRITERS; i++)
		(void)pthread_join(w[i], NULL);
	assert_int_equal(fx->refused, WRITERS);
	assert_int_equal(dropped, 4);
}

static void
abort_wakes_readers_that_wait(void **state)
{
	struct fx *fx = *state;
	pthread_t r[READERS];
	size_t i;

	for (i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&r[i], NULL, read_all, fx), 0);
	(void)usleep(20000);
	mv_queue_abort(fx->q);
	for (i = 0; i < READERS; i++)
		(void)pthread_join(r[i], NULL);
	assert_int_equal(fx->taken, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(items_come_out_in_order),
		T(closed_queue_is_emptied_and_then_ends),
		T(aborted_queue_drops_what_is_in_it),
		T(freeing_drops_the_rest),
		T(nothing_is_lost_between_many_threads),
		T(abort_wakes_writers_that_wait),
		T(abort_wakes_readers_that_wait),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
