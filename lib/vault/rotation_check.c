/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"
#include "mastodon/redis_place.h"
#include "vault/redis_password.h"
#include "vault/role_password.h"
#include "vault/rotation_plan.h"

static const char role_name[] = "DB_PASS";
static const char replica_name[] = "REPLICA_DB_PASS";

#define REDIS_USES (MV_REDIS_SIDEKIQ + 1)

void
mv_planning_drop(struct mv_planning *p, const struct mv_secret_fact *f)
{
	struct mv_rotation_plan *plan = p->plan;
	size_t i, kept = 0;

	for (i = 0; i < plan->n; i++) {
		if (plan->items[i].fact != f)
			plan->items[kept++] = plan->items[i];
		else
			mv_secret_free(plan->items[i].value);
	}
	plan->n = kept;
}

/* Is this setting's value that secret? */
static bool
setting_is(const struct mv_dotenv *env, const char *name,
    struct mv_secret *secret)
{
	const uint8_t *value = NULL;
	size_t len = 0;

	return secret != NULL &&
	    mv_dotenv_get(env, name, &value, &len, NULL) == 0 &&
	    len == mv_secret_len(secret) &&
	    mv_equal(value, mv_secret_bytes(secret), len);
}

static bool
same_secret(struct mv_secret *a, struct mv_secret *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return mv_secret_len(a) == mv_secret_len(b) &&
	    mv_equal(mv_secret_bytes(a), mv_secret_bytes(b),
	    mv_secret_len(a));
}

static int
can_change_role(struct mv_planning *p, struct mv_err *err)
{
	const struct mv_database *db = &p->old.database;
	const struct mv_pg_target place = {
		.conninfo = db->conninfo,
		.exec_prefix = p->place->exec_prefix,
		.pg_bin = p->place->pg_bin,
		.uid = p->site->uid,
		.gid = p->site->gid,
	};
	bool used = false;
	int rc;

	if (!setting_is(p->old.env, role_name, db->password))
		return mv_err_set(err, MV_EREFUSED, "DATABASE_URL has a "
		    "password of its own, which wins over %s: take it out of "
		    "the URL", role_name);
	rc = mv_role_password_try(&place, db->password, &used, err);
	if (rc == 0 && !used)
		rc = mv_err_set(err, MV_EUSAGE, "PostgreSQL lets role '%s' in "
		    "without a password (peer or trust): there is nothing to "
		    "rotate", db->user);
	return mv_err_ctx(err, rc, "%s", role_name);
}

/* places: the up to three servers of Redis that one generation uses. */
struct places {
	struct mv_redis_place list[REDIS_USES];
	bool there[REDIS_USES];
};

static void
places_clear(struct places *p)
{
	size_t i;

	for (i = 0; i < REDIS_USES; i++)
		if (p->there[i])
			mv_redis_place_clear(&p->list[i]);
}

static int
places_init(struct places *p, const struct mv_dotenv *env, struct mv_err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < REDIS_USES; i++) {
		struct mv_err why = { 0 };

		rc = mv_redis_place_init(&p->list[i], env,
		    (enum mv_redis_use)i, &why);
		p->there[i] = rc == 0;
		if (rc == 0 || rc == MV_ENOTFOUND)
			continue;
		if (err != NULL)
			*err = why;
		return rc;
	}
	return 0;
}

static const struct mv_redis_place *
place_of(const struct places *p, const char *name)
{
	size_t i;

	for (i = 0; i < REDIS_USES; i++)
		if (p->there[i] && strcmp(p->list[i].variable, name) == 0)
			return &p->list[i];
	return NULL;
}

static int
can_change_redis(struct mv_planning *p, const char *name, struct mv_err *err)
{
	mv_auto(places_clear) struct places all = { 0 };
	const struct mv_redis_place *place;
	bool used = false;
	size_t i;
	int rc;

	rc = places_init(&all, p->old.env, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "%s", name);
	place = place_of(&all, name);
	if (place == NULL || place->in_url)
		return mv_err_set(err, MV_EREFUSED, "%s is not what Mastodon "
		    "logs in to Redis with: a URL is, or another setting",
		    name);
	for (i = 0; i < REDIS_USES; i++)
		if (all.there[i] && all.list[i].in_url &&
		    mv_redis_place_same(place, &all.list[i]))
			return mv_err_set(err, MV_EREFUSED, "%s has the same "
			    "password inside a URL: take it out of there",
			    all.list[i].variable);
	rc = mv_redis_password_check(place, place->password, &used, err);
	if (rc == 0 && !used)
		rc = mv_err_set(err, MV_EUSAGE, "Redis lets everybody in "
		    "without a password: there is nothing to rotate");
	return mv_err_ctx(err, rc, "%s", name);
}

