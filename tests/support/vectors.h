/* SPDX-License-Identifier: MIT */
#ifndef MV_TESTS_SUPPORT_VECTORS_H
#define MV_TESTS_SUPPORT_VECTORS_H

#include "format/keyfile.h"

/*
 * vectors: the objects below tests/vectors, with the keys that open them, for
 * every test that needs a valid object to spoil.
 */
struct mv_vectors {
	struct mv_id16 repo;
	struct mv_key owner_seed, structure, identity, vault, epoch_priv;
	uint8_t owner[MV_PUBLIC_BYTES];
	uint8_t epoch_pub[MV_PUBLIC_BYTES];
	/* By number; [0] is unused. */
	struct mv_key seeds[5], privs[5];
	uint8_t sign_pubs[5][MV_PUBLIC_BYTES];
	uint8_t box_pubs[5][MV_PUBLIC_BYTES];
};

/* Fails the running test when keys.json cannot be read. */
void mv_vectors_load(struct mv_vectors *v);
/* The public signing key of a number 1 to 4, else NULL; arg: mv_vectors. */
const uint8_t *mv_vectors_pub(uint32_t key, void *arg);

#endif
