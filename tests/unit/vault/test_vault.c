/* SPDX-License-Identifier: MIT */
#include "support/mini_repo.h"
#include "support/mv_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo/check.h"
#include "vault/changes.h"

#define LIVE "/live/.env.production"

struct fx {
	struct mini m;
	struct mv_vault v;
	struct mv_vault_file file;
	struct mv_check_report report;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	mini_open(&fx->m, 1, NULL);
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_check_report_clear(&fx->report);
	mv_vault_file_clear(&fx->file);
	mv_vault_clear(&fx->v);
	mini_close(&fx->m);
	free(fx);
	return 0;
}

/* Version 1, signed by a key of ours. */
static void
put_signed_by(struct fx *fx, struct mv_keyset *keys, uint8_t right)
{
	const struct mv_identity *me = mv_keyset_find(keys, right);
	const struct mv_identity *to = mv_keyset_find(fx->m.plan.keys.vault,
	    MV_RIGHT_VAULT);
	struct mv_vault_version v = { .number = 1, .time = 1000 };
	const struct mv_keyring_key *list[1];
	char name[MV_OBJECT_NAME_MAX];
	struct mv_buf obj = { 0 };
	struct mv_err err;

	v.signer = me->number;
	list[0] = mv_keyring_find(mv_repo_keyring(fx->m.kit), to->number);
	assert_ok(mv_vault_version_encode(&v, mv_repo_id(fx->m.kit),
	    &fx->m.plan.keys.vault->vault, &me->seed, list, 1, "{}",
	    (const uint8_t *)"A=1\n", 4, &obj, &err), &err);
	mv_object_name(MV_KIND_VAULT, 0, &v.id, &v.hash, name);
	assert_ok(mv_repo_put(fx->m.kit, name, obj.p, obj.len, &err), &err);
	mv_vault_version_clear(&v);
	mv_buf_clear(&obj);
}

static size_t
damaged(struct fx *fx)
{
	const struct mv_check_opts opts = { 0 };
	struct mv_err err;

	assert_ok(mv_repo_check(fx->m.kit, &opts, &fx->report, &err), &err);
	return fx->report.ndamaged;
}

static void
a_vault_key_signs_versions(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	put_signed_by(fx, fx->m.plan.keys.vault, MV_RIGHT_VAULT);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_int_equal(fx->v.n, 1);
	assert_int_equal(fx->v.nproblems, 0);
	assert_int_equal(damaged(fx), 0);
}

static void
no_other_key_signs_versions(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	put_signed_by(fx, fx->m.plan.keys.writer, MV_RIGHT_WRITE);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_int_equal(fx->v.n, 0);
	assert_int_equal(fx->v.nproblems, 1);
	assert_int_equal(damaged(fx), 1);
}

static int
import(struct fx *fx, const char *text, struct mv_vault_ref *ref, bool *added,
    struct mv_err *err)
{
	const struct mv_vault_reason why = {
		.host = "host", .operator_name = "somebody",
		.reason = "a test",
	};
	int rc;

	mv_vault_file_clear(&fx->file);
	fx->file.mode = 0600;
	fx->file.path = strdup(LIVE);
	assert_non_null(fx->file.path);
	rc = mv_sbuf_put(&fx->file.bytes, text, strlen(text), err);
	return rc < 0 ? rc : mv_vault_import(fx->m.kit, &fx->file, &why, ref,
	    added, err);
}

static void
an_older_version_that_comes_back_is_told_and_not_stored(void **state)
{
	struct fx *fx = *state;
	struct mv_vault_ref ref;
	struct mv_err err;
	bool added;

	assert_ok(import(fx, "A=1\n", &ref, &added, &err), &err);
	assert_true(added);
	assert_string_equal(ref.problem, "");
	assert_ok(import(fx, "A=2\n", &ref, &added, &err), &err);
	assert_int_equal(ref.number, 2);
	assert_ok(import(fx, "A=1\n", &ref, &added, &err), &err);
	assert_false(added);
	assert_int_equal(ref.number, 1);
	assert_int_equal(ref.newest, 2);
	assert_non_null(strstr(ref.problem, "version 1"));
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_int_equal(fx->v.n, 2);
}

static void
a_version_can_be_made_the_newest_again(void **state)
{
	const struct mv_vault_reason why = {
		.host = "host", .operator_name = "somebody",
		.reason = "a test",
	};
	struct fx *fx = *state;
	struct mv_vault_ref ref;
	struct mv_err err;
	bool added;

	assert_ok(import(fx, "A=1\n", &ref, &added, &err), &err);
	assert_ok(import(fx, "A=2\n", &ref, &added, &err), &err);
	mv_vault_file_clear(&fx->file);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_ok(mv_vault_open(fx->m.kit, &fx->v.list[0], &fx->file, &err),
	    &err);
	assert_fails(mv_vault_append(fx->m.kit, &fx->file, &why,
	    &fx->v.list[0].hash, &ref, &err), MV_ECHANGED, &err);
	assert_ok(mv_vault_append(fx->m.kit, &fx->file, &why,
	    &fx->v.list[1].hash, &ref, &err), &err);
	assert_int_equal(ref.number, 3);
	/* Now it is the newest, and no alarm. */
	assert_ok(import(fx, "A=1\n", &ref, &added, &err), &err);
	assert_false(added);
	assert_int_equal(ref.number, 3);
	assert_int_equal(ref.newest, 3);
	assert_ok(import(fx, "A=2\n", &ref, &added, &err), &err);
	assert_int_equal(ref.newest, 3);
	assert_int_equal(ref.number, 2);
}

