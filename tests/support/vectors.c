/* SPDX-License-Identifier: MIT */
#include "support/vectors.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "support/mv_test.h"

static void
take(const json_t *doc, const char *name, uint8_t *out, size_t len)
{
	const char *s = json_string_value(json_object_get(doc, name));

	assert_non_null(s);
	assert_int_equal(mv_hex_decode(s, strlen(s), out, len), 0);
}

void
mv_vectors_load(struct mv_vectors *v)
{
	json_t *doc = json_load_file("tests/vectors/keys.json",
	    JSON_REJECT_DUPLICATES, NULL);
	char number[4];
	int i;

	assert_non_null(doc);
	take(doc, "repository", v->repo.b, sizeof(v->repo.b));
	take(doc, "owner_seed", v->owner_seed.b, MV_KEY_BYTES);
	take(doc, "structure", v->structure.b, MV_KEY_BYTES);
	take(doc, "identity", v->identity.b, MV_KEY_BYTES);
	take(doc, "vault", v->vault.b, MV_KEY_BYTES);
	take(doc, "epoch_private", v->epoch_priv.b, MV_KEY_BYTES);
	mv_sign_public(&v->owner_seed, v->owner);
	mv_seal_public(&v->epoch_priv, v->epoch_pub);
	for (i = 1; i <= 4; i++) {
		(void)snprintf(number, sizeof(number), "%d", i);
		take(json_object_get(doc, "seeds"), number, v->seeds[i].b,
		    MV_KEY_BYTES);
		take(json_object_get(doc, "x25519"), number, v->privs[i].b,
		    MV_KEY_BYTES);
		mv_sign_public(&v->seeds[i], v->sign_pubs[i]);
		mv_seal_public(&v->privs[i], v->box_pubs[i]);
	}
	json_decref(doc);
}

const uint8_t *
mv_vectors_pub(uint32_t key, void *arg)
{
	const struct mv_vectors *v = arg;

	return key >= 1 && key <= 4 ? v->sign_pubs[key] : NULL;
}
