/* SPDX-License-Identifier: MIT */
/* What a recovery kit's test proves, and what it remembers. */
#include "support/mv_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/prove.h"
#include "support/rig.h"

struct fx {
	struct rig rig;
	struct mv_repo *kit;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_repo_opts opts = { 0 };
	struct mv_err err;

	assert_non_null(fx);
	*state = fx;
	rig_new(&fx->rig, 1);
	opts.stores = fx->rig.stores;
	opts.nstores = 1;
	opts.keys = fx->rig.plan.keys.kit;
	assert_ok(mv_repo_open(&opts, &fx->kit, &err), &err);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_repo_free(fx->kit);
	rig_free(&fx->rig);
	free(fx);
	return 0;
}

/* A snapshot whose detail says that its one stream is the archive. */
static void
backup(struct fx *fx, const char *detail)
{
	struct mv_writer *w = rig_begin(&fx->rig, 1);
	struct mv_snapshot snap = { .parts = MV_PART_DB, .nstreams = 1 };
	struct mv_err err;

	snap.streams = calloc(1, sizeof(*snap.streams));
	assert_non_null(snap.streams);
	snap.streams[0] = rig_put(w, "archive", 7, 1, false);
	assert_ok(mv_writer_commit(w, &snap, detail, strlen(detail), &err),
	    &err);
	mv_snapshot_clear(&snap);
	mv_writer_freep(&w);
}

static const char described[] =
    "{\"database\":{\"archive\":{\"stream\":0,\"bytes\":7},\"tables\":[]}}";

static void
a_kit_opens_the_newest_snapshot(void **state)
{
	struct fx *fx = *state;
	struct mv_proof p;
	struct mv_err err;

	assert_fails(mv_job_prove(fx->kit, &p, &err), MV_ENOTFOUND, &err);
	backup(fx, described);
	assert_ok(mv_job_prove(fx->kit, &p, &err), &err);
	assert_int_equal(p.bytes, 7);
	assert_int_equal(p.vault, 0);
	assert_int_equal(p.epoch, 1);
	assert_true(p.time > 0);
}

static void
keys_that_do_not_read_prove_nothing(void **state)
{
	struct fx *fx = *state;
	struct mv_proof p;
	struct mv_err err;

	backup(fx, described);
	assert_fails(mv_job_prove(fx->rig.writer, &p, &err), MV_EAUTH, &err);
	/* A reader's key is no kit: it does not open the secrets. */
	assert_fails(mv_job_prove(fx->rig.reader, &p, &err), MV_EAUTH, &err);
}

static int
remove_data(const char *name, uint64_t size, void *arg)
{
	(void)size;
	(void)snprintf(arg, MV_OBJECT_NAME_MAX, "%s", name);
	return 1;
}

static void
a_snapshot_without_its_data_proves_nothing(void **state)
{
	struct fx *fx = *state;
	char name[MV_OBJECT_NAME_MAX];
	struct mv_proof p;
	struct mv_err err = { 0 };

	backup(fx, described);
	while (rig_count(&fx->rig, "packs/", NULL) > 0) {
		assert_int_equal(mv_store_list(fx->rig.stores[0], "packs/",
		    remove_data, name, &err), 1);
		assert_ok(mv_store_remove(fx->rig.stores[0], name, &err),
		    &err);
	}
	assert_fails(mv_job_prove(fx->kit, &p, &err), MV_ECORRUPT, &err);
}

static void
a_test_is_remembered_for_its_repository(void **state)
{
	struct fx *fx = *state;
	struct mv_id16 other = { { 1 } };
	struct mv_proof p, q;
	struct mv_err err;
	char *path;

	assert_ok(mv_proof_load(fx->rig.dir, mv_repo_id(fx->kit), &q, &err),
	    &err);
	assert_int_equal(q.time, 0);
	backup(fx, described);
	assert_ok(mv_job_prove(fx->kit, &p, &err), &err);
	assert_ok(mv_proof_save(fx->rig.dir, &p, &err), &err);
	assert_ok(mv_proof_load(fx->rig.dir, &p.repo, &q, &err), &err);
	assert_int_equal(q.time, p.time);
	assert_int_equal(q.epoch, 1);
	assert_ok(mv_proof_load(fx->rig.dir, &other, &q, &err), &err);
	assert_int_equal(q.time, 0);
	path = mv_test_path(fx->rig.dir, "kit.json");
	mv_test_write(path, "{\"repository\":", 14);
	free(path);
	assert_ok(mv_proof_load(fx->rig.dir, &p.repo, &q, &err), &err);
	assert_int_equal(q.time, 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_kit_opens_the_newest_snapshot),
		test(keys_that_do_not_read_prove_nothing),
		test(a_snapshot_without_its_data_proves_nothing),
		test(a_test_is_remembered_for_its_repository),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
