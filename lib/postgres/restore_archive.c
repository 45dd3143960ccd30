/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "postgres/restore_internal.h"

/* restore_archive: pg_restore and what it reads, which lies in memory. */

#define FEED_BYTES (64 * 1024)
#define LIST_BYTES_MAX (256u << 20)

/* A crash of the server ends the restore anyway. */
#define PGOPTIONS "-c synchronous_commit=off -c maintenance_work_mem=256MB"

/* pg_restore opens it by name, as who it is. */
static int
hand_over(const struct mv_pg *pg, int fd, struct mv_err *err)
{
	if (pg->as_uid && fchown(fd, pg->uid, pg->gid) < 0)
		return mv_err_sys(err, "give a memory file to uid %u",
		    (unsigned)pg->uid);
	return 0;
}

int
mv_pg_archive_open(struct mv_pg_restore *r, struct mv_err *err)
{
	r->archive = memfd_create("mastvault-archive", MFD_CLOEXEC);
	if (r->archive < 0 || fchmod(r->archive, 0600) < 0)
		return mv_err_sys(err, "make a memory file");
	return hand_over(r->opts.pg, r->archive, err);
}

static int
write_archive(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct mv_pg_restore *r = arg;

	return mv_fd_write(r->archive, buf, len, "the archive in memory", err);
}

struct mv_sink
mv_pg_restore_archive(struct mv_pg_restore *r)
{
	return (struct mv_sink){ .write = write_archive, .arg = r };
}

/* Through a prefix no descriptor goes: then the archive is fed by a pipe. */
static int
feed_archive(struct mv_pg_restore *r, struct mv_process *child,
    struct mv_err *err)
{
	mv_auto(mv_freep) uint8_t *buf = malloc(FEED_BYTES);
	uint64_t at = 0;
	size_t got = 1;
	int rc = 0;

	if (buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "run pg_restore");
	while (got > 0) {
		rc = mv_fd_pread(r->archive, buf, FEED_BYTES, at, &got,
		    "the archive in memory", err);
		if (rc < 0)
			return rc;
		at += got;
		/* One that fails, or has read enough, says so when it ends. */
		if (mv_fd_write(mv_process_in(child), buf, got, "pg_restore",
		    NULL) < 0)
			break;
	}
	mv_process_close_in(child);
	return 0;
}

static int
restore_args(struct mv_pg_restore *r, const char *section, int jobs,
    int list, struct mv_pg_args *args, struct mv_err *err)
{
	bool piped = r->opts.pg->prefix != NULL;
	int rc;

	rc = mv_pg_child_program(r->opts.pg, "pg_restore", r->major, args,
	    err);
	if (rc < 0)
		return rc;
	mv_pg_args_add(args, "-w");
	mv_pg_args_add(args, "--exit-on-error");
	mv_pg_args_addf(args, "--section=%s", section);
	if (list >= 0)
		mv_pg_args_addf(args, "--use-list=/proc/self/fd/%d", list);
	if (r->skip_owner) {
		mv_pg_args_add(args, "--no-owner");
		mv_pg_args_add(args, "--no-privileges");
	}
	if (r->skip_tablespaces)
		mv_pg_args_add(args, "--no-tablespaces");
	/* From a pipe it cannot jump to what each job needs. */
	if (jobs > 1 && !piped)
		mv_pg_args_addf(args, "--jobs=%d", jobs);
	rc = mv_pg_child_dbname(r->opts.pg, r->beside, args, err);
	if (rc == 0 && !piped)
		mv_pg_args_addf(args, "/proc/self/fd/%d", r->archive);
	return rc;
}

