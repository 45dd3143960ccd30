/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "format/index.h"
#include "format/labels.h"
#include "repo/index_write.h"

int
mv_index_object_put(struct mv_repo *r, uint32_t epoch,
    const struct mv_buf *list, size_t count, struct mv_id32 *hash,
    struct mv_err *err)
{
	struct mv_header h = {
		.kind = MV_KIND_INDEX,
		.epoch = epoch,
		.repo = *mv_repo_id(r),
	};
	const struct mv_epoch_secrets *secrets = mv_repo_epoch(r, epoch);
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	char name[MV_OBJECT_NAME_MAX];
	int rc;

	if (secrets == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "no key here opens epoch %u", epoch);
	mv_kdf(&secrets->structure, MV_LABEL_INDEX, &k);
	rc = mv_index_encode(list, count, &payload, err);
	if (rc == 0)
		rc = mv_object_seal(&h, &k, payload.p, payload.len, &obj, err);
	if (rc < 0)
		return rc;
	mv_sha256(obj.p, obj.len, hash->b);
	mv_object_name(MV_KIND_INDEX, 0, NULL, hash, name);
	return mv_repo_put(r, name, obj.p, obj.len, err);
}
