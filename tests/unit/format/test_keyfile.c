/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>

#include "format/keyfile.h"
#include "support/spoil.h"

struct fx {
	struct mv_keyset *keys;
	struct mv_keyset *back;
	struct mv_sbuf text;
};

/* Argon2id as cheap as it gets: strength is not what is tested. */
static const struct mv_passphrase cheap = {
	.p = (const uint8_t *)"horse", .len = 5, .passes = 1, .mem_kib = 8
};

static void
identity(struct mv_keyset *k, uint32_t number, uint8_t rights)
{
	struct mv_identity id = { .number = number, .rights = rights };
	struct mv_err err;

	memset(id.seed.b, (int)number + 1, sizeof(id.seed.b));
	if (number > 0)
		memset(id.box.b, (int)number + 101, sizeof(id.box.b));
	mv_sign_public(&id.seed, id.sign_pub);
	if (number == 0)
		memcpy(k->owner, id.sign_pub, sizeof(k->owner));
	else
		mv_seal_public(&id.box, id.box_pub);
	assert_ok(mv_keyset_add(k, &id, &err), &err);
}

static int
setup(void **state)
{
	const struct mv_epoch_secrets epoch = {
		.epoch = 1, .has = 3, .structure = { { 5 } },
		.identity = { { 6 } }
	};
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err = { 0 };

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	assert_ok(mv_keyset_new(&fx->keys, &err), &err);
	fx->keys->repo.b[0] = 7;
	fx->keys->keyring = 3;
	/* Out of order on purpose: the file's order is ascending. */
	identity(fx->keys, 4, MV_RIGHT_VAULT);
	identity(fx->keys, 0, 0);
	identity(fx->keys, 2, MV_RIGHT_READ);
	assert_ok(mv_keyset_add_epoch(fx->keys, &epoch, &err), &err);
	fx->keys->has_vault = 1;
	fx->keys->vault.b[0] = 8;
	fx->keys->note = strdup("{\"environment\":\"production\"}");
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_keyset_free(fx->keys);
	mv_keyset_free(fx->back);
	mv_sbuf_clear(&fx->text);
	free(fx);
	return 0;
}

static void
same_keys(const struct mv_keyset *a, const struct mv_keyset *b)
{
	assert_memory_equal(a->repo.b, b->repo.b, sizeof(a->repo.b));
	assert_memory_equal(a->owner, b->owner, sizeof(a->owner));
	assert_int_equal(a->keyring, b->keyring);
	assert_int_equal(a->nidentities, b->nidentities);
	assert_memory_equal(a->identities, b->identities,
	    sizeof(a->identities));
	assert_int_equal(a->nepochs, b->nepochs);
	assert_int_equal(a->epochs[0].has, b->epochs[0].has);
	assert_memory_equal(a->epochs[0].structure.b,
	    b->epochs[0].structure.b, MV_KEY_BYTES);
	assert_int_equal(a->has_vault, b->has_vault);
	assert_memory_equal(a->vault.b, b->vault.b, MV_KEY_BYTES);
	assert_string_equal(a->note, b->note);
}

static void
open_key_file_survives_the_round_trip(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;
	int protected = 1;

	assert_ok(mv_keyfile_encode(fx->keys, NULL, "for people", &fx->text,
	    &err), &err);
	assert_memory_equal(fx->text.p, "# for people\nmastvault-key-1\n", 29);
	assert_ok(mv_keyfile_protected(fx->text.p, fx->text.len, &protected,
	    &err), &err);
	assert_int_equal(protected, 0);
	assert_ok(mv_keyfile_decode(fx->text.p, fx->text.len, NULL, &fx->back,
	    &err), &err);
	same_keys(fx->keys, fx->back);
}

static void
passphrase_is_needed_and_must_be_right(void **state)
{
	struct mv_passphrase wrong = cheap;
	struct fx *fx = *state;
	struct mv_err err;
	int protected = 0;

	assert_ok(mv_keyfile_encode(fx->keys, &cheap, NULL, &fx->text, &err),
	    &err);
	assert_ok(mv_keyfile_protected(fx->text.p, fx->text.len, &protected,
	    &err), &err);
	assert_int_equal(protected, 1);
	assert_ok(mv_keyfile_decode(fx->text.p, fx->text.len, &cheap,
	    &fx->back, &err), &err);
	same_keys(fx->keys, fx->back);
	mv_keyset_freep(&fx->back);
	wrong.len = 4;
	assert_fails(mv_keyfile_decode(fx->text.p, fx->text.len, &wrong,
	    &fx->back, &err), MV_EAUTH, &err);
	assert_fails(mv_keyfile_decode(fx->text.p, fx->text.len, NULL,
	    &fx->back, &err), MV_EAUTH, &err);
	assert_null(fx->back);
}

/* A kit that went through a printer, a mail program and an editor. */
static void
comments_and_line_ends_may_be_edited(void **state)
{
	mv_auto(mv_buf_clear) struct mv_buf edited = { 0 };
	struct fx *fx = *state;
	struct mv_err err;
	size_t i;

	assert_ok(mv_keyfile_encode(fx->keys, NULL, "two\n\nlines\n",
	    &fx->text, &err), &err);
	assert_memory_equal(fx->text.p, "# two\n#\n# lines\nmastvault-key-1\n",
	    32);
	mv_buf_put_str(&edited, "\r\n# credentials: mine\n\n");
	for (i = 0; i < fx->text.len; i++) {
		if (fx->text.p[i] == '\n')
			mv_buf_put_str(&edited, " \r\n\n  # note\n\t");
		else
			mv_buf_put_u8(&edited, fx->text.p[i]);
	}
	assert_ok(mv_keyfile_decode(edited.p, edited.len, NULL, &fx->back,
	    &err), &err);
	same_keys(fx->keys, fx->back);
}

