/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_STATUS_H
#define MV_MASTVAULT_STATUS_H

#include "job/prove.h"
#include "mastvault/context.h"
#include "mastvault/strv.h"

/*
 * status: how an environment stands, as one host can see it.
 *
 * An alarm is what may lose data or hides that; behind is what a store lacks
 * or does not say; a warning is what should be done some time.
 */
struct mv_store_status {
	char *url;
	char *failed;		/* why it cannot be reached, or NULL */
	bool has_space;
	uint64_t free_bytes, total_bytes;
};

enum mv_env_file_state { MV_ENV_UNKNOWN, MV_ENV_SAME, MV_ENV_DIFFERS };

struct mv_status {
	bool has_snapshot;
	struct mv_id32 snapshot;
	int64_t finished, age;
	uint32_t parts;
	struct mv_store_status *stores;
	size_t nstores;
	uint64_t keyring;
	uint32_t epoch;
	bool has_vault;		/* this host can open the vault */
	uint64_t vault;		/* 0: there is no version */
	enum mv_env_file_state env_file;
	struct mv_proof proof;	/* zeros: never */
	struct mv_strv alarms, behind, warnings;
};

/* c is open.  Only what keeps it from telling anything is a failure. */
int mv_status_gather(struct mv_context *c, struct mv_status *out,
    struct mv_err *err) MV_MUST_CHECK;
void mv_status_clear(struct mv_status *s);

#endif
