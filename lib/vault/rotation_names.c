/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/crypto.h"
#include "mastodon/secret_make.h"
#include "mastodon/vapid.h"
#include "vault/rotation_plan.h"

static const char role_name[] = "DB_PASS";
static const char replica_name[] = "REPLICA_DB_PASS";
static const char redis_name[] = "REDIS_PASSWORD";

struct mv_rotation_item *
mv_planning_find(struct mv_planning *p, const char *name)
{
	struct mv_rotation_plan *plan = p->plan;
	size_t i;

	for (i = 0; i < plan->n; i++)
		if (strcmp(plan->items[i].fact->name, name) == 0)
			return &plan->items[i];
	return NULL;
}

/* Does the file's setting count, and is there a value? */
static int
check_place(struct mv_planning *p, const char *name, struct mv_err *err)
{
	mv_auto(mv_freep) char *path = NULL;
	const uint8_t *value;
	bool ours = false;
	size_t len;
	int rc;

	rc = mv_site_winner(&p->place->site, name, &path, &ours, err);
	if (rc < 0)
		return rc;
	if (path == NULL)
		return mv_err_set(err, MV_EUSAGE, "%s is not set in '%s': "
		    "what is set elsewhere (systemd, a container's "
		    "environment) cannot be changed from here", name,
		    p->site->env_file);
	if (!ours)
		return mv_err_set(err, MV_EREFUSED, "%s is set in '%s', "
		    "which wins over '%s': move that line there first", name,
		    path, p->site->env_file);
	rc = mv_dotenv_get(p->old.env, name, &value, &len, err);
	if (rc == 0 && len == 0)
		rc = mv_err_set(err, MV_EUSAGE, "%s is empty: there is "
		    "nothing to rotate", name);
	return rc;
}

static int
check_version(const struct mv_planning *p, const struct mv_secret_fact *f,
    struct mv_err *err)
{
	switch (mv_secret_state(f, p->plan->schema)) {
	case MV_SECRET_DEAD:
		return mv_err_set(err, MV_EUSAGE, "Mastodon %s no longer "
		    "reads %s", p->plan->version, f->name);
	case MV_SECRET_NOT_YET:
		return mv_err_set(err, MV_EUSAGE, "Mastodon %s does not read "
		    "%s yet", p->plan->version, f->name);
	case MV_SECRET_REQUIRED:
	case MV_SECRET_OPTIONAL:
		break;
	}
	return 0;
}

static bool
is_given(const struct mv_planning *p, const char *name)
{
	const uint8_t *value = NULL;
	size_t len = 0;

	return p->opts->given != NULL &&
	    mv_dotenv_get(p->opts->given, name, &value, &len, NULL) == 0 &&
	    len > 0;
}

/* What nobody can do from here. */
static int
check_kind(const struct mv_planning *p, const struct mv_secret_fact *f,
    struct mv_err *err)
{
	bool url = f->make == MV_MAKE_GIVEN &&
	    (f->effect == MV_EFFECT_ROLE || f->effect == MV_EFFECT_REDIS);

	if (url)
		return mv_err_set(err, MV_EREFUSED, "%s holds its password "
		    "inside a URL: take it out of there, write it into %s and "
		    "rotate that", f->name, f->effect == MV_EFFECT_ROLE ?
		    role_name : redis_name);
	if (strstr(f->name, "SENTINEL") != NULL)
		return mv_err_set(err, MV_EREFUSED, "the password of Redis' "
		    "sentinels (%s) is in their own configuration: change it "
		    "there, then here by 'secrets set' and 'secrets render'",
		    f->name);
	if (f->make == MV_MAKE_GIVEN && !is_given(p, f->name))
		return mv_err_set(err, MV_EUSAGE, "%s (%s) is made by "
		    "somebody else: its new value comes from standard input",
		    f->name, f->protects);
	return 0;
}

static int
check_name(struct mv_planning *p, const struct mv_secret_fact *f,
    struct mv_err *err)
{
	int rc;

	rc = check_version(p, f, err);
	if (rc == 0)
		rc = check_kind(p, f, err);
	return rc < 0 ? rc : check_place(p, f->name, err);
}

int
mv_planning_add(struct mv_planning *p, const struct mv_secret_fact *f,
    struct mv_err *err)
{
	struct mv_rotation_plan *plan = p->plan;
	struct mv_rotation_item *grown;

	if (mv_planning_find(p, f->name) != NULL)
		return 0;
	grown = realloc(plan->items, (plan->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "plan");
	plan->items = grown;
	plan->items[plan->n++] = (struct mv_rotation_item){ .fact = f };
	return 0;
}

/* A name, with its partner and what has the same value for the same thing. */
static int
add_name(struct mv_planning *p, const struct mv_secret_fact *f,
    struct mv_err *err)
{
	const struct mv_secret_fact *other;
	int rc;

