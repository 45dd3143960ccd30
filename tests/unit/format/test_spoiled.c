/* SPDX-License-Identifier: MIT */
/*
 * Keyring, snapshot and vault version of tests/vectors: every bit that says
 * something flipped, cut off at every length; and the right key asked for.
 */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>

#include "format/snapshot.h"
#include "format/vault.h"
#include "support/spoil.h"
#include "support/vectors.h"

#define DIR "tests/vectors/objects/"
/* Headers, nonces, payloads; what follows in the objects is padding. */
#define DENSE 1024

struct fx {
	struct mv_vectors v;
	struct mv_buf obj;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err = { 0 };

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	mv_vectors_load(&fx->v);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_buf_clear(&fx->obj);
	free(fx);
	return 0;
}

static int
keyring(const uint8_t *p, size_t len, void *arg)
{
	mv_auto(mv_keyring_clear) struct mv_keyring k = { 0 };
	const struct fx *fx = arg;

	return mv_keyring_decode(p, len, &fx->v.repo, fx->v.owner, &k, NULL);
}

static int
snapshot(const uint8_t *p, size_t len, void *arg)
{
	mv_auto(mv_snapshot_clear) struct mv_snapshot s = { 0 };
	struct fx *fx = arg;

	return mv_snapshot_decode(p, len, &fx->v.repo, &fx->v.structure,
	    mv_vectors_pub, &fx->v, &s, NULL);
}

static int
vault(const uint8_t *p, size_t len, void *arg)
{
	mv_auto(mv_vault_version_clear) struct mv_vault_version v = { 0 };
	struct fx *fx = arg;

	return mv_vault_version_decode(p, len, &fx->v.repo, &fx->v.vault,
	    mv_vectors_pub, &fx->v, &v, NULL);
}

static void
spoil(struct fx *fx, const char *path, mv_spoil_decode *decode)
{
	mv_test_read(path, &fx->obj);
	assert_int_equal(decode(fx->obj.p, fx->obj.len, fx), 0);
	mv_spoil_bits(fx->obj.p, fx->obj.len, DENSE, decode, fx);
	mv_spoil_lengths(fx->obj.p, fx->obj.len, DENSE, decode, fx);
	assert_int_equal(decode(fx->obj.p, fx->obj.len, fx), 0);
}

static void
altered_or_cut_keyring_is_refused(void **state)
{
	spoil(*state, DIR "keyring", keyring);
}

static void
altered_or_cut_snapshot_is_refused(void **state)
{
	spoil(*state, DIR "snapshot", snapshot);
}

static void
altered_or_cut_vault_version_is_refused(void **state)
{
	spoil(*state, DIR "vault", vault);
}

/* Signed as a whole, but by somebody else. */
static void
keyring_of_another_owner_is_not_ours(void **state)
{
	mv_auto(mv_keyring_clear) struct mv_keyring k = { 0 };
	struct fx *fx = *state;
	struct mv_err err;

	mv_test_read(DIR "keyring", &fx->obj);
	assert_fails(mv_keyring_decode(fx->obj.p, fx->obj.len, &fx->v.repo,
	    fx->v.sign_pubs[1], &k, &err), MV_EAUTH, &err);
	assert_says(&err, "another owner");
}

static const uint8_t *
nobody(uint32_t key, void *arg)
{
	(void)key;
	(void)arg;
	return NULL;
}

/* Always the reader's: not who signed. */
static const uint8_t *
reader(uint32_t key, void *arg)
{
	const struct fx *fx = arg;

	(void)key;
	return fx->v.sign_pubs[2];
}

static void
snapshot_of_an_unknown_writer_is_told_apart(void **state)
{
	mv_auto(mv_snapshot_clear) struct mv_snapshot s = { 0 };
	struct fx *fx = *state;
	struct mv_err err;

	mv_test_read(DIR "snapshot", &fx->obj);
	assert_fails(mv_snapshot_decode(fx->obj.p, fx->obj.len, &fx->v.repo,
	    &fx->v.structure, nobody, NULL, &s, &err), MV_EAUTH, &err);
	assert_fails(mv_snapshot_decode(fx->obj.p, fx->obj.len, &fx->v.repo,
	    &fx->v.structure, reader, fx, &s, &err), MV_ECORRUPT, &err);
	assert_fails(mv_snapshot_decode(fx->obj.p, fx->obj.len, &fx->v.repo,
	    &fx->v.identity, mv_vectors_pub, &fx->v, &s, &err), MV_ECORRUPT,
	    &err);
}

static void
detail_is_bound_to_its_snapshot(void **state)
{
	mv_auto(mv_snapshot_clear) struct mv_snapshot s = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct fx *fx = *state;
	struct mv_err err;

	mv_test_read(DIR "snapshot", &fx->obj);
	assert_ok(mv_snapshot_decode(fx->obj.p, fx->obj.len, &fx->v.repo,
	    &fx->v.structure, mv_vectors_pub, &fx->v, &s, &err), &err);
	assert_fails(mv_snapshot_open_detail(&s, &fx->v.repo,
	    &fx->v.structure, &text, &err), MV_ECORRUPT, &err);
	s.seq++;
	assert_fails(mv_snapshot_open_detail(&s, &fx->v.repo,
	    &fx->v.epoch_priv, &text, &err), MV_ECORRUPT, &err);
	assert_int_equal(text.len, 0);
}

static void
grant_opens_for_its_key_and_place_only(void **state)
{
	mv_auto(mv_keyring_clear) struct mv_keyring k = { 0 };
	struct mv_epoch_secrets out = { 0 };
	struct fx *fx = *state;
	const struct mv_vectors *v = &fx->v;
	struct mv_keyring_grant g;
	struct mv_err err;
	size_t bit;

	mv_test_read(DIR "keyring", &fx->obj);
	assert_ok(mv_keyring_decode(fx->obj.p, fx->obj.len, &v->repo,
	    v->owner, &k, &err), &err);
	g = k.grants[1];
	assert_fails(mv_grant_open(&v->repo, &v->structure, &g,
	    v->box_pubs[1], &v->privs[1], &out, &err), MV_ECORRUPT, &err);
	assert_fails(mv_grant_open(&v->repo, &v->identity, &g, v->box_pubs[2],
	    &v->privs[2], &out, &err), MV_ECORRUPT, &err);
	g.key = 1;
	assert_fails(mv_grant_open(&v->repo, &v->structure, &g,
	    v->box_pubs[2], &v->privs[2], &out, &err), MV_ECORRUPT, &err);
	g.key = 2;
	for (bit = 0; bit < 8 * sizeof(g.box); bit++) {
		g.box[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(mv_grant_open(&v->repo, &v->structure, &g,
		    v->box_pubs[2], &v->privs[2], &out, NULL), MV_ECORRUPT);
		g.box[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(out.has, 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(altered_or_cut_keyring_is_refused),
		test(altered_or_cut_snapshot_is_refused),
		test(altered_or_cut_vault_version_is_refused),
		test(keyring_of_another_owner_is_not_ours),
		test(snapshot_of_an_unknown_writer_is_told_apart),
		test(detail_is_bound_to_its_snapshot),
		test(grant_opens_for_its_key_and_place_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
