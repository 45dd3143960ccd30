/* SPDX-License-Identifier: MIT */
#include "repo/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "repo/run_internal.h"

/* Of a run without a name that stays in memory. */
#define MEMORY_MAX (1u << 20)

#define NAME_RANDOM 8
#define NAME_MAX_BYTES (2 * NAME_RANDOM + sizeof(".run"))

void
mv_run_free(struct mv_run *run)
{
	if (run == NULL)
		return;
	if (run->map != NULL)
		(void)munmap(run->map, run->len);
	free(run->listed);
	free(run->counts);
	free(run->name);
	free(run);
}

void
mv_run_freep(struct mv_run **run)
{
	mv_run_free(*run);
	*run = NULL;
}

/* What a file with this header has to be long; the counts are 32 bits wide. */
static size_t
file_size(const struct mv_run_header *h)
{
	return sizeof(*h) + h->npacks * sizeof(struct mv_run_pack) +
	    h->norigins * sizeof(struct mv_run_origin) +
	    h->norigins * sizeof(uint32_t) +
	    h->nsegs * sizeof(struct mv_run_seg) +
	    (size_t)h->nentries * sizeof(struct mv_run_entry) +
	    h->nsources * sizeof(struct mv_id32) + MV_HASH_BYTES;
}

/* Point into the mapping, whose size fits the header. */
static void
lay_out(struct mv_run *run, const struct mv_run_header *h)
{
	const uint8_t *p = (const uint8_t *)run->map + sizeof(*h);

	run->npacks = h->npacks;
	run->norigins = h->norigins;
	run->nsegs = h->nsegs;
	run->nentries = (size_t)h->nentries;
	run->nsources = h->nsources;
	run->packs = (const void *)p;
	p += run->npacks * sizeof(*run->packs);
	run->origins = (const void *)p;
	p += run->norigins * sizeof(*run->origins);
	run->by_origin = (const void *)p;
	p += run->norigins * sizeof(*run->by_origin);
	run->segs = (const void *)p;
	p += run->nsegs * sizeof(*run->segs);
	run->entries = (const void *)p;
	p += run->nentries * sizeof(*run->entries);
	run->sources = (const void *)p;
}

static int
alloc_marks(struct mv_run *run, uint8_t value, struct mv_err *err)
{
	/* One more than needed: nothing is a size that malloc may refuse. */
	run->listed = malloc(run->npacks + 1);
	run->counts = malloc(run->norigins + 1);
	if (run->listed == NULL || run->counts == NULL)
		return mv_err_set(err, MV_ENOMEM, "index run of %zu packs",
		    run->npacks);
	memset(run->listed, value, run->npacks + 1);
	memset(run->counts, value, run->norigins + 1);
	return 0;
}

static int
not_ours(const char *name, struct mv_err *err)
{
	return mv_err_set(err, MV_ECORRUPT, "'%s' is damaged or not ours",
	    name);
}

static int
check_hash(const struct mv_run *run, const struct mv_run_place *at,
    const char *name, struct mv_err *err)
{
	const uint8_t *end = (const uint8_t *)run->map + run->len -
	    MV_HASH_BYTES;
	uint8_t hash[MV_HASH_BYTES];

	mv_hmac(at->hmac, run->map, run->len - MV_HASH_BYTES, hash);
	return mv_equal(hash, end, sizeof(hash)) ? 0 : not_ours(name, err);
}

/* Our own hash is on it, so this finds bugs of ours rather than attacks. */
static bool
numbers_fit(const struct mv_run *run)
{
	size_t i;

	for (i = 0; i < run->norigins; i++) {
		const struct mv_run_origin *o = &run->origins[i];

		if (o->pack >= run->npacks || o->first > run->nsegs ||
		    o->present > run->nsegs - o->first ||
		    run->by_origin[i] >= run->norigins)
			return false;
	}
	for (i = 0; i < run->nsegs; i++)
		if (run->segs[i].origin >= run->norigins)
			return false;
	for (i = 0; i < run->nentries; i++)
		if (run->entries[i].seg >= run->nsegs)
			return false;
	return true;
}

