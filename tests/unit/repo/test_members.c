/* SPDX-License-Identifier: MIT */
/* Admitting and removing keys, and repositories of several epochs. */
#include "support/mv_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo/check.h"
#include "repo/members.h"
#include "repo/reader_internal.h"
#include "support/rig.h"
#include "vault/vault.h"

#define DATA_BYTES 300000

struct fx {
	struct rig rig;
	struct mv_repo *kit, *extra;
	struct mv_keyset *pending[2], *made[2];
	struct mv_sbuf text;
	struct mv_snapshots all;
	struct mv_reader *rd;
	struct mv_stream_in *in;
	struct mv_check_report report;
	struct mv_member member;
	uint8_t *data;
};

static void
fill(uint8_t *p, size_t len, uint32_t seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (uint8_t)(seed >> 24);
	}
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	*state = fx;
	rig_new(&fx->rig, 2);
	fx->data = malloc(DATA_BYTES);
	assert_non_null(fx->data);
	fill(fx->data, DATA_BYTES, 1);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;
	size_t i;

	mv_stream_in_free(fx->in);
	mv_reader_free(fx->rd);
	mv_snapshots_clear(&fx->all);
	mv_check_report_clear(&fx->report);
	mv_member_clear(&fx->member);
	mv_repo_free(fx->kit);
	mv_repo_free(fx->extra);
	for (i = 0; i < 2; i++) {
		mv_keyset_free(fx->pending[i]);
		mv_keyset_free(fx->made[i]);
	}
	mv_sbuf_clear(&fx->text);
	free(fx->data);
	rig_free(&fx->rig);
	free(fx);
	return 0;
}

static int
open_with(struct fx *fx, struct mv_keyset *keys, const char *state,
    struct mv_repo **out, struct mv_err *err)
{
	const struct mv_repo_opts opts = {
		.stores = fx->rig.stores, .nstores = fx->rig.nstores,
		.keys = keys, .state_dir = state,
	};

	mv_repo_freep(out);
	return mv_repo_open(&opts, out, err);
}

static void
open_kit(struct fx *fx)
{
	struct mv_err err;

	assert_ok(open_with(fx, fx->rig.plan.keys.kit, NULL, &fx->kit, &err),
	    &err);
}

/* A key of this role, made, admitted and enrolled; its number. */
static uint32_t
join(struct fx *fx, size_t i, uint8_t right)
{
	struct mv_public_key pub = { .rights = right, .label = "laptop" };
	const struct mv_identity *id;
	struct mv_err err;
	uint32_t number;
	bool added;

	mv_keyset_freep(&fx->pending[i]);
	mv_keyset_freep(&fx->made[i]);
	assert_ok(mv_pending_new(right, &fx->pending[i], &err), &err);
	id = &fx->pending[i]->identities[0];
	memcpy(pub.sign_pub, id->sign_pub, MV_PUBLIC_BYTES);
	memcpy(pub.box_pub, id->box_pub, MV_PUBLIC_BYTES);
	assert_ok(mv_repo_admit(fx->kit, &pub, &number, &added, &err), &err);
	assert_true(added);
	mv_sbuf_clear(&fx->text);
	assert_ok(mv_repo_enrol(fx->kit, number, "{}", NULL, &fx->text, &err),
	    &err);
	assert_ok(mv_enrolment_decode(fx->text.p, fx->text.len,
	    fx->pending[i], &fx->made[i], &err), &err);
	return number;
}

static void
backup(struct fx *fx, size_t len)
{
	struct mv_writer *w = rig_begin(&fx->rig, 1);
	struct mv_root root = rig_put(w, fx->data, len, 1, false);

	rig_commit(&w, &root, 1);
}