	rc = check_name(p, f, err);
	if (rc == 0)
		rc = mv_planning_add(p, f, err);
	if (rc == 0 && f->partner != NULL &&
	    mv_planning_find(p, f->partner) == NULL) {
		other = mv_secret_fact_find(f->partner);
		rc = check_name(p, other, err);
		if (rc == 0)
			rc = mv_planning_add(p, other, err);
	}
	return rc;
}

static int
add_named(struct mv_planning *p, const char *name, struct mv_err *err)
{
	const struct mv_secret_fact *f = mv_secret_fact_find(name);

	if (f == NULL)
		return mv_err_set(err, MV_EUSAGE, "'%.64s' is none of "
		    "Mastodon's secrets: 'secrets set' changes other "
		    "settings", name);
	if (strcmp(name, replica_name) == 0)
		return mv_err_set(err, MV_EREFUSED, "a replica has its "
		    "passwords from the first server: rotate %s", role_name);
	return add_name(p, f, err);
}

static int
leave(struct mv_planning *p, const struct mv_err *why, struct mv_err *err)
{
	struct mv_rotation_plan *plan = p->plan;
	char text[MV_ERR_TEXT_MAX], **grown;

	(void)mv_err_text(why, text, sizeof(text));
	grown = realloc(plan->left, (plan->nleft + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "plan");
	plan->left = grown;
	plan->left[plan->nleft] = strdup(text);
	if (plan->left[plan->nleft] == NULL)
		return mv_err_set(err, MV_ENOMEM, "plan");
	plan->nleft++;
	return 0;
}

/*
 * What cannot be rotated by its nature is left by --all; in an emergency also
 * what just now cannot, as the password of a Redis that is down: the others
 * do not wait for it.
 */
static bool
is_left(const struct mv_planning *p, int rc)
{
	return rc == MV_EUSAGE || rc == MV_EREFUSED ||
	    (rc < 0 && p->opts->forward_only && rc != MV_ENOMEM &&
	    rc != MV_EINTR);
}

/* Everything that is set and can be made here; the rest is told. */
static int
add_all(struct mv_planning *p, struct mv_err *err)
{
	const struct mv_secret_fact *f;
	const uint8_t *value;
	size_t i, len;
	int rc = 0;

	for (i = 0; rc == 0 && i < mv_secret_fact_count(); i++) {
		struct mv_err why = { 0 };

		f = mv_secret_fact_at(i);
		if (mv_dotenv_get(p->old.env, f->name, &value, &len, NULL) < 0 ||
		    len == 0 || strcmp(f->name, replica_name) == 0 ||
		    f->effect == MV_EFFECT_OUTSIDE ||
		    mv_secret_state(f, p->plan->schema) == MV_SECRET_DEAD ||
		    mv_planning_find(p, f->name) != NULL)
			continue;
		rc = add_name(p, f, &why);
		if (rc == 0)
			rc = mv_planning_can(p, f, &why);
		if (is_left(p, rc)) {
			mv_planning_drop(p, f);
			rc = leave(p, &why, err);
		} else if (rc < 0 && err != NULL) {
			*err = why;
		}
	}
	return rc;
}

static int
make_pair(struct mv_planning *p, struct mv_err *err)
{
	struct mv_rotation_item *priv, *pub;
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	char public[MV_VAPID_PUBLIC_TEXT + 1];
	int rc;

	priv = mv_planning_find(p, "VAPID_PRIVATE_KEY");
	pub = mv_planning_find(p, "VAPID_PUBLIC_KEY");
	if (priv == NULL || pub == NULL)
		return 0;
	rc = mv_vapid_generate(&text, public, err);
	if (rc == 0)
		rc = mv_secret_from(text.p, text.len, &priv->value, err);
	if (rc == 0)
		rc = mv_secret_from(public, strlen(public), &pub->value, err);
	return rc;
}

static int
make_value(struct mv_planning *p, struct mv_rotation_item *item,
    struct mv_err *err)
{
	const char *name = item->fact->name;
	const uint8_t *value = NULL;
	size_t len = 0;
	int rc;

	if (item->value != NULL)
		return 0;
	if (item->fact->make != MV_MAKE_GIVEN)
		return mv_secret_make(item->fact, &item->value, err);
	rc = mv_dotenv_get(p->opts->given, name, &value, &len, err);
	if (rc < 0)
		return rc;
	if (mv_secret_judge(item->fact, value, len) & MV_FAULT_SAMPLE)
		return mv_err_set(err, MV_EUSAGE, "the new value of %s "
		    "stands in documentation or source code", name);
	return mv_secret_from(value, len, &item->value, err);
}

/* A value that is given and no other than before rotates nothing. */
static int
check_new(struct mv_planning *p, const struct mv_rotation_item *item,
    struct mv_err *err)
{
	const uint8_t *value;
	size_t len;
	int rc;

	rc = mv_dotenv_get(p->old.env, item->fact->name, &value, &len, err);
	if (rc == 0 && len == mv_secret_len(item->value) &&
	    mv_equal(value, mv_secret_bytes(item->value), len))
		rc = mv_err_set(err, MV_EUSAGE,
		    "the new value of %s is the old one", item->fact->name);
	return rc;
}

static int
by_fact(const void *a, const void *b)
{
	const struct mv_rotation_item *x = a, *y = b;

	return x->fact < y->fact ? -1 : x->fact > y->fact;
}

int
mv_planning_names(struct mv_planning *p, struct mv_err *err)
{
	struct mv_rotation_plan *plan = p->plan;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && p->opts->names != NULL &&
	    p->opts->names[i] != NULL; i++)
		rc = add_named(p, p->opts->names[i], err);
	for (i = 0; rc == 0 && i < plan->n; i++)
		rc = mv_planning_can(p, plan->items[i].fact, err);
	if (rc == 0 && p->opts->all)
		rc = add_all(p, err);
	if (rc == 0 && plan->n == 0)
		rc = mv_err_set(err, MV_EUSAGE, "there is nothing to rotate");
	if (rc < 0)
		return rc;
	qsort(plan->items, plan->n, sizeof(plan->items[0]), by_fact);
	rc = make_pair(p, err);
	for (i = 0; rc == 0 && i < plan->n; i++)
		rc = make_value(p, &plan->items[i], err);
	if (rc == 0)
		rc = mv_planning_share(p, err);
	for (i = 0; rc == 0 && i < plan->n; i++)
		rc = check_new(p, &plan->items[i], err);
	return rc;
}