static int
map_file(struct mv_run *run, int fd, const char *name, struct mv_err *err)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0)
		return mv_err_sys(err, "stat '%s'", name);
	if (!S_ISREG(st.st_mode) ||
	    st.st_size < (off_t)(sizeof(struct mv_run_header) + MV_HASH_BYTES))
		return not_ours(name, err);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return mv_err_sys(err, "map '%s'", name);
	run->map = map;
	run->len = (size_t)st.st_size;
	return 0;
}

int
mv_run_open(const struct mv_run_place *at, const char *name,
    struct mv_run **out, struct mv_err *err)
{
	mv_auto(mv_run_freep) struct mv_run *run = NULL;
	mv_auto(mv_fd_closep) int fd = -1;
	struct mv_run_header h;
	int rc;

	run = calloc(1, sizeof(*run));
	if (run == NULL || (run->name = strdup(name)) == NULL)
		return mv_err_set(err, MV_ENOMEM, "index run");
	fd = openat(at->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return mv_err_sys(err, "open '%s'", name);
	rc = map_file(run, fd, name, err);
	if (rc < 0)
		return rc;
	memcpy(&h, run->map, sizeof(h));
	/* More entries than bytes would overflow the sum. */
	if (h.magic != MV_RUN_MAGIC || h.nentries > run->len ||
	    memcmp(h.repo.b, at->repo->b, sizeof(h.repo.b)) != 0 ||
	    file_size(&h) != run->len)
		return not_ours(name, err);
	rc = check_hash(run, at, name, err);
	if (rc < 0)
		return rc;
	lay_out(run, &h);
	if (!numbers_fit(run))
		return not_ours(name, err);
	rc = alloc_marks(run, 0, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&run);
	return 0;
}

static uint64_t
prefix(const struct mv_id16 *id)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < 8; i++)
		v = v << 8 | id->b[i];
	return v;
}

static bool
is_below(const struct mv_run *run, size_t i, const struct mv_id16 *id)
{
	return memcmp(run->entries[i].id.b, id->b, sizeof(id->b)) < 0;
}

/*
 * Ids are as good as random, so where one must lie can be reckoned, up to
 * some multiple of the square root of how many there are.  Bounds that turn
 * out wrong, as for ids that somebody chose, are not used.
 */
static void
narrow(const struct mv_run *run, const struct mv_id16 *id, size_t *lo,
    size_t *hi)
{
	unsigned __int128 scaled = (unsigned __int128)prefix(id) *
	    run->nentries;
	size_t guess = (size_t)(scaled >> 64), slack = 1;

	while (slack * slack < run->nentries)
		slack *= 2;
	if (guess > slack && is_below(run, guess - slack, id))
		*lo = guess - slack + 1;
	if (guess + slack < *hi && !is_below(run, guess + slack, id))
		*hi = guess + slack;
}

const struct mv_run_entry *
mv_run_find(const struct mv_run *run, const struct mv_id16 *id)
{
	size_t lo = 0, hi = run->nentries, mid;

	narrow(run, id, &lo, &hi);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (is_below(run, mid, id))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == run->nentries ||
	    memcmp(run->entries[lo].id.b, id->b, sizeof(id->b)) != 0)
		return NULL;
	return &run->entries[lo];
}

size_t
mv_run_find_origin(const struct mv_run *run, const struct mv_id16 *id)
{
	size_t lo = 0, hi = run->norigins, mid;
	const struct mv_run_origin *o;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		o = &run->origins[run->by_origin[mid]];
		if (memcmp(o->id.b, id->b, sizeof(id->b)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < run->norigins && memcmp(
	    run->origins[run->by_origin[lo]].id.b, id->b, sizeof(id->b)) == 0)
		return lo;
	return run->norigins;
}

void
mv_run_draft_clear(struct mv_run_draft *d)
{
	mv_run_freep(&d->run);
	mv_fd_closep(&d->fd);
}

/* With its blocks, so that a full disk is an error and no signal. */
static int
allocate(int fd, size_t len, struct mv_err *err)
{
	int rc = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)len);

	if (rc == 0)
		return 0;
	errno = rc;
	return mv_err_sys(err, "make an index file of %zu bytes", len);
}

