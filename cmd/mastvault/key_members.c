/* SPDX-License-Identifier: MIT */
/* key_members: what the owner does: admit, remove; and the list. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/time.h"
#include "mastvault/key.h"
#include "mastvault/output.h"
#include "repo/members.h"

#define LINE_MAX_BYTES 4096

/* The line itself, or "-": from standard input; or in several operands. */
static int
take_line(const struct mv_cli *cli, struct mv_public_key *out,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf in = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf line = { 0 };
	size_t i;
	int rc;

	if (cli->operands.n < 2)
		return mv_err_set(err, MV_EUSAGE, "'key add' takes the line "
		    "that 'key new' printed, or '-' to read it");
	if (cli->operands.n == 2 && strcmp(cli->operands.v[1], "-") == 0) {
		rc = mv_sbuf_read_fd(&in, STDIN_FILENO, LINE_MAX_BYTES,
		    "standard input", err);
		if (rc < 0)
			return rc;
		mv_buf_put(&line, in.p, in.len);
	}
	/* Who forgot the quotes means the same. */
	for (i = 1; i < cli->operands.n && in.len == 0; i++)
		mv_buf_printf(&line, "%s%s", i > 1 ? " " : "",
		    cli->operands.v[i]);
	rc = mv_buf_failed(&line, err);
	if (rc == 0)
		rc = mv_public_decode((const char *)line.p, line.len, out,
		    err);
	if (rc < 0 || cli->label == NULL)
		return rc;
	rc = mv_label_check(cli->label, err);
	if (rc == 0)
		(void)snprintf(out->label, sizeof(out->label), "%s",
		    cli->label);
	return rc;
}

static char *
note_of(const struct mv_context *c)
{
	json_t *doc, *stores = json_array();
	char *text;
	size_t i;

	for (i = 0; i < c->urls.n; i++)
		json_array_append_new(stores, json_string(c->urls.v[i]));
	doc = json_pack("{ss so}", "environment", c->name, "stores", stores);
	text = doc != NULL ?
	    json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(doc);
	return text;
}

static int
write_enrolment(const struct mv_cli *cli, struct mv_context *c,
    uint32_t number, char **path, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	mv_auto(mv_freep) char *note = note_of(c);
	mv_auto(mv_freep) char *comment = NULL;
	int rc;

	if (cli->out != NULL)
		*path = strdup(cli->out);
	else if (asprintf(path, "mastvault-%s-%" PRIu32 ".enrolment",
	    c->name, number) < 0)
		*path = NULL;
	if (asprintf(&comment, "mastvault: enrolment of key %" PRIu32
	    " in '%s'. Only the holder of that key can open it.\nThey run: "
	    "mastvault key accept THIS_FILE KEY_FILE\n", number,
	    c->name) < 0)
		comment = NULL;
	if (note == NULL || comment == NULL || *path == NULL)
		return mv_err_set(err, MV_ENOMEM, "write an enrolment");
	rc = mv_repo_enrol(c->repo, number, note, comment, &text, err);
	if (rc == 0)
		rc = mv_file_create(*path, text.p, text.len, 0600, err);
	if (rc < 0)
		mv_hint("the key was admitted; the same command again, with "
		    "--out FILE, writes its enrolment");
	return rc;
}

static void
explain_added(const struct mv_context *c, const struct mv_public_key *k,
    uint32_t number, bool added, const char *path)
{
	mv_auto(mv_buf_clear) struct mv_buf label = { 0 };
	char print[MV_FINGERPRINT_TEXT];

	/* It came from somebody who is not yet trusted. */
	mv_safe_put(&label, k->label, strlen(k->label));
	mv_fingerprint(mv_repo_keyring(c->repo)->owner, print);
	mv_say("Key %" PRIu32 ", a %s, '%s', %s.\n", number,
	    mv_role_name(k->rights),
	    mv_buf_cstr(&label) != NULL ? (const char *)label.p : "",
	    added ? "is a member now" : "was a member already");
	if (k->rights == MV_RIGHT_READ)
		mv_say("It reads ALL backups of '%s', old ones included.\n",
		    c->name);
	if (k->rights == MV_RIGHT_VAULT)
		mv_say("It opens the secrets from the next backup of a host "
		    "with a vault key on, not older versions.\n");
	mv_say("\n%s\n    Only that key opens it. Give it to its holder by "
	    "another way than through the store,\n    who runs: mastvault "
	    "key accept ENROLMENT KEY_FILE\n"
	    "    and compares the owner's fingerprint: %s\n", path, print);
}