static int
decode(const uint8_t *p, size_t len, void *arg)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;

	return mv_keyfile_decode(p, len, arg, &k, NULL);
}

static void
altered_or_cut_key_file_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(mv_keyfile_encode(fx->keys, NULL, NULL, &fx->text, &err),
	    &err);
	mv_spoil_bits(fx->text.p, fx->text.len, fx->text.len, decode, NULL);
	/* The last newline says nothing. */
	mv_spoil_lengths(fx->text.p, fx->text.len - 1, fx->text.len, decode,
	    NULL);
}

/*
 * From behind Argon2id's parameters on: flipped, their high bits would ask for
 * gigabytes.  They are the box's associated data, as every other byte.
 */
static void
altered_protected_key_file_is_refused(void **state)
{
	struct mv_passphrase pass = cheap;
	struct fx *fx = *state;
	/* 30 bytes of head are 40 digits. */
	const size_t skip = sizeof("mastvault-key-1\n") - 1 + 40;
	struct mv_err err;
	size_t bit, len;
	int rc;

	assert_ok(mv_keyfile_encode(fx->keys, &cheap, NULL, &fx->text, &err),
	    &err);
	len = fx->text.len;
	for (bit = 8 * skip; bit < 8 * len; bit++) {
		fx->text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = decode(fx->text.p, len, &pass);
		fx->text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc == 0)
			fail_msg("bit %zu made no difference", bit);
	}
	assert_int_equal(decode(fx->text.p, len, &pass), 0);
}

static void
what_is_no_key_file_is_called_so(void **state)
{
	static const char *const texts[] = {
		"", "\n", "# only a comment\n", "mastvault-key-1\n",
		"mastvault-key-2\nbXZrZXkA\n", "mastvault-key-1\n!!!!\n",
		"mastvault-key-1\nbXZrZXkA\n", "mastvault-key-1\nbXZrZXkC\n",
		"mastvault-key-1\nbXZrZXkB\n", "mastvault-key-1\nAAAA\n",
	};
	struct fx *fx = *state;
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(texts); i++)
		assert_fails(mv_keyfile_decode(texts[i], strlen(texts[i]),
		    &cheap, &fx->back, &err), MV_EUSAGE, &err);
}

static void
hostile_argon2id_parameters_are_refused(void **state)
{
	struct mv_passphrase strong = cheap;
	struct fx *fx = *state;
	struct mv_err err;

	strong.passes = 65;
	assert_fails(mv_keyfile_encode(fx->keys, &strong, NULL, &fx->text,
	    &err), MV_EUSAGE, &err);
	strong.passes = 1;
	strong.mem_kib = (4u << 20) + 1;
	assert_fails(mv_keyfile_encode(fx->keys, &strong, NULL, &fx->text,
	    &err), MV_EUSAGE, &err);
	assert_int_equal(fx->text.len, 0);
}

static void
merge_takes_what_is_missing(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(mv_keyset_new(&fx->back, &err), &err);
	fx->back->repo = fx->keys->repo;
	memcpy(fx->back->owner, fx->keys->owner, sizeof(fx->back->owner));
	identity(fx->back, 1, MV_RIGHT_WRITE);
	assert_ok(mv_keyset_merge(fx->back, fx->keys, &err), &err);
	assert_int_equal(fx->back->nidentities, 4);
	assert_int_equal(fx->back->identities[0].number, 0);
	assert_int_equal(fx->back->identities[3].number, 4);
	assert_int_equal(fx->back->keyring, 3);
	assert_int_equal(fx->back->has_vault, 1);
	/* Once more changes nothing. */
	assert_ok(mv_keyset_merge(fx->back, fx->keys, &err), &err);
	assert_int_equal(fx->back->nidentities, 4);
	fx->back->repo.b[0]++;
	assert_fails(mv_keyset_merge(fx->back, fx->keys, &err), MV_EUSAGE,
	    &err);
}

static void
merge_refuses_contradictions(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(mv_keyset_new(&fx->back, &err), &err);
	fx->back->repo = fx->keys->repo;
	memcpy(fx->back->owner, fx->keys->owner, sizeof(fx->back->owner));
	assert_ok(mv_keyset_merge(fx->back, fx->keys, &err), &err);
	fx->back->epochs[0].identity.b[0]++;
	assert_fails(mv_keyset_merge(fx->back, fx->keys, &err), MV_ECORRUPT,
	    &err);
	fx->back->epochs[0].identity.b[0]--;
	fx->back->identities[1].seed.b[0]++;
	assert_fails(mv_keyset_merge(fx->back, fx->keys, &err), MV_EUSAGE,
	    &err);
	fx->back->identities[1].seed.b[0]--;
	fx->back->vault.b[0]++;
	assert_fails(mv_keyset_merge(fx->back, fx->keys, &err), MV_EUSAGE,
	    &err);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(open_key_file_survives_the_round_trip),
		test(passphrase_is_needed_and_must_be_right),
		test(comments_and_line_ends_may_be_edited),
		test(altered_or_cut_key_file_is_refused),
		test(altered_protected_key_file_is_refused),
		test(what_is_no_key_file_is_called_so),
		test(hostile_argon2id_parameters_are_refused),
		test(merge_takes_what_is_missing),
		test(merge_refuses_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
