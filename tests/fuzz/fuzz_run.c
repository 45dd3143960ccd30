/* SPDX-License-Identifier: MIT */
/*
 * An index run under our own keyed hash, whatever is in it, can be searched
 * for all that it holds; without that hash it does not open.
 */
#include <string.h>

#include "base/cleanup.h"
#include "fuzz/place.h"
#include "repo/run_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mv_id16 repo = { .b = "repository of us" };

static struct mv_hmac *
hmac(void)
{
	static struct mv_hmac *h;
	static const struct mv_key key = { .b = "k" };

	if (h == NULL && (mv_secret_init(NULL) < 0 ||
	    mv_hmac_new(&key, &h, NULL) < 0))
		abort();
	return h;
}

static void
search(const struct mv_run *run)
{
	const struct mv_run_entry *e;
	volatile uint32_t sum = 0;
	size_t i, k;

	for (i = 0; i < run->nentries; i++) {
		e = mv_run_find(run, &run->entries[i].id);
		if (e != NULL && (e < run->entries ||
		    e >= run->entries + run->nentries))
			abort();
		sum += run->segs[run->entries[i].seg].len;
	}
	for (i = 0; i < run->norigins; i++) {
		if (mv_run_find_origin(run, &run->origins[i].id) >
		    run->norigins)
			abort();
		sum += (uint32_t)run->packs[run->origins[i].pack].size;
		for (k = 0; k < run->origins[i].present; k++)
			sum += run->segs[run->origins[i].first + k].ordinal;
	}
	(void)sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct mv_run_place at = { .repo = &repo, .hmac = hmac(),
	    .dirfd = (place(), place_fd) };
	mv_auto(mv_run_freep) struct mv_run *run = NULL;
	mv_auto(mv_buf_clear) struct mv_buf whole = { 0 };
	struct mv_err err = { 0 };
	uint8_t hash[MV_HASH_BYTES];
	int rc;

	place_put("run", data, len);
	rc = mv_run_open(&at, "run", &run, &err);
	if (rc != MV_ECORRUPT)
		abort();
	mv_buf_put(&whole, data, len);
	mv_hmac(at.hmac, whole.p, whole.len, hash);
	mv_buf_put(&whole, hash, sizeof(hash));
	if (mv_buf_failed(&whole, NULL) < 0)
		return 0;
	place_put("run", whole.p, whole.len);
	mv_err_clear(&err);
	rc = mv_run_open(&at, "run", &run, &err);
	if (rc < 0 && rc != MV_ECORRUPT && rc != MV_ENOMEM)
		abort();
	if (rc == 0)
		search(run);
	return 0;
}
