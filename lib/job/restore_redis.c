/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/stop.h"
#include "base/temp.h"
#include "job/detail.h"
#include "job/restore_internal.h"
#include "repo/reader.h"

/* restore_redis: the dump as a file, whole or not at all. */

static int
to_file(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	const struct mv_temp *t = arg;

	return mv_fd_write(t->fd, buf, len, "Redis' dump", err);
}

int
mv_job_cat_redis(struct mv_repo *r, const struct mv_snapshot *snap,
    const struct mv_sink *sink, struct mv_err *err)
{
	mv_auto(mv_detail_decref) json_t *detail = NULL;
	mv_auto(mv_reader_freep) struct mv_reader *rd = NULL;
	mv_auto(mv_stream_in_freep) struct mv_stream_in *in = NULL;
	const struct mv_root *root = NULL;
	const json_t *redis = NULL;
	const uint8_t *data = NULL;
	size_t len = 1;
	int rc;

	rc = mv_detail_open(r, snap, &detail, err);
	if (rc == 0)
		rc = mv_detail_part(snap, detail, MV_PART_REDIS, &redis, err);
	if (rc == 0)
		rc = mv_detail_stream(snap, redis, "stream", &root, err);
	if (rc == 0)
		rc = mv_reader_open(r, snap, &rd, err);
	if (rc == 0)
		rc = mv_stream_in_open(rd, root, &in, err);
	while (rc == 0 && len > 0) {
		rc = mv_stream_in_chunk(in, NULL, 0, &data, &len, err);
		if (rc == 0 && len > 0)
			rc = sink->write(sink->arg, data, len, err);
		if (rc == 0)
			rc = mv_stop_check(err);
	}
	return rc;
}

static int
open_parent(const char *path, int *out, struct mv_err *err)
{
	mv_auto(mv_freep) char *copy = strdup(path);

	if (copy == NULL)
		return mv_err_set(err, MV_ENOMEM, "write '%s'", path);
	*out = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return mv_err_sys(err, "open the directory of '%s'", path);
	return 0;
}

int
mv_restore_redis_refuse(const struct mv_restore_opts *opts,
    struct mv_err *err)
{
	if (opts->overwrite || access(opts->redis, F_OK) < 0)
		return 0;
	return mv_err_set(err, MV_EEXIST, "'%s' is there: stop Redis and move "
	    "it away, or --overwrite", opts->redis);
}

int
mv_restore_redis(struct mv_restore_run *run, struct mv_err *err)
{
	mv_auto(mv_temp_clear) struct mv_temp temp = MV_TEMP_INIT;
	mv_auto(mv_fd_closep) int dirfd = -1;
	const char *path = run->opts->redis, *name = strrchr(path, '/');
	const struct mv_sink sink = { to_file, &temp };
	int rc;

	name = name != NULL ? name + 1 : path;
	rc = mv_restore_redis_refuse(run->opts, err);
	if (rc == 0)
		rc = open_parent(path, &dirfd, err);
	if (rc == 0)
		rc = mv_temp_open(&temp, dirfd, 0600, path, err);
	if (rc == 0)
		rc = mv_job_cat_redis(run->repo, run->snap, &sink, err);
	if (rc == 0 && fsync(temp.fd) < 0)
		rc = mv_err_sys(err, "fsync '%s'", path);
	if (rc == 0 && run->opts->overwrite)
		rc = mv_temp_rename(&temp, dirfd, name, path, err);
	else if (rc == 0)
		rc = mv_temp_link(&temp, dirfd, name, path, err);
	if (rc == 0 && fsync(dirfd) < 0)
		rc = mv_err_sys(err, "fsync the directory of '%s'", path);
	return mv_err_ctx(err, rc, "restore Redis");
}
