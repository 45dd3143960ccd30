/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "job/detail.h"
#include "job/restore_internal.h"
#include "mastodon/secret_facts.h"
#include "mastodon/secret_make.h"
#include "mastodon/vapid.h"
#include "mastodon/version.h"
#include "vault/audit.h"

/*
 * restore_env: the env-file of an environment that got another one's data.
 *
 * A new one is written from nothing, not from production's with a few lines
 * changed: nobody can know in which of those a credential stands.
 */
#define ENV_FILE_MAX (4u << 20)

static const char head[] =
    "# For a defused copy of another environment: new secrets, and nothing of\n"
    "# the other's.  Before Mastodon is started: a domain of its own, which\n"
    "# LOCAL_DOMAIN=" MV_HARM_NOWHERE " is not; a database; a Redis that\n"
    "# nobody else uses; media in a place of its own.\n"
    "LOCAL_DOMAIN=" MV_HARM_NOWHERE "\n"
    "# Nobody is let in or out; no mail is handed to anybody.\n"
    "LIMITED_FEDERATION_MODE=true\n"
    "SMTP_DELIVERY_METHOD=test\n";

int
mv_restore_env_compare(struct mv_restore_run *run,
    const struct mv_vault_file *file, struct mv_err *err)
{
	mv_auto(mv_vault_file_clear) struct mv_vault_file theirs = { 0 };
	mv_auto(mv_dotenv_freep) struct mv_dotenv *a = NULL, *b = NULL;
	mv_auto(mv_audit_clear) struct mv_audit found = { 0 };
	const char *path = run->opts->env_file;
	int rc;

	if (access(path, F_OK) < 0)
		return 0;
	rc = mv_sbuf_read_file(&theirs.bytes, path, ENV_FILE_MAX, err);
	if (rc == 0)
		rc = mv_vault_settings(&theirs, &a, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "'%s'", path);
	rc = mv_vault_settings(file, &b, err);
	if (rc == 0)
		rc = mv_audit_shared(&found, "", a, "", b, err);
	if (rc < 0 || found.n == 0)
		return rc;
	return mv_err_set(err, MV_EREFUSED, "'%s' has %zu of the secrets of "
	    "the environment that the data come from, as %s", path, found.n,
	    found.findings[0].name);
}

static int
put_line(struct mv_sbuf *out, const char *name, const void *value,
    size_t len, struct mv_err *err)
{
	int rc;

	rc = mv_sbuf_put(out, name, strlen(name), err);
	if (rc == 0)
		rc = mv_sbuf_put(out, "=", 1, err);
	if (rc == 0)
		rc = mv_sbuf_put(out, value, len, err);
	return rc < 0 ? rc : mv_sbuf_put(out, "\n", 1, err);
}

static int
put_vapid(struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf priv = { 0 };
	char pub[MV_VAPID_PUBLIC_TEXT + 1];
	int rc;

	rc = mv_vapid_generate(&priv, pub, err);
	if (rc == 0)
		rc = put_line(out, "VAPID_PRIVATE_KEY", priv.p, priv.len, err);
	return rc < 0 ? rc : put_line(out, "VAPID_PUBLIC_KEY", pub,
	    strlen(pub), err);
}

/* What Mastodon of that schema does not start without. */
static int
put_secrets(struct mv_sbuf *out, uint64_t schema, struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < mv_secret_fact_count(); i++) {
		const struct mv_secret_fact *f = mv_secret_fact_at(i);
		mv_auto(mv_secret_freep) struct mv_secret *value = NULL;

		if (mv_secret_state(f, schema) != MV_SECRET_REQUIRED)
			continue;
		rc = mv_secret_make(f, &value, err);
		if (rc == 0)
			rc = put_line(out, f->name, mv_secret_bytes(value),
			    mv_secret_len(value), err);
	}
	return rc < 0 ? rc : put_vapid(out, err);
}

/* Of the snapshot's database; without one, as new as can be. */
static uint64_t
schema_of(const struct mv_restore_run *run)
{
	const json_t *part = NULL;
	const char *text;
	uint64_t schema;

	if (mv_detail_part(run->snap, run->detail, MV_PART_DB, &part,
	    NULL) < 0)
		return UINT64_MAX;
	text = json_string_value(json_object_get(json_object_get(part,
	    "facts"), "schema_version"));
	if (text == NULL || mv_schema_parse(text, &schema, NULL) < 0)
		return UINT64_MAX;
	return schema;
}

int
mv_restore_env_new(struct mv_restore_run *run, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	const char *path = run->opts->env_file;
	int rc;

	if (access(path, F_OK) == 0)
		return 0;
	rc = mv_sbuf_put(&text, head, sizeof(head) - 1, err);
	if (rc == 0)
		rc = put_secrets(&text, schema_of(run), err);
	if (rc == 0)
		rc = mv_file_create_there(path, text.p, text.len, 0600, err);
	run->report->env_made = rc == 0;
	return rc;
}
