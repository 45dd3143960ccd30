/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_SECRET_MAKE_H
#define MV_MASTODON_SECRET_MAKE_H

#include <stddef.h>

#include "base/err.h"
#include "mastodon/secret_facts.h"
#include "secret/secret.h"

/*
 * secret_make: new values for secrets, and a judgement of old ones.
 */

/* len lower-case hexadecimal digits, as of `rails secret`; len is even. */
int mv_secret_make_hex(size_t len, struct mv_secret **out, struct mv_err *err)
    MV_MUST_CHECK;
/* len of A-Z, a-z and 0-9, each as likely as any other. */
int mv_secret_make_alnum(size_t len, struct mv_secret **out,
    struct mv_err *err) MV_MUST_CHECK;
/*
 * As Mastodon's own set-up makes it.  MV_EUSAGE for what cannot be made from
 * its fact alone: a half of a VAPID pair, a provider's credential.
 */
int mv_secret_make(const struct mv_secret_fact *f, struct mv_secret **out,
    struct mv_err *err) MV_MUST_CHECK;

#define MV_FAULT_EMPTY 0x1U
#define MV_FAULT_SHORT 0x2U
#define MV_FAULT_WEAK 0x4U	/* can be guessed, or repeats itself */
#define MV_FAULT_SAMPLE 0x8U	/* stands in documentation or source code */

/* What is wrong with a value; 0: nothing.  VAPID halves: vapid.h. */
unsigned mv_secret_judge(const struct mv_secret_fact *f, const void *value,
    size_t len);
/* "short" and so on, for one of the bits. */
const char *mv_secret_fault_name(unsigned fault);

/*
 * An estimate of the entropy in bits, from the bytes alone: what repeats,
 * runs on (abcd, 7654) or comes from few characters counts for little.  It
 * cannot see that a value is known to somebody, and is low for short ones.
 */
unsigned mv_secret_bits(const void *value, size_t len);

#endif
