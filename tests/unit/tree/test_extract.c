/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support/mv_test.h"
#include "tree/extract.h"

#define SPAN(s) ((struct mv_span){ (const uint8_t *)(s), sizeof(s) - 1 })
#define STAMP 1234567890

/*
 * The current directory holds "target", into which all is extracted, and
 * "canary", which nothing may touch: every teardown looks.
 */
struct fx {
	char *dir;
	char *home;
	struct mv_extract *x;
	struct mv_extract_opts opts;
	struct mv_extract_facts facts;
	struct mv_entry e;
	struct stat canary[2];
	struct mv_err err;
};

static int
setup(void **state)
{
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	fx->home = getcwd(NULL, 0);
	fx->dir = mv_test_dir();
	assert_int_equal(chdir(fx->dir), 0);
	assert_int_equal(mkdir("canary", 0750), 0);
	mv_test_write("canary/file", "sings", 5);
	assert_int_equal(chmod("canary/file", 0640), 0);
	assert_int_equal(utimensat(AT_FDCWD, "canary/file", old, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, "canary", old, 0), 0);
	assert_int_equal(stat("canary", &fx->canary[0]), 0);
	assert_int_equal(stat("canary/file", &fx->canary[1]), 0);
	assert_int_equal(mkdir("target", 0700), 0);
	*state = fx;
	return 0;
}

static void
assert_untouched(const char *path, const struct stat *was)
{
	struct stat is;

	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_ino, was->st_ino);
	assert_int_equal(is.st_mode, was->st_mode);
	assert_int_equal(is.st_uid, was->st_uid);
	assert_int_equal(is.st_mtim.tv_sec, was->st_mtim.tv_sec);
	assert_int_equal(is.st_size, was->st_size);
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_extract_free(fx->x);
	fx->x = NULL;
	assert_untouched("canary", &fx->canary[0]);
	assert_untouched("canary/file", &fx->canary[1]);
	assert_int_equal(mv_test_count(".", ".tmp"), 0);
	assert_int_equal(chdir(fx->home), 0);
	mv_test_rmdir(fx->dir);
	mv_entry_clear(&fx->e);
	free(fx->dir);
	free(fx->home);
	free(fx);
	return 0;
}

static void
begin(struct fx *fx)
{
	mv_extract_free(fx->x);
	fx->x = NULL;
	assert_ok(mv_extract_open("target", &fx->opts, &fx->x, &fx->err),
	    &fx->err);
}

static void
end(struct fx *fx)
{
	assert_ok(mv_extract_close(fx->x, &fx->err), &fx->err);
	mv_extract_facts(fx->x, &fx->facts);
	mv_extract_free(fx->x);
	fx->x = NULL;
}

static struct mv_entry *
entry(struct fx *fx, enum mv_entry_type type, const char *path, uint32_t mode)
{
	struct mv_entry *e = &fx->e;

	mv_entry_reset(e);
	e->type = type;
	e->path = (struct mv_span){ (const uint8_t *)path, strlen(path) };
	e->mode = mode;
	e->uid = getuid();
	e->gid = getgid();
	e->mtime = STAMP;
	e->mtime_nsec = 5;
	return e;
}

static int
put_dir(struct fx *fx, const char *path, uint32_t mode)
{
	fx->err = (struct mv_err){ 0 };
	return mv_extract_put(fx->x, entry(fx, MV_ENTRY_DIR, path, mode),
	    &fx->err);
}

static int
put_link(struct fx *fx, enum mv_entry_type type, const char *path,
    const char *target)
{
	struct mv_entry *e = entry(fx, type, path, 0777);

	e->target = (struct mv_span){ (const uint8_t *)target,
	    strlen(target) };
	fx->err = (struct mv_err){ 0 };
	return mv_extract_put(fx->x, e, &fx->err);
}

/* Write a file as the restore does: keep it, or make it. */
static int
put_entry(struct fx *fx, struct mv_entry *e, const char *text)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char there[64];
	int rc;

	e->size = strlen(text);
	e->nchunks = e->size > 0;
	fx->err = (struct mv_err){ 0 };
	rc = mv_extract_existing(fx->x, e, &fd, &fx->err);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		assert_int_equal(read(fd, there, sizeof(there)), e->size);
		if (memcmp(there, text, strlen(text)) == 0)
			return mv_extract_keep(fx->x, e, fd, &fx->err);
		if (!fx->opts.overwrite) {
			assert_int_equal(mv_extract_refuse(fx->x, e,
			    &fx->err), 0);
			return mv_err_set(&fx->err, MV_EEXIST, "differs");
		}
	}
	rc = mv_extract_begin(fx->x, e, &fx->err);
	if (rc == 0)
		rc = mv_extract_data(fx->x, text, strlen(text), &fx->err);
	if (rc == 0)
		rc = mv_extract_finish(fx->x, &fx->err);
	return rc;
}

