/* SPDX-License-Identifier: MIT */
/* key_kit: another recovery kit, for when a key of the first one has to go. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "job/setup.h"
#include "mastvault/key.h"
#include "mastvault/output.h"
#include "repo/members.h"

static int
take_passphrase(const struct mv_cli *cli, struct mv_sbuf *out,
    struct mv_err *err)
{
	mv_auto(mv_pass_source_clear) struct mv_pass_source source = {
		.file = cli->new_passphrase_file,
	};
	int rc;

	if (cli->no_passphrase && cli->new_passphrase_file != NULL)
		return mv_err_set(err, MV_EUSAGE, "'--no-passphrase' and "
		    "'--new-passphrase-file' exclude each other");
	if (cli->no_passphrase)
		return 0;
	mv_hint("--new-passphrase-file FILE (mode 0600) gives one unattended, "
	    "--no-passphrase does without");
	rc = mv_pass_new(&source, "the recovery kit", out, err);
	if (rc == 0)
		mv_hint(NULL);
	return rc;
}

/* Where Mastodon lives, as far as somebody knows. */
static const char *
mastodon_of(const struct mv_context *c, const json_t *note)
{
	const char *dir = json_string_value(json_object_get(note,
	    "mastodon"));

	if (c->env != NULL && c->env->mastodon != NULL)
		return c->env->mastodon;
	return dir != NULL ? dir : "/home/mastodon/live";
}

static int
write_kit(const struct mv_cli *cli, struct mv_context *c,
    struct mv_keyset *keys, const struct mv_sbuf *pass, struct mv_err *err)
{
	char host[256] = "";
	json_t *note = json_loads(c->keys->note != NULL ? c->keys->note : "",
	    0, NULL);
	struct mv_setup_opts opts = {
		.environment = c->name,
		.host = host,
		.program = MV_PROGRAM " " MV_PROGRAM_VERSION,
		.mastodon = mastodon_of(c, note),
		.urls = mv_strv_const(&c->urls),
		.kit = cli->out,
		.pass = { .p = pass->len > 0 ? pass->p : NULL,
		    .len = pass->len },
	};
	int rc;

	if (gethostname(host, sizeof(host) - 1) < 0)
		(void)snprintf(host, sizeof(host), "unknown");
	rc = mv_job_write_kit(keys, &opts, err);
	json_decref(note);
	return rc;
}

static int
report(const struct mv_cli *cli, const struct mv_context *c,
    const struct mv_keyset *keys, bool protected, struct mv_err *err)
{
	json_t *numbers = json_array();
	size_t i;

	mv_say("%s\n    Another recovery kit%s. Print it, keep two copies in "
	    "two places, and test it:\n    mastvault key test %s\n"
	    "    Its own keys are", cli->out,
	    protected ? ", under its passphrase" : ", WITHOUT a passphrase",
	    cli->out);
	for (i = 0; i < keys->nidentities; i++) {
		if (keys->identities[i].number == 0)
			continue;
		mv_say(" %" PRIu32, keys->identities[i].number);
		json_array_append_new(numbers,
		    json_integer(keys->identities[i].number));
	}
	mv_say(".\nOther kits go on as before; 'key remove' of their keys, with "
	    "--kit %s, ends that.\n", cli->out);
	return mv_output_json(json_pack("{ss so sb sI}", "kit", cli->out,
	    "keys", numbers, "passphrase", protected, "keyring",
	    (json_int_t)mv_repo_keyring(c->repo)->number), err);
}

int
mv_key_kit(const struct mv_cli *cli, struct mv_context *c, struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *keys = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf pass = { 0 };
	int rc = 0;

	if (cli->out == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "where is the kit to be written? --out FILE");
	/* Before its keys become members. */
	if (access(cli->out, F_OK) == 0)
		return mv_err_set(err, MV_EEXIST,
		    "'%s' exists already and is never overwritten", cli->out);
	rc = mv_context_open(cli, MV_WANT_OWN, c, err);
	if (rc == 0)
		rc = take_passphrase(cli, &pass, err);
	if (rc == 0)
		rc = mv_repo_new_kit(c->repo, &keys, err);
	if (rc == 0)
		rc = write_kit(cli, c, keys, &pass, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "make a recovery kit");
	if (pass.len == 0)
		mv_warn("without a passphrase whoever gets '%s' reads "
		    "everything", cli->out);
	return report(cli, c, keys, pass.len > 0, err);
}
