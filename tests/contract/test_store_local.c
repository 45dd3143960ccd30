/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local/local.h"
#include "store/store.h"
#include "support/mv_test.h"

struct fx {
	char *dir;
	char *root;
	struct mv_store *st;
	struct mv_buf buf;
	int fd;
};

static struct mv_err err;

static const struct mv_store_ops *const backends[] = { &mv_store_local, NULL };

static void
open_at(const char *root, struct mv_store **out)
{
	mv_auto(mv_freep) char *url = NULL;

	assert_true(asprintf(&url, "file://%s", root) > 0);
	assert_ok(mv_store_open(backends, url, out, &err), &err);
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	*state = fx;
	fx->fd = -1;
	fx->dir = mv_test_dir();
	fx->root = mv_test_path(fx->dir, "a/b/store");
	open_at(fx->root, &fx->st);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_store_free(fx->st);
	mv_buf_clear(&fx->buf);
	mv_fd_closep(&fx->fd);
	mv_test_rmdir(fx->dir);
	free(fx->root);
	free(fx->dir);
	free(fx);
	return 0;
}

static int
count(const char *name, uint64_t size, void *arg)
{
	(void)name;
	(void)size;
	++*(unsigned *)arg;
	return 0;
}

static unsigned
listed(struct fx *fx)
{
	unsigned n = 0;

	assert_ok(mv_store_list(fx->st, "", count, &n, &err), &err);
	return n;
}

static void
urls_are_absolute_paths_and_nothing_else(void **state)
{
	static const char *const bad[] = {
		"file:", "file:/srv", "file://", "file:///", "file:////",
		"file://host/srv", "file:srv", "file://srv",
	};
	struct mv_store *st = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(bad); i++)
		assert_fails(mv_store_open(backends, bad[i], &st, &err),
		    MV_EUSAGE, &err);
	assert_null(st);
}

static void
missing_root_is_no_repository_and_stays_missing(void **state)
{
	struct fx *fx = *state;
	uint64_t n;
	unsigned seen = 0;
	size_t got;
	char c;

	assert_fails(mv_store_put(fx->st, "a", "x", 1, &err), MV_ENOREPO,
	    &err);
	assert_fails(mv_store_get(fx->st, "a", 0, &c, 1, &got, &err),
	    MV_ENOREPO, &err);
	assert_fails(mv_store_size(fx->st, "a", &n, &err), MV_ENOREPO, &err);
	assert_fails(mv_store_remove(fx->st, "a", &err), MV_ENOREPO, &err);
	assert_fails(mv_store_list(fx->st, "", count, &seen, &err),
	    MV_ENOREPO, &err);
	assert_fails(mv_store_space(fx->st, &n, &n, &err), MV_ENOREPO, &err);
	assert_int_equal(access(fx->root, F_OK), -1);
}

