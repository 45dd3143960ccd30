/* SPDX-License-Identifier: MIT */
#include "tree/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define PIECE ((size_t)1 << 20)
/* 8192 extents take some 100 KiB of a record of at most 1 MiB. */
#define EXTENTS_MAX 8192
/* How much of a file is looked at when asking what is in the page cache. */
#define PROBE ((size_t)64 << 20)
#define PROBE_PAGES (PROBE / 4096)

struct mv_file_reader {
	size_t page;
	uint8_t *piece;
	unsigned char cached[PROBE_PAGES];
};

int
mv_file_reader_new(struct mv_file_reader **out, struct mv_err *err)
{
	mv_auto(mv_file_reader_freep) struct mv_file_reader *r = NULL;

	r = calloc(1, sizeof(*r));
	if (r != NULL)
		r->piece = malloc(PIECE);
	if (r == NULL || r->piece == NULL)
		return mv_err_set(err, MV_ENOMEM, "read files");
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	*out = mv_take(&r);
	return 0;
}

void
mv_file_reader_free(struct mv_file_reader *r)
{
	if (r == NULL)
		return;
	free(r->piece);
	free(r);
}

void
mv_file_reader_freep(struct mv_file_reader **r)
{
	mv_file_reader_free(*r);
}

/*
 * Whether less than half of the file's first part is in the page cache.  Where
 * that cannot be known nothing is dropped.  (The kernel tells the truth to a
 * file's owner and to root, and "all" to others.)
 */
static bool
is_cold(struct mv_file_reader *r, int fd, uint64_t size)
{
	size_t len = size < PROBE ? (size_t)size : PROBE;
	size_t pages = (len + r->page - 1) / r->page, i, warm = 0;
	bool known;
	void *map;

	if (len == 0)
		return false;
	map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return false;
	known = mincore(map, len, r->cached) == 0;
	(void)munmap(map, len);
	for (i = 0; known && i < pages; i++)
		warm += r->cached[i] & 1;
	return known && warm * 2 < pages;
}

/* Twice as coarse: holes below *min_hole become data. */
static void
merge_extents(struct mv_entry *e, uint64_t *min_hole)
{
	size_t i, n = 0;

	while (e->nextents >= EXTENTS_MAX / 2) {
		*min_hole *= 2;
		for (i = 1, n = 0; i < e->nextents; i++) {
			struct mv_extent *last = &e->extents[n];
			struct mv_extent *x = &e->extents[i];

			if (x->offset - (last->offset + last->len) < *min_hole)
				last->len = x->offset + x->len - last->offset;
			else
				e->extents[++n] = *x;
		}
		e->nextents = n + 1;
	}
}

static int
add_extent(struct mv_entry *e, uint64_t start, uint64_t end,
    uint64_t *min_hole, struct mv_err *err)
{
	struct mv_extent *last = NULL;

	if (e->nextents > 0)
		last = &e->extents[e->nextents - 1];
	if (last != NULL && start - (last->offset + last->len) < *min_hole) {
		last->len = end - last->offset;
		return 0;
	}
	if (e->nextents >= EXTENTS_MAX)
		merge_extents(e, min_hole);
	return mv_entry_add_extent(e, start, end - start, err);
}

/* Ask where the data is; where that is not supported all is data. */
static int
find_extents(int fd, struct mv_entry *e, struct mv_err *err)
{
	uint64_t min_hole = 1, at = 0;
	off_t start, end;
	int rc;

	e->nextents = 0;
	e->sparse = true;
	while (at < e->size) {
		start = lseek(fd, (off_t)at, SEEK_DATA);
		if (start < 0 && errno == ENXIO)
			break;
		end = start < 0 ? -1 : lseek(fd, start, SEEK_HOLE);
		if (end < 0) {
			e->sparse = false;
			return 0;
		}
		/* It may have grown, or changed between the two calls. */
		if ((uint64_t)start >= e->size || end <= start)
			break;
		if ((uint64_t)end > e->size)
			end = (off_t)e->size;
		rc = add_extent(e, (uint64_t)start, (uint64_t)end, &min_hole,
		    err);
		if (rc < 0)
			return rc;
		at = (uint64_t)end;
	}
	if (e->nextents == 1 && e->extents[0].offset == 0 &&
	    e->extents[0].len == e->size)
		e->sparse = false;
	return 0;
}

/* Read one run; *done is less than len only where the file ended early. */
static int
read_run(struct mv_file_reader *r, int fd, uint64_t offset, uint64_t len,
    struct mv_sink sink, uint64_t *done, struct mv_err *err)
{
	size_t want, got;
	int rc;

	for (*done = 0; *done < len; *done += got) {
		want = len - *done < PIECE ? (size_t)(len - *done) : PIECE;
		rc = mv_fd_pread(fd, r->piece, want, offset + *done, &got,
		    "file", err);
		if (rc < 0)
			return rc;
		if (got == 0)
			return 0;
		rc = sink.write(sink.arg, r->piece, got, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The file ended at end, in extent number i: e is what the sink was given. */
static void
cut_entry(struct mv_entry *e, size_t i, uint64_t end)
{
	e->size = end;
	if (!e->sparse)
		return;
	e->nextents = i;
	if (end > e->extents[i].offset) {
		e->extents[i].len = end - e->extents[i].offset;
		e->nextents = i + 1;
	}
	if (end == 0 || (e->nextents == 1 && e->extents[0].offset == 0 &&
	    e->extents[0].len == end))
		e->sparse = false;
}

static int
read_data(struct mv_file_reader *r, int fd, struct mv_entry *e,
    struct mv_sink sink, struct mv_err *err)
{
	struct mv_extent whole = { 0, e->size };
	const struct mv_extent *v = e->sparse ? e->extents : &whole;
	size_t i, n = e->sparse ? e->nextents : 1;
	uint64_t done;
	int rc;

	for (i = 0; i < n; i++) {
		rc = read_run(r, fd, v[i].offset, v[i].len, sink, &done, err);
		if (rc != 0)
			return rc;
		if (done < v[i].len) {
			cut_entry(e, i, v[i].offset + done);
			return 0;
		}
	}
	return 0;
}

static bool
held_still(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int
mv_file_read_stable(struct mv_file_reader *r, int fd, struct mv_entry *e,
    struct mv_walk_stat *st, struct mv_sink sink, bool *changed,
    struct mv_err *err)
{
	struct stat before, after;
	bool cold;
	int rc = 0;

	if (fstat(fd, &before) < 0)
		return mv_err_sys(err, "look at file");
	mv_tree_entry_stat(e, st, &before);
	e->sparse = false;
	e->nextents = 0;
	if (st->blocks * 512 < e->size)
		rc = find_extents(fd, e, err);
	if (rc < 0)
		return rc;
	cold = is_cold(r, fd, e->size);
	if (e->size > PIECE)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	rc = read_data(r, fd, e, sink, err);
	if (cold)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (rc != 0)
		return rc;
	if (fstat(fd, &after) < 0)
		return mv_err_sys(err, "look at file");
	*changed = !held_still(&before, &after) ||
	    e->size != (uint64_t)before.st_size;
	return 0;
}
