/* SPDX-License-Identifier: MIT */
/* Making and opening repositories, what is refused, and reading replicas. */
#include "support/mv_test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "repo/highwater.h"
#include "repo/repo.h"
#include "store/store.h"

struct fx {
	struct mv_store *stores[2];
	struct mv_repo_plan plan;
	struct mv_keyset *keys;
	struct mv_repo *repo;
	struct mv_keyring ring;
	struct mv_buf buf;
	char *dir;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err = { 0 };
	size_t i;

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	for (i = 0; i < 2; i++)
		assert_ok(mv_store_mem(&fx->stores[i], &err), &err);
	assert_ok(mv_repo_plan("production", "host", &fx->plan, &err), &err);
	assert_ok(mv_repo_plan_commit(&fx->plan, fx->stores, 2, &err), &err);
	fx->dir = mv_test_dir();
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_repo_free(fx->repo);
	mv_keyset_free(fx->keys);
	mv_keyring_clear(&fx->ring);
	mv_repo_plan_clear(&fx->plan);
	mv_buf_clear(&fx->buf);
	mv_store_free(fx->stores[0]);
	mv_store_free(fx->stores[1]);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx);
	return 0;
}

static int
open_with(struct fx *fx, struct mv_keyset *keys, const char *state_dir,
    struct mv_err *err)
{
	const struct mv_repo_opts opts = {
		.stores = fx->stores, .nstores = 2, .keys = keys,
		.state_dir = state_dir
	};

	mv_repo_freep(&fx->repo);
	return mv_repo_open(&opts, &fx->repo, err);
}

/* The owner signs a successor of the keyring that the plan made. */
static void
succeed(struct fx *fx, uint64_t number, int64_t time, bool put)
{
	const struct mv_identity *owner = mv_keyset_find(fx->plan.keys.owner,
	    0);
	char name[MV_OBJECT_NAME_MAX];
	struct mv_err err;
	size_t i;

	if (fx->ring.number == 0)
		assert_ok(mv_keyring_decode(fx->plan.keyring.p,
		    fx->plan.keyring.len, &fx->plan.keys.owner->repo,
		    owner->sign_pub, &fx->ring, &err), &err);
	if (number > fx->ring.number)
		fx->ring.prev = fx->ring.hash;
	fx->ring.number = number;
	fx->ring.time = time;
	mv_buf_reset(&fx->buf);
	assert_ok(mv_keyring_encode(&fx->ring, &owner->seed, &fx->buf, &err),
	    &err);
	mv_object_name(MV_KIND_KEYRING, number, NULL, &fx->ring.hash, name);
	for (i = 0; put && i < 2; i++)
		assert_ok(mv_store_put(fx->stores[i], name, fx->buf.p,
		    fx->buf.len, &err), &err);
}

static void
remove_ring(struct fx *fx)
{
	char name[MV_OBJECT_NAME_MAX];
	struct mv_err err;
	size_t i;

	mv_object_name(MV_KIND_KEYRING, fx->ring.number, NULL, &fx->ring.hash,
	    name);
	for (i = 0; i < 2; i++)
		assert_ok(mv_store_remove(fx->stores[i], name, &err), &err);
}

static void
each_key_opens_what_it_may(void **state)
{
	struct fx *fx = *state;
	const struct mv_repo_keys *k = &fx->plan.keys;
	const struct {
		struct mv_keyset *keys;
		int has;
	} cases[] = {
		{ k->owner, 1 }, { k->writer, 3 }, { k->reader, 7 },
		{ k->vault, 0 }, { k->kit, 7 },
	};
	const struct mv_epoch_secrets *e;
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		assert_ok(open_with(fx, cases[i].keys, NULL, &err), &err);
		e = mv_repo_epoch(fx->repo, 1);
		assert_int_equal(e != NULL ? e->has : 0, cases[i].has);
		assert_null(mv_repo_epoch(fx->repo, 2));
		assert_null(mv_repo_epoch(fx->repo, 0));
	}
}

static void
labels_name_the_keys(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(open_with(fx, fx->plan.keys.writer, NULL, &err), &err);
	assert_ok(mv_keyring_open_labels(mv_repo_keyring(fx->repo),
	    &mv_repo_epoch(fx->repo, 1)->structure, &fx->buf, &err), &err);
	assert_string_equal(mv_buf_cstr(&fx->buf),
	    "{\"environment\":\"production\",\"keys\":{"
	    "\"1\":\"writer on host\",\"2\":\"reader\","
	    "\"3\":\"vault on host\",\"4\":\"vault in the recovery kit\"}}");
}

