/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_PLACE_H
#define TESTS_FUZZ_PLACE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * place: a directory of the process's own, for decoders that open files by
 * themselves.  What is in it has one of the names below, and goes at exit.
 */
static char place_path[4096];
static int place_fd = -1;

static void
place_empty(void)
{
	static const char *const names[] = { "run", "highwater",
	    "highwater.lock", "cache", "state.json", "kit.json",
	    "excludes", "lib/mastodon/version.rb" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(place_fd, names[i], 0);
}

static void
place_end(void)
{
	place_empty();
	(void)unlinkat(place_fd, "lib/mastodon", AT_REMOVEDIR);
	(void)unlinkat(place_fd, "lib", AT_REMOVEDIR);
	(void)rmdir(place_path);
}

/* Its path; place_fd is open on it from then on. */
static const char *
place(void)
{
	const char *tmp = getenv("TMPDIR");

	if (place_fd >= 0)
		return place_path;
	if (snprintf(place_path, sizeof(place_path), "%s/mv-fuzz.XXXXXX",
	    tmp != NULL ? tmp : "/tmp") >= (int)sizeof(place_path) ||
	    mkdtemp(place_path) == NULL)
		abort();
	place_fd = open(place_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place_fd < 0 || atexit(place_end) != 0)
		abort();
	return place_path;
}

static void
place_put(const char *name, const uint8_t *data, size_t len)
{
	int fd;

	(void)place();
	fd = openat(place_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	(void)close(fd);
}

#endif