/* r restores the snapshot with this number, or fails so. */
static void
reads(struct fx *fx, struct mv_repo *r, uint64_t seq, size_t len)
{
	const struct mv_snapshot *snap = NULL;
	const uint8_t *data;
	struct mv_err err;
	size_t i, n, at = 0;

	mv_snapshots_clear(&fx->all);
	assert_ok(mv_snapshots_load(r, &fx->all, &err), &err);
	for (i = 0; i < fx->all.n; i++)
		if (fx->all.list[i].seq == seq)
			snap = &fx->all.list[i];
	assert_non_null(snap);
	assert_ok(mv_reader_open(r, snap, &fx->rd, &err), &err);
	assert_ok(mv_stream_in_open(fx->rd, &snap->streams[0], &fx->in, &err),
	    &err);
	do {
		assert_ok(mv_stream_in_chunk(fx->in, NULL, 0, &data, &n,
		    &err), &err);
		assert_true(n <= len - at);
		assert_memory_equal(data, fx->data + at, n);
		at += n;
	} while (n > 0);
	assert_int_equal(at, len);
	mv_stream_in_freep(&fx->in);
	mv_reader_freep(&fx->rd);
}

static bool
lists(struct fx *fx, struct mv_repo *r, uint64_t seq)
{
	struct mv_err err;
	size_t i;

	mv_snapshots_clear(&fx->all);
	assert_ok(mv_snapshots_load(r, &fx->all, &err), &err);
	for (i = 0; i < fx->all.n; i++)
		if (fx->all.list[i].seq == seq)
			return true;
	return false;
}

static void
is_healthy(struct fx *fx, struct mv_repo *r, bool contents)
{
	const struct mv_check_opts opts = { .read_data = true };
	struct mv_err err;

	mv_check_report_clear(&fx->report);
	assert_ok(mv_repo_check(r, &opts, &fx->report, &err), &err);
	assert_int_equal(fx->report.ndamaged, 0);
	assert_int_equal(fx->report.contents, contents);
}

static void
a_new_reader_reads_old_backups(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	backup(fx, DATA_BYTES);
	open_kit(fx);
	assert_int_equal(join(fx, 0, MV_RIGHT_READ), 5);
	assert_ok(open_with(fx, fx->made[0], NULL, &fx->extra, &err), &err);
	reads(fx, fx->extra, 1, DATA_BYTES);
	is_healthy(fx, fx->extra, true);
	/* The old keys go on as before. */
	rig_reopen(&fx->rig);
	backup(fx, DATA_BYTES);
	reads(fx, fx->extra, 2, DATA_BYTES);
}

static void
a_pending_key_opens_nothing(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	open_kit(fx);
	(void)join(fx, 0, MV_RIGHT_READ);
	assert_fails(open_with(fx, fx->pending[0], NULL, &fx->extra, &err),
	    MV_EAUTH, &err);
}

static void
each_role_gets_its_own(void **state)
{
	static const struct {
		uint8_t right, old, newest;
	} cases[] = {
		{ MV_RIGHT_WRITE, 1, 3 }, { MV_RIGHT_READ, 7, 7 },
		{ MV_RIGHT_MAINTAIN, 1, 1 }, { MV_RIGHT_VAULT, 0, 0 },
	};
	struct fx *fx = *state;
	const struct mv_epoch_secrets *s;
	struct mv_expelled out;
	struct mv_err err;
	size_t i;

	open_kit(fx);
	/* So that there are two epochs. */
	assert_ok(mv_repo_expel(fx->kit, join(fx, 0, MV_RIGHT_MAINTAIN),
	    false, &out, &err), &err);
	assert_int_equal(out.epoch, 2);
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		(void)join(fx, 0, cases[i].right);
		assert_ok(open_with(fx, fx->made[0], NULL, &fx->extra, &err),
		    &err);
		s = mv_repo_epoch(fx->extra, 1);
		assert_int_equal(s != NULL ? s->has : 0, cases[i].old);
		s = mv_repo_epoch(fx->extra, 2);
		assert_int_equal(s != NULL ? s->has : 0, cases[i].newest);
		assert_int_equal(fx->made[0]->has_vault,
		    cases[i].right == MV_RIGHT_VAULT);
	}
}

