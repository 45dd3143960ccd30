/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_SINK_H
#define MV_BASE_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * sink and source: how bytes stream between layers that do not know each
 * other.  A sink is called with the next bytes of a stream, in order; what
 * it returns other than 0 ends the stream and is passed on unchanged.
 */
struct mv_sink {
	int (*write)(void *arg, const uint8_t *buf, size_t len,
	    struct mv_err *err);
	void *arg;
};

/*
 * A source is asked for the next bytes: it fills at most len bytes of buf;
 * *got is 0 only at the end of the stream.
 */
struct mv_source {
	int (*read)(void *arg, uint8_t *buf, size_t len, size_t *got,
	    struct mv_err *err);
	void *arg;
};

#endif
