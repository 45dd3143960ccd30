/* SPDX-License-Identifier: MIT */
/* objects/: what make_vectors.py wrote from the format page, lib reads. */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>

#include "format/snapshot.h"
#include "format/vault.h"
#include "support/vectors.h"

#define DIR "tests/vectors/objects/"
#define TIME 1700000000

struct fx {
	struct mv_vectors v;
	struct mv_buf obj;
	struct mv_keyring ring;
	struct mv_snapshot snap;
	struct mv_vault_version vault;
	struct mv_keyset *keys;
	struct mv_buf text;
	struct mv_sbuf file;
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
	mv_keyring_clear(&fx->ring);
	mv_snapshot_clear(&fx->snap);
	mv_vault_version_clear(&fx->vault);
	mv_keyset_free(fx->keys);
	mv_buf_clear(&fx->text);
	mv_sbuf_clear(&fx->file);
	free(fx);
	return 0;
}

static void
text_is(const struct mv_buf *b, const char *want)
{
	assert_int_equal(b->len, strlen(want));
	assert_memory_equal(b->p, want, b->len);
}

static void
keyring_and_its_grants_open(void **state)
{
	struct fx *fx = *state;
	const struct mv_vectors *v = &fx->v;
	struct mv_epoch_secrets s;
	struct mv_err err;

	mv_test_read(DIR "keyring", &fx->obj);
	assert_ok(mv_keyring_decode(fx->obj.p, fx->obj.len, &v->repo,
	    v->owner, &fx->ring, &err), &err);
	assert_int_equal(fx->ring.number, 1);
	assert_int_equal(fx->ring.time, TIME);
	assert_int_equal(fx->ring.nkeys, 4);
	assert_int_equal(mv_keyring_find(&fx->ring, 3)->rights,
	    MV_RIGHT_VAULT);
	assert_memory_equal(fx->ring.epochs[0].pub, v->epoch_pub, 32);
	assert_int_equal(fx->ring.ngrants, 2);
	assert_ok(mv_grant_open(&v->repo, &v->structure, &fx->ring.grants[1],
	    v->box_pubs[2], &v->privs[2], &s, &err), &err);
	assert_int_equal(s.has, 7);
	assert_memory_equal(s.identity.b, v->identity.b, MV_KEY_BYTES);
	assert_memory_equal(s.priv.b, v->epoch_priv.b, MV_KEY_BYTES);
	assert_ok(mv_keyring_open_labels(&fx->ring, &v->structure, &fx->text,
	    &err), &err);
	text_is(&fx->text, "{\"environment\":\"production\",\"keys\":{"
	    "\"1\":\"writer\",\"2\":\"reader\",\"3\":\"vault\","
	    "\"4\":\"kit\"}}");
}

static void
keyring_encodes_to_the_same_bytes(void **state)
{
	struct fx *fx = *state;
	const struct mv_vectors *v = &fx->v;
	struct mv_err err;

	mv_test_read(DIR "keyring", &fx->obj);
	assert_ok(mv_keyring_decode(fx->obj.p, fx->obj.len, &v->repo,
	    v->owner, &fx->ring, &err), &err);
	assert_ok(mv_keyring_encode(&fx->ring, &v->owner_seed, &fx->text,
	    &err), &err);
	assert_int_equal(fx->text.len, fx->obj.len);
	assert_memory_equal(fx->text.p, fx->obj.p, fx->obj.len);
}

static void
snapshot_and_its_detail_open(void **state)
{
	struct fx *fx = *state;
	struct mv_vectors *v = &fx->v;
	struct mv_err err;

	mv_test_read(DIR "snapshot", &fx->obj);
	assert_ok(mv_snapshot_decode(fx->obj.p, fx->obj.len, &v->repo,
	    &v->structure, mv_vectors_pub, v, &fx->snap, &err), &err);
	assert_int_equal(fx->snap.seq, 1);
	assert_int_equal(fx->snap.writer, 1);
	assert_int_equal(fx->snap.finished, TIME + 120);
	assert_int_equal(fx->snap.parts, MV_PART_DB | MV_PART_SECRETS);
	assert_int_equal(fx->snap.added, 123456);
	assert_int_equal(fx->snap.nvault, 1);
	assert_int_equal(fx->snap.epoch, 1);
	assert_int_equal(fx->snap.npin_nodes, 1);
	assert_int_equal(fx->snap.pin_nodes[0].nbits, 11);
	assert_int_equal(fx->snap.nstreams, 3);
	assert_int_equal(fx->snap.streams[1].n, 3);
	assert_int_equal(fx->snap.streams[2].leaves, 5000);
	assert_ok(mv_snapshot_open_detail(&fx->snap, &v->repo, &v->epoch_priv,
	    &fx->text, &err), &err);
	text_is(&fx->text,
	    "{\"environment\":\"production\",\"program\":\"vectors\"}");
}

