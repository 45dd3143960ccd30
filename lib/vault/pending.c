/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "vault/vault_internal.h"

int
mv_vault_is_pending(struct mv_repo *r, const struct mv_vault_version *v,
    bool *out, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file f = { 0 };
	mv_auto(mv_vault_note_clear) struct mv_vault_note note = { 0 };
	int rc;

	*out = false;
	if (mv_vault_recipient(r, v) == NULL)
		return 0;
	rc = mv_vault_open_noted(r, v, &f, &note, err);
	if (rc == 0)
		*out = note.pending;
	return rc;
}

int
mv_vault_before(struct mv_repo *r, const struct mv_vault *v,
    const struct mv_vault_version **out, struct mv_err *err)
{
	bool pending;
	size_t i;
	int rc;

	*out = NULL;
	for (i = v->n; i > 0; i--) {
		rc = mv_vault_is_pending(r, &v->list[i - 1], &pending, err);
		if (rc < 0)
			return rc;
		if (!pending)
			break;
	}
	if (i < v->n && i == 0)
		return mv_err_set(err, MV_ECORRUPT, "the vault begins with a "
		    "rotation that was not finished");
	if (i < v->n)
		*out = &v->list[i - 1];
	return 0;
}
