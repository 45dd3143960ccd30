/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rate.h"
#include "mastvault/config_internal.h"
#include "mastvault/nearest.h"

#define KEY(n, k, member, ...) \
	{ n, k, offsetof(struct mv_config_env, member), __VA_ARGS__ }

const struct mv_config_key mv_config_keys[] = {
	KEY("mastodon", MV_CONFIG_PATH, mastodon, 0, 0),
	KEY("env-file", MV_CONFIG_PATH, env_file, 0, 0),
	KEY("media", MV_CONFIG_MEDIA, media, 0, 0),
	KEY("database", MV_CONFIG_TEXT, database, 0, 0),
	KEY("database-exec", MV_CONFIG_TEXT, database_exec, 0, 0),
	KEY("pg-bin", MV_CONFIG_PATH, pg_bin, 0, 0),
	KEY("store", MV_CONFIG_LIST, stores, 0, 0),
	KEY("key-dir", MV_CONFIG_PATH, key_dir, 0, 0),
	KEY("state-dir", MV_CONFIG_PATH, state_dir, 0, 0),
	KEY("exclude", MV_CONFIG_LIST, excludes, 0, 0),
	KEY("exclude-file", MV_CONFIG_LIST, exclude_files, 0, 0),
	KEY("redis", MV_CONFIG_PATH, redis, 0, 0),
	KEY("before-backup", MV_CONFIG_TEXT, before_backup, 0, 0),
	KEY("after-backup", MV_CONFIG_TEXT, after_backup, 0, 0),
	KEY("on-failure", MV_CONFIG_TEXT, on_failure, 0, 0),
	KEY("hook-timeout", MV_CONFIG_AGE, hook_timeout, 1, 86400),
	KEY("stop-command", MV_CONFIG_TEXT, stop_command, 0, 0),
	KEY("start-command", MV_CONFIG_TEXT, start_command, 0, 0),
	KEY("verify-command", MV_CONFIG_TEXT, verify_command, 0, 0),
	KEY("apply-command", MV_CONFIG_LIST, apply_commands, 0, 0),
	KEY("command-timeout", MV_CONFIG_AGE, command_timeout, 1, 86400),
	KEY("limit-read", MV_CONFIG_RATE, limit_read, 0, 0),
	KEY("limit-upload", MV_CONFIG_RATE, limit_upload, 0, 0),
	KEY("passphrase-file", MV_CONFIG_PATH, passphrase_file, 0, 0),
	KEY("passphrase-command", MV_CONFIG_TEXT, passphrase_command, 0, 0),
	KEY("min-free", MV_CONFIG_PERCENT, min_free, 0, 99),
	KEY("max-secret-age", MV_CONFIG_AGE, max_secret_age, 86400,
	    3650 * 86400),
	KEY("jobs", MV_CONFIG_NUMBER, jobs, 1, 64),
	KEY("level", MV_CONFIG_NUMBER, level, 1, 19),
	KEY("max-age", MV_CONFIG_AGE, max_age, 60, 366 * 86400),
};
const size_t mv_config_nkeys = MV_ARRAY_LEN(mv_config_keys);

#define NAME_MAX_BYTES 64
#define MIN_FREE_DEFAULT 10
/* A nightly run that took two hours longer. */
#define MAX_AGE_DEFAULT (26 * 3600)
#define HOOK_TIMEOUT_DEFAULT 60
/* Sidekiq may take 25 s to end, and containers are made anew. */
#define COMMAND_TIMEOUT_DEFAULT 180

struct parse {
	const char *file;
	unsigned line;
	struct mv_config *config;
	struct mv_config_env *env;	/* NULL before the first section */
	unsigned *seen;			/* line of each key in it, or 0 */
};

struct text {
	const char *p;
	size_t len;
};

static void
env_clear(struct mv_config_env *env)
{
	free(env->name);
	free(env->mastodon);
	free(env->env_file);
	free(env->media);
	free(env->database);
	free(env->database_exec);
	free(env->key_dir);
	free(env->state_dir);
	free(env->pg_bin);
	free(env->redis);
	free(env->before_backup);
	free(env->after_backup);
	free(env->on_failure);
	free(env->stop_command);
	free(env->start_command);
	free(env->verify_command);
	mv_strv_clear(&env->apply_commands);
	free(env->limit_read);
	free(env->limit_upload);
	free(env->passphrase_file);
	free(env->passphrase_command);
	mv_strv_clear(&env->stores);
	mv_strv_clear(&env->excludes);
	mv_strv_clear(&env->exclude_files);
}