/*
 * A file without a name, which goes with us.  A large one is not in memory
 * where there is a place for it on a disk: on an empty machine it would grow
 * with the repository.
 */
static int
open_nameless(struct mv_run_draft *d, size_t len, struct mv_err *err)
{
	const char *dir = secure_getenv("TMPDIR");

	if (len > MEMORY_MAX) {
		d->fd = open(dir != NULL ? dir : "/var/tmp",
		    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (allocate(d->fd, len, NULL) == 0)
			return 0;
		mv_fd_closep(&d->fd);
	}
	d->fd = memfd_create("mastvault-index", MFD_CLOEXEC);
	return allocate(d->fd, len, err);
}

static int
open_draft(struct mv_run_draft *d, const struct mv_run_place *at, size_t len,
    struct mv_err *err)
{
	if (at->dirfd < 0)
		return open_nameless(d, len, err);
	d->fd = openat(at->dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return allocate(d->fd, len, err);
}

int
mv_run_draft_begin(struct mv_run_draft *d, const struct mv_run_header *h,
    const struct mv_run_place *at, struct mv_err *err)
{
	size_t len = file_size(h);
	struct mv_run *run;
	void *map;
	int rc;

	rc = open_draft(d, at, len, err);
	if (rc < 0)
		return rc;
	run = d->run = calloc(1, sizeof(*run));
	if (run == NULL)
		return mv_err_set(err, MV_ENOMEM, "index run");
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
	if (map == MAP_FAILED)
		return mv_err_sys(err, "map an index file of %zu bytes", len);
	run->map = map;
	run->len = len;
	memcpy(map, h, sizeof(*h));
	lay_out(run, h);
	/* The same places again, writable. */
	d->packs = (void *)((uint8_t *)map + sizeof(*h));
	d->origins = (void *)(d->packs + run->npacks);
	d->by_origin = (void *)(d->origins + run->norigins);
	d->segs = (void *)(d->by_origin + run->norigins);
	d->entries = (void *)(d->segs + run->nsegs);
	d->sources = (void *)(d->entries + run->nentries);
	return alloc_marks(run, 1, err);
}

static int
cmp_origins(const void *a, const void *b, void *arg)
{
	const struct mv_run_origin *origins = arg;

	return memcmp(origins[*(const uint32_t *)a].id.b,
	    origins[*(const uint32_t *)b].id.b, sizeof(origins[0].id.b));
}

/* The file has a name only now that it is whole. */
static int
give_name(struct mv_run_draft *d, const struct mv_run_place *at,
    struct mv_err *err)
{
	uint8_t r[NAME_RANDOM];
	char from[32], name[NAME_MAX_BYTES];

	mv_random(r, sizeof(r));
	mv_hex_encode(r, sizeof(r), name);
	memcpy(name + 2 * NAME_RANDOM, ".run", sizeof(".run"));
	(void)snprintf(from, sizeof(from), "/proc/self/fd/%d", d->fd);
	if (linkat(AT_FDCWD, from, at->dirfd, name, AT_SYMLINK_FOLLOW) < 0)
		return mv_err_sys(err, "name an index file");
	d->run->name = strdup(name);
	return d->run->name != NULL ? 0 :
	    mv_err_set(err, MV_ENOMEM, "index run");
}

int
mv_run_draft_finish(struct mv_run_draft *d, const struct mv_run_place *at,
    struct mv_run **out, struct mv_err *err)
{
	struct mv_run *run = d->run;
	size_t i;
	int rc;

	for (i = 0; i < run->norigins; i++)
		d->by_origin[i] = (uint32_t)i;
	qsort_r(d->by_origin, run->norigins, sizeof(*d->by_origin),
	    cmp_origins, d->origins);
	mv_hmac(at->hmac, run->map, run->len - MV_HASH_BYTES,
	    (uint8_t *)run->map + run->len - MV_HASH_BYTES);
	(void)mprotect(run->map, run->len, PROT_READ);
	if (at->dirfd >= 0) {
		rc = give_name(d, at, err);
		if (rc < 0)
			return rc;
	}
	*out = mv_take(&d->run);
	return 0;
}