static void
vault_version_opens_for_both_recipients(void **state)
{
	struct fx *fx = *state;
	struct mv_vectors *v = &fx->v;
	struct mv_err err;
	uint32_t key;

	mv_test_read(DIR "vault", &fx->obj);
	assert_ok(mv_vault_version_decode(fx->obj.p, fx->obj.len, &v->repo,
	    &v->vault, mv_vectors_pub, v, &fx->vault, &err), &err);
	assert_int_equal(fx->vault.number, 1);
	assert_int_equal(fx->vault.signer, 3);
	for (key = 3; key <= 4; key++) {
		mv_buf_reset(&fx->text);
		mv_sbuf_clear(&fx->file);
		assert_ok(mv_vault_version_open(&fx->vault, &v->repo, key,
		    v->box_pubs[key], &v->privs[key], &fx->text, &fx->file,
		    &err), &err);
		text_is(&fx->text, "{\"file\":\"/home/mastodon/live/"
		    ".env.production\",\"mode\":\"0640\"}");
		assert_int_equal(fx->file.len, 25);
		assert_memory_equal(fx->file.p, "LOCAL_DOMAIN=example.org\n",
		    25);
	}
	assert_fails(mv_vault_version_open(&fx->vault, &v->repo, 2,
	    v->box_pubs[2], &v->privs[2], &fx->text, &fx->file, &err),
	    MV_EAUTH, &err);
}

static void
writer_key_file_opens(void **state)
{
	struct fx *fx = *state;
	const struct mv_identity *id;
	struct mv_err err;

	mv_test_read(DIR "writer.key", &fx->obj);
	assert_ok(mv_keyfile_decode(fx->obj.p, fx->obj.len, NULL, &fx->keys,
	    &err), &err);
	id = mv_keyset_find(fx->keys, MV_RIGHT_WRITE);
	assert_non_null(id);
	assert_int_equal(id->number, 1);
	assert_memory_equal(id->sign_pub, fx->v.sign_pubs[1], 32);
	assert_memory_equal(id->box_pub, fx->v.box_pubs[1], 32);
	assert_null(mv_keyset_find(fx->keys, 0));
	assert_int_equal(fx->keys->has_vault, 0);
	assert_memory_equal(mv_keyset_epoch(fx->keys, 1)->structure.b,
	    fx->v.structure.b, MV_KEY_BYTES);
	assert_string_equal(fx->keys->note,
	    "{\"environment\":\"production\"}");
}

static void
recovery_kit_opens_with_its_passphrase(void **state)
{
	const struct mv_passphrase pass = {
		.p = (const uint8_t *)"correct horse", .len = 13
	};
	struct fx *fx = *state;
	struct mv_err err;

	mv_test_read(DIR "kit.key", &fx->obj);
	assert_ok(mv_keyfile_decode(fx->obj.p, fx->obj.len, &pass, &fx->keys,
	    &err), &err);
	assert_int_equal(fx->keys->nidentities, 3);
	assert_non_null(mv_keyset_find(fx->keys, 0));
	assert_int_equal(mv_keyset_find(fx->keys, MV_RIGHT_READ)->number, 2);
	assert_int_equal(mv_keyset_find(fx->keys, MV_RIGHT_VAULT)->number, 4);
	assert_int_equal(fx->keys->has_vault, 1);
	assert_memory_equal(fx->keys->vault.b, fx->v.vault.b, MV_KEY_BYTES);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(keyring_and_its_grants_open),
		test(keyring_encodes_to_the_same_bytes),
		test(snapshot_and_its_detail_open),
		test(vault_version_opens_for_both_recipients),
		test(writer_key_file_opens),
		test(recovery_kit_opens_with_its_passphrase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
