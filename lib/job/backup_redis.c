/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/rate.h"
#include "base/stop.h"
#include "job/job_internal.h"

/*
 * backup_redis: the file that Redis (or Valkey) saves, as one stream.
 *
 * Redis writes another file and renames it: what was opened once stays whole
 * however often that happens meanwhile.
 */

#define PIECE ((size_t)1 << 20)
#define REDIS_CLASS 1
#define HEAD 9			/* "REDIS0011", "VALKEY080" */
#define TAIL 9			/* 0xff, and the checksum of 8 bytes */

struct dump {
	int fd;
	struct stat st;
	struct mv_stream *stream;
	uint8_t *buf;		/* PIECE */
	uint64_t bytes;
	uint8_t tail[TAIL];
};

static void
dump_clear(struct dump *d)
{
	mv_stream_freep(&d->stream);
	mv_fd_closep(&d->fd);
	free(d->buf);
}

static int
open_dump(const char *path, struct dump *d, struct mv_err *err)
{
	d->buf = malloc(PIECE);
	if (d->buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "read '%s'", path);
	d->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (d->fd < 0)
		return mv_err_sys(err, "open '%s'", path);
	if (fstat(d->fd, &d->st) < 0)
		return mv_err_sys(err, "stat '%s'", path);
	if (!S_ISREG(d->st.st_mode))
		return mv_err_set(err, MV_EUSAGE, "'%s' is no regular file",
		    path);
	return 0;
}

/* The last bytes of all that was read so far. */
static void
keep_tail(struct dump *d, const uint8_t *p, size_t len)
{
	if (len >= TAIL) {
		memcpy(d->tail, p + len - TAIL, TAIL);
		return;
	}
	memmove(d->tail, d->tail + len, TAIL - len);
	memcpy(d->tail + TAIL - len, p, len);
}

static int
check_head(const struct dump *d, size_t got, const char *path,
    struct mv_err *err)
{
	if (got >= HEAD && (memcmp(d->buf, "REDIS", 5) == 0 ||
	    memcmp(d->buf, "VALKEY", 6) == 0))
		return 0;
	return mv_err_set(err, MV_EUSAGE, "'%s' is no dump of Redis", path);
}

static int
copy(struct mv_backup_run *run, struct dump *d, struct mv_err *err)
{
	const char *path = run->src->redis;
	size_t got = 0;
	int rc;

	do {
		rc = mv_fd_read(d->fd, d->buf, PIECE, &got, path, err);
		if (rc == 0 && d->bytes == 0)
			rc = check_head(d, got, path, err);
		if (rc == 0 && got > 0)
			rc = mv_rate_take(run->opts->limit_read, got, err);
		if (rc == 0 && got > 0)
			rc = mv_stream_write(d->stream, d->buf, got, err);
		if (rc == 0)
			rc = mv_stop_check(err);
		if (rc < 0)
			return rc;
		keep_tail(d, d->buf, got);
		d->bytes += got;
		mv_progress_bytes(&run->opts->progress, d->bytes,
		    (uint64_t)d->st.st_size);
	} while (got > 0);
	/* Dumps of version 5 (Redis 2.6) and later end so. */
	if (d->bytes < HEAD + TAIL || d->tail[0] != 0xff)
		return mv_err_set(err, MV_EIO, "'%s' ends early: is it being "
		    "written to?", path);
	return 0;
}

static int
describe(struct mv_backup_run *run, const struct dump *d,
    const struct mv_root *root, struct mv_err *err)
{
	int stream = mv_roots_add(&run->roots, root, err);

	if (stream < 0)
		return stream;
	return mv_json_set(run->detail, "redis", json_pack(
	    "{s:s, s:i, s:I, s:I}", "file", run->src->redis, "stream", stream,
	    "bytes", (json_int_t)d->bytes, "mtime",
	    (json_int_t)d->st.st_mtim.tv_sec), err);
}

int
mv_backup_redis(struct mv_backup_run *run, struct mv_err *err)
{
	mv_auto(dump_clear) struct dump d = { .fd = -1 };
	struct mv_root root = { 0 };
	int rc;

	mv_progress_phase(&run->opts->progress, "redis");
	rc = open_dump(run->src->redis, &d, err);
	if (rc == 0)
		rc = mv_stream_open(run->writer, REDIS_CLASS, false,
		    &d.stream, err);
	if (rc == 0)
		rc = copy(run, &d, err);
	if (rc == 0)
		rc = mv_stream_finish(d.stream, &root, err);
	if (rc == 0)
		rc = describe(run, &d, &root, err);
	run->report->redis_bytes = d.bytes;
	run->report->redis_time = d.st.st_mtim.tv_sec;
	return mv_err_ctx(err, rc, "back up Redis");
}
