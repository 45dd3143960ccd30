/* SPDX-License-Identifier: MIT */
#ifndef MV_JOB_PROVE_H
#define MV_JOB_PROVE_H

#include <stdbool.h>

#include "repo/snapshots.h"

/*
 * prove: that keys open what they are for: the newest snapshot, down to one
 * chunk of its data, and the newest version of the secrets.
 *
 * It proves the keys, not the backup: for that there are check and drills.
 */
struct mv_proof {
	int64_t time;
	struct mv_id16 repo;
	struct mv_id32 snapshot;
	int64_t finished;	/* of the snapshot */
	uint64_t bytes;		/* of the chunk that was read; 0: it holds no data */
	uint64_t vault;		/* version number; 0: there is none */
	uint32_t epoch;		/* the newest; all up to it open */
};

/*
 * MV_EAUTH when something does not open with r's keys; MV_ENOTFOUND without
 * a snapshot.
 */
int mv_job_prove(struct mv_repo *r, struct mv_proof *out, struct mv_err *err)
    MV_MUST_CHECK;

/*
 * The last proof of a recovery kit, in the state directory: "kit.json".
 * Loading gives zeros where there is none, or one of another repository.
 */
int mv_proof_save(const char *state_dir, const struct mv_proof *p,
    struct mv_err *err) MV_MUST_CHECK;
int mv_proof_load(const char *state_dir, const struct mv_id16 *repo,
    struct mv_proof *out, struct mv_err *err) MV_MUST_CHECK;

#endif
