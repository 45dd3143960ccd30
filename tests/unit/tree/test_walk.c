/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support/mv_test.h"
#include "tree/walk.h"

struct fx {
	char *dir;
	char *home;		/* where the test began */
	struct mv_walk *w;
	struct mv_walk_opts opts;
	struct mv_buf seen;	/* one line an entry */
	struct mv_buf told;	/* one line a problem */
	struct mv_err err;
};

static void
note(void *arg, enum mv_walk_problem what, struct mv_span path,
    const struct mv_err *err)
{
	static const char *const names[] = { "unreadable", "vanished",
	    "special" };
	struct fx *fx = arg;

	assert_true(err->code < 0);
	mv_buf_printf(&fx->told, "%s %.*s\n", names[what], (int)path.len,
	    (const char *)path.p);
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	assert_non_null(fx);
	fx->home = getcwd(NULL, 0);
	fx->dir = mv_test_dir();
	assert_int_equal(chdir(fx->dir), 0);
	fx->opts.report = note;
	fx->opts.arg = fx;
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_walk_free(fx->w);
	(void)!chdir(fx->home);
	mv_test_rmdir(fx->dir);
	mv_buf_clear(&fx->seen);
	mv_buf_clear(&fx->told);
	free(fx->dir);
	free(fx->home);
	free(fx);
	return 0;
}