static void
ages_count_from_the_last_change(void **state)
{
	struct fx *fx = *state;
	struct mv_vault_ages ages = { 0 };
	struct mv_vault_note note = { 0 };
	struct mv_vault_ref ref;
	struct mv_err err;
	bool added;

	assert_ok(import(fx, "A=1\nB=1\nC=1\n", &ref, &added, &err), &err);
	assert_ok(import(fx, "A=2\nB=1\n", &ref, &added, &err), &err);
	assert_ok(import(fx, "B=1\nA=2 # new\nC=1\n", &ref, &added, &err),
	    &err);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_ok(mv_vault_ages(fx->m.kit, &fx->v, &ages, &err), &err);
	assert_int_equal(ages.n, 3);
	assert_string_equal(ages.list[0].name, "A");
	assert_int_equal(ages.list[0].version, 2);
	assert_int_equal(ages.list[0].values, 2);
	assert_int_equal(ages.list[1].version, 1);
	assert_int_equal(ages.list[2].version, 3);
	mv_vault_ages_clear(&ages);
	/* Names alone are noted. */
	mv_vault_file_clear(&fx->file);
	assert_ok(mv_vault_open_noted(fx->m.kit, &fx->v.list[1], &fx->file,
	    &note, &err), &err);
	assert_int_equal(note.nchanges, 2);
	assert_string_equal(note.changes[0], "A");
	assert_string_equal(note.changes[1], "C");
	assert_string_equal(note.reason, "a test");
	mv_vault_note_clear(&note);
}

/* Append text as the next version of this kind. */
static int
append(struct fx *fx, const char *text, enum mv_vault_kind kind,
    struct mv_vault_ref *ref, struct mv_err *err)
{
	const struct mv_vault_done done = { (char[]){ "users.otp_secret" }, 7 };
	const struct mv_vault_reason why = {
		.host = "host", .operator_name = "somebody",
		.reason = "a test", .kind = kind,
		.done = &done, .ndone = kind == MV_VAULT_SETTLED,
	};
	int rc;

	mv_vault_clear(&fx->v);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, err), err);
	mv_sbuf_reset(&fx->file.bytes);
	rc = mv_sbuf_put(&fx->file.bytes, text, strlen(text), err);
	return rc < 0 ? rc : mv_vault_append(fx->m.kit, &fx->file, &why,
	    &fx->v.list[fx->v.n - 1].hash, ref, err);
}

static void
nothing_but_its_end_follows_on_a_pending_version(void **state)
{
	const struct mv_vault_version *before = NULL;
	struct fx *fx = *state;
	struct mv_vault_note note = { 0 };
	struct mv_vault_ref ref;
	struct mv_err err;
	bool added, pending;

	assert_ok(import(fx, "A=1\n", &ref, &added, &err), &err);
	assert_ok(append(fx, "A=2\n", MV_VAULT_PENDING, &ref, &err), &err);
	assert_fails(append(fx, "A=3\n", MV_VAULT_CHANGE, &ref, &err),
	    MV_EREFUSED, &err);
	assert_fails(append(fx, "A=3\n", MV_VAULT_PENDING, &ref, &err),
	    MV_EREFUSED, &err);
	mv_vault_clear(&fx->v);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_ok(mv_vault_is_pending(fx->m.kit, &fx->v.list[1], &pending,
	    &err), &err);
	assert_true(pending);
	assert_ok(mv_vault_before(fx->m.kit, &fx->v, &before, &err), &err);
	assert_int_equal(before->number, 1);
	assert_ok(append(fx, "A=2\n", MV_VAULT_SETTLED, &ref, &err), &err);
	assert_int_equal(ref.number, 3);
	mv_vault_clear(&fx->v);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_ok(mv_vault_before(fx->m.kit, &fx->v, &before, &err), &err);
	assert_null(before);
	mv_vault_file_clear(&fx->file);
	assert_ok(mv_vault_open_noted(fx->m.kit, &fx->v.list[2], &fx->file,
	    &note, &err), &err);
	assert_false(note.pending);
	assert_int_equal(note.ndone, 1);
	assert_string_equal(note.done[0].what, "users.otp_secret");
	assert_int_equal(note.done[0].rows, 7);
	mv_vault_note_clear(&note);
}