static void
admitting_twice_changes_nothing(void **state)
{
	struct fx *fx = *state;
	struct mv_public_key pub = { .rights = MV_RIGHT_READ };
	uint32_t number, again;
	uint64_t ring;
	struct mv_err err;
	bool added;

	open_kit(fx);
	number = join(fx, 0, MV_RIGHT_READ);
	ring = mv_repo_keyring(fx->kit)->number;
	memcpy(pub.sign_pub, fx->made[0]->identities[0].sign_pub, 32);
	memcpy(pub.box_pub, fx->made[0]->identities[0].box_pub, 32);
	assert_ok(mv_repo_admit(fx->kit, &pub, &again, &added, &err), &err);
	assert_false(added);
	assert_int_equal(again, number);
	assert_int_equal(mv_repo_keyring(fx->kit)->number, ring);
	/* Half a member, or a member with another role. */
	pub.rights = MV_RIGHT_WRITE;
	assert_fails(mv_repo_admit(fx->kit, &pub, &again, &added, &err),
	    MV_EEXIST, &err);
	pub.rights = MV_RIGHT_READ;
	pub.box_pub[0] ^= 1;
	assert_fails(mv_repo_admit(fx->kit, &pub, &again, &added, &err),
	    MV_EEXIST, &err);
}

static void
only_the_owner_admits_and_removes(void **state)
{
	struct fx *fx = *state;
	struct mv_public_key pub = { .rights = MV_RIGHT_READ };
	struct mv_expelled out;
	struct mv_err err;
	uint32_t number;
	bool added;

	mv_random(pub.sign_pub, 32);
	mv_random(pub.box_pub, 32);
	assert_fails(mv_repo_admit(fx->rig.reader, &pub, &number, &added,
	    &err), MV_EAUTH, &err);
	assert_fails(mv_repo_expel(fx->rig.reader, 1, false, &out, &err),
	    MV_EAUTH, &err);
	/* The owner's key alone does not know what readers get. */
	assert_ok(open_with(fx, fx->rig.plan.keys.owner, NULL, &fx->extra,
	    &err), &err);
	assert_fails(mv_repo_admit(fx->extra, &pub, &number, &added, &err),
	    MV_EAUTH, &err);
	assert_int_equal(rig_count(&fx->rig, "keyring/", NULL), 1);
}

static void
a_removed_reader_keeps_what_it_had_and_gets_nothing_new(void **state)
{
	struct fx *fx = *state;
	struct mv_expelled out;
	struct mv_err err;
	uint32_t number;

	open_kit(fx);
	number = join(fx, 0, MV_RIGHT_READ);
	rig_reopen(&fx->rig);
	backup(fx, DATA_BYTES);
	assert_ok(mv_repo_expel(fx->kit, number, false, &out, &err), &err);
	assert_true(out.removed);
	assert_int_equal(out.epoch, 2);

	/* The writer's key file is what it was. */
	rig_reopen(&fx->rig);
	fx->data[5000] ^= 1;
	backup(fx, DATA_BYTES);
	reads(fx, fx->kit, 2, DATA_BYTES);
	reads(fx, fx->rig.reader, 2, DATA_BYTES);
	is_healthy(fx, fx->kit, true);
	is_healthy(fx, fx->rig.writer, false);

	assert_ok(open_with(fx, fx->made[0], NULL, &fx->extra, &err), &err);
	assert_null(mv_repo_epoch(fx->extra, 2));
	assert_true(lists(fx, fx->extra, 1));
	assert_false(lists(fx, fx->extra, 2));
	fx->data[5000] ^= 1;
	reads(fx, fx->extra, 1, DATA_BYTES);
	reads(fx, fx->kit, 1, DATA_BYTES);
}

