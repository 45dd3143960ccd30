/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <pthread.h>

#include "base/rate.h"
#include "base/time.h"

static void
a_rate_is_a_number_with_a_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;	/* 0: refused */
	} cases[] = {
		{ "20M", 20u << 20 }, { "500K", 500u << 10 },
		{ "1G", 1u << 30 }, { "1024", 1024 }, { "1K", 1024 },
		{ "1023", 0 }, { "0", 0 }, { "", 0 }, { "M", 0 },
		{ "20m", 0 }, { "20MB", 0 }, { "-1M", 0 }, { " 1M", 0 },
		{ "1M ", 0 }, { "1.5M", 0 }, { "9999999999999", 0 },
	};
	struct mv_err err;
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		if (cases[i].want == 0) {
			assert_fails(mv_rate_parse(cases[i].text, &n, &err),
			    MV_EUSAGE, &err);
			continue;
		}
		assert_ok(mv_rate_parse(cases[i].text, &n, &err), &err);
		assert_int_equal(n, cases[i].want);
	}
}

#define RATE (1u << 20)
#define SECONDS 3
#define THREADS 3
#define PIECE 50000

struct share {
	struct mv_rate *rate;
	uint64_t bytes;
};

static void *
take_share(void *arg)
{
	struct share *s = arg;
	uint64_t n;

	for (n = 0; n < s->bytes; n += PIECE)
		if (mv_rate_take(s->rate, PIECE, NULL) < 0)
			return s;
	return NULL;
}

/* The first second's worth is free: then the rate is kept, by all together. */
static void
several_threads_together_keep_the_rate(void **state)
{
	pthread_t threads[THREADS];
	struct mv_rate rate;
	struct share s = { &rate, (uint64_t)RATE * (SECONDS + 1) / THREADS };
	double took = mv_time_monotonic();
	void *failed;
	int i;

	(void)state;
	mv_rate_init(&rate, RATE);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_share,
		    &s), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	took = mv_time_monotonic() - took;
	mv_rate_clear(&rate);
	if (took < 0.8 * SECONDS || took > 1.2 * SECONDS + 0.5)
		fail_msg("%.2f s instead of %d", took, SECONDS);
}

static void
without_a_rate_nothing_waits(void **state)
{
	struct mv_rate rate;
	double took = mv_time_monotonic();
	struct mv_err err;

	(void)state;
	mv_rate_init(&rate, 0);
	assert_ok(mv_rate_take(&rate, UINT64_MAX / 2, &err), &err);
	assert_ok(mv_rate_take(NULL, UINT64_MAX / 2, &err), &err);
	mv_rate_clear(&rate);
	assert_true(mv_time_monotonic() - took < 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_a_number_with_a_unit),
		cmocka_unit_test(several_threads_together_keep_the_rate),
		cmocka_unit_test(without_a_rate_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
