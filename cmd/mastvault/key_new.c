/* SPDX-License-Identifier: MIT */
/* key_new: keys that are made apart from their repository, and join it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "job/setup.h"
#include "mastvault/key.h"
#include "mastvault/output.h"

void
mv_fingerprint(const uint8_t pub[MV_PUBLIC_BYTES],
    char out[MV_FINGERPRINT_TEXT])
{
	uint8_t hash[MV_HASH_BYTES];
	char hex[17];

	mv_sha256(pub, MV_PUBLIC_BYTES, hash);
	mv_hex_encode(hash, 8, hex);
	(void)snprintf(out, MV_FINGERPRINT_TEXT, "%.4s %.4s %.4s %.4s", hex,
	    hex + 4, hex + 8, hex + 12);
}

static int
take_role(const struct mv_cli *cli, uint8_t *right, struct mv_err *err)
{
	if (cli->role == NULL)
		return mv_err_set(err, MV_EUSAGE, "which key? --role reader, "
		    "writer, maintainer or vault");
	*right = mv_role_of(cli->role);
	if (*right == 0)
		return mv_err_set(err, MV_EUSAGE, "'--role %.32s': reader, "
		    "writer, maintainer or vault", cli->role);
	return 0;
}

/*
 * Writers, maintainers and vaults work at night, alone; their keys get a
 * passphrase only if one is named.
 */
static int
take_passphrase(const struct mv_cli *cli, uint8_t right, struct mv_sbuf *out,
    struct mv_err *err)
{
	mv_auto(mv_pass_source_clear) struct mv_pass_source source = {
		.file = cli->passphrase_file,
	};

	if (cli->no_passphrase && cli->passphrase_file != NULL)
		return mv_err_set(err, MV_EUSAGE, "'--no-passphrase' and "
		    "'--passphrase-file' exclude each other");
	if (cli->no_passphrase ||
	    (right != MV_RIGHT_READ && cli->passphrase_file == NULL))
		return 0;
	mv_hint("--passphrase-file FILE (mode 0600) gives one unattended, "
	    "--no-passphrase does without");
	return mv_pass_new(&source, "the reader's key", out, err);
}

/* What --label says, else "reader on HOST". */
static int
describe(const struct mv_cli *cli, const struct mv_keyset *keys,
    struct mv_public_key *out, struct mv_err *err)
{
	const struct mv_identity *id = &keys->identities[0];
	char host[256] = "";
	int n;

	out->rights = id->rights;
	memcpy(out->sign_pub, id->sign_pub, MV_PUBLIC_BYTES);
	memcpy(out->box_pub, id->box_pub, MV_PUBLIC_BYTES);
	if (cli->label != NULL) {
		if (strlen(cli->label) > MV_LABEL_TEXT_MAX)
			return mv_label_check(cli->label, err);
		(void)snprintf(out->label, sizeof(out->label), "%s",
		    cli->label);
		return mv_label_check(out->label, err);
	}
	if (gethostname(host, sizeof(host) - 1) < 0)
		(void)snprintf(host, sizeof(host), "some host");
	n = snprintf(out->label, sizeof(out->label), "%s on %s",
	    mv_role_name(id->rights), host);
	(void)n;	/* cut to fit */
	return 0;
}

static int
write_pending(const struct mv_keyset *keys, const struct mv_sbuf *pass,
    const char *path, const char *line, struct mv_err *err)
{
	const struct mv_passphrase p = {
		.p = pass->len > 0 ? pass->p : NULL, .len = pass->len,
	};
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_freep) char *comment = NULL;
	int rc;

	if (asprintf(&comment, "mastvault %s key, not yet a member of a "
	    "repository. Its line for the owner:\n%s\n",
	    mv_role_name(keys->identities[0].rights), line) < 0) {
		comment = NULL;
		return mv_err_set(err, MV_ENOMEM, "write a key");
	}
	rc = mv_keyfile_encode(keys, &p, comment, &text, err);
	if (rc == 0)
		rc = mv_file_create(path, text.p, text.len, 0600, err);
	if (rc == MV_EEXIST)
		mv_hint("--out FILE writes elsewhere");
	return rc;
}

int
mv_key_new(const struct mv_cli *cli, struct mv_context *c, struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *keys = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf pass = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf line = { 0 };
	mv_auto(mv_freep) char *path = NULL;
	struct mv_public_key pub = { 0 };
	uint8_t right = 0;
	int rc;

	(void)c;
	rc = take_role(cli, &right, err);
	if (rc == 0)
		rc = mv_pending_new(right, &keys, err);
	if (rc == 0)
		rc = describe(cli, keys, &pub, err);
	if (rc == 0)
		rc = mv_public_encode(&pub, &line, err);
	if (rc == 0)
		rc = take_passphrase(cli, right, &pass, err);
	mv_hint(NULL);
	if (rc < 0)
		return rc;
	if (mv_buf_cstr(&line) == NULL || asprintf(&path, "%s%s",
	    cli->out != NULL ? cli->out : mv_role_name(right),
	    cli->out != NULL ? "" : ".key") < 0) {
		path = NULL;
		return mv_err_set(err, MV_ENOMEM, "make a key");
	}
	rc = write_pending(keys, &pass, path, (const char *)line.p, err);
	if (rc < 0)
		return rc;
	mv_say("%s\n    Private: it never leaves this machine%s.\n\n"
	    "The next line is public. Send it to the owner of the repository "
	    "(chat will do),\nwho answers with an enrolment; then: mastvault "
	    "key accept ENROLMENT %s\n\n", path,
	    pass.len > 0 ? ", and is under your passphrase" : "", path);
	mv_list("%s\n", (const char *)line.p);
	return mv_output_json(json_pack("{ss ss ss ss}", "file", path, "role",
	    mv_role_name(right), "label", pub.label, "line",
	    (const char *)line.p), err);
}