static int
put_file(struct fx *fx, const char *path, const char *text)
{
	return put_entry(fx, entry(fx, MV_ENTRY_FILE, path, 0640), text);
}

static void
assert_holds(const char *path, const char *text)
{
	struct mv_buf b = { 0 };

	mv_test_read(path, &b);
	assert_int_equal(b.len, strlen(text));
	assert_memory_equal(b.p, text, b.len);
	mv_buf_clear(&b);
}

static struct stat
look(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static void
a_tree_comes_out_as_it_was(void **state)
{
	struct fx *fx = *state;
	char buf[32] = { 0 };

	begin(fx);
	assert_ok(put_dir(fx, "", 0711), &fx->err);
	assert_ok(put_dir(fx, "closed", 0500), &fx->err);
	assert_ok(put_dir(fx, "closed/in", 02755), &fx->err);
	assert_ok(put_file(fx, "closed/in/f", "text"), &fx->err);
	assert_ok(put_file(fx, "closed/odd\n\xff", ""), &fx->err);
	assert_ok(put_link(fx, MV_ENTRY_HARDLINK, "hard", "closed/in/f"),
	    &fx->err);
	assert_ok(put_link(fx, MV_ENTRY_SYMLINK, "soft", "/no/where"),
	    &fx->err);
	end(fx);
	assert_int_equal(fx->facts.made, 6);
	assert_int_equal(look("target").st_mode & 07777, 0711);
	assert_int_equal(look("target").st_mtim.tv_sec, STAMP);
	assert_int_equal(look("target/closed").st_mode & 07777, 0500);
	assert_int_equal(look("target/closed").st_mtim.tv_sec, STAMP);
	assert_int_equal(look("target/closed/in").st_mode & 07777, 02755);
	assert_int_equal(look("target/closed/in/f").st_mode & 07777, 0640);
	assert_int_equal(look("target/closed/in/f").st_mtim.tv_nsec, 5);
	assert_int_equal(look("target/closed/odd\n\xff").st_size, 0);
	assert_int_equal(look("target/hard").st_ino,
	    look("target/closed/in/f").st_ino);
	assert_int_equal(look("target/soft").st_mtim.tv_sec, STAMP);
	assert_int_equal(readlink("target/soft", buf, sizeof(buf)), 9);
	assert_string_equal(buf, "/no/where");
	assert_holds("target/hard", "text");
}

static void
what_is_there_and_the_same_is_kept(void **state)
{
	struct fx *fx = *state;
	ino_t ino = 0;
	int i;

	for (i = 0; i < 2; i++) {
		begin(fx);
		assert_ok(put_dir(fx, "", 0755), &fx->err);
		assert_ok(put_dir(fx, "closed", 0500), &fx->err);
		assert_ok(put_file(fx, "closed/f", "text"), &fx->err);
		assert_ok(put_link(fx, MV_ENTRY_HARDLINK, "h", "closed/f"),
		    &fx->err);
		assert_ok(put_link(fx, MV_ENTRY_SYMLINK, "s", "x"),
		    &fx->err);
		end(fx);
		if (i > 0 && getuid() == 0)
			assert_int_equal(look("target/h").st_ino, ino);
		ino = look("target/h").st_ino;
	}
	assert_int_equal(fx->facts.made, 0);
	assert_int_equal(fx->facts.kept, 5);
	assert_int_equal(chmod("target/closed", 0700), 0);
}

static void
metadata_of_kept_files_is_mended(void **state)
{
	struct fx *fx = *state;

	mv_test_write("target/f", "text", 4);
	assert_int_equal(chmod("target/f", 0606), 0);
	begin(fx);
	assert_ok(put_file(fx, "f", "text"), &fx->err);
	end(fx);
	assert_int_equal(look("target/f").st_mode & 07777, 0640);
	assert_int_equal(look("target/f").st_mtim.tv_sec, STAMP);
	assert_int_equal(fx->facts.kept, 1);
}

static void
what_differs_is_refused(void **state)
{
	struct fx *fx = *state;

	mv_test_write("target/content", "mine", 4);
	mv_test_write("target/size", "longer", 6);
	mv_test_write("target/not-a-dir", "x", 1);
	mv_test_write("target/link", "x", 1);
	assert_int_equal(symlink("elsewhere", "target/soft"), 0);
	assert_int_equal(mkdir("target/dir", 0700), 0);
	begin(fx);
	assert_fails(put_file(fx, "content", "text"), MV_EEXIST, &fx->err);
	assert_fails(put_file(fx, "dir", "text"), MV_EEXIST, &fx->err);
	assert_fails(put_link(fx, MV_ENTRY_HARDLINK, "hard", "content"),
	    MV_EEXIST, &fx->err);
	assert_fails(put_link(fx, MV_ENTRY_SYMLINK, "link", "x"), MV_EEXIST,
	    &fx->err);
	assert_fails(put_dir(fx, "not-a-dir", 0755), MV_EEXIST, &fx->err);
	assert_fails(put_file(fx, "not-a-dir/f", "x"), MV_EEXIST, &fx->err);
	assert_fails(put_file(fx, "size", "text"), MV_EEXIST, &fx->err);
	assert_fails(put_file(fx, "soft", "text"), MV_EEXIST, &fx->err);
	end(fx);
	assert_holds("target/content", "mine");
	assert_holds("target/size", "longer");
	assert_int_equal(fx->facts.made, 0);
	assert_int_equal(access("target/hard", F_OK), -1);
}

static void
overwriting_replaces_files_but_no_directory(void **state)
{
	struct fx *fx = *state;

	mv_test_write("target/content", "mine", 4);
	mv_test_write("target/link", "x", 1);
	mv_test_write("target/zhard", "x", 1);
	assert_int_equal(symlink("../canary/file", "target/soft"), 0);
	assert_int_equal(mkdir("target/dir", 0700), 0);
	fx->opts.overwrite = true;
	begin(fx);
	assert_ok(put_file(fx, "content", "text"), &fx->err);
	assert_fails(put_file(fx, "dir", "text"), MV_EEXIST, &fx->err);
	assert_ok(put_link(fx, MV_ENTRY_SYMLINK, "link", "x"), &fx->err);
	assert_ok(put_file(fx, "soft", "text"), &fx->err);
	assert_ok(put_link(fx, MV_ENTRY_HARDLINK, "zhard", "soft"),
	    &fx->err);
	end(fx);
	assert_holds("target/content", "text");
	assert_holds("target/soft", "text");
	assert_holds("target/zhard", "text");
	assert_true(S_ISLNK(look("target/link").st_mode));
	assert_true(S_ISDIR(look("target/dir").st_mode));
}

static void
planted_directory_links_lead_nowhere(void **state)
{
	struct fx *fx = *state;
	int i;

	assert_int_equal(symlink("../canary", "target/d"), 0);
	assert_int_equal(mkdir("target/e", 0700), 0);
	assert_int_equal(symlink("../../canary", "target/e/d"), 0);
	for (i = 0; i < 2; i++) {
		fx->opts.overwrite = i > 0;
		begin(fx);
		assert_fails(put_dir(fx, "d", 0777), MV_EEXIST, &fx->err);
		assert_fails(put_file(fx, "d/file", "owned"), MV_EEXIST,
		    &fx->err);
		assert_fails(put_file(fx, "d/new", "owned"), MV_EEXIST,
		    &fx->err);
		assert_fails(put_link(fx, MV_ENTRY_SYMLINK, "d/soft", "x"),
		    MV_EEXIST, &fx->err);
		assert_fails(put_dir(fx, "d/sub", 0777), MV_EEXIST,
		    &fx->err);
		assert_fails(put_file(fx, "e/d/new", "owned"), MV_EEXIST,
		    &fx->err);
		assert_fails(put_link(fx, MV_ENTRY_HARDLINK, "stolen",
		    "d/file"), MV_EEXIST, &fx->err);
		end(fx);
	}
}

static void
restored_links_are_not_walked_through(void **state)
{
	struct fx *fx = *state;

	begin(fx);
	assert_ok(put_link(fx, MV_ENTRY_SYMLINK, "a", "../canary"),
	    &fx->err);
	assert_fails(put_file(fx, "a/b", "owned"), MV_EEXIST, &fx->err);
	assert_fails(put_link(fx, MV_ENTRY_HARDLINK, "b", "a/file"),
	    MV_EEXIST, &fx->err);
	assert_fails(put_link(fx, MV_ENTRY_HARDLINK, "c", "a"), MV_ECORRUPT,
	    &fx->err);
	end(fx);
}

/* The directory is swapped after it was opened and before the next file. */
static void
a_directory_swapped_for_a_link_is_not_followed(void **state)
{
	struct fx *fx = *state;

	begin(fx);
	assert_ok(put_dir(fx, "d", 0755), &fx->err);
	assert_ok(put_dir(fx, "d/e", 0755), &fx->err);
	assert_ok(put_file(fx, "d/e/1", "one"), &fx->err);
	assert_int_equal(rename("target/d/e", "target/moved"), 0);
	assert_int_equal(symlink("../../canary", "target/d/e"), 0);
	assert_ok(put_file(fx, "d/e/2", "two"), &fx->err);
	end(fx);
	assert_holds("target/moved/2", "two");
}

static void
a_planted_hard_link_is_not_changed(void **state)
{
	struct fx *fx = *state;

	assert_int_equal(link("canary/file", "target/f"), 0);
	begin(fx);
	assert_fails(put_file(fx, "f", "sings"), MV_EEXIST, &fx->err);
	end(fx);
	fx->opts.overwrite = true;
	begin(fx);
	/* Content that differs is written to a new file. */
	assert_ok(put_file(fx, "f", "crows"), &fx->err);
	end(fx);
	assert_holds("canary/file", "sings");
	assert_holds("target/f", "crows");
}

static void
a_planted_fifo_or_file_link_is_not_opened(void **state)
{
	struct fx *fx = *state;

	assert_int_equal(mkfifo("target/fifo", 0600), 0);
	assert_int_equal(symlink("../canary/file", "target/soft"), 0);
	begin(fx);
	assert_fails(put_file(fx, "fifo", ""), MV_EEXIST, &fx->err);
	assert_fails(put_file(fx, "soft", "sings"), MV_EEXIST, &fx->err);
	end(fx);
}

static void
paths_that_lead_outside_are_refused(void **state)
{
	static const char *const bad[] = { "../canary/new", "/tmp/x", "a/../b",
	    "." };
	struct fx *fx = *state;
	size_t i;

	begin(fx);
	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		struct mv_entry *e = entry(fx, MV_ENTRY_FILE, bad[i], 0644);

		assert_fails(mv_extract_begin(fx->x, e, &fx->err), MV_EUSAGE,
		    &fx->err);
		assert_fails(put_dir(fx, bad[i], 0755), MV_EUSAGE, &fx->err);
		assert_fails(put_link(fx, MV_ENTRY_SYMLINK, bad[i], "x"),
		    MV_EUSAGE, &fx->err);
		assert_fails(put_link(fx, MV_ENTRY_HARDLINK, "z", bad[i]),
		    MV_EUSAGE, &fx->err);
	}
	end(fx);
	assert_int_equal(mv_test_count(".", "new"), 0);
}

