/* SPDX-License-Identifier: MIT */
/*
 * Index objects: derived data, so what is wrong with one is a warning.  Each
 * is held against the listing and against the footers that it copies.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "format/index.h"
#include "format/labels.h"
#include "repo/check_internal.h"

#define INDEX_MAX (256u << 20)

struct compare {
	struct mv_check *c;
	struct mv_buf footer;
};

static void
compare_clear(struct compare *cmp)
{
	mv_buf_clear(&cmp->footer);
}

/* A pack that an index names: there, of that size, with that footer? */
static int
compare_pack(const struct mv_index_pack *p, void *arg, struct mv_err *err)
{
	mv_auto(mv_footer_clear) struct mv_footer f = { 0 };
	struct compare *cmp = arg;
	struct mv_check *c = cmp->c;
	char name[MV_OBJECT_NAME_MAX];
	const struct mv_listed *l;
	size_t i;

	mv_object_name(p->kind, 0, &p->id, &p->hash, name);
	l = mv_listing_find(&c->all, name);
	if (l == NULL)
		return mv_err_set(err, MV_ECORRUPT,
		    "it names '%s', which is not there", name);
	for (i = 0; i < c->all.nstores; i++) {
		if (l->sizes[i] != p->size)
			continue;
		/* A footer that does not open is found with its pack. */
		if (mv_pack_footer_get(c->repo, mv_repo_store(c->repo, i),
		    &l->what, p->size, &cmp->footer, &f, NULL) < 0)
			continue;
		if (f.kind == p->kind && cmp->footer.len == p->footer_len &&
		    memcmp(cmp->footer.p, p->footer, p->footer_len) == 0)
			return 0;
		return mv_err_set(err, MV_ECORRUPT,
		    "it contradicts the footer of '%s'", name);
	}
	return 0;
}

static int
read_index(struct mv_check *c, const struct mv_listed *l,
    struct mv_buf *payload, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf obj = { 0 };
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	const struct mv_epoch_secrets *s;
	struct mv_header h;
	int rc;

	rc = mv_repo_get(c->repo, l->name, INDEX_MAX, &obj, err);
	if (rc == 0)
		rc = mv_header_expect(obj.p, obj.len, MV_KIND_INDEX,
		    mv_repo_id(c->repo), &h, err);
	if (rc < 0)
		return rc;
	s = mv_repo_epoch(c->repo, h.epoch);
	if (s == NULL || (s->has & 1) == 0)
		return mv_err_set(err, MV_EAUTH,
		    "our keys do not open epoch %" PRIu32, h.epoch);
	mv_kdf(&s->structure, MV_LABEL_INDEX, &key);
	return mv_object_open(&key, obj.p, obj.len, payload, err);
}

static int
note_covered(const struct mv_index_pack *p, void *arg, struct mv_err *err)
{
	struct mv_check *c = arg;
	char name[MV_OBJECT_NAME_MAX];
	const struct mv_listed *l;

	(void)err;
	mv_object_name(p->kind, 0, &p->id, &p->hash, name);
	l = mv_listing_find(&c->all, name);
	if (l != NULL)
		c->indexed[l - c->all.p] = true;
	return 0;
}

static int
check_one(struct compare *cmp, const struct mv_listed *l, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	char text[MV_ERR_TEXT_MAX];
	struct mv_err own = { 0 };
	int rc;

	rc = read_index(cmp->c, l, &payload, &own);
	if (rc == 0)
		rc = mv_index_decode(payload.p, payload.len, compare_pack,
		    cmp, &own);
	if (rc == 0)
		rc = mv_index_decode(payload.p, payload.len, note_covered,
		    cmp->c, &own);
	/* What could not be read may be right all the same. */
	cmp->c->indexed[l - cmp->c->all.p] = rc != MV_ECORRUPT;
	if (rc == 0)
		return 0;
	mv_err_text(&own, text, sizeof(text));
	if (rc == MV_ENOMEM || rc == MV_EINTR)
		return mv_err_set(err, rc, "%s", text);
	return mv_check_warning(cmp->c, err, "index '%s' is set aside: %s",
	    l->name, text);
}

int
mv_check_indexes(struct mv_check *c, struct mv_err *err)
{
	mv_auto(compare_clear) struct compare cmp = { .c = c };
	size_t i;
	int rc = 0;

	c->indexed = calloc(c->all.n + 1, sizeof(*c->indexed));
	if (c->indexed == NULL)
		return mv_err_set(err, MV_ENOMEM, "check the index");
	for (i = 0; rc == 0 && i < c->all.n; i++) {
		if (c->all.p[i].what.kind != MV_KIND_INDEX)
			continue;
		rc = mv_stop_check(err);
		if (rc == 0)
			rc = check_one(&cmp, &c->all.p[i], err);
	}
	return rc;
}
