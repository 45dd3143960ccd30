/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_IDHASH_H
#define MV_REPO_IDHASH_H

#include "format/object.h"
#include "repo/repo.h"

/*
 * idhash: the ids that bytes must have, under the secrets of an epoch.
 *
 * The epoch is that of the pack in which the bytes lie.  One object serves
 * one thread.  MV_EAUTH when our keys lack the epoch's secret.
 */
struct mv_idhash;

#define MV_FILE_KEY_BYTES 32

int mv_idhash_new(struct mv_repo *r, struct mv_idhash **out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_idhash_free(struct mv_idhash *h);
void mv_idhash_freep(struct mv_idhash **h);

/* Nodes and pin leaves: K_node. */
int mv_idhash_node(struct mv_idhash *h, uint32_t epoch, const uint8_t *p,
    size_t len, struct mv_id16 *out, struct mv_err *err) MV_MUST_CHECK;
/* Chunks of database and manifest streams: K_db. */
int mv_idhash_db(struct mv_idhash *h, uint32_t epoch, const uint8_t *p,
    size_t len, struct mv_id16 *out, struct mv_err *err) MV_MUST_CHECK;
/* F of a media path, and the chunks below it. */
int mv_idhash_file_key(struct mv_idhash *h, uint32_t epoch,
    const uint8_t *path, size_t len, uint8_t out[MV_FILE_KEY_BYTES],
    struct mv_err *err) MV_MUST_CHECK;
int mv_idhash_media(struct mv_idhash *h,
    const uint8_t file_key[MV_FILE_KEY_BYTES], const uint8_t *p, size_t len,
    struct mv_id16 *out, struct mv_err *err) MV_MUST_CHECK;

#endif