void
mv_config_clear(struct mv_config *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		env_clear(&c->envs[i]);
	free(c->envs);
	*c = (struct mv_config){ 0 };
}

#define refuse(ps, err, fmt, ...) \
	mv_err_set((err), MV_EUSAGE, "%s:%u: " fmt, (ps)->file, (ps)->line, \
	    ##__VA_ARGS__)

static int
no_memory(const struct parse *ps, struct mv_err *err)
{
	return mv_err_set(err, MV_ENOMEM, "read '%s'", ps->file);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text
trim(struct text t)
{
	while (t.len > 0 && is_blank(t.p[0])) {
		t.p++;
		t.len--;
	}
	while (t.len > 0 && is_blank(t.p[t.len - 1]))
		t.len--;
	return t;
}

int
mv_config_name_ok(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') ||
		    (name[i] >= 'A' && name[i] <= 'Z') ||
		    (name[i] >= '0' && name[i] <= '9') ||
		    (i > 0 && strchr("._-", name[i]) != NULL)))
			return 0;
	return len > 0 && len <= NAME_MAX_BYTES;
}

/* name and what follows from it: "/etc/mastvault/NAME". */
static int
default_dir(char **dir, const char *parent, const char *name)
{
	if (*dir != NULL)
		return 0;
	if (asprintf(dir, "%s/%s", parent, name) >= 0)
		return 0;
	*dir = NULL;
	return -1;
}

/* What the section that ends here must have, and what it may leave out. */
static int
end_section(struct parse *ps, struct mv_err *err)
{
	struct mv_config_env *env = ps->env;

	if (env == NULL)
		return 0;
	ps->line = env->line;
	if (env->stores.n == 0)
		return refuse(ps, err, "[%s] has no 'store'", env->name);
	if (env->passphrase_file != NULL && env->passphrase_command != NULL)
		return refuse(ps, err, "[%s] has both 'passphrase-file' and "
		    "'passphrase-command'", env->name);
	if (default_dir(&env->key_dir, "/etc/mastvault", env->name) < 0 ||
	    default_dir(&env->state_dir, "/var/lib/mastvault", env->name) < 0)
		return no_memory(ps, err);
	if (env->excludes.n > 0)
		return 0;
	if (mv_strv_add(&env->excludes, "cache/", 6, err) < 0 ||
	    mv_strv_add(&env->excludes, "backups/", 8, err) < 0)
		return MV_ENOMEM;
	return 0;
}

static int
section(struct parse *ps, struct text t, struct mv_err *err)
{
	struct mv_config *c = ps->config;
	struct mv_config_env *envs;
	unsigned line = ps->line;
	struct text name;
	size_t i;
	int rc;

	rc = end_section(ps, err);
	if (rc < 0)
		return rc;
	ps->line = line;
	if (t.p[t.len - 1] != ']')
		return refuse(ps, err, "no ']' at the end");
	name = (struct text){ t.p + 1, t.len - 2 };
	if (!mv_config_name_ok(name.p, name.len))
		return refuse(ps, err, "an environment's name has letters, "
		    "digits, '.', '_' and '-', and at most %d of them",
		    NAME_MAX_BYTES);
	for (i = 0; i < c->n; i++)
		if (strlen(c->envs[i].name) == name.len &&
		    memcmp(c->envs[i].name, name.p, name.len) == 0)
			return refuse(ps, err, "[%s] is there already, in "
			    "line %u", c->envs[i].name, c->envs[i].line);
	envs = reallocarray(c->envs, c->n + 1, sizeof(*envs));
	if (envs == NULL)
		return no_memory(ps, err);
	c->envs = envs;
	ps->env = &envs[c->n];
	*ps->env = (struct mv_config_env){
		.name = strndup(name.p, name.len),
		.line = ps->line,
		.min_free = MIN_FREE_DEFAULT,
		.max_age = MAX_AGE_DEFAULT,
		.hook_timeout = HOOK_TIMEOUT_DEFAULT,
		.command_timeout = COMMAND_TIMEOUT_DEFAULT,
	};
	if (ps->env->name == NULL) {
		ps->env = NULL;
		return no_memory(ps, err);
	}
	c->n++;
	memset(ps->seen, 0, mv_config_nkeys * sizeof(*ps->seen));
	return 0;
}