static void
a_removed_writer_is_refused(void **state)
{
	const struct mv_writer_opts opts = { .workers = 1 };
	struct fx *fx = *state;
	struct mv_writer *w = NULL;
	struct mv_expelled out;
	struct mv_err err;

	backup(fx, DATA_BYTES);
	open_kit(fx);
	assert_ok(mv_repo_expel(fx->kit, 1, false, &out, &err), &err);
	assert_int_equal(out.last, 1);
	/* What it made before still counts, and nothing after. */
	assert_true(mv_repo_trusts(fx->kit, 1, 1));
	assert_false(mv_repo_trusts(fx->kit, 1, 2));
	reads(fx, fx->kit, 1, DATA_BYTES);
	is_healthy(fx, fx->kit, true);
	rig_reopen(&fx->rig);
	assert_fails(mv_writer_begin(fx->rig.writer, &opts, &w, &err),
	    MV_EAUTH, &err);
	/* Again: it is so already. */
	assert_ok(mv_repo_expel(fx->kit, 1, false, &out, &err), &err);
	assert_false(out.removed);
}

static void
what_a_run_under_way_adds_after_the_removal_is_an_alarm(void **state)
{
	struct fx *fx = *state;
	struct mv_writer *w;
	struct mv_root root;
	struct mv_expelled out;
	struct mv_err err;

	backup(fx, DATA_BYTES);
	w = rig_begin(&fx->rig, 1);
	root = rig_put(w, fx->data, 1000, 1, false);
	open_kit(fx);
	assert_ok(mv_repo_expel(fx->kit, 1, false, &out, &err), &err);
	rig_commit(&w, &root, 1);
	assert_ok(mv_snapshots_load(fx->kit, &fx->all, &err), &err);
	assert_int_equal(fx->all.nproblems, 1);
	assert_non_null(strstr(fx->all.problems[0], "distrusted"));
}

static void
a_new_writer_goes_on_beside_the_old(void **state)
{
	struct fx *fx = *state;
	struct mv_keyset *old = fx->rig.plan.keys.writer;
	struct mv_expelled out;
	struct mv_err err;

	backup(fx, DATA_BYTES);
	open_kit(fx);
	(void)join(fx, 0, MV_RIGHT_WRITE);
	fx->rig.plan.keys.writer = fx->made[0];
	rig_reopen(&fx->rig);
	backup(fx, DATA_BYTES);
	/* The other's unfinished run might be in use: one number more. */
	assert_ok(mv_repo_expel(fx->kit, 1, false, &out, &err), &err);
	assert_int_equal(out.last, 2);
	rig_reopen(&fx->rig);
	backup(fx, DATA_BYTES);
	rig_expect(&fx->rig, 0, fx->data, DATA_BYTES);
	is_healthy(fx, fx->kit, true);
	fx->rig.plan.keys.writer = old;
}

static uint64_t
stored(struct fx *fx)
{
	uint64_t bytes;

	(void)rig_count(&fx->rig, "packs/", &bytes);
	return bytes;
}

static void
a_new_identity_stores_anew_and_a_kept_one_does_not(void **state)
{
	struct fx *fx = *state;
	struct mv_expelled out;
	struct mv_err err;
	uint64_t before, kept, fresh;

	backup(fx, DATA_BYTES);
	open_kit(fx);
	before = stored(fx);
	assert_ok(mv_repo_expel(fx->kit, join(fx, 0, MV_RIGHT_READ), true,
	    &out, &err), &err);
	rig_reopen(&fx->rig);
	backup(fx, DATA_BYTES);
	kept = stored(fx) - before;
	assert_ok(mv_repo_expel(fx->kit, join(fx, 0, MV_RIGHT_READ), false,
	    &out, &err), &err);
	assert_int_equal(out.epoch, 3);
	rig_reopen(&fx->rig);
	backup(fx, DATA_BYTES);
	fresh = stored(fx) - before - kept;
	/* Nodes alone, padded; against all of the data. */
	assert_true(kept < DATA_BYTES);
	assert_true(fresh >= DATA_BYTES);
	reads(fx, fx->kit, 1, DATA_BYTES);
	reads(fx, fx->kit, 2, DATA_BYTES);
	reads(fx, fx->kit, 3, DATA_BYTES);
	is_healthy(fx, fx->kit, true);
}

