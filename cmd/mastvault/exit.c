/* SPDX-License-Identifier: MIT */
#include "mastvault/exit.h"

#include "base/cleanup.h"

const struct mv_exit_text mv_exit_texts[] = {
	{ MV_EXIT_DONE, "done" },
	{ MV_EXIT_FAILED, "failed" },
	{ MV_EXIT_USAGE, "wrong usage or configuration" },
	{ MV_EXIT_PARTIAL,
	    "finished, but something, which is named, could not be read, reached or set" },
	{ MV_EXIT_BAD, "the answer is bad: a drill failed, an audit found something" },
	{ MV_EXIT_UNKNOWN, "could not tell" },
	{ MV_EXIT_NO_REPOSITORY, "there is no repository" },
	{ MV_EXIT_WRONG_KEY, "wrong key or passphrase" },
	{ MV_EXIT_CORRUPT, "damage was found, which is named" },
	{ MV_EXIT_INTERRUPTED, "interrupted by SIGINT or SIGTERM" },
};
const size_t mv_exit_ntexts = MV_ARRAY_LEN(mv_exit_texts);

enum mv_exit
mv_exit_of(const struct mv_err *err)
{
	switch (err->code) {
	case MV_OK:
		return MV_EXIT_DONE;
	case MV_EUSAGE:
		return MV_EXIT_USAGE;
	case MV_EAUTH:
		/* A file's permissions are no matter of keys. */
		return err->sys_errno != 0 ? MV_EXIT_FAILED :
		    MV_EXIT_WRONG_KEY;
	case MV_ECORRUPT:
		return MV_EXIT_CORRUPT;
	case MV_EINTR:
		return MV_EXIT_INTERRUPTED;
	case MV_ENOREPO:
		return MV_EXIT_NO_REPOSITORY;
	case MV_EIO:
	case MV_ENOMEM:
	case MV_ENOTFOUND:
	case MV_EEXIST:
	case MV_EAGAIN:
	case MV_ENOSPC:
	case MV_ECHANGED:
	case MV_EREFUSED:
		break;
	}
	return MV_EXIT_FAILED;
}