static int
number(struct parse *ps, const struct mv_config_key *key, struct text value,
    unsigned *out, struct mv_err *err)
{
	unsigned v = 0;
	size_t i, n = value.len;
	bool ok = true;

	if (key->kind == MV_CONFIG_PERCENT) {
		ok = n > 0 && value.p[n - 1] == '%';
		n -= ok;
	}
	for (i = 0; i < n && ok; i++) {
		ok = value.p[i] >= '0' && value.p[i] <= '9' && i < 4;
		v = v * 10 + (unsigned)(value.p[i] - '0');
	}
	if (!ok || n == 0 || v < key->min || v > key->max)
		return refuse(ps, err, "'%s' is a number from %u to %u%s",
		    key->name, key->min, key->max,
		    key->kind == MV_CONFIG_PERCENT ? ", with '%'" : "");
	*out = v;
	return 0;
}

/* "26h" */
static int
age(struct parse *ps, const struct mv_config_key *key, struct text value,
    unsigned *out, struct mv_err *err)
{
	static const char letters[] = "smhd";
	static const unsigned seconds[] = { 1, 60, 3600, 86400 };
	const char *unit = value.len < 2 ? NULL :
	    memchr(letters, value.p[value.len - 1], sizeof(letters) - 1);
	uint64_t v = 0;
	bool ok = unit != NULL;
	size_t i;

	for (i = 0; ok && i < value.len - 1; i++) {
		ok = value.p[i] >= '0' && value.p[i] <= '9' && i < 8;
		v = v * 10 + (uint64_t)(value.p[i] - '0');
	}
	if (ok)
		v *= seconds[unit - letters];
	if (!ok || v < key->min || v > key->max)
		return refuse(ps, err, "'%s' is a time as 90m, 26h or 2d, "
		    "from %u s to %u s", key->name, key->min, key->max);
	*out = (unsigned)v;
	return 0;
}

static int
set_text(struct parse *ps, struct text value, char **out, struct mv_err *err)
{
	*out = strndup(value.p, value.len);
	return *out != NULL ? 0 : no_memory(ps, err);
}

/* Kept as text, for it may come from the command line, too. */
static int
rate(struct parse *ps, const struct mv_config_key *key, struct text value,
    char **out, struct mv_err *err)
{
	uint64_t n;
	int rc;

	rc = set_text(ps, value, out, err);
	if (rc == 0 && mv_rate_parse(*out, &n, NULL) < 0)
		return refuse(ps, err, "'%s' is a number of bytes a second, "
		    "as 500K or 20M", key->name);
	return rc;
}

static int
set_value(struct parse *ps, const struct mv_config_key *key,
    struct text value, struct mv_err *err)
{
	void *member = (char *)ps->env + key->offset;

	switch (key->kind) {
	case MV_CONFIG_LIST:
		return mv_strv_add(member, value.p, value.len, err);
	case MV_CONFIG_PERCENT:
	case MV_CONFIG_NUMBER:
		return number(ps, key, value, member, err);
	case MV_CONFIG_AGE:
		return age(ps, key, value, member, err);
	case MV_CONFIG_RATE:
		return rate(ps, key, value, member, err);
	case MV_CONFIG_MEDIA:
		if (value.len == 4 && memcmp(value.p, "none", 4) == 0)
			break;
		/* Fall through. */
	case MV_CONFIG_PATH:
		if (value.p[0] != '/')
			return refuse(ps, err, "'%s' must begin with '/'%s",
			    key->name, key->kind == MV_CONFIG_MEDIA ?
			    ", or be 'none'" : "");
		break;
	case MV_CONFIG_TEXT:
		break;
	}
	return set_text(ps, value, member, err);
}

/* What other parsers of such files make something else of. */
static int
check_value(struct parse *ps, const char *key, struct text value,
    struct mv_err *err)
{
	char quote = value.len > 0 ? value.p[0] : '\0';
	size_t i;

