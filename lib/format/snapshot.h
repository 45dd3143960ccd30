/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_SNAPSHOT_H
#define MV_FORMAT_SNAPSHOT_H

#include <stdbool.h>

#include "base/buf.h"
#include "format/node.h"
#include "format/object.h"

/* snapshot: the commit point (docs/format.md, section 7). */
enum mv_part {
	MV_PART_DB = 1,
	MV_PART_MEDIA = 2,
	MV_PART_SECRETS = 4,
	MV_PART_REDIS = 8,
	MV_PART_INCOMPLETE = 16,	/* something could not be read */
	MV_PART_PINNED = 32,		/* no policy may forget it */
};
/* Those that are parts, and no remarks on them. */
#define MV_PARTS 15U

struct mv_snapshot {
	struct mv_id32 id;	/* hash of the object: set, never given */
	uint64_t seq;
	struct mv_id32 prev;
	uint32_t writer;
	int64_t started, finished;
	uint64_t keyring;
	uint64_t ledger;
	struct mv_id32 ledger_hash;
	uint32_t parts;
	uint64_t added;
	struct mv_id32 *vault;	/* owned */
	size_t nvault;
	struct mv_root pins;
	struct mv_pin *pin_nodes;	/* owned, with their bits */
	size_t npin_nodes;
	struct mv_root *streams;	/* owned */
	size_t nstreams;
	uint8_t detail_key[32 + MV_SEAL_EXTRA];
	struct mv_buf detail;	/* sealed */
	uint32_t epoch;		/* of the header */
	/* Not stored: what a list says of it (repo/snapshots.h). */
	bool distrusted;
	uint8_t sig[MV_SIGN_BYTES];
};

void mv_snapshot_clear(struct mv_snapshot *s);

/* Seal json as the detail of s, whose seq, writer and epoch are set. */
int mv_snapshot_seal_detail(struct mv_snapshot *s, const struct mv_id16 *repo,
    const uint8_t epoch_pub[MV_PUBLIC_BYTES], const char *json, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
/* MV_ECORRUPT when it does not open.  Appends the JSON to out. */
int mv_snapshot_open_detail(const struct mv_snapshot *s,
    const struct mv_id16 *repo, const struct mv_key *epoch_priv,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;

/* Sign and seal the whole; appends the object to out. */
int mv_snapshot_encode(struct mv_snapshot *s, const struct mv_id16 *repo,
    const struct mv_key *structure, const struct mv_key *seed,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;
/*
 * Open and decode; the signature is checked when the writer's key can be
 * found by pub_of (NULL result: MV_EAUTH "unknown writer").
 */
int mv_snapshot_decode(const uint8_t *obj, size_t len,
    const struct mv_id16 *repo, const struct mv_key *structure,
    const uint8_t *(*pub_of)(uint32_t writer, void *arg), void *arg,
    struct mv_snapshot *out, struct mv_err *err) MV_MUST_CHECK;

#endif
