/* SPDX-License-Identifier: MIT */
#include "postgres/script.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "postgres/postgres_internal.h"
#include "postgres/quote.h"

#define BATCH (64 * 1024)

struct mv_pg_script {
	struct mv_pg *pg;	/* of no server: for child programs */
	const struct mv_sink *sink;
	char *encoding;
	int major;
	int archive;
	uint8_t *buf;		/* BATCH */
};

static int
open_tools(const char *pg_bin, struct mv_pg_script *s, struct mv_err *err)
{
	const struct mv_pg_target target = {
		.conninfo = "", .uid = (uid_t)-1, .gid = (gid_t)-1,
		.pg_bin = pg_bin,
	};

	s->archive = memfd_create("mastvault-archive", MFD_CLOEXEC);
	if (s->archive < 0 || fchmod(s->archive, 0600) < 0)
		return mv_err_sys(err, "make a memory file");
	s->buf = malloc(BATCH);
	if (s->buf == NULL)
		return mv_err_set(err, MV_ENOMEM, "write a script");
	return mv_pg_new(&target, &s->pg, err);
}

int
mv_pg_script_new(const char *pg_bin, const json_t *facts,
    const struct mv_sink *sink, struct mv_pg_script **out, struct mv_err *err)
{
	mv_auto(mv_pg_script_freep) struct mv_pg_script *s = NULL;
	const char *encoding = json_string_value(json_object_get(facts,
	    "dump_encoding"));
	json_int_t major = json_integer_value(json_object_get(facts,
	    "dump_major"));
	int rc;

	if (encoding == NULL || major < 1 || major > 1000)
		return mv_err_set(err, MV_ECORRUPT, "the backup's facts name "
		    "no encoding or no version of pg_dump");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return mv_err_set(err, MV_ENOMEM, "write a script");
	s->archive = -1;
	s->sink = sink;
	s->major = (int)major;
	s->encoding = strdup(encoding);
	if (s->encoding == NULL)
		return mv_err_set(err, MV_ENOMEM, "write a script");
	rc = open_tools(pg_bin, s, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&s);
	return 0;
}

void
mv_pg_script_free(struct mv_pg_script *s)
{
	if (s == NULL)
		return;
	mv_pg_free(s->pg);
	mv_fd_closep(&s->archive);
	free(s->encoding);
	free(s->buf);
	free(s);
}

void
mv_pg_script_freep(struct mv_pg_script **s)
{
	mv_pg_script_free(*s);
}

static int
write_archive(void *arg, const uint8_t *buf, size_t len, struct mv_err *err)
{
	struct mv_pg_script *s = arg;

	return mv_fd_write(s->archive, buf, len, "the archive in memory", err);
}

struct mv_sink
mv_pg_script_archive(struct mv_pg_script *s)
{
	return (struct mv_sink){ .write = write_archive, .arg = s };
}

static int
drain(struct mv_pg_script *s, struct mv_process *child, struct mv_err *err)
{
	size_t got = 1;
	int rc = 0;

	while (rc == 0 && got > 0) {
		rc = mv_pg_read_child(child, s->buf, BATCH, false, &got, err);
		if (rc == 0 && got > 0)
			rc = s->sink->write(s->sink->arg, s->buf, got, err);
	}
	return rc < 0 ? rc : mv_process_wait(child, NULL, err);
}

/* Each section is a script of its own, with its settings at its head. */
static int
put_section(struct mv_pg_script *s, const char *section, struct mv_err *err)
{
	mv_auto(mv_pg_args_clear) struct mv_pg_args args = { 0 };
	mv_auto(mv_process_freep) struct mv_process *child = NULL;
	struct mv_pg_child spec = { .args = &args, .keep_fds = { s->archive },
	    .nkeep_fds = 1 };
	int rc;

	rc = mv_pg_child_program(s->pg, "pg_restore", s->major, &args, err);
	if (rc < 0)
		return rc;
	mv_pg_args_add(&args, "--file=-");
	mv_pg_args_addf(&args, "--section=%s", section);
	mv_pg_args_addf(&args, "/proc/self/fd/%d", s->archive);
	rc = mv_pg_child_start(s->pg, &spec, &child, err);
	if (rc == 0)
		rc = drain(s, child, err);
	return mv_err_ctx(err, rc, "write section '%s'", section);
}

int
mv_pg_script_pre(struct mv_pg_script *s, struct mv_err *err)
{
	return put_section(s, "pre-data", err);
}

int
mv_pg_script_data(struct mv_pg_script *s, struct mv_err *err)
{
	return put_section(s, "data", err);
}

int
mv_pg_script_post(struct mv_pg_script *s, struct mv_err *err)
{
	return put_section(s, "post-data", err);
}

int
mv_pg_script_copy_begin(struct mv_pg_script *s, const struct mv_pg_table *t,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	int rc;

	mv_buf_put_str(&b, "\n");
	mv_pg_put_copy(&b, t, "FROM stdin", s->encoding);
	mv_buf_put_str(&b, ";\n");
	rc = mv_buf_failed(&b, err);
	return rc < 0 ? rc : s->sink->write(s->sink->arg, b.p, b.len, err);
}

int
mv_pg_script_copy_end(struct mv_pg_script *s, struct mv_err *err)
{
	static const char end[] = "\\.\n\n";

	return s->sink->write(s->sink->arg, (const uint8_t *)end,
	    sizeof(end) - 1, err);
}