static void
ids_of_an_earlier_epoch_are_taken_over(void **state)
{
	static const uint8_t path[] = "media/a.jpg";
	struct fx *fx = *state;
	struct mv_expelled out;
	struct mv_chunks *c = NULL;
	struct mv_writer *w = rig_begin(&fx->rig, 1);
	struct mv_list *l = NULL;
	struct mv_root root = { 0 };
	struct mv_ids ids = { 0 };
	const uint8_t *data;
	struct mv_err err;
	size_t n;
	bool all;

	assert_ok(mv_chunks_open(w, 3, false, &c, &err), &err);
	assert_ok(mv_chunks_file(c, path, sizeof(path) - 1, &err), &err);
	assert_ok(mv_chunks_write(c, fx->data, DATA_BYTES, &err), &err);
	assert_ok(mv_chunks_flush(c, &err), &err);
	assert_ok(mv_ids_add(&ids, mv_chunks_ids(c)->p, mv_chunks_ids(c)->n,
	    &err), &err);
	mv_chunks_freep(&c);
	assert_ok(mv_list_open(w, &l, &err), &err);
	assert_ok(mv_list_add(l, ids.p, ids.n, &err), &err);
	assert_ok(mv_list_finish(l, &root, &err), &err);
	mv_list_freep(&l);
	rig_commit(&w, &root, 1);

	open_kit(fx);
	assert_ok(mv_repo_expel(fx->kit, join(fx, 0, MV_RIGHT_READ), false,
	    &out, &err), &err);
	rig_reopen(&fx->rig);
	w = rig_begin(&fx->rig, 1);
	assert_ok(mv_writer_reuse(w, ids.p, ids.n, &all, &err), &err);
	assert_true(all);
	assert_ok(mv_list_open(w, &l, &err), &err);
	assert_ok(mv_list_add(l, ids.p, ids.n, &err), &err);
	assert_ok(mv_list_finish(l, &root, &err), &err);
	mv_list_freep(&l);
	rig_commit(&w, &root, 1);

	assert_ok(mv_snapshots_load(fx->kit, &fx->all, &err), &err);
	assert_int_equal(fx->all.n, 2);
	assert_int_equal(fx->all.list[1].epoch, 2);
	assert_ok(mv_reader_open(fx->kit, &fx->all.list[1], &fx->rd, &err),
	    &err);
	assert_ok(mv_stream_in_open(fx->rd, &fx->all.list[1].streams[0],
	    &fx->in, &err), &err);
	assert_ok(mv_stream_in_chunk(fx->in, path, sizeof(path) - 1, &data,
	    &n, &err), &err);
	assert_memory_equal(data, fx->data, n);
	mv_stream_in_freep(&fx->in);
	is_healthy(fx, fx->kit, true);
	mv_ids_clear(&ids);
}

/* A source over memory. */
struct bytes {
	const uint8_t *p;
	size_t left;
};

static int
read_bytes(void *arg, uint8_t *buf, size_t len, size_t *got,
    struct mv_err *err)
{
	struct bytes *b = arg;
	size_t n = len < b->left ? len : b->left;

	(void)err;
	memcpy(buf, b->p, n);
	b->p += n;
	b->left -= n;
	*got = n;
	return 0;
}

