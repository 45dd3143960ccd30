/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_LOG_H
#define MV_BASE_LOG_H

#include "base/err.h"

/*
 * log: how lib tells what is worth knowing and is no error.
 *
 * lib prints nothing.  cmd/ installs a sink; without one messages vanish.
 * One message is one line without a full stop.  Never secrets, never
 * connection strings.  Any thread may call.
 */
enum mv_log_level { MV_LOG_WARN, MV_LOG_INFO, MV_LOG_DEBUG };

typedef void mv_log_sink(enum mv_log_level level, const char *text, void *arg);

void mv_log_set(mv_log_sink *sink, void *arg);
void mv_log(enum mv_log_level level, const char *fmt, ...) MV_PRINTF(2, 3);

#define mv_warn(...) mv_log(MV_LOG_WARN, __VA_ARGS__)
#define mv_info(...) mv_log(MV_LOG_INFO, __VA_ARGS__)
#define mv_debug(...) mv_log(MV_LOG_DEBUG, __VA_ARGS__)

#endif
