/* SPDX-License-Identifier: MIT */
/*
 * The first byte chooses: 'l' a public line, which encodes to an equivalent
 * one; 's' what an enrolment for a known key holds, sealed to it here; else
 * the text of an enrolment.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/enrol.h"
#include "format/keyfile_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
line(const uint8_t *data, size_t len)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	struct mv_public_key k, again;
	int rc;

	rc = mv_public_decode((const char *)data, len, &k, NULL);
	if (rc == MV_EUSAGE)
		return;
	if (rc < 0 || mv_public_encode(&k, &text, NULL) < 0 ||
	    mv_public_decode((const char *)text.p, text.len, &again,
	    NULL) < 0 || strcmp(k.label, again.label) != 0 ||
	    k.rights != again.rights ||
	    memcmp(k.box_pub, again.box_pub, MV_PUBLIC_BYTES) != 0)
		abort();
}

/* A reader's key, the same in every run. */
static void
known(struct mv_keyset *k)
{
	struct mv_identity *id = &k->identities[0];

	id->number = 1;
	id->rights = MV_RIGHT_READ;
	memset(id->seed.b, 7, MV_KEY_BYTES);
	memset(id->box.b, 9, MV_KEY_BYTES);
	mv_sign_public(&id->seed, id->sign_pub);
	mv_seal_public(&id->box, id->box_pub);
	k->nidentities = 1;
}

static void
open_text(const struct mv_keyset *pending, const void *text, size_t len)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *k = NULL;
	int rc;

	rc = mv_enrolment_decode(text, len, pending, &k, NULL);
	if (rc == MV_EUSAGE || rc == MV_EAUTH || rc == MV_ENOMEM)
		return;
	if (rc < 0 || mv_keyset_is_pending(k) || k->nidentities != 1 ||
	    k->identities[0].rights != MV_RIGHT_READ)
		abort();
}

static void
sealed(const struct mv_keyset *pending, const uint8_t *data, size_t len)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf raw = { 0 }, text = { 0 };
	mv_auto(mv_freep) uint8_t *box = malloc(len + MV_SEAL_EXTRA);

	if (box == NULL || mv_seal_to(pending->identities[0].box_pub, data,
	    len, box, NULL) < 0 ||
	    mv_sbuf_put(&raw, box, len + MV_SEAL_EXTRA, NULL) < 0 ||
	    mv_key_text_put("mastvault-enrolment-1", NULL, &raw, &text,
	    NULL) < 0)
		return;
	open_text(pending, text.p, text.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *pending = NULL;

	if (mv_secret_init(NULL) < 0 || mv_keyset_new(&pending, NULL) < 0)
		abort();
	known(pending);
	if (len > 0 && data[0] == 'l')
		line(data + 1, len - 1);
	else if (len > 0 && data[0] == 's')
		sealed(pending, data + 1, len - 1);
	else
		open_text(pending, data, len);
	return 0;
}
