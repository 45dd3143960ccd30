/* SPDX-License-Identifier: MIT */
#include "base/stop.h"

#include <stdatomic.h>

/* Lock-free, so that a signal handler may set it while others read. */
static atomic_int requested;
static atomic_int shielded;

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "signal handlers need it");

void
mv_stop_request(void)
{
	atomic_store(&requested, 1);
}

int
mv_stop_requested(void)
{
	return atomic_load_explicit(&requested, memory_order_relaxed) &&
	    !atomic_load_explicit(&shielded, memory_order_relaxed);
}

void
mv_stop_shield(bool on)
{
	atomic_store(&shielded, on);
}

int
mv_stop_check(struct mv_err *err)
{
	if (!mv_stop_requested())
		return 0;
	return mv_err_set(err, MV_EINTR, "interrupted");
}
