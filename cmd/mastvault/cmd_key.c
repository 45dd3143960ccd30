/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"
#include "job/setup.h"
#include "mastvault/commands.h"
#include "mastvault/key.h"
#include "mastvault/nearest.h"
#include "mastvault/output.h"

static const struct {
	uint8_t right;
	const char *text;
} rights[] = {
	{ MV_RIGHT_WRITE, "write" },
	{ MV_RIGHT_READ, "read" },
	{ MV_RIGHT_MAINTAIN, "maintain" },
	{ MV_RIGHT_VAULT, "vault" },
};

/* The files that were named, or all of the key directory. */
static int
choose_files(const struct mv_cli *cli, struct mv_context *c,
    struct mv_strv *out, struct mv_err *err)
{
	size_t i;
	int rc;

	c->pass.file = cli->passphrase_file;
	for (i = 1; i < cli->operands.n; i++) {
		rc = mv_strv_add(out, cli->operands.v[i],
		    strlen(cli->operands.v[i]), err);
		if (rc < 0)
			return rc;
	}
	if (out->n > 0)
		return 0;
	rc = mv_context_configure(cli, c, err);
	for (i = 0; mv_key_names[i] != NULL && rc == 0; i++) {
		mv_auto(mv_freep) char *path = NULL;

		rc = mv_path_in(c->env->key_dir, mv_key_names[i], &path, err);
		if (rc == 0 && access(path, F_OK) == 0)
			rc = mv_strv_add(out, path, strlen(path), err);
	}
	if (rc == 0 && out->n == 0)
		rc = mv_err_set(err, MV_ENOTFOUND, "no key files in '%s'",
		    c->env->key_dir);
	return rc;
}

json_t *
mv_rights_json(uint8_t of)
{
	json_t *list = json_array();
	size_t i;

	if (of == 0)
		json_array_append_new(list, json_string("owner"));
	for (i = 0; i < MV_ARRAY_LEN(rights); i++)
		if ((of & rights[i].right) != 0)
			json_array_append_new(list,
			    json_string(rights[i].text));
	return list;
}

static json_t *
identity_json(const struct mv_identity *id)
{
	char sign[2 * MV_PUBLIC_BYTES + 1];

	mv_hex_encode(id->sign_pub, MV_PUBLIC_BYTES, sign);
	return json_pack("{sI so ss}", "number", (json_int_t)id->number,
	    "rights", mv_rights_json(id->rights), "public", sign);
}

static json_t *
keys_json(const struct mv_keyset *k)
{
	json_t *doc = json_object(), *ids = json_array();
	char repo[2 * sizeof(k->repo.b) + 1];
	size_t i;

	mv_hex_encode(k->repo.b, sizeof(k->repo.b), repo);
	for (i = 0; i < k->nidentities; i++)
		json_array_append_new(ids, identity_json(&k->identities[i]));
	json_object_set_new(doc, "repository", json_string(repo));
	json_object_set_new(doc, "identities", ids);
	json_object_set_new(doc, "note", k->note != NULL ?
	    json_loads(k->note, 0, NULL) : json_null());
	return doc;
}

static void
say_keys(const struct mv_keyset *k)
{
	char repo[2 * sizeof(k->repo.b) + 1];
	size_t i, j;

	mv_hex_encode(k->repo.b, sizeof(k->repo.b), repo);
	if (mv_keyset_is_pending(k))
		mv_list("    not yet a member of a repository\n");
	else
		mv_list("    repository %s\n", repo);
	for (i = 0; i < k->nidentities; i++) {
		const struct mv_identity *id = &k->identities[i];

		mv_list("    key %u:%s", id->number,
		    id->number == 0 ? " owner" : "");
		for (j = 0; j < MV_ARRAY_LEN(rights); j++)
			if ((id->rights & rights[j].right) != 0)
				mv_list(" %s", rights[j].text);
		mv_list("\n");
	}
}

