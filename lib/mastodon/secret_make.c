/* SPDX-License-Identifier: MIT */
#include "mastodon/secret_make.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"

#define ALPHABET 62
/* More of a value is not looked at: finding repeats is quadratic. */
#define JUDGED_MAX 4096

int
mv_secret_make_hex(size_t len, struct mv_secret **out, struct mv_err *err)
{
	static const char digits[] = "0123456789abcdef";
	struct mv_secret *s = NULL;
	uint8_t *p;
	size_t i;
	int rc;

	rc = mv_secret_new(len, &s, err);
	if (rc < 0)
		return rc;
	p = mv_secret_bytes(s);
	mv_random(p, len);
	/* 16 divides 256: every digit is as likely as any other. */
	for (i = 0; i < len; i++)
		p[i] = (uint8_t)digits[p[i] & 0xf];
	*out = s;
	return 0;
}

/* A character, or '\0' for a byte that would make some likelier. */
static uint8_t
character(uint8_t byte)
{
	static const char alphabet[ALPHABET + 1] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	if (byte >= 256 / ALPHABET * ALPHABET)
		return '\0';
	return (uint8_t)alphabet[byte % ALPHABET];
}

int
mv_secret_make_alnum(size_t len, struct mv_secret **out, struct mv_err *err)
{
	struct mv_secret *s = NULL;
	uint8_t *p;
	size_t i;
	int rc;

	rc = mv_secret_new(len, &s, err);
	if (rc < 0)
		return rc;
	p = mv_secret_bytes(s);
	for (i = 0; i < len; i++)
		while (p[i] == '\0') {
			mv_random(&p[i], 1);
			p[i] = character(p[i]);
		}
	*out = s;
	return 0;
}

int
mv_secret_make(const struct mv_secret_fact *f, struct mv_secret **out,
    struct mv_err *err)
{
	switch (f->make) {
	case MV_MAKE_HEX:
		return mv_secret_make_hex(f->make_len, out, err);
	case MV_MAKE_ALNUM:
		return mv_secret_make_alnum(f->make_len, out, err);
	case MV_MAKE_VAPID:
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is made together with '%s'", f->name, f->partner);
	case MV_MAKE_GIVEN:
		break;
	}
	return mv_err_set(err, MV_EUSAGE,
	    "'%s' cannot be made here: who gives it out must", f->name);
}

/* The length of what the value repeats, or its own. */
static size_t
period(const uint8_t *p, size_t len)
{
	size_t n;

	for (n = 1; n <= len / 2; n++)
		if (memcmp(p, p + n, len - n) == 0)
			return n;
	return len;
}

/* The logarithm to base 2, with 16 bits of fraction; v > 0. */
static uint64_t
log2_fixed(uint32_t v)
{
	unsigned whole = 31U - (unsigned)__builtin_clz(v);
	uint64_t m = (uint64_t)v << (31 - whole), out = whole;
	unsigned i;

	/* m is in [1, 2) with 31 bits of fraction; squaring shifts one out. */
	for (i = 0; i < 16; i++) {
		m = m * m >> 31;
		out <<= 1;
		if (m >> 32 != 0) {
			m >>= 1;
			out |= 1;
		}
	}
	return out;
}

unsigned
mv_secret_bits(const void *value, size_t len)
{
	const uint8_t *p = value;
	unsigned count[256] = { 0 };
	uint64_t bits;
	size_t i, n, fresh = 0;

	if (len == 0)
		return 0;
	n = period(p, len < JUDGED_MAX ? len : JUDGED_MAX);
	for (i = 0; i < n; i++) {
		count[p[i]]++;
		/* One that follows from the two before adds nothing. */
		if (i < 2 || p[i] - p[i - 1] != p[i - 1] - p[i - 2])
			fresh++;
	}
	/* Shannon's n * log n - sum of c * log c, for the fresh part of n. */
	bits = n * log2_fixed((uint32_t)n);
	for (i = 0; i < MV_ARRAY_LEN(count); i++)
		if (count[i] > 0)
			bits -= count[i] * log2_fixed(count[i]);
	sodium_memzero(count, sizeof(count));
	return (unsigned)(bits * fresh / n >> 16);
}

#define SAMPLE_OTP							\
	"100c7faeef00caa29242f6b04156742bf76065771fd4117990c4282b8748ff3d" \
	"99f8fdae97c982ab5bd2e6756a159121377cce4421f4a8ecd2d67bd7749a3fb4"

/* What stands in Mastodon's own tree for development and tests. */
static const char *const samples[] = {
	"fkSxKD2bF396kdQbrP1EJ7WbU7ZgNokR",
	"r0hvVmzBVsjxC7AMlwhOzmtc36ZCOS1E",
	"PhdFyyfy5xJ7WVd2lWBpcPScRQHzRTNr",
	SAMPLE_OTP,
	"precompile_placeholder", "placeholder", "changeme", "change_me",
	"change-me", "example", "secret", "password", "mastodon", "test",
};

static bool
is_sample(const char *p, size_t len)
{
	static const char suffix[] = "DO_NOT_USE_IN_PRODUCTION";
	const size_t n = sizeof(suffix) - 1;
	size_t i;

	if (len >= n && memcmp(p + len - n, suffix, n) == 0)
		return true;
	for (i = 0; i < MV_ARRAY_LEN(samples); i++)
		if (strlen(samples[i]) == len &&
		    strncasecmp(samples[i], p, len) == 0)
			return true;
	return false;
}

unsigned
mv_secret_judge(const struct mv_secret_fact *f, const void *value, size_t len)
{
	unsigned faults = 0;

	if (len == 0)
		return MV_FAULT_EMPTY;
	if (len < f->min_len)
		faults |= MV_FAULT_SHORT;
	if (f->min_bits > 0 && mv_secret_bits(value, len) < f->min_bits)
		faults |= MV_FAULT_WEAK;
	if (is_sample(value, len))
		faults |= MV_FAULT_SAMPLE;
	return faults;
}

const char *
mv_secret_fault_name(unsigned fault)
{
	switch (fault) {
	case MV_FAULT_EMPTY:
		return "empty";
	case MV_FAULT_SHORT:
		return "short";
	case MV_FAULT_WEAK:
		return "weak";
	case MV_FAULT_SAMPLE:
		return "sample";
	default:
		return "fine";
	}
}
