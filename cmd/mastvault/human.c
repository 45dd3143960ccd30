/* SPDX-License-Identifier: MIT */
#include "mastvault/output.h"

#include "base/cleanup.h"

void
mv_human_bytes(uint64_t n, char out[MV_HUMAN_TEXT])
{
	static const char *const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB",
	};
	double v = (double)n;
	size_t u = 0;

	/* 1023.95 KiB would be printed as 1024.0. */
	while (v >= 1023.95 && u + 1 < MV_ARRAY_LEN(units)) {
		v /= 1024;
		u++;
	}
	(void)snprintf(out, MV_HUMAN_TEXT, u == 0 ? "%.0f %s" : "%.1f %s", v,
	    units[u]);
}

void
mv_human_seconds(double seconds, char out[MV_HUMAN_TEXT])
{
	uint64_t s = seconds > 0 ? (uint64_t)(seconds + 0.5) : 0;

	if (seconds < 9.95)
		(void)snprintf(out, MV_HUMAN_TEXT, "%.1f s",
		    seconds > 0 ? seconds : 0.0);
	else if (s < 60)
		(void)snprintf(out, MV_HUMAN_TEXT, "%u s", (unsigned)s);
	else if (s < 3600)
		(void)snprintf(out, MV_HUMAN_TEXT, "%u min %u s",
		    (unsigned)(s / 60), (unsigned)(s % 60));
	else
		(void)snprintf(out, MV_HUMAN_TEXT, "%llu h %u min",
		    (unsigned long long)(s / 3600),
		    (unsigned)(s % 3600 / 60));
}

/* The length of the UTF-8 character that p begins with, 0 if it is none. */
static size_t
utf8_len(const uint8_t *p, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
	    p[0] < 0xf8 ? 4 : 0;
	uint32_t c = p[0] & (0x7f >> n);
	size_t i;

	if (n == 0 || n > len)
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* Not the shortest form, halves of UTF-16 pairs, beyond Unicode. */
	if (c < least[n] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	/* C1 controls, and what turns the direction of a line round. */
	if (c < 0xa0 || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029)
		return 0;
	return n;
}

void
mv_safe_put(struct mv_buf *out, const void *text, size_t len)
{
	const uint8_t *p = text;
	size_t n;

	while (len > 0) {
		n = p[0] >= ' ' && p[0] < 0x7f ? 1 : utf8_len(p, len);
		if (p[0] == '\\')
			mv_buf_put_str(out, "\\\\");
		else if (n > 0)
			mv_buf_put(out, p, n);
		else
			mv_buf_printf(out, "\\x%02x", p[0]);
		n += n == 0;
		p += n;
		len -= n;
	}
}