static void
a_file_of_an_earlier_epoch_is_known_on_disk(void **state)
{
	static const uint8_t path[] = "media/a.jpg";
	struct fx *fx = *state;
	struct bytes b = { fx->data, DATA_BYTES };
	const struct mv_source src = { read_bytes, &b };
	struct mv_writer *w = rig_begin(&fx->rig, 1);
	struct mv_chunks *c = NULL;
	struct mv_root root;
	struct mv_expelled out;
	struct mv_ids ids = { 0 };
	struct mv_err err;
	bool same = false;

	assert_ok(mv_chunks_open(w, 3, false, &c, &err), &err);
	assert_ok(mv_chunks_file(c, path, sizeof(path) - 1, &err), &err);
	assert_ok(mv_chunks_write(c, fx->data, DATA_BYTES, &err), &err);
	assert_ok(mv_chunks_flush(c, &err), &err);
	assert_ok(mv_ids_add(&ids, mv_chunks_ids(c)->p, mv_chunks_ids(c)->n,
	    &err), &err);
	mv_chunks_freep(&c);
	root = rig_put(w, "x", 1, 1, false);
	rig_commit(&w, &root, 1);
	open_kit(fx);
	assert_ok(mv_repo_expel(fx->kit, join(fx, 0, MV_RIGHT_READ), false,
	    &out, &err), &err);
	rig_reopen(&fx->rig);
	backup(fx, 1000);
	assert_ok(mv_snapshots_load(fx->kit, &fx->all, &err), &err);
	assert_ok(mv_reader_open(fx->kit, &fx->all.list[1], &fx->rd, &err),
	    &err);
	assert_ok(mv_reader_same_file(fx->rd, path, sizeof(path) - 1, src,
	    ids.p, ids.n, &same, &err), &err);
	assert_true(same);
	mv_ids_clear(&ids);
}

static void
what_would_lock_everybody_out_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_expelled out;
	struct mv_err err;

	open_kit(fx);
	/* One of ours, the last reader, nobody. */
	assert_fails(mv_repo_expel(fx->kit, 2, false, &out, &err),
	    MV_EREFUSED, &err);
	assert_fails(mv_repo_expel(fx->kit, 4, false, &out, &err),
	    MV_EREFUSED, &err);
	assert_fails(mv_repo_expel(fx->kit, 77, false, &out, &err),
	    MV_ENOTFOUND, &err);
	/* A vault key has no structure secret: no epoch begins. */
	assert_ok(mv_repo_expel(fx->kit, 3, false, &out, &err), &err);
	assert_int_equal(out.epoch, 0);
	assert_int_equal(mv_repo_newest_epoch(fx->kit), 1);
}

static void
another_kit_does_what_the_first_did(void **state)
{
	struct fx *fx = *state;
	struct mv_expelled out;
	struct mv_err err;

	backup(fx, DATA_BYTES);
	open_kit(fx);
	assert_ok(mv_repo_new_kit(fx->kit, &fx->made[0], &err), &err);
	assert_ok(open_with(fx, fx->made[0], NULL, &fx->extra, &err), &err);
	reads(fx, fx->extra, 1, DATA_BYTES);
	/* It removes the first one's keys, and reads on. */
	assert_ok(mv_repo_expel(fx->extra, 2, false, &out, &err), &err);
	assert_ok(mv_repo_expel(fx->extra, 4, false, &out, &err), &err);
	rig_reopen(&fx->rig);
	backup(fx, DATA_BYTES);
	assert_ok(open_with(fx, fx->made[0], NULL, &fx->extra, &err), &err);
	reads(fx, fx->extra, 1, DATA_BYTES);
	reads(fx, fx->extra, 2, DATA_BYTES);
	is_healthy(fx, fx->extra, true);
	open_kit(fx);
	assert_false(lists(fx, fx->kit, 2));
	assert_fails(mv_repo_expel(fx->extra, 5, false, &out, &err),
	    MV_EREFUSED, &err);
	assert_fails(mv_repo_new_kit(fx->rig.reader, &fx->made[1], &err),
	    MV_EAUTH, &err);
}

static void
members_are_called_as_they_asked(void **state)
{
	struct fx *fx = *state;
	struct mv_expelled out;
	struct mv_err err;
	uint32_t number;

	open_kit(fx);
	number = join(fx, 0, MV_RIGHT_READ);
	assert_ok(mv_repo_member(fx->kit, number, &fx->member, &err), &err);
	assert_string_equal(fx->member.label, "laptop");
	assert_int_equal(fx->member.removed, 0);
	assert_true(fx->member.since > 0);
	assert_ok(mv_repo_expel(fx->kit, number, false, &out, &err), &err);
	mv_member_clear(&fx->member);
	assert_ok(mv_repo_member(fx->kit, number, &fx->member, &err), &err);
	assert_string_equal(fx->member.label, "laptop");
	assert_true(fx->member.removed >= fx->member.since);
	mv_member_clear(&fx->member);
	assert_ok(mv_repo_member(fx->kit, 1, &fx->member, &err), &err);
	assert_string_equal(fx->member.label, "writer on host");
}

