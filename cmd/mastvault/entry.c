/* SPDX-License-Identifier: MIT */
#include "mastvault/entry.h"

#include "base/cleanup.h"
#include "base/time.h"
#include "mastvault/output.h"

const char *
mv_entry_type_name(enum mv_entry_type type)
{
	switch (type) {
	case MV_ENTRY_FILE:
		return "file";
	case MV_ENTRY_DIR:
		return "directory";
	case MV_ENTRY_SYMLINK:
		return "symlink";
	case MV_ENTRY_HARDLINK:
		return "hardlink";
	}
	return "other";
}

static char
type_letter(enum mv_entry_type type)
{
	switch (type) {
	case MV_ENTRY_DIR:
		return 'd';
	case MV_ENTRY_SYMLINK:
		return 'l';
	case MV_ENTRY_HARDLINK:
		return 'h';
	case MV_ENTRY_FILE:
		break;
	}
	return '-';
}

int
mv_entry_path(const struct mv_entry *e, struct mv_buf *out,
    struct mv_err *err)
{
	if (e->path.len > 0)
		mv_safe_put(out, e->path.p, e->path.len);
	else
		mv_buf_put_str(out, ".");
	(void)mv_buf_cstr(out);
	return mv_buf_failed(out, err);
}

int
mv_entry_print(const struct mv_entry *e, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf path = { 0 };
	char when[MV_TIME_TEXT];
	int rc;

	rc = mv_entry_path(e, &path, err);
	if (rc < 0)
		return rc;
	if (e->target.len > 0) {
		mv_buf_put_str(&path, " -> ");
		mv_safe_put(&path, e->target.p, e->target.len);
	}
	if (mv_buf_cstr(&path) == NULL)
		return mv_buf_failed(&path, err);
	mv_time_local(e->mtime, when);
	mv_list("%c%04o %5u %5u %12llu  %s  %s\n", type_letter(e->type),
	    e->mode & 07777, e->uid, e->gid, (unsigned long long)e->size,
	    when, (char *)path.p);
	return mv_output_check(err);
}

json_t *
mv_entry_json(const struct mv_entry *e)
{
	mv_auto(mv_buf_clear) struct mv_buf path = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf target = { 0 };
	char when[MV_TIME_TEXT];

	mv_safe_put(&target, e->target.p, e->target.len);
	if (mv_entry_path(e, &path, NULL) < 0 ||
	    mv_buf_cstr(&target) == NULL)
		return NULL;
	mv_time_utc(e->mtime, when);
	return json_pack("{ss ss sI sI sI sI ss so}", "path",
	    (char *)path.p, "type", mv_entry_type_name(e->type), "size",
	    (json_int_t)e->size, "mode", (json_int_t)(e->mode & 07777), "uid",
	    (json_int_t)e->uid, "gid", (json_int_t)e->gid, "mtime", when,
	    "target", target.len > 0 ? json_string((char *)target.p) :
	    json_null());
}