	if (value.len == 0)
		return refuse(ps, err, "'%s' has no value", key);
	if (value.len > 1 && (quote == '"' || quote == '\'') &&
	    value.p[value.len - 1] == quote)
		return refuse(ps, err, "'%s': values are written without "
		    "quotes around them", key);
	for (i = 1; i < value.len; i++)
		if ((value.p[i] == ';' || value.p[i] == '#') &&
		    is_blank(value.p[i - 1]))
			return refuse(ps, err, "'%s': a comment stands on a "
			    "line of its own", key);
	return 0;
}

static const struct mv_config_key *
find_key(struct text t, struct mv_nearest *near)
{
	size_t i;

	for (i = 0; i < mv_config_nkeys; i++) {
		const char *name = mv_config_keys[i].name;

		if (strlen(name) == t.len && memcmp(name, t.p, t.len) == 0)
			return &mv_config_keys[i];
		mv_nearest_try(near, name);
	}
	return NULL;
}

static int
assignment(struct parse *ps, struct text t, struct mv_err *err)
{
	const char *equals = memchr(t.p, '=', t.len);
	mv_auto(mv_freep) char *word = NULL;
	const struct mv_config_key *key;
	struct mv_nearest near = { 0 };
	struct text name, value;
	unsigned *seen;
	int rc;

	if (equals == NULL)
		return refuse(ps, err, "neither '[name]' nor 'key = value'");
	name = trim((struct text){ t.p, (size_t)(equals - t.p) });
	value = trim((struct text){ equals + 1,
	    (size_t)(t.p + t.len - equals - 1) });
	near.word = word = strndup(name.p, name.len);
	if (word == NULL)
		return no_memory(ps, err);
	if (ps->env == NULL)
		return refuse(ps, err, "'%.64s' stands before the first "
		    "'[name]'", word);
	key = find_key(name, &near);
	if (key == NULL && near.best != NULL)
		return refuse(ps, err, "unknown key '%.64s'; did you mean "
		    "'%s'?", word, near.best);
	if (key == NULL)
		return refuse(ps, err, "unknown key '%.64s'", word);
	rc = check_value(ps, key->name, value, err);
	if (rc < 0)
		return rc;
	seen = &ps->seen[key - mv_config_keys];
	if (*seen != 0 && key->kind != MV_CONFIG_LIST)
		return refuse(ps, err, "'%s' is there already, in line %u",
		    key->name, *seen);
	*seen = ps->line;
	return set_value(ps, key, value, err);
}

static int
parse_line(struct parse *ps, struct text t, struct mv_err *err)
{
	size_t i;

	for (i = 0; i < t.len; i++)
		if (((unsigned char)t.p[i] < ' ' && t.p[i] != '\t') ||
		    t.p[i] == 0x7f)
			return refuse(ps, err, "a control character, 0x%02x",
			    (unsigned)t.p[i]);
	if (trim(t).len == 0 || t.p[0] == ';' || t.p[0] == '#')
		return 0;
	if (is_blank(t.p[0]))
		return refuse(ps, err, "an indented line; nothing is "
		    "indented or continued here");
	t = trim(t);
	return t.p[0] == '[' ? section(ps, t, err) : assignment(ps, t, err);
}

int
mv_config_parse(const char *name, const void *text, size_t len,
    struct mv_config *out, struct mv_err *err)
{
	unsigned seen[MV_ARRAY_LEN(mv_config_keys)] = { 0 };
	mv_auto(mv_config_clear) struct mv_config config = { 0 };
	struct parse ps = { .file = name, .config = &config, .seen = seen };
	struct text left = { text, len }, line;
	const char *end;
	int rc;

	while (left.len > 0) {
		end = memchr(left.p, '\n', left.len);
		line = left;
		if (end != NULL)
			line.len = (size_t)(end - left.p);
		left.p += line.len + (end != NULL);
		left.len -= line.len + (end != NULL);
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		ps.line++;
		rc = parse_line(&ps, line, err);
		if (rc < 0)
			return rc;
	}
	rc = end_section(&ps, err);
	if (rc < 0)
		return rc;
	*out = config;
	config = (struct mv_config){ 0 };
	return 0;
}