static int
import(struct mv_repo *r, const char *text, bool *added,
    struct mv_vault_ref *ref, struct mv_err *err)
{
	const struct mv_vault_reason why = {
		.host = "host", .operator_name = "somebody", .reason = "a test",
	};
	struct mv_vault_file f = { .mode = 0600 };
	int rc;

	f.path = strdup("/live/.env.production");
	rc = f.path == NULL ? MV_ENOMEM :
	    mv_sbuf_put(&f.bytes, text, strlen(text), err);
	if (rc == 0)
		rc = mv_vault_import(r, &f, &why, ref, added, err);
	mv_vault_file_clear(&f);
	return rc;
}

static void
vault_versions_follow_the_vault_keys(void **state)
{
	struct fx *fx = *state;
	struct mv_vault_ref ref;
	struct mv_expelled out;
	struct mv_err err;
	bool added;

	open_kit(fx);
	assert_ok(open_with(fx, fx->rig.plan.keys.vault, NULL, &fx->extra,
	    &err), &err);
	assert_ok(import(fx->extra, "A=1\n", &added, &ref, &err), &err);
	assert_ok(import(fx->extra, "A=1\n", &added, &ref, &err), &err);
	assert_false(added);
	/* A new vault key needs a version that is sealed to it. */
	(void)join(fx, 0, MV_RIGHT_VAULT);
	assert_ok(open_with(fx, fx->rig.plan.keys.vault, NULL, &fx->extra,
	    &err), &err);
	assert_ok(import(fx->extra, "A=1\n", &added, &ref, &err), &err);
	assert_true(added);
	assert_int_equal(ref.number, 2);
	/* The first host's key goes; the new one carries on. */
	assert_ok(mv_repo_expel(fx->kit, 3, false, &out, &err), &err);
	assert_ok(open_with(fx, fx->rig.plan.keys.vault, NULL, &fx->extra,
	    &err), &err);
	assert_fails(import(fx->extra, "A=1\n", &added, &ref, &err),
	    MV_EAUTH, &err);
	assert_ok(open_with(fx, fx->made[0], NULL, &fx->extra, &err), &err);
	assert_ok(import(fx->extra, "A=1\n", &added, &ref, &err), &err);
	assert_false(added);
	assert_ok(import(fx->extra, "A=2\n", &added, &ref, &err), &err);
	assert_int_equal(ref.number, 3);
}

static void
two_owners_at_once_make_one_keyring(void **state)
{
	struct fx *fx = *state;
	struct mv_public_key pub = { .rights = MV_RIGHT_READ };
	struct mv_err err;
	uint32_t number;
	bool added;

	open_kit(fx);
	assert_ok(open_with(fx, fx->rig.plan.keys.kit, NULL, &fx->extra,
	    &err), &err);
	(void)join(fx, 0, MV_RIGHT_READ);
	mv_random(pub.sign_pub, 32);
	mv_seal_keypair(pub.box_pub, &(struct mv_key){ 0 });
	assert_fails(mv_repo_admit(fx->extra, &pub, &number, &added, &err),
	    MV_EAGAIN, &err);
	assert_int_equal(rig_count(&fx->rig, "keyring/", NULL), 2);
}

/* Anybody who may write to a store can put there what looks like a newer one. */
static void
a_planted_keyring_stops_no_change(void **state)
{
	struct fx *fx = *state;
	char name[MV_OBJECT_NAME_MAX];
	struct mv_expelled out;
	struct mv_id32 hash;
	struct mv_err err;

	mv_sha256(fx->data, 65536, hash.b);
	mv_object_name(MV_KIND_KEYRING, UINT32_MAX, NULL, &hash, name);
	assert_ok(mv_store_put(fx->rig.stores[1], name, fx->data, 65536,
	    &err), &err);
	open_kit(fx);
	assert_ok(mv_repo_expel(fx->kit, join(fx, 0, MV_RIGHT_WRITE), false,
	    &out, &err), &err);
	assert_true(out.removed);
	open_kit(fx);
	assert_int_equal(mv_repo_keyring(fx->kit)->number, 3);
}

