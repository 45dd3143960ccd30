/* SPDX-License-Identifier: MIT */
#include "repo/idhash.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/labels.h"

/* An HMAC with a key that was derived from an epoch's secret. */
struct keyed {
	struct mv_hmac *mac;	/* NULL until first used */
	uint32_t epoch;
};

struct mv_idhash {
	struct mv_repo *repo;	/* borrowed */
	struct keyed node, db, media;
	struct mv_hmac *file;	/* keyed with file_key once it is set */
	uint8_t file_key[MV_FILE_KEY_BYTES];
};

int
mv_idhash_new(struct mv_repo *r, struct mv_idhash **out, struct mv_err *err)
{
	struct mv_idhash *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return mv_err_set(err, MV_ENOMEM, "prepare for ids");
	h->repo = r;
	*out = h;
	return 0;
}

void
mv_idhash_free(struct mv_idhash *h)
{
	if (h == NULL)
		return;
	mv_hmac_free(h->node.mac);
	mv_hmac_free(h->db.mac);
	mv_hmac_free(h->media.mac);
	mv_hmac_free(h->file);
	free(h);
}

void
mv_idhash_freep(struct mv_idhash **h)
{
	mv_idhash_free(*h);
	*h = NULL;
}

/* Make k an HMAC for this epoch; has is the secret's bit. */
static int
prepare(struct mv_idhash *h, struct keyed *k, uint32_t epoch, uint8_t has,
    const char *label, struct mv_err *err)
{
	const struct mv_epoch_secrets *s;
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };

	if (k->mac != NULL && k->epoch == epoch)
		return 0;
	s = mv_repo_epoch(h->repo, epoch);
	if (s == NULL || (s->has & has) == 0)
		return mv_err_set(err, MV_EAUTH,
		    "our keys do not give the %s secret of epoch %u",
		    has == 1 ? "structure" : "identity", epoch);
	mv_kdf(has == 1 ? &s->structure : &s->identity, label, &key);
	mv_hmac_freep(&k->mac);
	k->epoch = epoch;
	return mv_hmac_new(&key, &k->mac, err);
}

static void
cut(struct mv_hmac *mac, const uint8_t *p, size_t len, struct mv_id16 *out)
{
	uint8_t full[MV_HASH_BYTES];

	mv_hmac(mac, p, len, full);
	memcpy(out->b, full, sizeof(out->b));
}

int
mv_idhash_node(struct mv_idhash *h, uint32_t epoch, const uint8_t *p,
    size_t len, struct mv_id16 *out, struct mv_err *err)
{
	int rc;

	rc = prepare(h, &h->node, epoch, 1, MV_LABEL_NODE, err);
	if (rc < 0)
		return rc;
	cut(h->node.mac, p, len, out);
	return 0;
}

int
mv_idhash_db(struct mv_idhash *h, uint32_t epoch, const uint8_t *p,
    size_t len, struct mv_id16 *out, struct mv_err *err)
{
	int rc;

	rc = prepare(h, &h->db, epoch, 2, MV_LABEL_CHUNK_DB, err);
	if (rc < 0)
		return rc;
	cut(h->db.mac, p, len, out);
	return 0;
}

int
mv_idhash_file_key(struct mv_idhash *h, uint32_t epoch, const uint8_t *path,
    size_t len, uint8_t out[MV_FILE_KEY_BYTES], struct mv_err *err)
{
	int rc;

	rc = prepare(h, &h->media, epoch, 2, MV_LABEL_CHUNK_MEDIA, err);
	if (rc < 0)
		return rc;
	mv_hmac(h->media.mac, path, len, out);
	return 0;
}

int
mv_idhash_media(struct mv_idhash *h,
    const uint8_t file_key[MV_FILE_KEY_BYTES], const uint8_t *p, size_t len,
    struct mv_id16 *out, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	int rc = 0;

	if (h->file == NULL) {
		memcpy(key.b, file_key, sizeof(key.b));
		rc = mv_hmac_new(&key, &h->file, err);
	} else if (memcmp(h->file_key, file_key, MV_FILE_KEY_BYTES) != 0) {
		rc = mv_hmac_rekey(h->file, file_key, err);
	}
	if (rc < 0)
		return rc;
	memcpy(h->file_key, file_key, MV_FILE_KEY_BYTES);
	cut(h->file, p, len, out);
	return 0;
}
