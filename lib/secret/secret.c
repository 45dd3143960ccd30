/* SPDX-License-Identifier: MIT */
#include "secret/secret.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

struct mv_secret {
	size_t len;
	uint8_t *p;	/* sodium_malloc */
};

static int locks;

/*
 * sodium_malloc says nothing when it cannot lock, so it is tried once: some
 * tens of secrets, each a few pages, must fit into RLIMIT_MEMLOCK.
 */
static int
try_locking(void)
{
	const size_t len = 256 * 1024;
	void *p;
	int ok;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 0;
	ok = mlock(p, len) == 0;
	(void)munmap(p, len);
	return ok;
}

int
mv_secret_init(struct mv_err *err)
{
	if (sodium_init() < 0)
		return mv_err_set(err, MV_EIO, "libsodium does not start");
	locks = try_locking();
	return 0;
}

int
mv_secret_locks(void)
{
	return locks;
}

void
mv_key_wipe(struct mv_key *k)
{
	sodium_memzero(k, sizeof(*k));
}

int
mv_secret_new(size_t len, struct mv_secret **out, struct mv_err *err)
{
	mv_auto(mv_secret_freep) struct mv_secret *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return mv_err_set(err, MV_ENOMEM, "secret of %zu bytes", len);
	s->p = sodium_malloc(len);
	if (s->p == NULL)
		return mv_err_set(err, MV_ENOMEM, "secret of %zu bytes", len);
	/* sodium_malloc fills with 0xdb. */
	memset(s->p, 0, len);
	s->len = len;
	*out = mv_take(&s);
	return 0;
}

int
mv_secret_from(const void *p, size_t len, struct mv_secret **out,
    struct mv_err *err)
{
	struct mv_secret *s = NULL;
	int rc;

	rc = mv_secret_new(len, &s, err);
	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(s->p, p, len);
	*out = s;
	return 0;
}

size_t
mv_secret_len(const struct mv_secret *s)
{
	return s->len;
}

uint8_t *
mv_secret_bytes(struct mv_secret *s)
{
	return s->p;
}

void
mv_secret_key(struct mv_secret *s, struct mv_key *out)
{
	assert(s->len == sizeof(out->b));
	memcpy(out->b, s->p, sizeof(out->b));
}

void
mv_secret_free(struct mv_secret *s)
{
	if (s == NULL)
		return;
	/* Wipes, and stops the process if a guard was written to. */
	sodium_free(s->p);
	free(s);
}

void
mv_secret_freep(struct mv_secret **s)
{
	mv_secret_free(*s);
	*s = NULL;
}
