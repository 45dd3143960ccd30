/* SPDX-License-Identifier: MIT */
#include "format/enrol.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "format/keyfile_internal.h"
#include "format/labels.h"

#define LINE_TITLE "mastvault-public-1"
#define ENROL_TITLE "mastvault-enrolment-1"
#define CHECK_BYTES 8
/* rights || Ed25519 || X25519 || checksum */
#define LINE_BYTES (1 + 2 * MV_PUBLIC_BYTES + CHECK_BYTES)
#define LINE_VARIANT sodium_base64_VARIANT_ORIGINAL_NO_PADDING
#define LINE_DIGITS 98	/* ceil(73 * 4 / 3) */
_Static_assert(LINE_DIGITS == (LINE_BYTES * 4 + 2) / 3, "base64");
/* number || rights || Ed25519 || X25519 of the member */
#define HEAD_BYTES (4 + 1 + 2 * MV_PUBLIC_BYTES)

static const struct {
	uint8_t right;
	const char *name;
} roles[] = {
	{ MV_RIGHT_WRITE, "writer" },
	{ MV_RIGHT_READ, "reader" },
	{ MV_RIGHT_MAINTAIN, "maintainer" },
	{ MV_RIGHT_VAULT, "vault" },
};

const char *
mv_role_name(uint8_t right)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(roles); i++)
		if (roles[i].right == right)
			return roles[i].name;
	return NULL;
}

uint8_t
mv_role_of(const char *name)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(roles); i++)
		if (strcmp(roles[i].name, name) == 0)
			return roles[i].right;
	return 0;
}

int
mv_pending_new(uint8_t right, struct mv_keyset **out, struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	struct mv_identity *id;
	int rc;

	rc = mv_keyset_new(&k, err);
	if (rc < 0)
		return rc;
	id = &k->identities[0];
	id->number = 1;
	id->rights = right;
	mv_random(id->seed.b, MV_KEY_BYTES);
	mv_sign_public(&id->seed, id->sign_pub);
	mv_seal_keypair(id->box_pub, &id->box);
	k->nidentities = 1;
	*out = mv_take(&k);
	return 0;
}

bool
mv_keyset_is_pending(const struct mv_keyset *k)
{
	return mv_all_zero(k->repo.b, sizeof(k->repo.b)) &&
	    mv_all_zero(k->owner, sizeof(k->owner));
}

int
mv_label_check(const char *label, struct mv_err *err)
{
	size_t i, len = strlen(label);

	for (i = 0; i < len; i++)
		if ((unsigned char)label[i] < ' ' || label[i] == 0x7f)
			return mv_err_set(err, MV_EUSAGE,
			    "a label has no control characters");
	if (len > MV_LABEL_TEXT_MAX)
		return mv_err_set(err, MV_EUSAGE,
		    "a label has at most %d bytes", MV_LABEL_TEXT_MAX);
	if (len > 0 && (label[0] == ' ' || label[len - 1] == ' '))
		return mv_err_set(err, MV_EUSAGE,
		    "a label neither begins nor ends with a blank");
	return 0;
}

static void
line_check(const struct mv_public_key *k, uint8_t out[CHECK_BYTES])
{
	mv_auto(mv_buf_clear) struct mv_buf b = { 0 };
	uint8_t hash[MV_HASH_BYTES];

	mv_buf_put_str(&b, LINE_TITLE);
	mv_buf_put_u8(&b, k->rights);
	mv_buf_put(&b, k->sign_pub, MV_PUBLIC_BYTES);
	mv_buf_put(&b, k->box_pub, MV_PUBLIC_BYTES);
	mv_buf_put_str(&b, k->label);
	mv_sha256(b.p, b.len, hash);
	memcpy(out, hash, CHECK_BYTES);
}

int
mv_public_encode(const struct mv_public_key *k, struct mv_buf *out,
    struct mv_err *err)
{
	const char *role = mv_role_name(k->rights);
	uint8_t raw[LINE_BYTES];
	char digits[LINE_DIGITS + 1];
	int rc;

