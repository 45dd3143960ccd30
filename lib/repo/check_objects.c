/* SPDX-License-Identifier: MIT */
/*
 * Everything but packs: read whole from every store and held against its
 * name; keyrings and vault versions are chains.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "format/labels.h"
#include "format/vault.h"
#include "repo/check_internal.h"
#include "repo/snapshots_internal.h"

#define OBJECT_MAX (256u << 20)

/* One version in a numbered chain: keyrings, or vault versions. */
struct link {
	uint64_t number;
	struct mv_id32 hash, prev;
};
struct chain {
	struct link *p;
	size_t n;
};

static void
chain_clear(struct chain *ch)
{
	free(ch->p);
}

static int
chain_add(struct chain *ch, const struct link *l, struct mv_err *err)
{
	struct link *p = realloc(ch->p, (ch->n + 1) * sizeof(*p));

	if (p == NULL)
		return mv_err_set(err, MV_ENOMEM, "check a chain");
	ch->p = p;
	p[ch->n++] = *l;
	return 0;
}

struct objects {
	struct mv_check *c;
	struct chain keyrings, vault;
	struct mv_buf obj;
};

static void
objects_clear(struct objects *o)
{
	chain_clear(&o->keyrings);
	chain_clear(&o->vault);
	mv_buf_clear(&o->obj);
}

/* A bad sector is damage too; only what is wrong with us ends the check. */
static bool
is_ours(int rc)
{
	return rc == MV_ENOMEM || rc == MV_EINTR;
}

/* 0 and the bytes in obj, MV_ECORRUPT for bad ones, or another failure. */
static int
read_copy(struct objects *o, const struct mv_listed *l, size_t store,
    struct mv_err *err)
{
	struct mv_check *c = o->c;
	int rc;

	mv_buf_reset(&o->obj);
	rc = mv_store_get_all(mv_repo_store(c->repo, store), l->name,
	    OBJECT_MAX, &o->obj, err);
	if (rc < 0)
		return rc;
	c->report.bytes += o->obj.len;
	return mv_object_verify(o->obj.p, o->obj.len, &l->what.hash, l->name,
	    err);
}

/* why is the failure to read it, if that was it. */
static int
say_copy(struct mv_check *c, const struct mv_listed *l, size_t store,
    const bool *healthy, const struct mv_err *why, struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];
	const char *url = mv_repo_store(c->repo, store)->url;
	char other[256];
	bool any;

	mv_check_elsewhere(c, healthy, store, other, sizeof(other));
	any = other[0] != '\0';
	if (l->sizes[store] == MV_ABSENT) {
		/* Those that a run makes: check_behind.c. */
		if (!any || l->what.kind == MV_KIND_INDEX ||
		    l->what.kind == MV_KIND_SNAPSHOT ||
		    l->what.kind == MV_KIND_VAULT)
			return 0;
		return mv_check_damage(c, l->name, url, NULL, err,
		    "it is missing%s", other);
	}
	if (!any && !mv_check_plausible(l->sizes[store]))
		return mv_check_warning(c, err,
		    "'%s' in store '%s' is half written and ignored",
		    l->name, url);
	mv_err_text(why, text, sizeof(text));
	if (why->code != MV_ECORRUPT)
		return mv_check_damage(c, l->name, url, NULL, err,
		    "it cannot be read: %s%s", text, other);
	return mv_check_damage(c, l->name, url, NULL, err,
	    "its bytes do not have the SHA-256 in its name%s", other);
}

/* Every store's copy; *found tells whether obj holds good bytes at the end. */
static int
check_copies(struct objects *o, const struct mv_listed *l, bool *found,
    struct mv_err *err)
{
	mv_auto(mv_freep) bool *healthy = NULL;
	mv_auto(mv_freep) struct mv_err *why = NULL;
	struct mv_check *c = o->c;
	size_t i, last = 0, n = c->all.nstores;
	int rc = 0;

	*found = false;
	healthy = calloc(n, sizeof(*healthy));
	why = calloc(n, sizeof(*why));
	if (healthy == NULL || why == NULL)
		return mv_err_set(err, MV_ENOMEM, "check '%s'", l->name);
	for (i = 0; i < n; i++) {
		if (l->sizes[i] == MV_ABSENT)
			continue;
		rc = read_copy(o, l, i, &why[i]);
		if (is_ours(rc))
			return mv_err_set(err, rc, "check '%s'", l->name);
		healthy[i] = rc == 0;
		last = i;
		*found |= rc == 0;
	}
	for (i = 0, rc = 0; rc == 0 && i < n; i++)
		if (!healthy[i] && c->all.failed[i] == NULL)
			rc = say_copy(c, l, i, healthy, &why[i], err);
	/* The last copy read may be a bad one: get a good one back. */
	for (i = 0; rc == 0 && *found && !healthy[last] && i < n; i++)
		if (healthy[i])
			return read_copy(o, l, i, err);
	return rc;
}