int
mv_planning_can(struct mv_planning *p, const struct mv_secret_fact *f,
    struct mv_err *err)
{
	if (f->effect == MV_EFFECT_ROLE)
		return can_change_role(p, err);
	if (f->effect == MV_EFFECT_REDIS)
		return can_change_redis(p, f->name, err);
	return 0;
}

/* Name gets the same new value as the item called like. */
static int
share_with(struct mv_planning *p, const char *like, const char *name,
    struct mv_err *err)
{
	const struct mv_secret_fact *f = mv_secret_fact_find(name);
	struct mv_rotation_item *from, *to;
	int rc;

	if (f == NULL || mv_planning_find(p, like) == NULL)
		return 0;
	rc = mv_planning_add(p, f, err);
	if (rc < 0)
		return rc;
	from = mv_planning_find(p, like);
	to = mv_planning_find(p, name);
	mv_secret_freep(&to->value);
	return mv_secret_from(mv_secret_bytes(from->value),
	    mv_secret_len(from->value), &to->value, err);
}

static int
share_redis(struct mv_planning *p, struct mv_err *err)
{
	mv_auto(places_clear) struct places all = { 0 };
	size_t i, j;
	int rc;

	rc = places_init(&all, p->old.env, err);
	for (i = 0; rc == 0 && i < REDIS_USES; i++) {
		if (!all.there[i] ||
		    mv_planning_find(p, all.list[i].variable) == NULL)
			continue;
		for (j = 0; rc == 0 && j < REDIS_USES; j++)
			if (j != i && all.there[j] && mv_redis_place_same(
			    &all.list[i], &all.list[j]) &&
			    strcmp(all.list[i].variable,
			    all.list[j].variable) != 0)
				rc = share_with(p, all.list[i].variable,
				    all.list[j].variable, err);
	}
	return rc;
}

static bool
has_effect(const struct mv_planning *p, enum mv_secret_effect effect)
{
	size_t i;

	for (i = 0; i < p->plan->n; i++)
		if (p->plan->items[i].fact->effect == effect)
			return true;
	return false;
}

int
mv_planning_share(struct mv_planning *p, struct mv_err *err)
{
	int rc = 0;

	/* A replica has its roles from the first server. */
	if (has_effect(p, MV_EFFECT_ROLE) && setting_is(p->old.env,
	    replica_name, p->old.database.password))
		rc = share_with(p, role_name, replica_name, err);
	if (rc == 0 && has_effect(p, MV_EFFECT_REDIS))
		rc = share_redis(p, err);
	return rc;
}

static int
check_redis(struct mv_planning *p, struct mv_err *err)
{
	mv_auto(places_clear) struct places all = { 0 };
	size_t i, j;
	int rc;

	rc = places_init(&all, p->next.env, err);
	for (i = 0; rc == 0 && i < REDIS_USES; i++)
		for (j = 0; rc == 0 && j < i; j++)
			if (all.there[i] && all.there[j] &&
			    mv_redis_place_same(&all.list[i], &all.list[j]) &&
			    !same_secret(all.list[i].password,
			    all.list[j].password))
				rc = mv_err_set(err, MV_EREFUSED, "%s and %s "
				    "would hold different passwords of one "
				    "user of Redis", all.list[j].variable,
				    all.list[i].variable);
	return rc;
}

int
mv_planning_check(struct mv_planning *p, struct mv_err *err)
{
	struct mv_rotation_item *role = mv_planning_find(p, role_name);

	if (role != NULL && !same_secret(role->value,
	    p->next.database.password))
		return mv_err_set(err, MV_EREFUSED, "with a new %s Mastodon "
		    "would log in with something else: does DATABASE_URL "
		    "have a password?", role_name);
	return has_effect(p, MV_EFFECT_REDIS) ? check_redis(p, err) : 0;
}