static void
wrong_amounts_of_content_leave_nothing(void **state)
{
	struct fx *fx = *state;
	struct mv_entry *e;

	begin(fx);
	e = entry(fx, MV_ENTRY_FILE, "f", 0644);
	e->size = 4;
	e->nchunks = 1;
	assert_ok(mv_extract_begin(fx->x, e, &fx->err), &fx->err);
	assert_ok(mv_extract_data(fx->x, "tex", 3, &fx->err), &fx->err);
	assert_fails(mv_extract_finish(fx->x, &fx->err), MV_ECORRUPT,
	    &fx->err);
	assert_ok(mv_extract_begin(fx->x, e, &fx->err), &fx->err);
	assert_fails(mv_extract_data(fx->x, "texts", 5, &fx->err),
	    MV_ECORRUPT, &fx->err);
	mv_extract_abort(fx->x);
	assert_ok(mv_extract_begin(fx->x, e, &fx->err), &fx->err);
	mv_extract_free(fx->x);
	fx->x = NULL;
	assert_int_equal(rmdir("target"), 0);
}

static void
a_link_to_an_aborted_file_is_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_entry *e;

	mv_test_write("target/a", "old", 3);
	fx->opts.overwrite = true;
	begin(fx);
	e = entry(fx, MV_ENTRY_FILE, "a", 0644);
	e->size = 3;
	e->nchunks = 1;
	assert_ok(mv_extract_begin(fx->x, e, &fx->err), &fx->err);
	mv_extract_abort(fx->x);
	assert_fails(put_link(fx, MV_ENTRY_HARDLINK, "b", "a"), MV_EEXIST,
	    &fx->err);
	end(fx);
	assert_holds("target/a", "old");
}

