/* SPDX-License-Identifier: MIT */
#include "job/export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/stop.h"
#include "base/time.h"
#include "job/detail.h"
#include "job/media_in.h"
#include "tree/tar.h"

struct export {
	struct mv_repo *repo;
	const struct mv_snapshot *snap;
	const struct mv_export_opts *opts;
	const char *dir;
	int dirfd;
	struct mv_export_report *report;
};

/* One file of the export while it is written. */
struct file {
	const struct export *x;
	const char *name;
	int fd;
	uint64_t bytes;
};

static int
open_file(const struct export *x, const char *name, struct file *f,
    struct mv_err *err)
{
	*f = (struct file){ .x = x, .name = name };
	f->fd = openat(x->dirfd, name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return mv_err_sys(err, "create '%s/%s'", x->dir, name);
	return 0;
}

static int
write_file(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct file *f = arg;
	int rc;

	rc = mv_fd_write(f->fd, buf, len, f->name, err);
	f->bytes += len;
	if (f->x->opts->progress.bytes != NULL)
		f->x->opts->progress.bytes(f->bytes, 0,
		    f->x->opts->progress.arg);
	return rc < 0 ? rc : mv_stop_check(err);
}

static void
file_clear(struct file *f)
{
	mv_fd_closep(&f->fd);
}

static int
export_db(struct export *x, struct mv_err *err)
{
	mv_auto(file_clear) struct file f = { .fd = -1 };
	const struct mv_sink sink = { write_file, &f };
	int rc;

	rc = open_file(x, "database.sql", &f, err);
	if (rc == 0)
		rc = mv_job_cat_db(x->repo, x->snap, x->opts->pg_bin, &sink,
		    err);
	if (rc == 0)
		rc = mv_fd_sync_close(&f.fd, f.name, err);
	x->report->db_bytes = f.bytes;
	return rc;
}

static int
put_media(struct mv_media_in *m, struct mv_tar *tar, struct mv_err *err)
{
	const struct mv_sink data = { mv_tar_data, tar };
	const struct mv_entry *e = NULL;
	int rc;

	while ((rc = mv_media_in_next(m, &e, err)) == 1) {
		rc = mv_tar_entry(tar, e, err);
		if (rc == 0 && e->type == MV_ENTRY_FILE)
			rc = mv_media_in_file(m, e, &data, err);
		if (rc == 0)
			rc = mv_stop_check(err);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : mv_tar_close(tar, err);
}

static int
export_media(struct export *x, struct mv_err *err)
{
	mv_auto(mv_media_in_clear) struct mv_media_in m = { 0 };
	mv_auto(file_clear) struct file f = { .fd = -1 };
	const struct mv_sink sink = { write_file, &f };
	mv_auto(mv_tar_freep) struct mv_tar *tar = NULL;
	int rc;

	rc = mv_media_in_open(x->repo, x->snap, &m, err);
	if (rc == 0)
		rc = open_file(x, "media.tar", &f, err);
	if (rc == 0)
		rc = mv_tar_new(&sink, &tar, err);
	if (rc == 0)
		rc = put_media(&m, tar, err);
	if (rc == 0)
		rc = mv_fd_sync_close(&f.fd, f.name, err);
	x->report->media_bytes = f.bytes;
	return rc;
}

static int
export_env(struct export *x, struct mv_err *err)
{
	mv_auto(file_clear) struct file f = { .fd = -1 };
	const struct mv_sink sink = { write_file, &f };
	int rc;

	rc = open_file(x, "env.production", &f, err);
	if (rc == 0)
		rc = mv_job_cat_env(x->repo, x->snap, &sink, err);
	return rc < 0 ? rc : mv_fd_sync_close(&f.fd, f.name, err);
}

static int
export_redis(struct export *x, struct mv_err *err)
{
	mv_auto(file_clear) struct file f = { .fd = -1 };
	const struct mv_sink sink = { write_file, &f };
	int rc;

	rc = open_file(x, "dump.rdb", &f, err);
	if (rc == 0)
		rc = mv_job_cat_redis(x->repo, x->snap, &sink, err);
	x->report->redis_bytes = f.bytes;
	return rc < 0 ? rc : mv_fd_sync_close(&f.fd, f.name, err);
}

static const struct {
	enum mv_part part;
	int (*run)(struct export *x, struct mv_err *err);
} parts[] = {
	{ MV_PART_DB, export_db },
	{ MV_PART_REDIS, export_redis },
	{ MV_PART_MEDIA, export_media },
	{ MV_PART_SECRETS, export_env },
};

static const char *
fact(const json_t *detail, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(
	    json_object_get(detail, "database"), "facts"), key));

	return text != NULL ? text : "unknown";
}

static void
describe_db(struct mv_buf *b, const json_t *detail)
{
	const char *locale = fact(detail, "collate");

	mv_buf_printf(b, "database.sql\n"
	    "    PostgreSQL %s, encoding %s, collation %s, owner %s.\n"
	    "    Into an empty database of that encoding and collation:\n\n"
	    "        createuser %s\n"
	    "        createdb -O %s -T template0 -E %s --locale=%s mastodon_production\n"
	    "        psql -X -v ON_ERROR_STOP=1 -d mastodon_production -f database.sql\n\n",
	    fact(detail, "server"), fact(detail, "encoding"), locale,
	    fact(detail, "owner"), fact(detail, "owner"),
	    fact(detail, "owner"), fact(detail, "encoding"), locale);
}