static void
a_second_repository_is_refused(void **state)
{
	mv_auto(mv_repo_plan_clear) struct mv_repo_plan other = { 0 };
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(mv_repo_plan("staging", "host", &other, &err), &err);
	assert_fails(mv_repo_plan_commit(&other, fx->stores, 2, &err),
	    MV_EEXIST, &err);
	assert_fails(open_with(fx, other.keys.kit, NULL, &err), MV_EAUTH,
	    &err);
	assert_says(&err, "another repository");
}

static void
empty_stores_hold_no_repository(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;
	size_t i;

	for (i = 0; i < 2; i++)
		assert_ok(mv_store_remove(fx->stores[i], fx->plan.name, &err),
		    &err);
	assert_fails(open_with(fx, fx->plan.keys.kit, NULL, &err), MV_ENOREPO,
	    &err);
}

static void
rolled_back_keyring_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	succeed(fx, 2, 5, true);
	assert_ok(open_with(fx, fx->plan.keys.reader, fx->dir, &err), &err);
	assert_int_equal(mv_repo_keyring(fx->repo)->number, 2);
	remove_ring(fx);
	assert_fails(open_with(fx, fx->plan.keys.reader, fx->dir, &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, "rolled back");
	/* A fresh machine cannot know, unless the key file does. */
	assert_ok(open_with(fx, fx->plan.keys.reader, NULL, &err), &err);
	fx->plan.keys.reader->keyring = 2;
	assert_fails(open_with(fx, fx->plan.keys.reader, NULL, &err),
	    MV_ECORRUPT, &err);
}