/* What a host of this role needs in its configuration. */
static void
suggest_config(const json_t *note, const char *path)
{
	const char *name = json_string_value(json_object_get(note,
	    "environment"));
	const json_t *url;
	size_t i;

	mv_say("\nA configuration for this host, with the key file as "
	    "%s in its key-dir:\n\n    [%s]\n", path,
	    name != NULL ? name : "production");
	json_array_foreach(json_object_get(note, "stores"), i, url)
		mv_say("    store = %s\n", json_string_value(url));
	mv_say("    key-dir = DIRECTORY\n    state-dir = DIRECTORY\n");
}

static int
report_accepted(const struct mv_keyset *k, const char *path,
    struct mv_err *err)
{
	const struct mv_identity *id = &k->identities[0];
	char repo[2 * sizeof(k->repo.b) + 1], print[MV_FINGERPRINT_TEXT];
	char role[32];
	json_t *note, *doc;

	mv_hex_encode(k->repo.b, sizeof(k->repo.b), repo);
	mv_fingerprint(k->owner, print);
	(void)snprintf(role, sizeof(role), "%s.key",
	    mv_role_name(id->rights));
	note = json_loads(k->note != NULL ? k->note : "", 0, NULL);
	mv_say("%s is key %u, a %s, of repository %s.\n"
	    "Its owner's fingerprint is %s: ask the owner whether that is "
	    "theirs.\nWhoever made the enrolment decides where a writer "
	    "sends backups and who reads them.\n", path, id->number,
	    mv_role_name(id->rights), repo, print);
	suggest_config(note, role);
	doc = json_pack("{ss sI ss ss ss so}", "file", path, "number",
	    (json_int_t)id->number, "role", mv_role_name(id->rights),
	    "repository", repo, "owner", print, "note",
	    note != NULL ? note : json_null());
	return mv_output_json(doc, err);
}

/* The key file becomes a member's, under the passphrase that it had. */
static int
rewrite(const char *path, const struct mv_keyset *keys,
    const struct mv_sbuf *pass, struct mv_err *err)
{
	const struct mv_passphrase p = {
		.p = pass->len > 0 ? pass->p : NULL, .len = pass->len,
	};
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	char repo[2 * sizeof(keys->repo.b) + 1];
	mv_auto(mv_freep) char *comment = NULL;
	struct stat st;
	int rc;

	if (stat(path, &st) < 0)
		return mv_err_sys(err, "key file '%s'", path);
	mv_hex_encode(keys->repo.b, sizeof(keys->repo.b), repo);
	if (asprintf(&comment, "mastvault %s key, number %u of repository "
	    "%s\n", mv_role_name(keys->identities[0].rights),
	    keys->identities[0].number, repo) < 0) {
		comment = NULL;
		return mv_err_set(err, MV_ENOMEM, "write a key");
	}
	rc = mv_keyfile_encode(keys, &p, comment, &text, err);
	if (rc == 0)
		rc = mv_file_replace(path, text.p, text.len, 0600, st.st_uid,
		    st.st_gid, err);
	return rc;
}

int
mv_key_accept(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *pending = NULL;
	mv_auto(mv_keyset_freep) struct mv_keyset *keys = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	const char *path;
	int rc;

	if (cli->operands.n != 3)
		return mv_err_set(err, MV_EUSAGE, "'key accept' takes the "
		    "enrolment and the key file that it is for");
	path = cli->operands.v[2];
	c->pass.file = cli->passphrase_file;
	rc = mv_path_named("enrolment", cli->operands.v[1], err);
	if (rc == 0)
		rc = mv_path_named("key file", path, err);
	if (rc < 0)
		return rc;
	rc = mv_sbuf_read_file(&text, cli->operands.v[1], MV_KEY_FILE_MAX,
	    err);
	if (rc == 0)
		rc = mv_job_load_key(path, mv_pass_of, &c->pass, &pending,
		    err);
	if (rc == 0)
		rc = mv_enrolment_decode(text.p, text.len, pending, &keys,
		    err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "enrolment '%s'",
		    cli->operands.v[1]);
	rc = rewrite(path, keys, &c->pass.cached, err);
	return rc < 0 ? rc : report_accepted(keys, path, err);
}
