/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/cleanup.h"
#include "describe/describe.h"
#include "mastvault/config_internal.h"

#define KEYS_MAX 64

/* Which keys the page had; a page is all that one run makes. */
static bool described[KEYS_MAX];

static int
find(const char *name, size_t *out, struct mv_err *err)
{
	for (*out = 0; *out < mv_config_nkeys && *out < KEYS_MAX; ++*out)
		if (strcmp(mv_config_keys[*out].name, name) == 0)
			return 0;
	return mv_err_set(err, MV_EUSAGE, "there is no key '%s'", name);
}

int
mv_man_key(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	const struct mv_config_key *key;
	size_t i;
	int rc;

	rc = find(arg, &i, err);
	if (rc < 0)
		return rc;
	if (described[i])
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' was described already", arg);
	described[i] = true;
	key = &mv_config_keys[i];
	mv_buf_printf(out, ".It Ic %s No = ", key->name);
	switch (key->kind) {
	case MV_CONFIG_TEXT:
		mv_buf_put_str(out, "Ar text\n");
		break;
	case MV_CONFIG_RATE:
		mv_buf_put_str(out, "Ar bytes Pq a second, as 20M\n");
		break;
	case MV_CONFIG_AGE:
		mv_buf_put_str(out, "Ar time Pq as 90m, 26h or 2d\n");
		break;
	case MV_CONFIG_PATH:
		mv_buf_put_str(out, "Ar path\n");
		break;
	case MV_CONFIG_MEDIA:
		mv_buf_put_str(out, "Ar path | Cm none\n");
		break;
	case MV_CONFIG_LIST:
		mv_buf_put_str(out, "Ar text Pq several lines\n");
		break;
	case MV_CONFIG_PERCENT:
		mv_buf_printf(out, "Ar percentage Pq %u%% to %u%%\n",
		    key->min, key->max);
		break;
	case MV_CONFIG_NUMBER:
		mv_buf_printf(out, "Ar number Pq %u to %u\n", key->min,
		    key->max);
		break;
	}
	return mv_buf_failed(out, err);
}

int
mv_man_keys_done(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	(void)out;
	for (i = 0; i < mv_config_nkeys; i++)
		if (i >= KEYS_MAX || !described[i])
			return mv_err_set(err, MV_EUSAGE,
			    "key '%s' is not described",
			    mv_config_keys[i].name);
	return 0;
}

/* In the largest unit that leaves no rest. */
static void
put_age(struct mv_buf *out, unsigned seconds)
{
	if (seconds % 86400 == 0)
		mv_buf_printf(out, ".Ql %ud\n", seconds / 86400);
	else if (seconds % 3600 == 0)
		mv_buf_printf(out, ".Ql %uh\n", seconds / 3600);
	else if (seconds % 60 == 0)
		mv_buf_printf(out, ".Ql %um\n", seconds / 60);
	else
		mv_buf_printf(out, ".Ql %us\n", seconds);
}

static void
put_default(struct mv_buf *out, const struct mv_config_key *key,
    const struct mv_config_env *env)
{
	const void *member = (const char *)env + key->offset;
	const struct mv_strv *list = member;
	char *const *text = member;
	const unsigned *number = member;
	size_t i;

	switch (key->kind) {
	case MV_CONFIG_LIST:
		for (i = 0; i < list->n; i++)
			mv_buf_printf(out, "%s.Ql %s\n",
			    i > 0 ? "and\n" : "", list->v[i]);
		break;
	case MV_CONFIG_PERCENT:
		mv_buf_printf(out, ".Ql %u%%\n", *number);
		break;
	case MV_CONFIG_NUMBER:
		if (*number != 0)
			mv_buf_printf(out, ".Ql %u\n", *number);
		break;
	case MV_CONFIG_AGE:
		put_age(out, *number);
		break;
	case MV_CONFIG_TEXT:
	case MV_CONFIG_RATE:
	case MV_CONFIG_PATH:
	case MV_CONFIG_MEDIA:
		if (*text != NULL)
			mv_buf_printf(out, ".Pa %s\n", *text);
		break;
	}
}

/* What the parser itself puts where a section leaves the key out. */
int
mv_man_default(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	static const char section[] =
	    "[NAME]\nmastodon = /home/mastodon/live\nstore = file:///srv\n";
	mv_auto(mv_config_clear) struct mv_config config = { 0 };
	size_t i, start = out->len;
	int rc;

	rc = find(arg, &i, err);
	if (rc == 0)
		rc = mv_config_parse("section", section, strlen(section),
		    &config, err);
	if (rc < 0)
		return rc;
	put_default(out, &mv_config_keys[i], &config.envs[0]);
	if (out->len == start)
		return mv_err_set(err, MV_EUSAGE,
		    "the parser gives '%s' no default", arg);
	return mv_buf_failed(out, err);
}