static void
dir(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static void
file(const char *path)
{
	mv_test_write(path, path, strlen(path));
}

static void
open_walk(struct fx *fx)
{
	mv_walk_free(fx->w);
	fx->w = NULL;
	assert_ok(mv_walk_open(".", &fx->opts, &fx->w, &fx->err), &fx->err);
}

/* Advance to the entry with this path. */
static struct mv_entry *
walk_to(struct fx *fx, const char *path, struct mv_walk_stat *st)
{
	struct mv_entry *e;

	do {
		fx->err = (struct mv_err){ 0 };
		assert_int_equal(mv_walk_next(fx->w, &e, st, &fx->err), 1);
	} while (e->path.len != strlen(path) ||
	    memcmp(e->path.p, path, e->path.len) != 0);
	return e;
}

/* Walk all; every entry must encode and make a manifest in order. */
static const char *
walk_all(struct fx *fx)
{
	uint8_t last[MV_PATH_MAX];
	size_t last_len = 0;
	mv_auto(mv_buf_clear) struct mv_buf record = { 0 };
	struct mv_entry *e;
	struct mv_walk_stat st;
	bool first = true;
	int rc;

	open_walk(fx);
	mv_buf_reset(&fx->seen);
	mv_buf_reset(&fx->told);
	for (;;) {
		rc = mv_walk_next(fx->w, &e, &st, &fx->err);
		assert_ok(rc, &fx->err);
		if (rc == 0)
			break;
		e->nchunks = mv_entry_data_size(e) > 0;
		assert_ok(mv_entry_encode(e, &record, &fx->err), &fx->err);
		assert_true(first ? e->path.len == 0 : mv_path_cmp(
		    (struct mv_span){ last, last_len }, e->path) < 0);
		first = false;
		memcpy(last, e->path.p, e->path.len);
		last_len = e->path.len;
		mv_buf_printf(&fx->seen, "%c %.*s%s%.*s\n",
		    "?dflh"[e->type], (int)e->path.len,
		    (const char *)e->path.p, e->target.len > 0 ? " > " : "",
		    (int)e->target.len, (const char *)e->target.p);
	}
	mv_buf_put(&fx->told, "", 0);
	return mv_buf_cstr(&fx->seen);
}

static const char *
told(struct fx *fx)
{
	return mv_buf_cstr(&fx->told);
}

static void
entries_come_in_manifest_order(void **state)
{
	struct fx *fx = *state;

	dir("a");
	file("a/z");
	file("a/\x01");
	file("a.b");
	file("a-");
	dir("a/b");
	file("a/b/c");
	file("a/b.c");
	assert_string_equal(walk_all(fx), "d \nd a\nf a/\x01\nd a/b\n"
	    "f a/b/c\nf a/b.c\nf a/z\nf a-\nf a.b\n");
	assert_string_equal(told(fx), "");
}

static void
odd_names_are_bytes(void **state)
{
	struct fx *fx = *state;
	char longest[256] = { 0 }, want[600];

	memset(longest, 'x', 255);
	file("new\nline");
	file("\xff\xfe");
	file(longest);
	dir(" ");
	(void)snprintf(want, sizeof(want),
	    "d \nd  \nf new\nline\nf %s\nf \xff\xfe\n", longest);
	assert_string_equal(walk_all(fx), want);
}

static void
links_are_told_apart_and_never_followed(void **state)
{
	struct fx *fx = *state;

	dir("d");
	file("d/x");
	assert_int_equal(link("d/x", "again"), 0);
	assert_int_equal(link("d/x", "d/y"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(symlink("/etc", "etc"), 0);
	assert_int_equal(symlink("d", "to-d"), 0);
	assert_string_equal(walk_all(fx), "d \nf again\nd d\n"
	    "h d/x > again\nh d/y > again\nl dangling > nowhere\n"
	    "l etc > /etc\nl to-d > d\n");
}

static void
many_hard_links_are_remembered(void **state)
{
	struct fx *fx = *state;
	struct mv_entry *e;
	struct mv_walk_stat st;
	char a[16], b[16];
	int i, rc, links = 0;

	for (i = 0; i < 500; i++) {
		(void)snprintf(a, sizeof(a), "a%03d", i);
		(void)snprintf(b, sizeof(b), "b%03d", i);
		file(a);
		assert_int_equal(link(a, b), 0);
	}
	open_walk(fx);
	while ((rc = mv_walk_next(fx->w, &e, &st, &fx->err)) == 1) {
		if (e->type != MV_ENTRY_HARDLINK)
			continue;
		assert_int_equal(e->target.len, 4);
		assert_int_equal(e->target.p[0], 'a');
		assert_memory_equal(e->target.p + 1, e->path.p + 1, 3);
		links++;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(links, 500);
}

static void
a_link_to_a_skipped_file_stands_on_its_own(void **state)
{
	struct fx *fx = *state;
	struct mv_walk_stat st;
	struct mv_err why = { 0 };

	file("a");
	assert_int_equal(link("a", "b"), 0);
	assert_int_equal(link("a", "c"), 0);
	open_walk(fx);
	walk_to(fx, "a", &st);
	(void)mv_err_set(&why, MV_EIO, "a bad disk");
	mv_walk_skip(fx->w, &why);
	assert_int_equal(walk_to(fx, "b", &st)->type, MV_ENTRY_FILE);
	assert_int_equal(walk_to(fx, "c", &st)->type, MV_ENTRY_HARDLINK);
	assert_string_equal(told(fx), "unreadable a\n");
}

static void
excludes_fit_as_documented(void **state)
{
	static const char *const excludes[] = { "cache/", "backups", "*.tmp",
	    "a/*/small", "**/.git/", "**/core" };
	struct fx *fx = *state;
	struct mv_walk_counts counts;

	fx->opts.excludes = excludes;
	fx->opts.nexcludes = MV_ARRAY_LEN(excludes);
	dir("cache");
	file("cache/x");
	file("backups");
	file("x.tmp");
	dir("a");
	file("a/x.tmp");
	file("a/cache");
	dir("a/b");
	dir("a/b/small");
	file("a/b/small/x");
	dir("a/b/.git");
	file("a/b/.git/x");
	file("a/core");
	file("cache-not");
	assert_string_equal(walk_all(fx), "d \nd a\nd a/b\nf a/cache\n"
	    "f a/x.tmp\nf cache-not\n");
	mv_walk_counts(fx->w, &counts);
	assert_int_equal(counts.excluded, 6);
	assert_int_equal(counts.entries, 6);
}

static void
excludes_that_make_no_sense_are_refused(void **state)
{
	static const char *const bad[] = { "", "/", "/cache", "../x", "a//b",
	    "./cache", "**/" };
	struct fx *fx = *state;
	size_t i;

	file("x");
	fx->opts.nexcludes = 1;
	for (i = 0; i < MV_ARRAY_LEN(bad); i++) {
		fx->opts.excludes = &bad[i];
		assert_fails(mv_walk_open(".", &fx->opts, &fx->w, &fx->err),
		    MV_EUSAGE, &fx->err);
	}
}

static void
a_root_that_is_missing_or_empty_is_an_error(void **state)
{
	struct fx *fx = *state;

	assert_fails(mv_walk_open("nowhere", &fx->opts, &fx->w, &fx->err),
	    MV_ENOTFOUND, &fx->err);
	file("file");
	assert_fails(mv_walk_open("file", &fx->opts, &fx->w, &fx->err),
	    MV_EUSAGE, &fx->err);
	dir("empty");
	assert_fails(mv_walk_open("empty", &fx->opts, &fx->w, &fx->err),
	    MV_EREFUSED, &fx->err);
	dir("empty/lost+found");
	assert_fails(mv_walk_open("empty", &fx->opts, &fx->w, &fx->err),
	    MV_EREFUSED, &fx->err);
	fx->opts.allow_empty = true;
	assert_ok(mv_walk_open("empty", &fx->opts, &fx->w, &fx->err),
	    &fx->err);
}

static void
a_root_may_be_a_symbolic_link(void **state)
{
	struct fx *fx = *state;
	struct mv_walk_stat st;

	dir("real");
	file("real/x");
	assert_int_equal(symlink("real", "link"), 0);
	assert_ok(mv_walk_open("link", &fx->opts, &fx->w, &fx->err),
	    &fx->err);
	assert_int_equal(walk_to(fx, "x", &st)->size, 6);
}

static void
special_files_are_reported_and_left_out(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
	    .sun_path = "socket" };
	struct fx *fx = *state;
	int fd;

	file("a");
	assert_int_equal(mkfifo("fifo", 0644), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(close(fd), 0);
	assert_string_equal(walk_all(fx), "d \nf a\n");
	assert_string_equal(told(fx), "special fifo\nspecial socket\n");
}

static void
what_vanishes_is_counted_and_the_walk_goes_on(void **state)
{
	struct fx *fx = *state;
	struct mv_walk_counts counts;
	struct mv_walk_stat st;
	struct mv_entry *e;
	int fd;

	file("a");
	file("b");
	dir("c");
	dir("d");
	file("d/x");
	file("e");
	open_walk(fx);
	walk_to(fx, "a", &st);
	assert_int_equal(unlink("b"), 0);
	assert_int_equal(rmdir("c"), 0);
	walk_to(fx, "d/x", &st);
	assert_int_equal(unlink("d/x"), 0);
	assert_fails(mv_walk_open_file(fx->w, &fd, &fx->err), MV_ENOTFOUND,
	    &fx->err);
	mv_walk_skip(fx->w, &fx->err);
	walk_to(fx, "e", &st);
	assert_ok(mv_walk_next(fx->w, &e, &st, &fx->err), &fx->err);
	mv_walk_counts(fx->w, &counts);
	assert_int_equal(counts.vanished, 3);
	assert_int_equal(counts.unreadable, 0);
	assert_string_equal(told(fx), "vanished b\nvanished c\n"
	    "vanished d/x\n");
}

static void
a_file_that_was_replaced_is_not_opened(void **state)
{
	struct fx *fx = *state;
	struct mv_walk_stat st;
	int fd;

	file("a");
	open_walk(fx);
	walk_to(fx, "a", &st);
	assert_ok(mv_walk_open_file(fx->w, &fd, &fx->err), &fx->err);
	assert_int_equal(close(fd), 0);
	assert_int_equal(rename("a", "old"), 0);
	assert_int_equal(symlink("/etc/passwd", "a"), 0);
	assert_fails(mv_walk_open_file(fx->w, &fd, &fx->err), MV_ECHANGED,
	    &fx->err);
	assert_int_equal(unlink("a"), 0);
	file("a");
	assert_fails(mv_walk_open_file(fx->w, &fd, &fx->err), MV_ECHANGED,
	    &fx->err);
	assert_int_equal(unlink("a"), 0);
	assert_int_equal(mkfifo("a", 0644), 0);
	assert_fails(mv_walk_open_file(fx->w, &fd, &fx->err), MV_ECHANGED,
	    &fx->err);
}

/* Run fn in a child that is nobody, because root can read everything. */
static void
as_nobody(struct fx *fx, void (*fn)(struct fx *))
{
	int status;
	pid_t pid;

	assert_int_equal(chmod(fx->dir, 0777), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(70);
		fn(fx);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	_exit(1);
}

static void
walk_unreadable(struct fx *fx)
{
	struct mv_walk_stat st;
	int fd, rc = 0;

	check(strcmp(walk_all(fx), "d \nd a\nd closed\nf secret\nf z\n") == 0,
	    mv_buf_cstr(&fx->seen));
	check(strcmp(told(fx), "unreadable closed\n") == 0,
	    mv_buf_cstr(&fx->told));
	open_walk(fx);
	walk_to(fx, "secret", &st);
	rc = mv_walk_open_file(fx->w, &fd, &fx->err);
	check(rc == MV_EAUTH, "an unreadable file was opened");
}

static void
unreadable_things_are_reported_and_the_walk_goes_on(void **state)
{
	struct fx *fx = *state;

	dir("a");
	dir("closed");
	file("closed/x");
	file("secret");
	file("z");
	assert_int_equal(chmod("closed", 0), 0);
	assert_int_equal(chmod("secret", 0), 0);
	as_nobody(fx, walk_unreadable);
	assert_int_equal(chmod("closed", 0700), 0);
}

static void
attributes_are_read_sorted(void **state)
{
	struct fx *fx = *state;
	struct mv_walk_stat st;
	struct mv_entry *e;
	int fd;

	dir("d");
	file("f");
	if (setxattr("f", "user.b", "2", 1, 0) < 0 && errno == EOPNOTSUPP) {
		print_message("this file system has no attributes\n");
		skip();
	}
	assert_int_equal(setxattr("f", "user.a", "", 0, 0), 0);
	assert_int_equal(setxattr("d", "user.d", "on d", 4, 0), 0);
	open_walk(fx);
	e = walk_to(fx, "d", &st);
	assert_ok(mv_walk_xattrs(fx->w, -1, &fx->err), &fx->err);
	assert_int_equal(e->nxattrs, 1);
	assert_memory_equal(e->xattrs[0].value.p, "on d", 4);
	e = walk_to(fx, "f", &st);
	assert_ok(mv_walk_open_file(fx->w, &fd, &fx->err), &fx->err);
	assert_ok(mv_walk_xattrs(fx->w, fd, &fx->err), &fx->err);
	assert_int_equal(close(fd), 0);
	assert_int_equal(e->nxattrs, 2);
	assert_memory_equal(e->xattrs[0].name.p, "user.a", 6);
	assert_int_equal(e->xattrs[0].value.len, 0);
	assert_memory_equal(e->xattrs[1].name.p, "user.b", 6);
	/* Without a descriptor the path leads to the same. */
	assert_ok(mv_walk_xattrs(fx->w, -1, &fx->err), &fx->err);
	assert_int_equal(e->nxattrs, 2);
}

static void
metadata_is_that_of_the_file(void **state)
{
	struct timespec times[2] = { { 1, 0 }, { -5, 123456789 } };
	struct fx *fx = *state;
	struct mv_walk_stat st;
	struct mv_entry *e;
	struct stat sb;

	file("f");
	assert_int_equal(chmod("f", 06751), 0);
	assert_int_equal(utimensat(AT_FDCWD, "f", times, 0), 0);
	assert_int_equal(stat("f", &sb), 0);
	open_walk(fx);
	e = walk_to(fx, "f", &st);
	assert_int_equal(e->mode, 06751);
	assert_int_equal(e->mtime, -5);
	assert_int_equal(e->mtime_nsec, 123456789);
	assert_int_equal(e->uid, getuid());
	assert_int_equal(e->size, 1);
	assert_int_equal(st.ino, sb.st_ino);
	assert_int_equal(st.changed, sb.st_ctim.tv_sec);
	assert_true(st.fresh);
	if (getuid() == 0)
		assert_memory_equal(e->owner.p, "root", 4);
}

/* Deeper than descriptors are kept open, and than PATH_MAX allows to name. */
static void
deep_trees_need_few_descriptors(void **state)
{
	struct fx *fx = *state;
	struct mv_walk_counts counts;
	struct mv_walk_stat st;
	struct mv_entry *e;
	size_t before = mv_test_open_fds();
	int i, rc, n = 0;

	for (i = 0; i < 2100; i++) {
		file("x");
		dir("d");
		file("y");
		assert_int_equal(chdir("d"), 0);
	}
	assert_int_equal(chdir(fx->dir), 0);
	open_walk(fx);
	while ((rc = mv_walk_next(fx->w, &e, &st, &fx->err)) == 1) {
		assert_true(mv_test_open_fds() < before + 140);
		n++;
	}
	assert_int_equal(rc, 0);
	/* "d/d/...": 2048 directories and the files in all but the last. */
	assert_int_equal(n, 1 + 2048 + 2 * 2048);
	mv_walk_counts(fx->w, &counts);
	assert_int_equal(counts.unreadable, 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(entries_come_in_manifest_order),
		T(odd_names_are_bytes),
		T(links_are_told_apart_and_never_followed),
		T(many_hard_links_are_remembered),
		T(a_link_to_a_skipped_file_stands_on_its_own),
		T(excludes_fit_as_documented),
		T(excludes_that_make_no_sense_are_refused),
		T(a_root_that_is_missing_or_empty_is_an_error),
		T(a_root_may_be_a_symbolic_link),
		T(special_files_are_reported_and_left_out),
		T(what_vanishes_is_counted_and_the_walk_goes_on),
		T(a_file_that_was_replaced_is_not_opened),
		T(unreadable_things_are_reported_and_the_walk_goes_on),
		T(attributes_are_read_sorted),
		T(metadata_is_that_of_the_file),
		T(deep_trees_need_few_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
