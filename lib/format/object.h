/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_OBJECT_H
#define MV_FORMAT_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "secret/secret.h"

/*
 * object: what all objects have in common: header, padding, names, sealing
 * (docs/format.md, 1.1 to 1.4).
 */
#define MV_MAGIC "mastvlt\n"
#define MV_FORMAT_VERSION 1
#define MV_HEADER_BYTES 32
#define MV_REPO_ID_BYTES 16
#define MV_PACK_ID_BYTES 16
#define MV_CHUNK_ID_BYTES 16
#define MV_OBJECT_NAME_MAX 128

enum mv_kind {
	MV_KIND_KEYRING = 1,
	MV_KIND_DATA_PACK = 2,
	MV_KIND_NODE_PACK = 3,
	MV_KIND_INDEX = 4,
	MV_KIND_SNAPSHOT = 5,
	MV_KIND_VAULT = 6,
	MV_KIND_LEDGER = 7,
	MV_KIND_BAD = 8,
};

struct mv_id16 {	/* chunk, node, pack ids */
	uint8_t b[16];
};
struct mv_id32 {	/* snapshot and object hashes */
	uint8_t b[32];
};

struct mv_header {
	uint8_t kind;
	uint32_t epoch;
	struct mv_id16 repo;
};

void mv_header_encode(const struct mv_header *h, uint8_t out[MV_HEADER_BYTES]);
/*
 * MV_ECORRUPT for bytes that are no header; MV_EUSAGE, with both versions
 * named, for a format version that this program does not know.
 */
int mv_header_decode(const uint8_t *p, size_t len, struct mv_header *out,
    struct mv_err *err) MV_MUST_CHECK;
/* Decode and demand kind and repository. */
int mv_header_expect(const uint8_t *p, size_t len, enum mv_kind kind,
    const struct mv_id16 *repo, struct mv_header *out, struct mv_err *err)
    MV_MUST_CHECK;

/* The size of an object that has n bytes without padding (PADME). */
uint64_t mv_pad(uint64_t n);

/* "snapshots/<hash>" etc.; id is NULL for kinds without one, number 0. */
void mv_object_name(enum mv_kind kind, uint64_t number,
    const struct mv_id16 *id, const struct mv_id32 *hash,
    char out[MV_OBJECT_NAME_MAX]);
/* What a name says; MV_ENOTFOUND for a name that is no object's. */
struct mv_name {
	enum mv_kind kind;	/* packs: MV_KIND_DATA_PACK for both kinds */
	uint64_t number;
	struct mv_id16 id;
	struct mv_id32 hash;
};
int mv_object_name_parse(const char *name, struct mv_name *out);
/* MV_ECORRUPT unless the SHA-256 of buf is hash; what names the object. */
int mv_object_verify(const void *buf, size_t len, const struct mv_id32 *hash,
    const char *what, struct mv_err *err) MV_MUST_CHECK;

/* True when all len bytes are zero: padding has one form. */
int mv_all_zero(const uint8_t *p, size_t len);

/* Sealed objects, 1.4.  Appends the whole object to out. */
int mv_object_seal(const struct mv_header *h, const struct mv_key *key,
    const uint8_t *payload, size_t len, struct mv_buf *out,
    struct mv_err *err) MV_MUST_CHECK;
/* Appends the payload to out. */
int mv_object_open(const struct mv_key *key, const uint8_t *obj, size_t len,
    struct mv_buf *out, struct mv_err *err) MV_MUST_CHECK;

#endif
