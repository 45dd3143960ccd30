/* SPDX-License-Identifier: MIT */
/* What decodes as a rotation's journal encodes to the same meaning again. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vault/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t slot[MV_JOURNAL_SLOT], again[MV_JOURNAL_SLOT];
	mv_auto(mv_journal_clear) struct mv_journal a = { 0 }, b = { 0 };
	struct mv_err err = { 0 };
	uint64_t seq, seq2;

	if (mv_journal_decode(data, len, &seq, &a, &err) < 0) {
		if (err.code != MV_ECORRUPT)
			abort();
		return 0;
	}
	/* Names that were escaped may no longer fit. */
	if (mv_journal_encode(&a, seq, slot, NULL) < 0)
		return 0;
	if (mv_journal_decode(slot, sizeof(slot), &seq2, &b, NULL) < 0 ||
	    seq2 != seq || mv_journal_encode(&b, seq, again, NULL) < 0 ||
	    memcmp(slot, again, sizeof(slot)) != 0)
		abort();
	return 0;
}