static void
only_the_owner_can_read_and_nobody_write(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *dir = mv_test_path(fx->root, "packs");
	mv_auto(mv_freep) char *file = mv_test_path(fx->root, "packs/a");
	mode_t old = umask(0);
	struct stat sb;

	assert_ok(mv_store_create(fx->st, &err), &err);
	assert_ok(mv_store_put(fx->st, "packs/a", "x", 1, &err), &err);
	(void)umask(old);
	assert_int_equal(stat(fx->root, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0700);
	assert_int_equal(stat(dir, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0700);
	assert_int_equal(stat(file, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0400);
	assert_int_equal(sb.st_nlink, 1);
}

static void
another_process_sees_the_same(void **state)
{
	struct fx *fx = *state;

	assert_ok(mv_store_create(fx->st, &err), &err);
	assert_ok(mv_store_put(fx->st, "packs/a", "toot", 4, &err), &err);
	mv_store_freep(&fx->st);
	open_at(fx->root, &fx->st);
	assert_ok(mv_store_get_all(fx->st, "packs/a", 10, &fx->buf, &err),
	    &err);
	assert_memory_equal(fx->buf.p, "toot", 4);
}

static void
link_in_root(struct fx *fx, const char *to, const char *name)
{
	mv_auto(mv_freep) char *path = mv_test_path(fx->root, name);

	assert_int_equal(symlink(to, path), 0);
}

static void
planted_links_are_not_followed(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *secret = mv_test_path(fx->dir, "secret");
	mv_auto(mv_freep) char *made = mv_test_path(fx->dir, "made");
	uint64_t size;
	size_t got;
	char c;

	assert_ok(mv_store_create(fx->st, &err), &err);
	mv_test_write(secret, "x", 1);
	link_in_root(fx, secret, "config");
	link_in_root(fx, fx->dir, "packs");
	link_in_root(fx, made, "dangling");
	assert_fails(mv_store_get(fx->st, "config", 0, &c, 1, &got, &err),
	    MV_ECORRUPT, &err);
	assert_fails(mv_store_size(fx->st, "config", &size, &err),
	    MV_ECORRUPT, &err);
	assert_fails(mv_store_get(fx->st, "packs/secret", 0, &c, 1, &got,
	    &err), MV_ECORRUPT, &err);
	assert_fails(mv_store_put(fx->st, "packs/new", "x", 1, &err),
	    MV_ECORRUPT, &err);
	assert_fails(mv_store_remove(fx->st, "packs/secret", &err),
	    MV_ECORRUPT, &err);
	assert_fails(mv_store_put(fx->st, "dangling", "x", 1, &err),
	    MV_EEXIST, &err);
	assert_int_equal(access(made, F_OK), -1);
	assert_int_equal(access(secret, F_OK), 0);
	assert_int_equal(listed(fx), 0);
}

static void
what_is_no_object_is_not_listed(void **state)
{
	struct fx *fx = *state;
	static const char *const foreign[] = {
		"README", ".hidden", ".tmp/x", "packs/UPPER", "with space",
	};
	size_t i, got;
	char c;

	assert_ok(mv_store_create(fx->st, &err), &err);
	assert_ok(mv_store_put(fx->st, "packs/a", "x", 1, &err), &err);
	for (i = 0; i < MV_ARRAY_LEN(foreign); i++) {
		mv_auto(mv_freep) char *path = mv_test_path(fx->root,
		    foreign[i]);

		mv_test_write(path, "?", 1);
	}
	{
		mv_auto(mv_freep) char *fifo = mv_test_path(fx->root, "fifo");
		mv_auto(mv_freep) char *odd = mv_test_path(fx->root,
		    "lost+found");

		assert_int_equal(mkfifo(fifo, 0600), 0);
		assert_int_equal(mkdir(odd, 0700), 0);
	}
	assert_int_equal(listed(fx), 1);
	assert_fails(mv_store_get(fx->st, "fifo", 0, &c, 1, &got, &err),
	    MV_ECORRUPT, &err);
	assert_fails(mv_store_get(fx->st, "packs", 0, &c, 1, &got, &err),
	    MV_ECORRUPT, &err);
}

/* A directory deeper than any name can be is walked past, not into. */
static void
endless_directories_end_the_listing_nowhere(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_fd_closep) int fd = -1;
	int i, next;

	assert_ok(mv_store_create(fx->st, &err), &err);
	assert_ok(mv_store_put(fx->st, "packs/a", "x", 1, &err), &err);
	fd = open(fx->root, O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 200; i++) {
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		(void)close(fd);
		fd = next;
	}
	assert_int_equal(listed(fx), 1);
}

static void
killed_writers_are_swept_and_living_ones_are_not(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) char *tmp = mv_test_path(fx->root, ".tmp");
	mv_auto(mv_freep) char *dead = mv_test_path(tmp,
	    ".mv-0123456789abcdef.tmp");
	mv_auto(mv_freep) char *alive = mv_test_path(tmp,
	    ".mv-fedcba9876543210.tmp");
	mv_auto(mv_freep) char *foreign = mv_test_path(tmp, "notes.tmp");

	assert_ok(mv_store_create(fx->st, &err), &err);
	mv_store_freep(&fx->st);
	mv_test_write(dead, "half", 4);
	mv_test_write(alive, "half", 4);
	mv_test_write(foreign, "mine", 4);
	fx->fd = open(alive, O_RDONLY);
	assert_int_equal(flock(fx->fd, LOCK_EX), 0);

	open_at(fx->root, &fx->st);
	assert_ok(mv_store_put(fx->st, "a", "x", 1, &err), &err);
	assert_int_equal(access(dead, F_OK), -1);
	assert_int_equal(access(alive, F_OK), 0);
	assert_int_equal(access(foreign, F_OK), 0);
}

static void
puts_of_two_processes_do_not_disturb_each_other(void **state)
{
	struct fx *fx = *state;
	mv_auto(mv_freep) uint8_t *data = calloc(1, 100000);
	int i, st, child = 0;
	char name[32];
	pid_t pid;

	assert_ok(mv_store_create(fx->st, &err), &err);
	pid = fork();
	if (pid == 0)
		child = 1;
	/* Each put opens the store anew, and so sweeps while the other writes. */
	for (i = 0; i < 60; i++) {
		struct mv_store *st2 = NULL;

		open_at(fx->root, &st2);
		(void)snprintf(name, sizeof(name), "packs/%d-%d", child, i);
		if (mv_store_put(st2, name, data, 100000, NULL) < 0 && child)
			_exit(1);
		mv_store_free(st2);
	}
	if (child)
		_exit(0);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	assert_int_equal(listed(fx), 120);
	assert_int_equal(mv_test_count(fx->root, ".tmp"), 0);
}

static int
write_proc(const char *path, const char *text)
{
	mv_auto(mv_fd_closep) int fd = open(path, O_WRONLY);
	size_t len = strlen(text);

	return fd >= 0 && write(fd, text, len) == (ssize_t)len ? 0 : -1;
}

/* Who is not root may mount only where it is, which it is to itself. */
static int
own_namespaces(void)
{
	unsigned uid = getuid(), gid = getgid();
	char uids[64], gids[64];

	if (uid == 0)
		return unshare(CLONE_NEWNS);
	(void)snprintf(uids, sizeof(uids), "%u %u 1", uid, uid);
	(void)snprintf(gids, sizeof(gids), "%u %u 1", gid, gid);
	if (unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0 ||
	    write_proc("/proc/self/uid_map", uids) < 0 ||
	    write_proc("/proc/self/setgroups", "deny") < 0)
		return -1;
	return write_proc("/proc/self/gid_map", gids);
}

/* A file system of 2 MiB on dir, in a name space of this process's own. */
static int
mount_small(const char *dir)
{
	if (own_namespaces() < 0 || mount("none", "/", "none",
	    MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount("tmpfs", dir, "tmpfs", 0, "size=2m,nr_inodes=64");
}

/* Fill it up; then everything that was put is whole, and nothing else there. */
static int
fill_up(struct fx *fx, size_t len, int *puts)
{
	mv_auto(mv_freep) uint8_t *data = malloc(len + 1);
	mv_auto(mv_freep) uint8_t *back = malloc(len + 1);
	char name[32];
	uint64_t size;
	size_t got;
	int i, rc, n;

	memset(data, 'x', len + 1);
	for (n = 0; n < 1000; n++) {
		(void)snprintf(name, sizeof(name), "packs/%d/p", n);
		rc = mv_store_put(fx->st, name, data, len, NULL);
		if (rc < 0)
			break;
	}
	*puts = n;
	if (rc != MV_ENOSPC || mv_store_size(fx->st, name, &size, NULL) !=
	    MV_ENOTFOUND || mv_test_count(fx->root, ".tmp") != 0)
		return 1;
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "packs/%d/p", i);
		if (mv_store_get(fx->st, name, 0, back, len + 1, &got, NULL) <
		    0 || got != len || memcmp(data, back, len) != 0)
			return 2;
	}
	/* Room again: it goes on as if nothing had been. */
	if (mv_store_remove(fx->st, "packs/0/p", NULL) < 0 ||
	    mv_store_put(fx->st, "packs/0/q", data, len, NULL) < 0)
		return 3;
	return 0;
}

static int
full_disk_child(struct fx *fx)
{
	mv_auto(mv_freep) char *root = mv_test_path(fx->root, "s");
	int rc, puts;

	if (mount_small(fx->root) < 0)
		return 77;
	mv_store_freep(&fx->st);
	open_at(root, &fx->st);
	if (mv_store_create(fx->st, NULL) < 0)
		return 10;
	/* First the bytes run out, then (empty objects) the inodes. */
	rc = fill_up(fx, 200000, &puts);
	if (rc != 0 || puts < 5)
		return rc + 20;
	mv_store_freep(&fx->st);
	mv_test_rmdir(root);
	open_at(root, &fx->st);
	if (mv_store_create(fx->st, NULL) < 0)
		return 11;
	rc = fill_up(fx, 0, &puts);
	return rc != 0 || puts < 5 ? rc + 30 : 0;
}

static void
full_disk_is_said_and_leaves_nothing_half(void **state)
{
	struct fx *fx = *state;
	pid_t pid;
	int st;

	assert_ok(mv_store_create(fx->st, &err), &err);
	pid = fork();
	if (pid == 0)
		_exit(full_disk_child(fx));
	assert_int_equal(waitpid(pid, &st, 0), pid);
	if (WIFEXITED(st) && WEXITSTATUS(st) == 77) {
		print_message("skipped: no tmpfs can be mounted here\n");
		skip();
	}
	assert_int_equal(st, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(urls_are_absolute_paths_and_nothing_else),
		T(missing_root_is_no_repository_and_stays_missing),
		T(only_the_owner_can_read_and_nobody_write),
		T(another_process_sees_the_same),
		T(planted_links_are_not_followed),
		T(what_is_no_object_is_not_listed),
		T(endless_directories_end_the_listing_nowhere),
		T(killed_writers_are_swept_and_living_ones_are_not),
		T(puts_of_two_processes_do_not_disturb_each_other),
		T(full_disk_is_said_and_leaves_nothing_half),
	};

	return cmocka_run_group_tests_name("store_local", tests, NULL, NULL);
}