int
mv_key_add(const struct mv_cli *cli, struct mv_context *c, struct mv_err *err)
{
	struct mv_public_key k = { 0 };
	mv_auto(mv_freep) char *path = NULL;
	uint32_t number = 0;
	bool added = false;
	int rc;

	rc = take_line(cli, &k, err);
	/* Before the keyring changes. */
	if (rc == 0 && cli->out != NULL && access(cli->out, F_OK) == 0)
		rc = mv_err_set(err, MV_EEXIST, "'%s' exists already",
		    cli->out);
	if (rc == 0)
		rc = mv_context_open(cli, MV_WANT_OWN, c, err);
	if (rc == 0)
		rc = mv_repo_admit(c->repo, &k, &number, &added, err);
	if (rc == 0)
		rc = write_enrolment(cli, c, number, &path, err);
	if (rc < 0)
		return rc;
	explain_added(c, &k, number, added, path);
	return mv_output_json(json_pack("{sI ss ss sb ss sI}", "number",
	    (json_int_t)number, "role", mv_role_name(k.rights), "label",
	    k.label, "added", added, "enrolment", path, "keyring",
	    (json_int_t)mv_repo_keyring(c->repo)->number), err);
}

static int
take_number(const struct mv_cli *cli, uint32_t *out, struct mv_err *err)
{
	const char *text = cli->operands.n == 2 ? cli->operands.v[1] : "";
	unsigned long v;
	char *end;

	v = strtoul(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || *end != '\0' || v > UINT32_MAX)
		return mv_err_set(err, MV_EUSAGE, "'key remove' takes one "
		    "number, of those that 'key list' shows");
	*out = (uint32_t)v;
	return 0;
}

static void
explain_removed(const struct mv_context *c, uint32_t number, bool kept,
    const struct mv_expelled *out)
{
	const struct mv_keyring_key *key = mv_keyring_find(
	    mv_repo_keyring(c->repo), number);

	if (!out->removed) {
		mv_say("Key %" PRIu32 " was removed already.\n", number);
		return;
	}
	mv_say("Key %" PRIu32 " is removed, for good.\n", number);
	if (out->epoch > 0)
		mv_say("Epoch %" PRIu32 " begins: what is backed up from now "
		    "on is sealed with secrets that it never had.\nThe other "
		    "keys find them in the keyring; no file of theirs "
		    "changes.\n", out->epoch);
	if (out->epoch > 0 && kept)
		mv_say("Chunks keep their identity: nothing is uploaded "
		    "anew, and whoever has the removed key and sees the\n"
		    "store can still test guesses at what is in new "
		    "backups.\n");
	else if (out->epoch > 0)
		mv_say("Chunks get a new identity: the next backup uploads "
		    "the database anew, and the media files that\nare not in "
		    "the writer's media cache. --keep-identity would have "
		    "avoided that.\n");
	if ((key->rights & MV_RIGHT_READ) != 0)
		mv_say("What it could read before, it still reads where it "
		    "can get the objects: take its access to the\nstore "
		    "away, too.\n");
	if ((key->rights & MV_RIGHT_WRITE) != 0)
		mv_say("Its snapshots up to number %" PRIu64 " count; later "
		    "ones are an alarm. Take its credentials away, too.\n",
		    out->last);
	if ((key->rights & MV_RIGHT_VAULT) != 0)
		mv_say("It may have read the secrets that were in the vault "
		    "until now: they should be changed.\n");
}

int
mv_key_remove(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err)
{
	struct mv_expelled out = { 0 };
	uint32_t number = 0;
	int rc;

	rc = take_number(cli, &number, err);
	if (rc == 0)
		rc = mv_context_open(cli, MV_WANT_OWN, c, err);
	if (rc == 0)
		rc = mv_repo_expel(c->repo, number, cli->keep_identity, &out,
		    err);
	if (rc == MV_EREFUSED)
		mv_hint("'mastvault key kit --out FILE' makes another kit, "
		    "which can remove this key");
	if (rc < 0)
		return rc;
	explain_removed(c, number, cli->keep_identity, &out);
	return mv_output_json(json_pack("{sI sb so so sI}", "number",
	    (json_int_t)number, "removed", out.removed, "epoch",
	    out.epoch > 0 ? json_integer(out.epoch) : json_null(),
	    "last", out.last > 0 ? json_integer((json_int_t)out.last) :
	    json_null(), "keyring",
	    (json_int_t)mv_repo_keyring(c->repo)->number), err);
}