static void
holes_stay_holes(void **state)
{
	struct fx *fx = *state;
	struct mv_entry *e;
	char middle[4];
	int fd;

	begin(fx);
	e = entry(fx, MV_ENTRY_FILE, "sparse", 0600);
	e->size = 3LL << 30;
	e->sparse = true;
	e->nchunks = 1;
	assert_ok(mv_entry_add_extent(e, 4096, 2, &fx->err), &fx->err);
	assert_ok(mv_entry_add_extent(e, 2LL << 30, 4, &fx->err), &fx->err);
	assert_ok(mv_extract_begin(fx->x, e, &fx->err), &fx->err);
	assert_ok(mv_extract_data(fx->x, "abm", 3, &fx->err), &fx->err);
	assert_ok(mv_extract_data(fx->x, "idd", 3, &fx->err), &fx->err);
	assert_ok(mv_extract_finish(fx->x, &fx->err), &fx->err);
	end(fx);
	assert_true(look("target/sparse").st_size == 3LL << 30);
	assert_true(look("target/sparse").st_blocks < 1000);
	fd = open("target/sparse", O_RDONLY);
	assert_int_equal(pread(fd, middle, 4, 2LL << 30), 4);
	assert_memory_equal(middle, "midd", 4);
	assert_int_equal(close(fd), 0);
}

