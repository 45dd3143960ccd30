/* SPDX-License-Identifier: MIT */
/*
 * Files of the state directory that are JSON: whatever is in them, they load,
 * take new facts, and keep these when they are saved.
 */
#include <string.h>

#include "base/cleanup.h"
#include "fuzz/place.h"
#include "job/prove.h"
#include "job/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mv_id16 repo = { .b = "repository of us" };

static void
state(const uint8_t *data, size_t len)
{
	mv_auto(mv_state_clear) struct mv_state s = { 0 }, again = { 0 };
	int other;

	place_put("state.json", data, len);
	if (mv_state_load(place(), &s, NULL) < 0)
		return;
	other = mv_state_class(&s, "public", "accounts");
	if (mv_state_set_class(&s, "public", "statuses", 2, NULL) < 0 ||
	    mv_state_set_media_files(&s, 7, NULL) < 0 ||
	    mv_state_save(place(), &s, NULL) < 0 ||
	    mv_state_load(place(), &again, NULL) < 0 ||
	    mv_state_class(&again, "public", "accounts") != other ||
	    mv_state_class(&again, "public", "statuses") != 2 ||
	    mv_state_media_files(&again) != 7)
		abort();
}

static void
proof(const uint8_t *data, size_t len)
{
	struct mv_proof p;

	place_put("kit.json", data, len);
	if (mv_proof_load(place(), &repo, &p, NULL) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Longer than what a file may be is an error of its own. */
	if (len > 4096)
		return 0;
	state(data, len);
	proof(data, len);
	return 0;
}