static void
replaced_keyring_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	succeed(fx, 2, 5, true);
	assert_ok(open_with(fx, fx->plan.keys.reader, fx->dir, &err), &err);
	remove_ring(fx);
	succeed(fx, 2, 6, true);
	assert_fails(open_with(fx, fx->plan.keys.reader, fx->dir, &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, "not the one");
	/* Nor one that descends from it. */
	succeed(fx, 3, 7, true);
	assert_fails(open_with(fx, fx->plan.keys.reader, fx->dir, &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, "descend");
}

static void
two_keyrings_with_one_number_are_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	succeed(fx, 2, 5, true);
	succeed(fx, 2, 6, true);
	assert_fails(open_with(fx, fx->plan.keys.reader, NULL, &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, "two keyrings");
}

static void
successors_are_accepted_over_several_steps(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(open_with(fx, fx->plan.keys.reader, fx->dir, &err), &err);
	succeed(fx, 2, 5, true);
	succeed(fx, 3, 6, true);
	succeed(fx, 4, 7, true);
	assert_ok(open_with(fx, fx->plan.keys.reader, fx->dir, &err), &err);
	assert_int_equal(mv_repo_keyring(fx->repo)->number, 4);
}

/* Who can write to a store must not be able to keep us from reading. */
static void
planted_keyrings_are_set_aside(void **state)
{
	mv_auto(mv_repo_plan_clear) struct mv_repo_plan other = { 0 };
	struct fx *fx = *state;
	struct mv_id32 hash = { { 0 } };
	char name[MV_OBJECT_NAME_MAX];
	struct mv_err err;

	mv_sha256("rubbish", 7, hash.b);
	mv_object_name(MV_KIND_KEYRING, UINT32_MAX, NULL, &hash, name);
	assert_ok(mv_store_put(fx->stores[0], name, "rubbish", 7, &err), &err);
	assert_ok(mv_repo_plan("other", "host", &other, &err), &err);
	mv_sha256(other.keyring.p, other.keyring.len, hash.b);
	mv_object_name(MV_KIND_KEYRING, 77, NULL, &hash, name);
	assert_ok(mv_store_put(fx->stores[0], name, other.keyring.p,
	    other.keyring.len, &err), &err);
	assert_ok(open_with(fx, fx->plan.keys.kit, fx->dir, &err), &err);
	assert_int_equal(mv_repo_keyring(fx->repo)->number, 1);
}

static void
damaged_copy_gives_way_to_a_good_one(void **state)
{
	struct fx *fx = *state;
	struct mv_id32 hash;
	char name[MV_OBJECT_NAME_MAX];
	struct mv_err err;

	mv_sha256("good", 4, hash.b);
	mv_object_name(MV_KIND_INDEX, 0, NULL, &hash, name);
	assert_ok(open_with(fx, fx->plan.keys.kit, NULL, &err), &err);
	assert_fails(mv_repo_get(fx->repo, name, 100, &fx->buf, &err),
	    MV_ENOTFOUND, &err);
	assert_ok(mv_store_put(fx->stores[0], name, "bad", 3, &err), &err);
	assert_fails(mv_repo_get(fx->repo, name, 100, &fx->buf, &err),
	    MV_ECORRUPT, &err);
	assert_int_equal(fx->buf.len, 0);
	/* MV_EEXIST from the first store counts as had. */
	assert_ok(mv_repo_put(fx->repo, name, "good", 4, &err), &err);
	assert_ok(mv_repo_get(fx->repo, name, 100, &fx->buf, &err), &err);
	assert_int_equal(fx->buf.len, 4);
	assert_memory_equal(fx->buf.p, "good", 4);
}

static void
distrust_counts_from_its_snapshot_on(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(open_with(fx, fx->plan.keys.kit, NULL, &err), &err);
	assert_true(mv_repo_trusts(fx->repo, 1, 1000));
	assert_false(mv_repo_trusts(fx->repo, 2, 1));
	assert_false(mv_repo_trusts(fx->repo, 9, 1));
	succeed(fx, 2, 5, false);
	fx->ring.keys[0].distrusted_from = 5;
	fx->ring.keys[0].removed = 1;
	succeed(fx, 2, 6, true);
	assert_ok(open_with(fx, fx->plan.keys.kit, NULL, &err), &err);
	assert_true(mv_repo_trusts(fx->repo, 1, 4));
	assert_false(mv_repo_trusts(fx->repo, 1, 5));
	assert_non_null(mv_repo_sign_pub(1, fx->repo));
	assert_null(mv_repo_sign_pub(9, fx->repo));
}

/* A second epoch, whose grants lie under the first one's secret. */
static void
later_epochs_open_from_grants(void **state)
{
	struct fx *fx = *state;
	struct mv_epoch_secrets e = { .epoch = 2, .has = 7,
	    .structure = { { 21 } }, .identity = { { 22 } } };
	const struct mv_epoch_secrets *got;
	struct mv_keyring_grant *g;
	struct mv_err err;

	succeed(fx, 2, 5, false);
	fx->ring.epochs = realloc(fx->ring.epochs,
	    2 * sizeof(*fx->ring.epochs));
	fx->ring.grants = realloc(fx->ring.grants, 3 * sizeof(*g));
	assert_non_null(fx->ring.epochs);
	assert_non_null(fx->ring.grants);
	fx->ring.epochs[1].number = 2;
	fx->ring.epochs[1].time = 5;
	mv_seal_keypair(fx->ring.epochs[1].pub, &e.priv);
	fx->ring.nepochs = 2;
	assert_ok(mv_grant_seal(&fx->ring.repo,
	    &fx->plan.keys.kit->epochs[0].structure,
	    mv_keyring_find(&fx->ring, 2), &e, &fx->ring.grants[2], &err),
	    &err);
	fx->ring.ngrants = 3;
	succeed(fx, 2, 6, true);

	assert_ok(open_with(fx, fx->plan.keys.reader, NULL, &err), &err);
	assert_int_equal(mv_repo_newest_epoch(fx->repo), 2);
	got = mv_repo_epoch(fx->repo, 2);
	assert_non_null(got);
	assert_memory_equal(got->priv.b, e.priv.b, MV_KEY_BYTES);
	assert_memory_equal(got->identity.b, e.identity.b, MV_KEY_BYTES);
	/* The writer was given none of it. */
	assert_ok(open_with(fx, fx->plan.keys.writer, NULL, &err), &err);
	assert_null(mv_repo_epoch(fx->repo, 2));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(each_key_opens_what_it_may),
		test(labels_name_the_keys),
		test(a_second_repository_is_refused),
		test(empty_stores_hold_no_repository),
		test(rolled_back_keyring_is_refused),
		test(replaced_keyring_is_refused),
		test(two_keyrings_with_one_number_are_refused),
		test(successors_are_accepted_over_several_steps),
		test(planted_keyrings_are_set_aside),
		test(damaged_copy_gives_way_to_a_good_one),
		test(distrust_counts_from_its_snapshot_on),
		test(later_epochs_open_from_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