static int
say_unauthentic(struct mv_check *c, const char *name, int rc,
    const struct mv_err *why, struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];

	mv_err_text(why, text, sizeof(text));
	if (is_ours(rc))
		return mv_err_set(err, rc, "check '%s': %s", name, text);
	return mv_check_damage(c, name, NULL, NULL, err,
	    "it is not authentic: %s", text);
}

static int
take_keyring(struct objects *o, const struct mv_listed *l, struct mv_err *err)
{
	mv_auto(mv_keyring_clear) struct mv_keyring k = { 0 };
	struct mv_repo *r = o->c->repo;
	struct mv_err own = { 0 };
	struct link link;
	int rc;

	rc = mv_keyring_decode(o->obj.p, o->obj.len, mv_repo_id(r),
	    mv_repo_keyset(r)->owner, &k, &own);
	if (rc == 0 && k.number != l->what.number)
		rc = mv_err_set(&own, MV_ECORRUPT,
		    "its number is %" PRIu64, k.number);
	if (rc < 0)
		return say_unauthentic(o->c, l->name, rc, &own, err);
	link = (struct link){ .number = k.number, .hash = l->what.hash,
	    .prev = k.prev };
	return chain_add(&o->keyrings, &link, err);
}

static int
take_vault(struct objects *o, const struct mv_listed *l, struct mv_err *err)
{
	mv_auto(mv_vault_version_clear) struct mv_vault_version v = { 0 };
	struct mv_keyset *keys = mv_repo_keyset(o->c->repo);
	struct mv_err own = { 0 };
	struct mv_header h;
	struct link link;
	int rc;

	rc = mv_header_expect(o->obj.p, o->obj.len, MV_KIND_VAULT,
	    mv_repo_id(o->c->repo), &h, &own);
	/* Without the vault secret there is no more to be seen. */
	if (rc == 0 && !keys->has_vault)
		return 0;
	if (rc == 0)
		rc = mv_vault_version_decode(o->obj.p, o->obj.len,
		    mv_repo_id(o->c->repo), &keys->vault, mv_repo_vault_pub,
		    o->c->repo, &v, &own);
	if (rc == 0 && memcmp(v.id.b, l->what.id.b, sizeof(v.id.b)) != 0)
		rc = mv_err_set(&own, MV_ECORRUPT, "its id is another one");
	if (rc < 0)
		return say_unauthentic(o->c, l->name, rc, &own, err);
	link = (struct link){ .number = v.number, .hash = l->what.hash,
	    .prev = v.prev };
	return chain_add(&o->vault, &link, err);
}

/* Ledger entries and bad-chunk lists, which nothing here reads yet. */
static int
take_sealed(struct objects *o, const struct mv_listed *l, const char *label,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf payload = { 0 };
	mv_auto(mv_key_wipe) struct mv_key key = { 0 };
	const struct mv_epoch_secrets *s;
	struct mv_err own = { 0 };
	struct mv_header h;
	int rc;

	if (mv_header_expect(o->obj.p, o->obj.len, l->what.kind,
	    mv_repo_id(o->c->repo), &h, NULL) < 0)
		return mv_check_damage(o->c, l->name, NULL, NULL, err,
		    "it does not belong to this repository");
	s = mv_repo_epoch(o->c->repo, h.epoch);
	if (s == NULL || (s->has & 1) == 0)
		return mv_check_damage(o->c, l->name, NULL, NULL, err,
		    "our keys do not open epoch %" PRIu32, h.epoch);
	mv_kdf(&s->structure, label, &key);
	rc = mv_object_open(&key, o->obj.p, o->obj.len, &payload, &own);
	return rc == 0 ? 0 : say_unauthentic(o->c, l->name, rc, &own, err);
}

static int
keep_problem(void *arg, const char *object, const char *text,
    struct mv_err *err)
{
	return mv_check_damage(arg, object, NULL, NULL, err, "%s", text);
}