/* The removal of a key must not be what takes the backups away. */
static void
a_thief_cannot_have_old_backups_distrusted(void **state)
{
	static const uint64_t seqs[] = { UINT64_MAX, UINT64_MAX - 1,
	    UINT64_MAX - 2 };
	struct fx *fx;
	struct mv_expelled out;
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(seqs); i++) {
		teardown(state);
		setup(state);
		fx = *state;
		backup(fx, DATA_BYTES);
		open_kit(fx);
		rig_plant(&fx->rig, seqs[i]);
		if (i > 0)
			(void)join(fx, 0, MV_RIGHT_WRITE);
		assert_ok(mv_repo_expel(fx->kit, 1, false, &out, &err), &err);
		open_kit(fx);
		assert_true(mv_repo_trusts(fx->kit, 1, 1));
		assert_false(mv_repo_trusts(fx->kit, 1, UINT64_MAX - 1));
		reads(fx, fx->kit, 1, DATA_BYTES);
	}
}

static int
keep_name(const char *name, uint64_t size, void *arg)
{
	(void)size;
	(void)snprintf(arg, MV_OBJECT_NAME_MAX, "%s", name);
	return 0;
}

static void
a_store_that_is_away_stops_the_change(void **state)
{
	struct fx *fx = *state;
	struct mv_public_key pub = { .rights = MV_RIGHT_READ };
	char name[MV_OBJECT_NAME_MAX];
	struct mv_buf ring = { 0 };
	struct mv_err err;
	uint32_t number;
	bool added;

	/* What is left of a store when its file system is not mounted. */
	assert_ok(mv_store_list(fx->rig.stores[1], "keyring/", keep_name,
	    name, &err), &err);
	assert_ok(mv_store_get_all(fx->rig.stores[1], name, 1 << 20, &ring,
	    &err), &err);
	assert_ok(mv_store_remove(fx->rig.stores[1], name, &err), &err);
	open_kit(fx);
	mv_random(pub.sign_pub, 32);
	mv_seal_keypair(pub.box_pub, &(struct mv_key){ 0 });
	assert_fails(mv_repo_admit(fx->kit, &pub, &number, &added, &err),
	    MV_EIO, &err);
	assert_int_equal(rig_count(&fx->rig, "keyring/", NULL), 1);
	assert_ok(mv_store_put(fx->rig.stores[1], name, ring.p, ring.len,
	    &err), &err);
	mv_buf_clear(&ring);
	open_kit(fx);
	assert_ok(mv_repo_admit(fx->kit, &pub, &number, &added, &err), &err);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_new_reader_reads_old_backups),
		test(a_pending_key_opens_nothing),
		test(each_role_gets_its_own),
		test(admitting_twice_changes_nothing),
		test(only_the_owner_admits_and_removes),
		test(a_removed_reader_keeps_what_it_had_and_gets_nothing_new),
		test(a_removed_writer_is_refused),
		test(what_a_run_under_way_adds_after_the_removal_is_an_alarm),
		test(a_new_writer_goes_on_beside_the_old),
		test(a_new_identity_stores_anew_and_a_kept_one_does_not),
		test(ids_of_an_earlier_epoch_are_taken_over),
		test(a_file_of_an_earlier_epoch_is_known_on_disk),
		test(what_would_lock_everybody_out_is_refused),
		test(another_kit_does_what_the_first_did),
		test(members_are_called_as_they_asked),
		test(vault_versions_follow_the_vault_keys),
		test(a_store_that_is_away_stops_the_change),
		test(two_owners_at_once_make_one_keyring),
		test(a_planted_keyring_stops_no_change),
		test(a_thief_cannot_have_old_backups_distrusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