/* "1-3", "2", or "-": the epochs that a key has a grant of. */
static json_t *
epochs_of(const struct mv_keyring *ring, uint32_t number, char *text,
    size_t size)
{
	json_t *list = json_array();
	uint32_t first = 0, last = 0;
	size_t i;

	for (i = 0; i < ring->ngrants; i++) {
		if (ring->grants[i].key != number)
			continue;
		last = ring->grants[i].epoch;
		if (first == 0)
			first = last;
		json_array_append_new(list, json_integer(last));
	}
	if (first == 0)
		(void)snprintf(text, size, "-");
	else if (first == last)
		(void)snprintf(text, size, "%" PRIu32, first);
	else
		(void)snprintf(text, size, "%" PRIu32 "-%" PRIu32, first,
		    last);
	return list;
}

static void
roles_text(uint8_t rights, char *out, size_t size)
{
	size_t used = 0;
	uint8_t bit;

	out[0] = '\0';
	for (bit = 1; bit <= MV_RIGHT_VAULT && used < size; bit <<= 1)
		if ((rights & bit) != 0)
			used += (size_t)snprintf(out + used, size - used,
			    "%s%s", used > 0 ? "+" : "", mv_role_name(bit));
}

static int
list_one(const struct mv_context *c, const struct mv_keyring_key *key,
    json_t *list, struct mv_err *err)
{
	mv_auto(mv_member_clear) struct mv_member m = { 0 };
	mv_auto(mv_buf_clear) struct mv_buf label = { 0 };
	char epochs[32], roles[64], since[MV_TIME_TEXT], utc[MV_TIME_TEXT];
	char removed[MV_TIME_TEXT];
	json_t *granted;
	int rc;

	rc = mv_repo_member(c->repo, key->number, &m, err);
	if (rc < 0)
		return rc;
	mv_safe_put(&label, m.label, strlen(m.label));
	granted = epochs_of(mv_repo_keyring(c->repo), key->number, epochs,
	    sizeof(epochs));
	roles_text(key->rights, roles, sizeof(roles));
	mv_time_utc(m.since, utc);
	mv_time_utc(m.removed, removed);
	mv_time_local(key->removed ? m.removed : m.since, since);
	mv_list("%6" PRIu32 "  %-10s  %-7s  %-19s  %-6s  %s\n", key->number,
	    roles, key->removed ? "removed" : "active", since, epochs,
	    mv_buf_cstr(&label) != NULL ? (const char *)label.p : "");
	json_array_append_new(list, json_pack("{sI so ss ss so so so ss}",
	    "number", (json_int_t)key->number, "rights",
	    mv_rights_json(key->rights), "state",
	    key->removed ? "removed" : "active", "since", utc, "removed",
	    key->removed ? json_string(removed) : json_null(), "epochs",
	    granted, "last", key->distrusted_from == MV_NOT_DISTRUSTED ?
	    json_null() : json_integer((json_int_t)key->distrusted_from - 1),
	    "label", (const char *)label.p));
	return 0;
}

int
mv_key_list(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err)
{
	const struct mv_keyring *ring;
	char print[MV_FINGERPRINT_TEXT];
	json_t *list;
	size_t i;
	int rc;

	rc = mv_context_open(cli, MV_WANT_LIST, c, err);
	if (rc < 0)
		return rc;
	ring = mv_repo_keyring(c->repo);
	mv_fingerprint(ring->owner, print);
	mv_say("keyring %" PRIu64 ", epoch %zu, owner %s\n", ring->number,
	    ring->nepochs, print);
	mv_list("%6s  %-10s  %-7s  %-19s  %-6s  %s\n", "number", "role",
	    "state", "since", "epochs", "label");
	list = json_array();
	for (i = 0; i < ring->nkeys && rc == 0; i++)
		rc = list_one(c, &ring->keys[i], list, err);
	if (rc < 0) {
		json_decref(list);
		return rc;
	}
	return mv_output_json(json_pack("{sI sI ss so}", "keyring",
	    (json_int_t)ring->number, "epoch", (json_int_t)ring->nepochs,
	    "owner", print, "keys", list), err);
}
