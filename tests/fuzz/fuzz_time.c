/* SPDX-License-Identifier: MIT */
/* A time that is understood, printed and read again, is the same. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Without summer time every local time is one. */
static void
settle(void)
{
	static bool done;

	if (!done && setenv("TZ", "UTC-5:30", 1) != 0)
		abort();
	if (!done)
		tzset();
	done = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_freep) char *text = strndup((const char *)data, len);
	char utc[MV_TIME_TEXT], local[MV_TIME_TEXT];
	struct mv_err err = { 0 };
	int64_t t, again;

	if (text == NULL)
		return 0;
	settle();
	if (mv_time_parse(text, &t, &err) < 0) {
		if (err.code != MV_EUSAGE)
			abort();
		return 0;
	}
	mv_time_utc(t, utc);
	mv_time_local(t, local);
	/* Midnight at the Greenwich of 1970, told from further east. */
	if (t < 0)
		return 0;
	if (mv_time_parse(utc, &again, NULL) < 0 || again != t)
		abort();
	/* Half past five in the year 9999 is another year already. */
	if (local[0] != '@' &&
	    (mv_time_parse(local, &again, NULL) < 0 || again != t))
		abort();
	return 0;
}