int
mv_pg_archive_restore(struct mv_pg_restore *r, const char *section, int jobs,
    int list, struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	mv_auto(mv_process_freep) struct mv_process *child = NULL;
	bool piped = r->opts.pg->prefix != NULL;
	struct mv_pg_child spec = {
		.args = &args, .pgoptions = PGOPTIONS, .pipe_in = piped,
	};
	uint8_t ignored[4096];
	size_t got = 1;
	int rc;

	if (!piped)
		spec.keep_fds[spec.nkeep_fds++] = r->archive;
	if (list >= 0)
		spec.keep_fds[spec.nkeep_fds++] = list;
	rc = restore_args(r, section, jobs, list, &args, err);
	if (rc == 0)
		rc = mv_pg_child_start(r->opts.pg, &spec, &child, err);
	if (rc == 0 && piped)
		rc = feed_archive(r, child, err);
	/* It says nothing there; the end of it is the end of the program. */
	while (rc == 0 && got > 0)
		rc = mv_pg_read_child(child, ignored, sizeof(ignored), false,
		    &got, err);
	if (rc == 0)
		rc = mv_process_wait(child, NULL, err);
	return mv_err_ctx(err, rc, "restore section '%s'", section);
}

/* What the archive has in a section, a line each. */
static int
read_list(struct mv_pg_restore *r, const char *section, struct mv_buf *out,
    struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	mv_auto(mv_process_freep) struct mv_process *child = NULL;
	struct mv_pg_child spec = {
		.args = &args, .keep_fds = { r->archive }, .nkeep_fds = 1,
	};
	size_t got = 1;
	int rc;

	rc = mv_pg_child_program(r->opts.pg, "pg_restore", r->major, &args,
	    err);
	if (rc < 0)
		return rc;
	mv_pg_args_add(&args, "--list");
	mv_pg_args_addf(&args, "--section=%s", section);
	mv_pg_args_addf(&args, "/proc/self/fd/%d", r->archive);
	rc = mv_pg_child_start(r->opts.pg, &spec, &child, err);
	while (rc == 0 && got > 0) {
		if (out->len > LIST_BYTES_MAX ||
		    mv_buf_reserve(out, FEED_BYTES) < 0)
			return mv_err_set(err, MV_ENOMEM, "list the archive");
		rc = mv_pg_read_child(child, out->p + out->len, FEED_BYTES,
		    false, &got, err);
		if (rc == 0)
			out->len += got;
	}
	return rc < 0 ? rc : mv_process_wait(child, NULL, err);
}

/* "123; 0 45678 MATERIALIZED VIEW DATA public name owner" */
static bool
fills_a_view(const char *line, size_t len)
{
	static const char kind[] = "MATERIALIZED VIEW DATA ";
	const char *end = line + len;
	int word;

	/* Names come behind it, and can be anything. */
	for (word = 0; word < 3 && line != NULL; word++) {
		line = memchr(line, ' ', (size_t)(end - line));
		if (line != NULL)
			line++;
	}
	return line != NULL && (size_t)(end - line) >= strlen(kind) &&
	    memcmp(line, kind, strlen(kind)) == 0;
}

static void
split(const struct mv_buf *list, struct mv_buf *views, struct mv_buf *others)
{
	const char *p = (const char *)list->p, *end = p + list->len, *next;

	for (; p < end; p = next) {
		next = memchr(p, '\n', (size_t)(end - p));
		next = next != NULL ? next + 1 : end;
		mv_buf_put(fills_a_view(p, (size_t)(next - p)) ? views :
		    others, p, (size_t)(next - p));
	}
}

static int
make_list(struct mv_pg_restore *r, const struct mv_buf *text, int *fd,
    struct mv_err *err)
{
	int rc;

	rc = mv_buf_failed(text, err);
	if (rc == 0)
		rc = mv_fd_memfd("mastvault-list", text->p, text->len, fd,
		    err);
	return rc < 0 ? rc : hand_over(r->opts.pg, *fd, err);
}

int
mv_pg_archive_split(struct mv_pg_restore *r, int *views, int *others,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf list = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf mine = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf rest = { 0 };
	int rc;

	if (r->opts.pg->prefix != NULL)
		return 0;
	rc = read_list(r, "post-data", &list, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "list the archive");
	split(&list, &mine, &rest);
	if (mine.len == 0)
		return mv_buf_failed(&mine, err);
	rc = make_list(r, &mine, views, err);
	return rc < 0 ? rc : make_list(r, &rest, others, err);
}
