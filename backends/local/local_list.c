/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "local/local_internal.h"

/* Where a listing is, and what it is for. */
struct listing {
	const struct local *l;
	int (*each)(const char *name, uint64_t size, void *arg);
	void *arg;
	char path[MV_NAME_MAX + 1];
};

static int list_dir(struct listing *ls, int fd, size_t len,
    struct mv_err *err);

static void
closedirp(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

/* Descend into what was a directory a moment ago. */
static int
list_below(struct listing *ls, int parent, const char *part, size_t len,
    struct mv_err *err)
{
	int fd;

	fd = openat(parent, part,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return mv_err_sys(err, "open directory '%s/%s'", ls->l->root,
		    ls->path);
	if (len == MV_NAME_MAX) {
		(void)close(fd);
		return 0;
	}
	ls->path[len++] = '/';
	return list_dir(ls, fd, len, err);
}

/* One entry of the directory whose path, with its slash, has length len. */
static int
list_entry(struct listing *ls, int parent, const char *part, size_t len,
    struct mv_err *err)
{
	size_t part_len = strlen(part);
	struct stat st;

	if (part_len > MV_NAME_MAX - len)
		return 0;
	memcpy(ls->path + len, part, part_len + 1);
	/* Also what begins with a dot: "." itself, ".." and temporaries. */
	if (!mv_store_name_ok(ls->path))
		return 0;
	if (fstatat(parent, part, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		/* Removed since: it is no longer an object. */
		if (errno == ENOENT)
			return 0;
		return mv_err_sys(err, "stat '%s/%s'", ls->l->root, ls->path);
	}
	if (S_ISDIR(st.st_mode))
		return list_below(ls, parent, part, len + part_len, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	return ls->each(ls->path, (uint64_t)st.st_size, ls->arg);
}

/* Takes over fd. */
static int
list_dir(struct listing *ls, int fd, size_t len, struct mv_err *err)
{
	mv_auto(closedirp) DIR *dir = fdopendir(fd);
	struct dirent *e;
	int rc;

	if (dir == NULL) {
		rc = mv_err_sys(err, "read directory below '%s'", ls->l->root);
		(void)close(fd);
		return rc;
	}
	while (errno = 0, (e = readdir(dir)) != NULL) {
		rc = list_entry(ls, dirfd(dir), e->d_name, len, err);
		if (rc != 0)
			return rc;
	}
	if (errno != 0)
		return mv_err_sys(err, "read directory below '%s'",
		    ls->l->root);
	return 0;
}

int
mv_local_list(struct mv_store *st, const char *prefix,
    int (*each)(const char *name, uint64_t size, void *arg), void *arg,
    struct mv_err *err)
{
	/* base is the first member. */
	struct local *l = (struct local *)(void *)st;
	struct listing ls = { .l = l, .each = each, .arg = arg };
	struct mv_err why = { 0 };
	size_t len = strlen(prefix);
	const char *last;
	int fd, rc;

	if (len > MV_NAME_MAX)
		return 0;
	rc = mv_local_dir(l, prefix, 0, &fd, &last, &why);
	/* Nothing was ever put there. */
	if (rc == MV_ENOTFOUND)
		return 0;
	if (rc < 0) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	memcpy(ls.path, prefix, len);
	/* A directory of its own: readdir moves the offset of the one shared. */
	if (len == 0) {
		(void)close(fd);
		fd = openat(l->rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return mv_err_sys(err, "open directory '%s'", l->root);
	}
	return list_dir(&ls, fd, len, err);
}