static void
a_generation_that_was_undone_leaves_no_trace_in_the_ages(void **state)
{
	struct fx *fx = *state;
	struct mv_vault_note note = { 0 };
	struct mv_vault_ages ages = { 0 };
	struct mv_vault_ref ref;
	struct mv_err err;
	bool added;

	assert_ok(import(fx, "A=1\n", &ref, &added, &err), &err);
	assert_ok(append(fx, "A=2\n", MV_VAULT_PENDING, &ref, &err), &err);
	assert_ok(append(fx, "A=1\n", MV_VAULT_SETTLED, &ref, &err), &err);
	mv_vault_clear(&fx->v);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_ok(mv_vault_ages(fx->m.kit, &fx->v, &ages, &err), &err);
	assert_int_equal(ages.list[0].version, 1);
	assert_int_equal(ages.list[0].values, 1);
	mv_vault_ages_clear(&ages);
	mv_vault_file_clear(&fx->file);
	assert_ok(mv_vault_open_noted(fx->m.kit, &fx->v.list[2], &fx->file,
	    &note, &err), &err);
	assert_int_equal(note.nchanges, 0);
	mv_vault_note_clear(&note);
	/* One that was not undone is said to have changed what it changed. */
	assert_ok(append(fx, "A=3\n", MV_VAULT_PENDING, &ref, &err), &err);
	assert_ok(append(fx, "A=3\n", MV_VAULT_SETTLED, &ref, &err), &err);
	mv_vault_clear(&fx->v);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	mv_vault_file_clear(&fx->file);
	assert_ok(mv_vault_open_noted(fx->m.kit, &fx->v.list[4], &fx->file,
	    &note, &err), &err);
	assert_int_equal(note.nchanges, 1);
	mv_vault_note_clear(&note);
}

static void
an_import_during_a_rotation_names_both_generations(void **state)
{
	static const struct {
		const char *file;
		uint64_t number;
	} cases[] = { { "A=1\n", 1 }, { "A=2\n", 2 }, { "A=3\n", 1 } };
	struct fx *fx = *state;
	struct mv_vault_ref ref;
	struct mv_err err;
	bool added;
	size_t i;

	assert_ok(import(fx, "A=1\n", &ref, &added, &err), &err);
	assert_false(ref.pending);
	assert_ok(append(fx, "A=2\n", MV_VAULT_PENDING, &ref, &err), &err);
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		assert_ok(import(fx, cases[i].file, &ref, &added, &err), &err);
		assert_false(added);
		assert_true(ref.pending);
		assert_int_equal(ref.number, cases[i].number);
		assert_int_equal(ref.newest, 2);
	}
}

/* What has a version's name and other bytes: damaged, or planted. */
static void
a_vault_of_damage_alone_goes_on(void **state)
{
	struct fx *fx = *state;
	struct mv_name what = { .kind = MV_KIND_VAULT };
	char name[MV_OBJECT_NAME_MAX];
	struct mv_vault_ref ref;
	struct mv_err err;
	bool added;

	mv_random(what.hash.b, sizeof(what.hash.b));
	mv_object_name(what.kind, 0, &what.id, &what.hash, name);
	assert_ok(mv_store_put(fx->m.stores[0], name, "no more", 7, &err),
	    &err);
	assert_ok(import(fx, "A=1\n", &ref, &added, &err), &err);
	assert_true(added);
	/* It may have been a number 1, and its name says what comes next. */
	assert_int_equal(ref.number, 2);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_int_equal(fx->v.n, 1);
	assert_memory_equal(&fx->v.list[0].prev, &what.hash,
	    sizeof(what.hash));
}

static void
what_several_stores_have_counts_once(void **state)
{
	struct fx *fx = *state;
	char names[3][MV_OBJECT_NAME_MAX];
	struct mv_err err;
	size_t i;

	mini_close(&fx->m);
	mini_open(&fx->m, 2, NULL);
	for (i = 0; i < 3; i++) {
		struct mv_name what = { .kind = MV_KIND_VAULT };

		mv_random(what.hash.b, sizeof(what.hash.b));
		mv_object_name(what.kind, 0, &what.id, &what.hash, names[i]);
	}
	/* One in both, and one more in each. */
	for (i = 0; i < 4; i++)
		assert_ok(mv_store_put(fx->m.stores[i / 2],
		    names[i / 2 + i % 2], "no more", 7, &err), &err);
	assert_ok(mv_vault_load(fx->m.kit, &fx->v, &err), &err);
	assert_int_equal(fx->v.lost, 3);
	assert_int_equal(fx->v.nproblems, 3);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_vault_key_signs_versions),
		test(no_other_key_signs_versions),
		test(an_older_version_that_comes_back_is_told_and_not_stored),
		test(a_version_can_be_made_the_newest_again),
		test(nothing_but_its_end_follows_on_a_pending_version),
		test(a_generation_that_was_undone_leaves_no_trace_in_the_ages),
		test(an_import_during_a_rotation_names_both_generations),
		test(ages_count_from_the_last_change),
		test(a_vault_of_damage_alone_goes_on),
		test(what_several_stores_have_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
