/* SPDX-License-Identifier: MIT */
#include "vault/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "mastodon/secret_make.h"
#include "mastodon/vapid.h"

#define VERSION_FILE_MAX ((size_t)64 << 10)
#define DAY 86400

void
mv_audit_clear(struct mv_audit *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		free(a->findings[i].environment);
		free(a->findings[i].name);
		free(a->findings[i].advice);
	}
	for (i = 0; i < a->nunchecked; i++)
		free(a->unchecked[i]);
	free(a->findings);
	free(a->unchecked);
	*a = (struct mv_audit){ 0 };
}

int
mv_audit_find(struct mv_audit *a, const char *code, const char *environment,
    const char *name, struct mv_err *err, const char *fmt, ...)
{
	struct mv_finding *grown, *f;
	va_list ap;
	int n;

	grown = realloc(a->findings, (a->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "note a finding");
	a->findings = grown;
	f = &grown[a->n++];
	*f = (struct mv_finding){ .code = code };
	f->environment = strdup(environment);
	f->name = name != NULL ? strdup(name) : NULL;
	va_start(ap, fmt);
	n = vasprintf(&f->advice, fmt, ap);
	va_end(ap);
	if (n < 0)
		f->advice = NULL;
	if (n < 0 || f->environment == NULL || (name != NULL && !f->name))
		return mv_err_set(err, MV_ENOMEM, "note a finding");
	return 0;
}

int
mv_audit_leave(struct mv_audit *a, struct mv_err *err, const char *fmt, ...)
{
	char **grown, *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return mv_err_set(err, MV_ENOMEM, "note what was left out");
	grown = realloc(a->unchecked, (a->nunchecked + 1) * sizeof(*grown));
	if (grown == NULL) {
		free(text);
		return mv_err_set(err, MV_ENOMEM, "note what was left out");
	}
	a->unchecked = grown;
	grown[a->nunchecked++] = text;
	return 0;
}

/* The number on the line after "def what". */
static bool
ruby_number(const char *text, const char *what, uint8_t *out)
{
	char def[32], *end;
	const char *p;
	unsigned long v;

	(void)snprintf(def, sizeof(def), "def %s\n", what);
	p = strstr(text, def);
	if (p == NULL)
		return false;
	v = strtoul(p + strlen(def), &end, 10);
	if (end == p + strlen(def) || v > UINT8_MAX)
		return false;
	*out = (uint8_t)v;
	return true;
}

int
mv_audit_release(const char *dir, struct mv_release_no *out,
    struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf path = { 0 }, text = { 0 };
	struct mv_release_no v;
	int rc;

	mv_buf_printf(&path, "%s/lib/mastodon/version.rb", dir);
	if (mv_buf_cstr(&path) == NULL)
		return mv_buf_failed(&path, err);
	rc = mv_file_read((const char *)path.p, VERSION_FILE_MAX, &text, err);
	if (rc < 0)
		return rc;
	if (mv_buf_cstr(&text) == NULL)
		return mv_buf_failed(&text, err);
	if (!ruby_number((const char *)text.p, "major", &v.major) ||
	    !ruby_number((const char *)text.p, "minor", &v.minor))
		return mv_err_set(err, MV_ENOTFOUND,
		    "'%s' tells no version", (const char *)path.p);
	*out = v;
	return 0;
}

/* Is release at or after v, which may be unset? */
static bool
reached(const struct mv_release_no *release, struct mv_release_no v)
{
	return v.major != 0 && (release->major > v.major ||
	    (release->major == v.major && release->minor >= v.minor));
}

static bool
is_dead(const struct mv_secret_fact *f, const struct mv_release_no *release)
{
	return release != NULL && reached(release, f->gone);
}

static bool
is_needed(const struct mv_secret_fact *f, const struct mv_release_no *release)
{
	return f->required && release != NULL && !reached(release, f->gone) &&
	    (f->since.major == 0 || reached(release, f->since));
}

static const char *
advice_for(unsigned fault)
{
	switch (fault) {
	case MV_FAULT_EMPTY:
		return "it has no value";
	case MV_FAULT_SHORT:
		return "it is too short: make a new one";
	case MV_FAULT_WEAK:
		return "it can be guessed: make a new one";
	default:
		return "it stands in public documentation: make a new one, "
		    "and treat what it protected as public";
	}
}

/* One value; p is NULL where it is not set. */
static int
audit_value(struct mv_audit *a, const char *environment,
    const struct mv_secret_fact *f, const struct mv_release_no *release,
    const uint8_t *p, size_t len, struct mv_err *err)
{
	unsigned faults, bit;
	int rc = 0;

	if (p == NULL)
		return !is_needed(f, release) ? 0 :
		    mv_audit_find(a, "missing", environment, f->name, err,
		    "Mastodon %u.%u does not start without it",
		    release->major, release->minor);
	if (is_dead(f, release))
		return mv_audit_find(a, "dead", environment, f->name, err,
		    "no longer read since Mastodon %u.%u: remove it, once "
		    "all migrations have run; the vault keeps it for older "
		    "backups", f->gone.major, f->gone.minor);
	if (len == 0 && !f->required)
		return 0;
	faults = mv_secret_judge(f, p, len);
	/* What a provider made is as long as the provider likes. */
	for (bit = MV_FAULT_EMPTY; rc == 0 && bit <= MV_FAULT_SAMPLE; bit <<= 1)
		if ((faults & bit) != 0)
			rc = mv_audit_find(a, mv_secret_fault_name(bit),
			    environment, f->name, err, "%s", advice_for(bit));
	return rc;
}

static int
audit_vapid(struct mv_audit *a, const char *environment,
    const struct mv_dotenv *env, struct mv_err *err)
{
	const uint8_t *priv = NULL, *pub = NULL;
	size_t priv_len = 0, pub_len = 0;
	char text[MV_ERR_TEXT_MAX];
	struct mv_err why = { 0 };
	int rc;

	if (mv_dotenv_get(env, "VAPID_PRIVATE_KEY", &priv, &priv_len, NULL) < 0 ||
	    mv_dotenv_get(env, "VAPID_PUBLIC_KEY", &pub, &pub_len, NULL) < 0 ||
	    (priv == NULL && pub == NULL))
		return 0;
	if (priv == NULL || pub == NULL)
		return mv_audit_find(a, "vapid", environment, priv == NULL ?
		    "VAPID_PRIVATE_KEY" : "VAPID_PUBLIC_KEY", err,
		    "the other half of the pair is there and this one is not");
	rc = mv_vapid_check(priv, priv_len, pub, pub_len, &why);
	if (rc != MV_EUSAGE && rc != MV_EAUTH)
		return rc < 0 ? mv_err_set(err, rc, "check the VAPID keys") : 0;
	(void)mv_err_text(&why, text, sizeof(text));
	return mv_audit_find(a, "vapid", environment, "VAPID_PRIVATE_KEY", err,
	    "push messages cannot be sent: %s", text);
}

int
mv_audit_values(struct mv_audit *a, const char *environment,
    const struct mv_dotenv *env, const struct mv_release_no *release,
    struct mv_err *err)
{
	const struct mv_secret_fact *f;
	const uint8_t *p;
	size_t i, len;
	int rc = 0;

	for (i = 0; rc == 0 && i < mv_secret_fact_count(); i++) {
		f = mv_secret_fact_at(i);
		p = NULL;
		len = 0;
		if (mv_dotenv_get(env, f->name, &p, &len, NULL) < 0)
			rc = mv_audit_leave(a, err, "%s of '%s' is made of "
			    "settings that are not in the file", f->name,
			    environment);
		else
			rc = audit_value(a, environment, f, release, p, len,
			    err);
	}
	return rc < 0 ? rc : audit_vapid(a, environment, env, err);
}

int
mv_audit_shared(struct mv_audit *a, const char *environment,
    const struct mv_dotenv *env, const char *other,
    const struct mv_dotenv *theirs, struct mv_err *err)
{
	const struct mv_secret_fact *f;
	const uint8_t *p;
	size_t i, len;
	int rc = 0;

	for (i = 0; rc == 0 && i < mv_secret_fact_count(); i++) {
		f = mv_secret_fact_at(i);
		p = NULL;
		len = 0;
		if (mv_dotenv_get(env, f->name, &p, &len, NULL) < 0 ||
		    p == NULL || len == 0 ||
		    !mv_vault_same(env, theirs, f->name))
			continue;
		rc = mv_audit_find(a, "shared", environment, f->name, err,
		    "'%s' has the same value: who gets into one is in both; "
		    "make a new one for the less important of them", other);
	}
	return rc;
}

int
mv_audit_ages(struct mv_audit *a, const char *environment,
    const struct mv_vault_ages *ages, int64_t now, int64_t max,
    struct mv_err *err)
{
	const struct mv_vault_age *age;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < ages->n; i++) {
		age = &ages->list[i];
		if (mv_secret_fact_find(age->name) == NULL ||
		    now - age->time <= max)
			continue;
		rc = mv_audit_find(a, "old", environment, age->name, err,
		    "its value is known for %lld days, and %lld are allowed "
		    "(max-secret-age)", (long long)((now - age->time) / DAY),
		    (long long)(max / DAY));
	}
	return rc;
}
