/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_PRIORITY_H
#define MV_MASTVAULT_PRIORITY_H

/*
 * priority: give way to what the machine is there for.  The whole process
 * and its children get low CPU and I/O priority; where that is not allowed
 * nothing happens.  Before threads are started.
 */
void mv_priority_low(void);

#endif