	if (role == NULL)
		return mv_err_set(err, MV_EUSAGE, "a key has one role");
	rc = mv_label_check(k->label, err);
	if (rc < 0)
		return rc;
	raw[0] = k->rights;
	memcpy(raw + 1, k->sign_pub, MV_PUBLIC_BYTES);
	memcpy(raw + 1 + MV_PUBLIC_BYTES, k->box_pub, MV_PUBLIC_BYTES);
	line_check(k, raw + 1 + 2 * MV_PUBLIC_BYTES);
	(void)sodium_bin2base64(digits, sizeof(digits), raw, sizeof(raw),
	    LINE_VARIANT);
	mv_buf_printf(out, "%s %s %s%s%s", LINE_TITLE, role, digits,
	    k->label[0] != '\0' ? " " : "", k->label);
	return mv_buf_failed(out, err);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word; *len 0 at the end. */
static const char *
word(struct mv_cur *c, size_t *len)
{
	const char *p;

	while (c->left > 0 && is_blank(*c->p))
		(void)mv_cur_take(c, 1);
	p = (const char *)c->p;
	*len = 0;
	while (c->left > 0 && !is_blank(*c->p)) {
		(void)mv_cur_take(c, 1);
		++*len;
	}
	return p;
}

static int
not_a_line(struct mv_err *err)
{
	return mv_err_set(err, MV_EUSAGE, "it is no line of 'mastvault key "
	    "new', or was cut off or altered on its way");
}

/* All that follows the third word, without blanks around it. */
static int
take_label(struct mv_cur *c, struct mv_public_key *k)
{
	while (c->left > 0 && is_blank(*c->p))
		(void)mv_cur_take(c, 1);
	while (c->left > 0 && is_blank(c->p[c->left - 1]))
		c->left--;
	if (c->left > MV_LABEL_TEXT_MAX || (c->left > 0 &&
	    memchr(c->p, '\0', c->left) != NULL))
		return -1;
	memcpy(k->label, c->p, c->left);
	return mv_label_check(k->label, NULL);
}

static bool
is_word(const char *p, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(p, want, len) == 0;
}

int
mv_public_decode(const char *text, size_t len, struct mv_public_key *out,
    struct mv_err *err)
{
	struct mv_cur c = mv_cur_of(text, len);
	struct mv_public_key k = { 0 };
	uint8_t raw[LINE_BYTES], check[CHECK_BYTES];
	const char *p, *role;
	size_t n, role_len, got = 0;

