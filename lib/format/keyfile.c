/* SPDX-License-Identifier: MIT */
#include "format/keyfile.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/keyfile_internal.h"

#define TITLE "mastvault-key-1"
#define MAGIC "mvkey"
#define MAGIC_BYTES 5
#define SALT_BYTES 16
#define CHECK_BYTES 16
/* magic, protection; and under a passphrase salt, passes, memory */
#define HEAD_OPEN (MAGIC_BYTES + 1)
#define HEAD_PASS (HEAD_OPEN + SALT_BYTES + 4 + 4)

#define PASSES_DEFAULT 3
#define PASSES_MAX 64
#define MEM_KIB_DEFAULT (64u << 10)
#define MEM_KIB_MIN 8
#define MEM_KIB_MAX (4u << 20)

enum protection { PROTECTION_NONE = 0, PROTECTION_PASS = 1 };

static void
put_le32(uint8_t *out, uint32_t v)
{
	size_t i;

	for (i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t
get_le32(const uint8_t *p)
{
	struct mv_cur c = mv_cur_of(p, 4);

	return mv_cur_u32(&c);
}

/* Protection 0: a checksum, so that a slip of the pen is noticed. */
static int
wrap_open(const struct mv_sbuf *payload, struct mv_sbuf *out,
    struct mv_err *err)
{
	uint8_t hash[MV_HASH_BYTES];
	int rc;

	rc = mv_sbuf_put(out, MAGIC "\0", HEAD_OPEN, err);
	if (rc == 0)
		rc = mv_sbuf_put(out, payload->p, payload->len, err);
	if (rc < 0)
		return rc;
	mv_sha256(out->p, out->len, hash);
	return mv_sbuf_put(out, hash, CHECK_BYTES, err);
}

/* Protection 1. */
static int
wrap_pass(const struct mv_sbuf *payload, const struct mv_passphrase *pass,
    struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	mv_auto(mv_freep) uint8_t *box = NULL;
	uint32_t passes = pass->passes > 0 ? pass->passes : PASSES_DEFAULT;
	uint32_t mem = pass->mem_kib > 0 ? pass->mem_kib : MEM_KIB_DEFAULT;
	uint8_t head[HEAD_PASS] = MAGIC "\1";
	int rc;

	if (passes > PASSES_MAX || mem < MEM_KIB_MIN || mem > MEM_KIB_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "%u passes over %u KiB are not possible", passes, mem);
	box = malloc(payload->len + MV_BOX_EXTRA);
	if (box == NULL)
		return mv_err_set(err, MV_ENOMEM, "write keys");
	mv_random(head + HEAD_OPEN, SALT_BYTES);
	put_le32(head + HEAD_OPEN + SALT_BYTES, passes);
	put_le32(head + HEAD_OPEN + SALT_BYTES + 4, mem);
	rc = mv_argon2id(pass->p, pass->len, head + HEAD_OPEN, passes, mem,
	    &key, err);
	if (rc < 0)
		return rc;
	mv_box_seal(&key, head, sizeof(head), payload->p, payload->len, box);
	rc = mv_sbuf_put(out, head, sizeof(head), err);
	if (rc == 0)
		rc = mv_sbuf_put(out, box, payload->len + MV_BOX_EXTRA, err);
	return rc;
}

int
mv_keyfile_encode(const struct mv_keyset *k, const struct mv_passphrase *pass,
    const char *comment, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf payload = { 0 };
	mv_auto(mv_sbuf_clear) struct mv_sbuf raw = { 0 };
	int rc;

	rc = mv_keyset_encode(k, &payload, err);
	if (rc < 0)
		return rc;
	rc = pass == NULL || pass->p == NULL ?
	    wrap_open(&payload, &raw, err) :
	    wrap_pass(&payload, pass, &raw, err);
	if (rc == 0)
		rc = mv_key_text_put(TITLE, comment, &raw, out, err);
	return rc;
}

static int
not_a_key(struct mv_err *err)
{
	return mv_key_text_bad("key file", err);
}

/* The bytes behind the base64, with at least the shortest head. */
static int
unwrap(const void *text, size_t len, struct mv_sbuf *out, struct mv_err *err)
{
	int rc;

	rc = mv_key_text_get(TITLE, "key file", text, len, out, err);
	if (rc < 0)
		return rc;
	if (out->len < HEAD_OPEN ||
	    memcmp(out->p, MAGIC, MAGIC_BYTES) != 0 ||
	    out->p[MAGIC_BYTES] > PROTECTION_PASS)
		return not_a_key(err);
	return 0;
}

int
mv_keyfile_protected(const void *text, size_t len, int *out,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf raw = { 0 };
	int rc;

	rc = unwrap(text, len, &raw, err);
	if (rc < 0)
		return rc;
	*out = raw.p[MAGIC_BYTES] == PROTECTION_PASS;
	return 0;
}

static int
decode_open(const struct mv_sbuf *raw, struct mv_keyset **out,
    struct mv_err *err)
{
	uint8_t hash[MV_HASH_BYTES];
	size_t end;

	if (raw->len < HEAD_OPEN + CHECK_BYTES)
		return not_a_key(err);
	end = raw->len - CHECK_BYTES;
	mv_sha256(raw->p, end, hash);
	if (!mv_equal(hash, raw->p + end, CHECK_BYTES))
		return mv_err_set(err, MV_EUSAGE,
		    "the key file was altered: its checksum does not fit");
	return mv_keyset_decode(raw->p + HEAD_OPEN, end - HEAD_OPEN, out, err);
}

static int
decode_pass(const struct mv_sbuf *raw, const struct mv_passphrase *pass,
    struct mv_keyset **out, struct mv_err *err)
{
	mv_auto(mv_secret_freep) struct mv_secret *payload = NULL;
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	const uint8_t *salt = raw->p + HEAD_OPEN;
	uint32_t passes, mem;
	size_t len;
	int rc;

	if (raw->len < HEAD_PASS + MV_BOX_EXTRA)
		return not_a_key(err);
	if (pass == NULL || pass->p == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "the key file needs its passphrase");
	passes = get_le32(salt + SALT_BYTES);
	mem = get_le32(salt + SALT_BYTES + 4);
	if (passes < 1 || passes > PASSES_MAX || mem < MEM_KIB_MIN ||
	    mem > MEM_KIB_MAX)
		return not_a_key(err);
	rc = mv_argon2id(pass->p, pass->len, salt, passes, mem, &key, err);
	if (rc < 0)
		return rc;
	len = raw->len - HEAD_PASS - MV_BOX_EXTRA;
	rc = mv_secret_new(len + 1, &payload, err);
	if (rc < 0)
		return rc;
	if (mv_box_open(&key, raw->p, HEAD_PASS, raw->p + HEAD_PASS,
	    raw->len - HEAD_PASS, mv_secret_bytes(payload), NULL) < 0)
		return mv_err_set(err, MV_EAUTH,
		    "wrong passphrase, or the key file was altered");
	return mv_keyset_decode(mv_secret_bytes(payload), len, out, err);
}

int
mv_keyfile_decode(const void *text, size_t len,
    const struct mv_passphrase *pass, struct mv_keyset **out,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf raw = { 0 };
	int rc;

	rc = unwrap(text, len, &raw, err);
	if (rc < 0)
		return rc;
	return raw.p[MAGIC_BYTES] == PROTECTION_PASS ?
	    decode_pass(&raw, pass, out, err) :
	    decode_open(&raw, out, err);
}
