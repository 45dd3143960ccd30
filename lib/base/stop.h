/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_STOP_H
#define MV_BASE_STOP_H

#include <stdbool.h>

#include "base/err.h"

/*
 * stop: the one flag that asks long work to end early.
 *
 * SIGINT and SIGTERM set it (cmd/ installs the handlers).  Loops that can
 * run long call mv_stop_check() once per item, which is MV_EINTR when set.
 */
void mv_stop_request(void);	/* async-signal-safe */
int mv_stop_requested(void);
int mv_stop_check(struct mv_err *err) MV_MUST_CHECK;
/*
 * While on, nobody is asked to stop: what puts things back in order must come
 * to its end.  A request made meanwhile counts afterwards.  For the thread
 * that leads; nested calls are not counted.
 */
void mv_stop_shield(bool on);

#endif