	p = word(&c, &n);
	if (!is_word(p, n, LINE_TITLE))
		return not_a_line(err);
	role = word(&c, &role_len);
	p = word(&c, &n);
	if (n != LINE_DIGITS || take_label(&c, &k) < 0)
		return not_a_line(err);
	if (mv_base64_decode(p, n, LINE_VARIANT, raw, sizeof(raw), &got) < 0 ||
	    got != sizeof(raw))
		return not_a_line(err);
	k.rights = raw[0];
	memcpy(k.sign_pub, raw + 1, MV_PUBLIC_BYTES);
	memcpy(k.box_pub, raw + 1 + MV_PUBLIC_BYTES, MV_PUBLIC_BYTES);
	line_check(&k, check);
	if (memcmp(check, raw + 1 + 2 * MV_PUBLIC_BYTES, CHECK_BYTES) != 0 ||
	    mv_role_name(k.rights) == NULL ||
	    !is_word(role, role_len, mv_role_name(k.rights)))
		return not_a_line(err);
	*out = k;
	return 0;
}

/* number || rights || keys || key file payload || signature */
static int
payload(const struct mv_keyset *what, const struct mv_keyring_key *member,
    const struct mv_key *owner_seed, struct mv_sbuf *out, struct mv_err *err)
{
	uint8_t sig[MV_SIGN_BYTES], number[4];
	size_t i;
	int rc;

	for (i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)(member->number >> (8 * i));
	rc = mv_sbuf_put(out, number, sizeof(number), err);
	if (rc == 0)
		rc = mv_sbuf_put(out, &member->rights, 1, err);
	if (rc == 0)
		rc = mv_sbuf_put(out, member->sign_pub, MV_PUBLIC_BYTES, err);
	if (rc == 0)
		rc = mv_sbuf_put(out, member->box_pub, MV_PUBLIC_BYTES, err);
	if (rc == 0)
		rc = mv_keyset_encode(what, out, err);
	if (rc == 0)
		rc = mv_sign(owner_seed, MV_LABEL_ENROLMENT, out->p, out->len,
		    sig, err);
	if (rc == 0)
		rc = mv_sbuf_put(out, sig, sizeof(sig), err);
	return rc;
}

int
mv_enrolment_encode(const struct mv_keyset *what,
    const struct mv_keyring_key *member, const struct mv_key *owner_seed,
    const char *comment, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf plain = { 0 }, raw = { 0 };
	mv_auto(mv_freep) uint8_t *sealed = NULL;
	int rc;

	rc = payload(what, member, owner_seed, &plain, err);
	if (rc < 0)
		return rc;
	sealed = malloc(plain.len + MV_SEAL_EXTRA);
	if (sealed == NULL)
		return mv_err_set(err, MV_ENOMEM, "write an enrolment");
	rc = mv_seal_to(member->box_pub, plain.p, plain.len, sealed, err);
	if (rc == 0)
		rc = mv_sbuf_put(&raw, sealed, plain.len + MV_SEAL_EXTRA, err);
	if (rc == 0)
		rc = mv_key_text_put(ENROL_TITLE, comment, &raw, out, err);
	return rc;
}

/* From the opened bytes, which only who knows our public key can have made. */
static int
take_payload(const uint8_t *p, size_t len, const struct mv_identity *me,
    struct mv_keyset **out, struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	mv_auto(mv_identity_wipe) struct mv_identity id = *me;
	struct mv_cur c = mv_cur_of(p, len);
	const uint8_t *keys;
	size_t inner;
	int rc;

	if (len < HEAD_BYTES + MV_SIGN_BYTES)
		return mv_key_text_bad("enrolment", err);
	inner = len - HEAD_BYTES - MV_SIGN_BYTES;
	id.number = mv_cur_u32(&c);
	id.rights = mv_cur_u8(&c);
	keys = mv_cur_take(&c, (size_t)2 * MV_PUBLIC_BYTES);
	rc = mv_keyset_decode(p + HEAD_BYTES, inner, &k, err);
	if (rc < 0)
		return rc;
	if (id.number == 0 || id.rights != me->rights ||
	    memcmp(keys, me->sign_pub, MV_PUBLIC_BYTES) != 0 ||
	    memcmp(keys + MV_PUBLIC_BYTES, me->box_pub, MV_PUBLIC_BYTES) != 0 ||
	    k->nidentities != 0 || mv_keyset_is_pending(k))
		return mv_key_text_bad("enrolment", err);
	rc = mv_verify(k->owner, MV_LABEL_ENROLMENT, p, len - MV_SIGN_BYTES,
	    p + len - MV_SIGN_BYTES, NULL);
	if (rc < 0)
		return mv_err_set(err, MV_EAUTH,
		    "the owner whom it names did not sign the enrolment");
	rc = mv_keyset_add(k, &id, err);
	if (rc == 0)
		*out = mv_take(&k);
	return rc;
}

int
mv_enrolment_decode(const void *text, size_t len,
    const struct mv_keyset *pending, struct mv_keyset **out,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf raw = { 0 };
	mv_auto(mv_secret_freep) struct mv_secret *plain = NULL;
	const struct mv_identity *me = &pending->identities[0];
	int rc;

	if (!mv_keyset_is_pending(pending) || pending->nidentities != 1)
		return mv_err_set(err, MV_EUSAGE,
		    "the key is a member of a repository already");
	rc = mv_key_text_get(ENROL_TITLE, "enrolment", text, len, &raw, err);
	if (rc < 0)
		return rc;
	if (raw.len <= MV_SEAL_EXTRA)
		return mv_key_text_bad("enrolment", err);
	rc = mv_secret_new(raw.len - MV_SEAL_EXTRA, &plain, err);
	if (rc < 0)
		return rc;
	if (mv_seal_open(me->box_pub, &me->box, raw.p, raw.len,
	    mv_secret_bytes(plain), NULL) < 0)
		return mv_err_set(err, MV_EAUTH,
		    "the enrolment is for another key, or was altered");
	return take_payload(mv_secret_bytes(plain), raw.len - MV_SEAL_EXTRA,
	    me, out, err);
}
