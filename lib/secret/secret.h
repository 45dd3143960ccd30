/* SPDX-License-Identifier: MIT */
#ifndef MV_SECRET_SECRET_H
#define MV_SECRET_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * secret: the two homes of secret bytes.
 *
 * struct mv_secret holds what lives: guarded, locked pages of libsodium that
 * are wiped on release.  struct mv_key is for the stack, under
 * `mv_auto(mv_key_wipe)`, and lives as long as one call.  There is no
 * printable form.  A bare uint8_t * is by convention not secret.
 */
#define MV_KEY_BYTES 32

struct mv_key {
	uint8_t b[MV_KEY_BYTES];
};

void mv_key_wipe(struct mv_key *k);

struct mv_secret;

/* Once per process, before anything else here or in crypto/. */
int mv_secret_init(struct mv_err *err) MV_MUST_CHECK;
/* False when the system would not lock memory: warn, with RLIMIT_MEMLOCK. */
int mv_secret_locks(void);

/* A zeroed secret of len bytes. */
int mv_secret_new(size_t len, struct mv_secret **out, struct mv_err *err)
    MV_MUST_CHECK;
/* A copy of p; the caller wipes its own. */
int mv_secret_from(const void *p, size_t len, struct mv_secret **out,
    struct mv_err *err) MV_MUST_CHECK;
size_t mv_secret_len(const struct mv_secret *s);
/*
 * The bytes, readable and writable for as long as the secret lives.  The
 * pages are locked, guarded and excluded from core dumps.
 */
uint8_t *mv_secret_bytes(struct mv_secret *s);
/* A copy on the stack of a secret of exactly MV_KEY_BYTES. */
void mv_secret_key(struct mv_secret *s, struct mv_key *out);
void mv_secret_free(struct mv_secret *s);
void mv_secret_freep(struct mv_secret **s);

/*
 * sbuf: a growing run of secret bytes.  Grows by copying, wiping and
 * freeing; always locked.  For passphrases and env-files.
 */
struct mv_sbuf {
	uint8_t *p;
	size_t len;
	size_t cap;
};

int mv_sbuf_put(struct mv_sbuf *b, const void *p, size_t len,
    struct mv_err *err) MV_MUST_CHECK;
/* Append len zero bytes, for the caller to fill: *p is valid until the next. */
int mv_sbuf_extend(struct mv_sbuf *b, size_t len, uint8_t **p,
    struct mv_err *err) MV_MUST_CHECK;
/* Wiped and empty, with its memory kept for the next use. */
void mv_sbuf_reset(struct mv_sbuf *b);
void mv_sbuf_clear(struct mv_sbuf *b);

/* Read all of a file or descriptor, at most max bytes (MV_EUSAGE beyond). */
int mv_sbuf_read_file(struct mv_sbuf *b, const char *path, size_t max,
    struct mv_err *err) MV_MUST_CHECK;
int mv_sbuf_read_fd(struct mv_sbuf *b, int fd, size_t max, const char *what,
    struct mv_err *err) MV_MUST_CHECK;

#endif
