/* SPDX-License-Identifier: MIT */
#include "mastvault/priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From the kernel's ioprio.h, which libc does not wrap. */
#define WHO_PROCESS 1
#define CLASS_BEST_EFFORT 2
#define CLASS_SHIFT 13
#define LOWEST 7

#define NICE 10

void
mv_priority_low(void)
{
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)syscall(SYS_ioprio_set, WHO_PROCESS, 0,
	    CLASS_BEST_EFFORT << CLASS_SHIFT | LOWEST);
}