/* Without a passphrase at hand a protected file only says that it is one. */
static int
show(struct mv_context *c, const char *path, json_t *list,
    struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *keys = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	int protected = 0, rc;
	json_t *doc;

	rc = mv_path_named("key file", path, err);
	if (rc < 0)
		return rc;
	rc = mv_sbuf_read_file(&text, path, MV_KEY_FILE_MAX, err);
	if (rc == 0)
		rc = mv_keyfile_protected(text.p, text.len, &protected, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "key file '%s'", path);
	mv_list("%s%s\n", path, protected ? "  (under a passphrase)" :
	    "  (not under a passphrase)");
	doc = json_pack("{ss sb}", "file", path, "passphrase", protected);
	if (!protected || mv_pass_is_unattended(&c->pass))
		rc = mv_job_load_key(path, mv_pass_of, &c->pass, &keys, err);
	if (keys != NULL) {
		say_keys(keys);
		json_object_set_new(doc, "keys", keys_json(keys));
	}
	json_array_append_new(list, doc);
	return rc;
}

/* What people wrote into the file, without the "# " before it. */
static int
comment_of(const struct mv_sbuf *text, struct mv_buf *out,
    struct mv_err *err)
{
	const char *p = (const char *)text->p, *end = p + text->len, *eol;

	while (p < end && *p == '#') {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			eol = end;
		p++;
		p += p < eol && *p == ' ';
		mv_buf_put(out, p, (size_t)(eol - p));
		mv_buf_put_str(out, "\n");
		p = eol < end ? eol + 1 : end;
	}
	return mv_buf_cstr(out) != NULL ? 0 : mv_buf_failed(out, err);
}

static int
change_one(const char *path, struct mv_pass_source *old,
    const struct mv_passphrase *pass, struct mv_err *err)
{
	mv_auto(mv_keyset_freep) struct mv_keyset *keys = NULL;
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 }, made = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf comment = { 0 };
	struct stat st;
	int rc;

	if (stat(path, &st) < 0)
		return mv_err_sys(err, "key file '%s'", path);
	rc = mv_sbuf_read_file(&text, path, MV_KEY_FILE_MAX, err);
	if (rc == 0)
		rc = mv_job_load_key(path, mv_pass_of, old, &keys, err);
	if (rc == 0)
		rc = comment_of(&text, &comment, err);
	if (rc == 0)
		rc = mv_keyfile_encode(keys, pass, (const char *)comment.p,
		    &made, err);
	if (rc == 0)
		rc = mv_file_replace(path, made.p, made.len, 0600, st.st_uid,
		    st.st_gid, err);
	return mv_err_ctx(err, rc, "change the passphrase of '%s'", path);
}

/* Of the files under one, or of those that were named. */
static int
change_all(const struct mv_cli *cli, struct mv_context *c,
    const struct mv_strv *files, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf fresh = { 0 };
	const struct mv_pass_source source = {
		.file = cli->new_passphrase_file,
	};
	struct mv_passphrase pass = { 0 };
	size_t i, n = 0;
	int rc;

	/* First prove that each can be opened: no file is left behind. */
	for (i = 0; i < files->n; i++) {
		mv_auto(mv_keyset_freep) struct mv_keyset *keys = NULL;

		rc = mv_path_named("key file", files->v[i], err);
		if (rc == 0)
			rc = mv_job_load_key(files->v[i], mv_pass_of,
			    &c->pass, &keys, err);
		if (rc < 0)
			return rc;
	}
	rc = mv_pass_new(&source, "the key files", &fresh, err);
	if (rc < 0)
		return rc;
	pass.p = fresh.p;
	pass.len = fresh.len;
	for (i = 0; i < files->n; i++, n++) {
		rc = change_one(files->v[i], &c->pass, &pass, err);
		if (rc < 0)
			return rc;
		mv_say("%s has the new passphrase\n", files->v[i]);
	}
	mv_say("Copies elsewhere, on paper too, still have the old one%s\n",
	    cli->operands.n > 1 ? "." : "; so does a kit kept elsewhere.");
	return mv_output_json(json_pack("{sI}", "changed", (json_int_t)n),
	    err);
}