static void
attributes_are_set_and_inherited_ones_removed(void **state)
{
	struct fx *fx = *state;
	struct mv_entry *e;
	char value[8];

	mv_test_write("target/f", "text", 4);
	if (setxattr("target/f", "user.extra", "x", 1, 0) < 0) {
		print_message("this file system has no attributes\n");
		skip();
	}
	begin(fx);
	e = entry(fx, MV_ENTRY_FILE, "f", 0600);
	assert_ok(mv_entry_add_xattr(e, SPAN("user.a"), SPAN("1"), &fx->err),
	    &fx->err);
	assert_ok(mv_entry_add_xattr(e, SPAN("user.b"), SPAN(""), &fx->err),
	    &fx->err);
	assert_ok(put_entry(fx, e, "text"), &fx->err);
	end(fx);
	assert_int_equal(getxattr("target/f", "user.a", value, 8), 1);
	assert_int_equal(getxattr("target/f", "user.b", value, 8), 0);
	assert_int_equal(getxattr("target/f", "user.extra", value, 8), -1);
	assert_int_equal(fx->facts.xattrs, 0);
}

/* An ACL as the kernel writes it: u::rw- u:1:r-- g::--- m::r-- o::---. */
static const char acl[] = "\2\0\0\0" "\1\0\6\0\xff\xff\xff\xff"
    "\2\0\4\0\1\0\0\0" "\4\0\0\0\xff\xff\xff\xff"
    "\x10\0\4\0\xff\xff\xff\xff" "\x20\0\0\0\xff\xff\xff\xff";

static void
access_lists_are_restored(void **state)
{
	struct fx *fx = *state;
	struct mv_entry *e;
	char back[64];

	begin(fx);
	e = entry(fx, MV_ENTRY_FILE, "f", 0640);
	assert_ok(mv_entry_add_xattr(e, SPAN("system.posix_acl_access"),
	    (struct mv_span){ (const uint8_t *)acl, sizeof(acl) - 1 },
	    &fx->err), &fx->err);
	assert_ok(put_entry(fx, e, "text"), &fx->err);
	end(fx);
	if (fx->facts.xattrs > 0) {
		print_message("this file system has no access lists\n");
		skip();
	}
	assert_int_equal(getxattr("target/f", "system.posix_acl_access",
	    back, sizeof(back)), sizeof(acl) - 1);
	assert_memory_equal(back, acl, sizeof(acl) - 1);
	assert_int_equal(look("target/f").st_mode & 07777, 0640);
}

static void
very_deep_paths_are_reached(void **state)
{
	struct fx *fx = *state;
	char path[400] = "";
	struct mv_entry *e;
	int i;

	begin(fx);
	for (i = 0; i < 100; i++) {
		assert_ok(put_dir(fx, path, 0755), &fx->err);
		memcpy(path + strlen(path), &"/d"[i == 0],
		    3 - (i == 0));
	}
	assert_ok(put_dir(fx, path, 0751), &fx->err);
	memcpy(path + strlen(path), "/f", 3);
	e = entry(fx, MV_ENTRY_FILE, path, 0600);
	assert_ok(put_entry(fx, e, "deep"), &fx->err);
	assert_true(mv_test_open_fds() < 60);
	end(fx);
	assert_int_equal(chdir("target"), 0);
	assert_holds(path, "deep");
	path[strlen(path) - 2] = '\0';
	assert_int_equal(look(path).st_mode & 07777, 0751);
	assert_int_equal(look(path).st_mtim.tv_sec, STAMP);
	assert_int_equal(chdir(".."), 0);
}

