/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/log.h"
#include "mastvault/commands.h"
#include "mastvault/context.h"
#include "mastvault/nearest.h"
#include "mastvault/output.h"

static const struct {
	const char *name, *text;
	enum mv_part part;
} parts_table[] = {
	{ "db", "database", MV_PART_DB },
	{ "media", "media", MV_PART_MEDIA },
	{ "secrets", "secrets", MV_PART_SECRETS },
	{ "redis", "redis", MV_PART_REDIS },
};

static int
part_parse(const char *word, size_t len, uint32_t *out, struct mv_err *err)
{
	char name[32];
	struct mv_nearest near = { .word = name };
	size_t i;

	(void)snprintf(name, sizeof(name), "%.*s", (int)(len < 31 ? len : 31),
	    word);
	for (i = 0; i < MV_ARRAY_LEN(parts_table); i++) {
		if (strcmp(parts_table[i].name, name) == 0) {
			*out |= parts_table[i].part;
			return 0;
		}
		mv_nearest_try(&near, parts_table[i].name);
	}
	if (near.best != NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "'--only %s'; did you mean '%s'?", name, near.best);
	return mv_err_set(err, MV_EUSAGE,
	    "'--only' takes some of db,media,secrets,redis, not '%s'", name);
}

int
mv_parts_parse(const char *text, uint32_t *out, struct mv_err *err)
{
	uint32_t parts = 0;
	size_t i, len;
	int rc;

	for (i = 0; text == NULL && i < MV_ARRAY_LEN(parts_table); i++)
		parts |= parts_table[i].part;
	while (text != NULL) {
		len = strcspn(text, ",");
		rc = part_parse(text, len, &parts, err);
		if (rc < 0)
			return rc;
		text = text[len] == ',' ? text + len + 1 : NULL;
	}
	*out = parts;
	return 0;
}

json_t *
mv_parts_json(uint32_t parts)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(parts_table); i++)
		if ((parts & parts_table[i].part) != 0)
			json_array_append_new(list,
			    json_string(parts_table[i].name));
	return list;
}

void
mv_parts_text(uint32_t parts, char out[MV_PARTS_TEXT])
{
	size_t i, used = 0;
	int n;

	out[0] = '\0';
	for (i = 0; i < MV_ARRAY_LEN(parts_table); i++) {
		if ((parts & parts_table[i].part) == 0)
			continue;
		n = snprintf(out + used, MV_PARTS_TEXT - used, "%s%s",
		    used > 0 ? ", " : "", parts_table[i].text);
		used += n > 0 ? (size_t)n : 0;
	}
	if ((parts & (MV_PART_INCOMPLETE | MV_PART_PINNED)) != 0)
		(void)snprintf(out + used, MV_PARTS_TEXT - used, "%s%s",
		    (parts & MV_PART_INCOMPLETE) != 0 ? " (incomplete)" : "",
		    (parts & MV_PART_PINNED) != 0 ? " (pinned)" : "");
}

void
mv_short_id(const struct mv_id32 *id, char out[MV_SHORT_ID])
{
	mv_hex_encode(id->b, (MV_SHORT_ID - 1) / 2, out);
}

int
mv_load_snapshots(const struct mv_cli *cli, struct mv_context *c,
    struct mv_snapshots *out, enum mv_exit *exit, struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX];
	struct mv_err why = { 0 };
	size_t i;
	int rc;

	rc = mv_snapshots_load(c->repo, out, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < out->nproblems; i++)
		mv_output_problem("%s", out->problems[i]);
	if (out->nproblems > 0 && *exit == MV_EXIT_DONE)
		*exit = MV_EXIT_PARTIAL;
	if (cli->expect != NULL) {
		rc = mv_snapshots_expect(out, cli->expect, err);
		if (rc < 0)
			return rc;
	}
	/* What is worse than before must stay an alarm the next time, too. */
	if (c->state_dir == NULL || out->nproblems > out->behind)
		return 0;
	rc = mv_highwater_update(c->repo, out, &why);
	if (rc == MV_ENOMEM || rc == MV_ECORRUPT || rc == MV_EINTR) {
		*err = why;
		return rc;
	}
	/* Who may read and not write gets the list all the same. */
	if (rc < 0) {
		(void)mv_err_text(&why, text, sizeof(text));
		mv_warn("what the store has is not noted on this host: %s",
		    text);
	}
	return 0;
}