static int
check_one(struct objects *o, const struct mv_listed *l, struct mv_err *err)
{
	struct mv_problems to = { .add = keep_problem, .arg = o->c };
	bool found;
	int rc;

	rc = check_copies(o, l, &found, err);
	if (rc < 0 || !found)
		return rc;
	switch (l->what.kind) {
	case MV_KIND_KEYRING:
		return take_keyring(o, l, err);
	case MV_KIND_SNAPSHOT:
		o->c->report.snapshots++;
		return mv_snapshots_add(&o->c->snaps, o->c->repo,
		    &l->what.hash, o->obj.p, o->obj.len, &to, err);
	case MV_KIND_VAULT:
		return take_vault(o, l, err);
	case MV_KIND_INDEX:
		return 0;	/* compared with the packs, later */
	case MV_KIND_LEDGER:
		return take_sealed(o, l, MV_LABEL_LEDGER, err);
	default:
		return take_sealed(o, l, MV_LABEL_BAD, err);
	}
}

static int
by_number(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* Numbers 1, 2, 3, ..., each naming the hash of the one before it. */
static int
check_chain(struct mv_check *c, struct chain *ch, const char *what,
    struct mv_err *err)
{
	uint64_t want = 1;
	size_t i;
	int rc = 0;

	if (ch->n > 0)
		qsort(ch->p, ch->n, sizeof(*ch->p), by_number);
	for (i = 0; rc == 0 && i < ch->n; i++, want++) {
		if (ch->p[i].number == want && (i == 0 ||
		    memcmp(ch->p[i].prev.b, ch->p[i - 1].hash.b,
		    sizeof(ch->p[i].prev.b)) == 0))
			continue;
		if (ch->p[i].number < want)
			rc = mv_check_damage(c, what, NULL, NULL, err,
			    "there are two with number %" PRIu64,
			    ch->p[i].number);
		else if (ch->p[i].number > want)
			rc = mv_check_damage(c, what, NULL, NULL, err,
			    "number %" PRIu64 "%s missing or damaged", want,
			    ch->p[i].number > want + 1 ?
			    " and some after it are" : " is");
		else
			rc = mv_check_damage(c, what, NULL, NULL, err,
			    "number %" PRIu64 " does not follow the one "
			    "before it", want);
		want = ch->p[i].number;
	}
	return rc;
}

/* Does every vault version that a snapshot names exist? */
static int
check_vault_refs(struct mv_check *c, const struct mv_snapshot *s,
    struct mv_err *err)
{
	char name[MV_OBJECT_NAME_MAX];
	const struct mv_listed *l;
	size_t i, k;
	int rc = 0;

	mv_snapshot_name(&s->id, name);
	for (i = 0; rc == 0 && i < s->nvault; i++) {
		for (k = 0, l = NULL; k < c->all.n; k++)
			if (c->all.p[k].what.kind == MV_KIND_VAULT &&
			    memcmp(c->all.p[k].what.hash.b, s->vault[i].b,
			    sizeof(s->vault[i].b)) == 0)
				l = &c->all.p[k];
		if (l == NULL)
			rc = mv_check_damage(c, name, NULL, NULL, err, "the "
			    "secrets that are bound to it are missing");
	}
	return rc;
}

static int
settle(struct mv_check *c, struct mv_err *err)
{
	struct mv_problems to = { .add = keep_problem, .arg = c };
	char text[MV_ERR_TEXT_MAX];
	struct mv_err own = { 0 };
	size_t i;
	int rc;

	rc = mv_snapshots_settle(&c->snaps, c->repo, &to, err);
	if (rc == 0)
		rc = mv_snapshots_check_seen(&c->snaps, c->repo, &to, err);
	for (i = 0; rc == 0 && i < c->snaps.n; i++)
		rc = check_vault_refs(c, &c->snaps.list[i], err);
	if (rc < 0 || c->opts->expect == NULL)
		return rc;
	rc = mv_snapshots_expect(&c->snaps, c->opts->expect, &own);
	if (rc == 0)
		return 0;
	mv_err_text(&own, text, sizeof(text));
	if (rc != MV_ECORRUPT)
		return mv_err_set(err, rc, "%s", text);
	return mv_check_damage(c, "snapshots", NULL, NULL, err, "%s", text);
}

int
mv_check_objects(struct mv_check *c, struct mv_err *err)
{
	mv_auto(objects_clear) struct objects o = { .c = c };
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->all.n; i++) {
		/* The name's kind is the same for both kinds of packs. */
		if (c->all.p[i].what.kind == MV_KIND_DATA_PACK)
			continue;
		rc = mv_stop_check(err);
		if (rc == 0)
			rc = check_one(&o, &c->all.p[i], err);
	}
	if (rc == 0)
		rc = check_chain(c, &o.keyrings, "keyring", err);
	if (rc == 0)
		rc = check_chain(c, &o.vault, "vault", err);
	return rc < 0 ? rc : settle(c, err);
}