static void
missing_parents_are_made_for_parts_of_a_tree(void **state)
{
	struct fx *fx = *state;

	begin(fx);
	assert_ok(put_file(fx, "a/b/c", "text"), &fx->err);
	end(fx);
	assert_holds("target/a/b/c", "text");
	assert_int_equal(look("target/a").st_mode & 07777, 0700);
}

static void
owners_go_by_name_where_known(void **state)
{
	struct fx *fx = *state;
	struct mv_entry *e;

	if (getuid() != 0)
		skip();
	begin(fx);
	e = entry(fx, MV_ENTRY_FILE, "known", 06755);
	e->uid = e->gid = 4242;
	e->owner = SPAN("daemon");
	e->group = SPAN("daemon");
	assert_ok(put_entry(fx, e, "x"), &fx->err);
	e = entry(fx, MV_ENTRY_FILE, "unknown", 0755);
	e->uid = e->gid = 4242;
	e->owner = SPAN("nobody-has-this-name");
	assert_ok(put_entry(fx, e, "x"), &fx->err);
	e = entry(fx, MV_ENTRY_SYMLINK, "zlink", 0777);
	e->uid = e->gid = 4242;
	e->target = SPAN("../canary/file");
	assert_ok(mv_extract_put(fx->x, e, &fx->err), &fx->err);
	end(fx);
	assert_int_equal(look("target/known").st_uid, 1);
	assert_int_equal(look("target/known").st_mode & 07777, 06755);
	assert_int_equal(look("target/unknown").st_uid, 4242);
	assert_int_equal(look("target/zlink").st_uid, 4242);
	assert_int_equal(fx->facts.owners, 0);
}

/* In a child that is nobody; its exit status tells. */
static int
restore_as_nobody(struct fx *fx)
{
	struct mv_entry *e;
	struct stat st;

	if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 70;
	begin(fx);
	e = entry(fx, MV_ENTRY_FILE, "a", 06755);
	e->uid = 1;
	if (put_entry(fx, e, "x") < 0 || put_dir(fx, "b", 0) < 0 ||
	    put_file(fx, "b/c", "x") < 0)
		return 1;
	/* Again: closed to ourselves, and kept nevertheless. */
	end(fx);
	if (fx->facts.owners != 1 || fx->facts.modes != 1 ||
	    fx->facts.nshown != 2 || strcmp(fx->facts.shown[0], "a") != 0)
		return 2;
	if (stat("target/a", &st) < 0 || (st.st_mode & 07777) != 0755)
		return 3;
	begin(fx);
	if (put_dir(fx, "b", 0) < 0 || put_file(fx, "b/c", "x") < 0)
		return 4;
	end(fx);
	if (fx->facts.kept != 2 || chmod("target/b", 0700) < 0)
		return 5;
	return 0;
}

static void
without_root_owners_are_listed_and_set_id_bits_dropped(void **state)
{
	struct fx *fx = *state;
	int status;
	pid_t pid;

	assert_int_equal(chmod(fx->dir, 0755), 0);
	assert_int_equal(chmod("target", 0777), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(restore_as_nobody(fx));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_tree_comes_out_as_it_was),
		T(what_is_there_and_the_same_is_kept),
		T(metadata_of_kept_files_is_mended),
		T(what_differs_is_refused),
		T(overwriting_replaces_files_but_no_directory),
		T(planted_directory_links_lead_nowhere),
		T(restored_links_are_not_walked_through),
		T(a_directory_swapped_for_a_link_is_not_followed),
		T(a_planted_hard_link_is_not_changed),
		T(a_planted_fifo_or_file_link_is_not_opened),
		T(paths_that_lead_outside_are_refused),
		T(wrong_amounts_of_content_leave_nothing),
		T(a_link_to_an_aborted_file_is_refused),
		T(holes_stay_holes),
		T(attributes_are_set_and_inherited_ones_removed),
		T(access_lists_are_restored),
		T(very_deep_paths_are_reached),
		T(missing_parents_are_made_for_parts_of_a_tree),
		T(owners_go_by_name_where_known),
		T(without_root_owners_are_listed_and_set_id_bits_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