static void
describe_rest(struct mv_buf *b, uint32_t have, const json_t *detail)
{
	const char *root = json_string_value(json_object_get(json_object_get(
	    detail, "media"), "root"));
	const char *env = json_string_value(json_object_get(json_object_get(
	    detail, "secrets"), "file"));

	if (have & MV_PART_MEDIA)
		mv_buf_printf(b, "media.tar\n"
		    "    The media, which were in '%s'.  As root, there:\n\n"
		    "        tar --xattrs --xattrs-include='*' -xpf media.tar\n\n",
		    root != NULL ? root : "public/system");
	if (have & MV_PART_SECRETS)
		mv_buf_printf(b, "env.production\n"
		    "    The settings and secrets, which were '%s'.  The rows of the\n"
		    "    database can be read with these secrets alone: install both\n"
		    "    together.  Mode 0600.\n\n", env != NULL ? env :
		    ".env.production");
	if (have & MV_PART_REDIS)
		mv_buf_put_str(b, "dump.rdb\n"
		    "    What Redis had saved.  Stop Redis, copy it to where its\n"
		    "    settings 'dir' and 'dbfilename' say, make it Redis' own,\n"
		    "    start Redis (with 'appendonly no' the first time).\n\n");
}

static int
write_readme(struct export *x, const json_t *detail, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	mv_auto(file_clear) struct file f = { .fd = -1 };
	char id[65], when[MV_TIME_TEXT];
	int rc;

	mv_hex_encode(x->snap->id.b, sizeof(x->snap->id.b), id);
	mv_time_utc(x->snap->finished, when);
	mv_buf_printf(&b, "A Mastodon, backed up on %s (UTC) by mastvault,\n"
	    "snapshot %s.\n%s\n"
	    "Everything here is in clear, the secrets too: whoever has these\n"
	    "files has the server.  mastvault is not needed to use them.\n\n",
	    when, id, (x->snap->parts & MV_PART_INCOMPLETE) ?
	    "Something could not be read when it was made.\n" : "");
	if (x->report->parts & MV_PART_DB)
		describe_db(&b, detail);
	describe_rest(&b, x->report->parts, detail);
	mv_buf_put_str(&b, "Then, in Mastodon's directory, of the same version:\n\n"
	    "        RAILS_ENV=production bin/rails db:migrate\n"
	    "        RAILS_ENV=production bin/tootctl feeds build\n");
	rc = mv_buf_failed(&b, err);
	if (rc == 0)
		rc = open_file(x, "README.txt", &f, err);
	if (rc == 0)
		rc = write_file(&f, b.p, b.len, err);
	return rc < 0 ? rc : mv_fd_sync_close(&f.fd, f.name, err);
}

static int
refuse_used(const char *path, struct mv_err *err)
{
	struct dirent *e;
	DIR *d = opendir(path);

	if (d == NULL)
		return mv_err_sys(err, "open directory '%s'", path);
	do
		e = readdir(d);
	while (e != NULL && (strcmp(e->d_name, ".") == 0 ||
	    strcmp(e->d_name, "..") == 0));
	(void)closedir(d);
	if (e != NULL)
		return mv_err_set(err, MV_EEXIST,
		    "'%s' is there and not empty", path);
	return 0;
}

static int
open_dir(const char *path, int *out, struct mv_err *err)
{
	int rc;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return mv_err_sys(err, "make directory '%s'", path);
	rc = refuse_used(path, err);
	if (rc < 0)
		return rc;
	*out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return mv_err_sys(err, "open directory '%s'", path);
	return 0;
}

static int
export_parts(struct export *x, struct mv_err *err)
{
	const struct mv_progress *p = &x->opts->progress;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < MV_ARRAY_LEN(parts); i++) {
		if ((x->report->parts & parts[i].part) == 0)
			continue;
		if (p->phase != NULL)
			p->phase(mv_part_name(parts[i].part), p->arg);
		rc = parts[i].run(x, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "export the %s",
			    mv_part_name(parts[i].part));
	}
	return rc;
}

int
mv_job_export(struct mv_repo *r, const struct mv_snapshot *snap,
    const char *dir, const struct mv_export_opts *opts,
    struct mv_export_report *out, struct mv_err *err)
{
	mv_auto(mv_detail_decref) json_t *detail = NULL;
	mv_auto(mv_fd_closep) int dirfd = -1;
	struct mv_export_report rep = { .parts = snap->parts & opts->parts &
	    MV_PARTS };
	struct export x = { .repo = r, .snap = snap, .opts = opts,
	    .dir = dir, .report = &rep };
	double start = mv_time_monotonic();
	int rc;

	if (rep.parts == 0)
		return mv_err_set(err, MV_ENOTFOUND,
		    "the snapshot holds nothing of what was asked for");
	rc = mv_detail_open(r, snap, &detail, err);
	if (rc == 0)
		rc = open_dir(dir, &dirfd, err);
	x.dirfd = dirfd;
	if (rc == 0)
		rc = export_parts(&x, err);
	if (rc == 0)
		rc = write_readme(&x, detail, err);
	if (rc == 0 && fsync(dirfd) < 0)
		rc = mv_err_sys(err, "fsync '%s'", dir);
	if (rc < 0)
		return rc;
	rep.seconds = mv_time_monotonic() - start;
	*out = rep;
	return 0;
}