/* Of all files of the directory only those that have a passphrase now. */
static int
protected_only(struct mv_strv *files, struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv kept = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < files->n; i++) {
		mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
		int protected = 0;

		rc = mv_sbuf_read_file(&text, files->v[i], MV_KEY_FILE_MAX, err);
		if (rc == 0)
			rc = mv_keyfile_protected(text.p, text.len,
			    &protected, err);
		if (rc == 0 && protected)
			rc = mv_strv_add(&kept, files->v[i],
			    strlen(files->v[i]), err);
		if (rc < 0)
			return rc;
	}
	if (kept.n == 0)
		return mv_err_set(err, MV_ENOTFOUND,
		    "no key file is under a passphrase; name those that "
		    "should be");
	mv_strv_clear(files);
	*files = kept;
	kept = (struct mv_strv){ 0 };
	return 0;
}

int
mv_key_passphrase(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv files = { 0 };
	int rc;

	rc = choose_files(cli, c, &files, err);
	if (rc == 0 && cli->operands.n == 1)
		rc = protected_only(&files, err);
	return rc < 0 ? rc : change_all(cli, c, &files, err);
}

int
mv_key_show(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv files = { 0 };
	json_t *doc;
	size_t i;
	int rc;

	rc = choose_files(cli, c, &files, err);
	if (rc < 0)
		return rc;
	doc = json_array();
	for (i = 0; i < files.n && rc == 0; i++)
		rc = show(c, files.v[i], doc, err);
	if (rc < 0) {
		json_decref(doc);
		return rc;
	}
	return mv_output_json(doc, err);
}

/* Which options an action knows, of those that belong to 'key' alone. */
enum { ROLE = 1, LABEL = 2, OUT = 4, KEEP = 8, KIT = 16, NEW_PASS = 32 };

static const struct action {
	const char *name;
	mv_key_run *run;
	unsigned options;
} actions[] = {
	{ "show", mv_key_show, 0 },
	{ "passphrase", mv_key_passphrase, NEW_PASS },
	{ "new", mv_key_new, ROLE | LABEL | OUT },
	{ "add", mv_key_add, LABEL | OUT | KIT },
	{ "accept", mv_key_accept, 0 },
	{ "remove", mv_key_remove, KEEP | KIT },
	{ "list", mv_key_list, KIT },
	{ "kit", mv_key_kit, OUT | KIT | NEW_PASS },
	{ "test", mv_key_test, 0 },
};

static int
check_options(const struct mv_cli *cli, const struct action *a,
    struct mv_err *err)
{
	const struct {
		unsigned bit;
		bool given;
		const char *name;
	} options[] = {
		{ ROLE, cli->role != NULL, "--role" },
		{ LABEL, cli->label != NULL, "--label" },
		{ OUT, cli->out != NULL, "--out" },
		{ KEEP, cli->keep_identity, "--keep-identity" },
		{ KIT, cli->kit != NULL, "--kit" },
		{ NEW_PASS, cli->new_passphrase_file != NULL,
		    "--new-passphrase-file" },
	};
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(options); i++)
		if (options[i].given && (a->options & options[i].bit) == 0)
			return mv_err_set(err, MV_EUSAGE,
			    "'key %s' knows no '%s'", a->name,
			    options[i].name);
	return 0;
}

int
mv_cmd_key(const struct mv_cli *cli, enum mv_exit *exit, struct mv_err *err)
{
	mv_auto(mv_context_clear) struct mv_context c = { 0 };
	struct mv_nearest near = { .word = cli->operands.v[0] };
	size_t i;
	int rc;

	(void)exit;
	for (i = 0; i < MV_ARRAY_LEN(actions); i++) {
		mv_nearest_try(&near, actions[i].name);
		if (strcmp(actions[i].name, near.word) != 0)
			continue;
		rc = check_options(cli, &actions[i], err);
		return rc < 0 ? rc : actions[i].run(cli, &c, err);
	}
	return mv_err_set(err, MV_EUSAGE,
	    "'key %.64s'; did you mean 'key %s'?", near.word,
	    near.best != NULL ? near.best : "show");
}
