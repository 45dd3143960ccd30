/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *
text_of(const struct mv_err *err)
{
	static char text[MV_ERR_TEXT_MAX + 64];

	if (err->code == MV_OK)
		return "(nothing was said)";
	(void)mv_err_text(err, text, sizeof(text));
	return text;
}

void
mv_test_ok(int rc, const struct mv_err *err, const char *call,
    const char *file, int line)
{
	if (rc >= 0 && err->code == MV_OK)
		return;
	print_error("%s\n  gave %s: %s (set at %s:%d)\n", call,
	    mv_code_name(rc), text_of(err), err->file ? err->file : "?",
	    err->line);
	_fail(file, line);
}

void
mv_test_fails(int rc, int want, const struct mv_err *err, const char *call,
    const char *file, int line)
{
	if (rc == want && (int)err->code == want && err->nframes > 0 &&
	    err->text[0] != '\0')
		return;
	print_error("%s\n  gave %s instead of %s; the error is %s: %s\n",
	    call, mv_code_name(rc), mv_code_name(want),
	    mv_code_name(err->code), text_of(err));
	_fail(file, line);
}

void
mv_test_says(const struct mv_err *err, const char *part, const char *file,
    int line)
{
	if (strstr(text_of(err), part) != NULL)
		return;
	print_error("'%s' is not in: %s\n", part, text_of(err));
	_fail(file, line);
}

/* The support code itself must not go wrong quietly. */
static void
must(int ok, const char *what, const char *path)
{
	if (ok)
		return;
	print_error("%s '%s': %s\n", what, path, strerror(errno));
	abort();
}

char *
mv_test_dir(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	must(asprintf(&path, "%s/mvtest-XXXXXX", base ? base : "/tmp") > 0,
	    "name", "directory");
	must(mkdtemp(path) != NULL, "mkdtemp", path);
	return path;
}

/* By rm, which also gets rid of what is deeper than any path may be. */
void
mv_test_rmdir(const char *path)
{
	pid_t pid;

	if (path == NULL)
		return;
	pid = fork();
	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", "--", path, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

char *
mv_test_path(const char *dir, const char *name)
{
	char *path = NULL;

	must(asprintf(&path, "%s/%s", dir, name) > 0, "name", name);
	return path;
}

void
mv_test_write(const char *path, const void *buf, size_t len)
{
	FILE *f = fopen(path, "wb");

	must(f != NULL, "open", path);
	must(fwrite(buf, 1, len, f) == len, "write", path);
	must(fclose(f) == 0, "close", path);
}

void
mv_test_read(const char *path, struct mv_buf *out)
{
	FILE *f = fopen(path, "rb");
	char buf[8192];
	size_t n;

	must(f != NULL, "open", path);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		mv_buf_put(out, buf, n);
	must(!ferror(f), "read", path);
	(void)fclose(f);
}

static const char *count_part;
static size_t count_found;

static int
count_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	if (flag == FTW_F && strstr(path + ftw->base, count_part) != NULL)
		count_found++;
	return 0;
}

size_t
mv_test_count(const char *dir, const char *part)
{
	count_part = part;
	count_found = 0;
	(void)nftw(dir, count_one, 16, FTW_PHYS);
	return count_found;
}

size_t
mv_test_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	must(dir != NULL, "open", "/proc/self/fd");
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n - 3;	/* ".", ".." and the directory itself */
}

void
mv_test_fill(void *buf, size_t len, uint64_t seed)
{
	uint8_t *p = buf;
	uint64_t x = 0;
	size_t i;

	/* splitmix64 */
	for (i = 0; i < len; i++) {
		if (i % 8 == 0) {
			seed += 0x9e3779b97f4a7c15;
			x = seed;
			x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
			x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
			x ^= x >> 31;
		}
		p[i] = (uint8_t)(x >> (8 * (i % 8)));
	}
}
