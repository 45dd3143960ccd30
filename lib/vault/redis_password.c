/* SPDX-License-Identifier: MIT */
#include "vault/redis_password.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "vault/redis_conf.h"
#include "vault/redis_conn.h"

#define ACL_SINCE 6
#define CONF_MAX (1024 * 1024)

/* How this Redis keeps passwords, found by looking. */
struct keeping {
	struct mv_redis *r;
	const char *user;	/* never NULL */
	bool acl;		/* it has users at all */
	bool nopass;		/* that user is let in with any password */
	size_t passwords;	/* that the user has */
	bool aclfile;		/* where users are kept */
	char *config_file;	/* NULL: it runs without */
	struct stat before;	/* of that file, st_ino 0 if not readable */
};

static void
keeping_clear(struct keeping *k)
{
	free(k->config_file);
	mv_redis_freep(&k->r);
}

static struct mv_span
span_of(const char *text)
{
	return (struct mv_span){ (const uint8_t *)text, strlen(text) };
}

static struct mv_span
span_secret(struct mv_secret *s)
{
	return (struct mv_span){ mv_secret_bytes(s), mv_secret_len(s) };
}

#define CALL(k, reply, err, ...) __extension__({			\
	const struct mv_span words_[] = { __VA_ARGS__ };		\
	mv_redis_call((k)->r, words_, MV_ARRAY_LEN(words_), (reply),	\
	    (err));							\
})

/* A copy of what follows "name:" in a text of lines; NULL when empty. */
static int
info_field(const redisReply *info, const char *name, char **out,
    struct mv_err *err)
{
	struct mv_span rest = { (const uint8_t *)info->str, info->len }, line;
	struct mv_span value;

	*out = NULL;
	while (rest.len > 0) {
		line = rest;
		rest = mv_span_cut(&line, '\n');
		value = mv_span_cut(&line, ':');
		if (!mv_span_is(line, name))
			continue;
		(void)mv_span_cut(&value, '\r');
		if (value.len == 0)
			return 0;
		*out = strndup((const char *)value.p, value.len);
		if (*out == NULL)
			return mv_err_set(err, MV_ENOMEM, "ask Redis");
		return 0;
	}
	return 0;
}

static int
info(struct keeping *k, const char *section, redisReply **out,
    struct mv_err *err)
{
	int rc;

	rc = CALL(k, out, err, MV_WORD("INFO"), span_of(section));
	if (rc == 0 && (*out)->type != REDIS_REPLY_STRING)
		return mv_redis_refusal(k->r, *out, "look at", err);
	return rc;
}

static int
look_at_server(struct keeping *k, struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	mv_auto(mv_freep) char *version = NULL;
	int rc;

	rc = info(k, "server", &reply, err);
	if (rc == 0)
		rc = info_field(reply, "redis_version", &version, err);
	if (rc == 0)
		rc = info_field(reply, "config_file", &k->config_file, err);
	if (rc < 0)
		return rc;
	k->acl = version != NULL && strtol(version, NULL, 10) >= ACL_SINCE;
	if (k->config_file != NULL && stat(k->config_file, &k->before) < 0)
		k->before = (struct stat){ 0 };
	return 0;
}

/* A replica logs in at its master, by a password in its own file. */
static int
refuse_replicas(struct keeping *k, struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	mv_auto(mv_freep) char *role = NULL, *replicas = NULL;
	int rc;

	rc = info(k, "replication", &reply, err);
	if (rc == 0)
		rc = info_field(reply, "role", &role, err);
	if (rc == 0)
		rc = info_field(reply, "connected_slaves", &replicas, err);
	if (rc < 0)
		return rc;
	if (role == NULL || strcmp(role, "master") != 0)
		return mv_err_set(err, MV_EREFUSED, "Redis at '%s' is a "
		    "replica: its password is changed by hand, on all of them",
		    mv_redis_where(k->r));
	if (replicas != NULL && strcmp(replicas, "0") != 0)
		return mv_err_set(err, MV_EREFUSED, "Redis at '%s' has "
		    "replicas, which log in by 'masterauth' of their own "
		    "configuration: change the password by hand, on all of "
		    "them", mv_redis_where(k->r));
	return 0;
}

static void
take_user(struct keeping *k, const redisReply *user)
{
	const redisReply *value, *flag;
	size_t i, j;

	for (i = 0; i + 1 < user->elements; i += 2) {
		value = user->element[i + 1];
		if (user->element[i]->type != REDIS_REPLY_STRING ||
		    value->type != REDIS_REPLY_ARRAY)
			continue;
		if (strcmp(user->element[i]->str, "passwords") == 0)
			k->passwords = value->elements;
		if (strcmp(user->element[i]->str, "flags") != 0)
			continue;
		for (j = 0; j < value->elements; j++) {
			flag = value->element[j];
			if (flag->type == REDIS_REPLY_STRING ||
			    flag->type == REDIS_REPLY_STATUS)
				k->nopass |= strcmp(flag->str, "nopass") == 0;
		}
	}
}

/* Whoever may not look learns nothing: *may is false then. */
static int
look_at_user(struct keeping *k, bool *may, struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	int rc;

	rc = CALL(k, &reply, err, MV_WORD("ACL"), MV_WORD("GETUSER"),
	    span_of(k->user));
	if (rc < 0)
		return rc;
	*may = reply->type == REDIS_REPLY_ARRAY;
	if (*may)
		take_user(k, reply);
	return 0;
}

/* Where users are kept when they are not in the configuration file. */
static int
look_at_aclfile(struct keeping *k, struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	int rc;

	rc = CALL(k, &reply, err, MV_WORD("CONFIG"), MV_WORD("GET"),
	    MV_WORD("aclfile"));
	if (rc < 0)
		return rc;
	if (reply->type != REDIS_REPLY_ARRAY)
		return mv_redis_refusal(k->r, reply, "ask for the "
		    "configuration of", err);
	k->aclfile = reply->elements == 2 &&
	    reply->element[1]->type == REDIS_REPLY_STRING &&
	    reply->element[1]->len > 0;
	return 0;
}

static int
look(struct keeping *k, struct mv_err *err)
{
	bool may;
	int rc;

	rc = look_at_server(k, err);
	if (rc == 0)
		rc = refuse_replicas(k, err);
	if (rc == 0)
		rc = look_at_aclfile(k, err);
	if (rc == 0 && k->acl)
		rc = look_at_user(k, &may, err);
	if (rc == 0 && k->acl && !may)
		return mv_err_set(err, MV_EAUTH, "user '%s' of Redis at '%s' "
		    "may not change passwords: it needs 'acl' and 'config', "
		    "or change it by hand", k->user, mv_redis_where(k->r));
	if (rc < 0 || k->aclfile || k->config_file != NULL)
		return rc;
	return mv_err_set(err, MV_EREFUSED, "Redis at '%s' runs without a "
	    "configuration file, so that another password would last until "
	    "its next restart only: change 'requirepass' where Redis is "
	    "started (its command line, or the compose file)",
	    mv_redis_where(k->r));
}

/* Is everybody let in, as the default user? */
static int
is_open(struct keeping *k, bool *out, struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	int rc;

	rc = CALL(k, &reply, err, MV_WORD("PING"));
	if (rc < 0)
		return rc;
	*out = reply->type == REDIS_REPLY_STATUS ||
	    mv_redis_says(reply, "NOPERM");
	if (*out || mv_redis_says(reply, "NOAUTH"))
		return 0;
	return mv_redis_refusal(k->r, reply, "look at", err);
}

static int
authenticate(struct keeping *k, bool named, struct mv_secret *password,
    struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	int rc;

	if (password == NULL)
		return mv_err_set_at(err, MV_EAUTH, EACCES, __FILE__,
		    __LINE__, "Redis at '%s' wants a password",
		    mv_redis_where(k->r));
	if (named)
		rc = CALL(k, &reply, err, MV_WORD("AUTH"), span_of(k->user),
		    span_secret(password));
	else
		rc = CALL(k, &reply, err, MV_WORD("AUTH"),
		    span_secret(password));
	if (rc < 0)
		return rc;
	if (reply->type == REDIS_REPLY_STATUS)
		return 0;
	/* Before version 6 this was the wording. */
	if (mv_redis_says(reply, "WRONGPASS") ||
	    mv_redis_says(reply, "ERR invalid password"))
		return mv_err_set_at(err, MV_EAUTH, EACCES, __FILE__,
		    __LINE__, "Redis at '%s' does not let user '%s' in with "
		    "this password", mv_redis_where(k->r), k->user);
	return mv_redis_refusal(k->r, reply, "log in to", err);
}

/* On success *k holds a connection, which is logged in if *used. */
static int
login(const struct mv_redis_place *place, struct mv_secret *password,
    struct keeping *k, bool *used, struct mv_err *err)
{
	bool named = place->user != NULL &&
	    strcmp(place->user, "default") != 0;
	bool open, may;
	int rc;

	keeping_clear(k);
	*k = (struct keeping){
		.user = place->user != NULL ? place->user : "default",
	};
	rc = mv_redis_open(place, &k->r, err);
	if (rc == 0)
		rc = is_open(k, &open, err);
	if (rc < 0)
		return rc;
	*used = named || !open;
	if (!*used)
		return 0;
	rc = authenticate(k, place->user != NULL, password, err);
	if (rc == 0 && named)
		rc = look_at_user(k, &may, err);
	*used = !k->nopass;
	return rc;
}

int
mv_redis_password_try(const struct mv_redis_place *place,
    struct mv_secret *password, bool *used, struct mv_err *err)
{
	mv_auto(keeping_clear) struct keeping k = { 0 };

	return login(place, password, &k, used, err);
}

int
mv_redis_password_check(const struct mv_redis_place *place,
    struct mv_secret *password, bool *used, struct mv_err *err)
{
	mv_auto(keeping_clear) struct keeping k = { 0 };
	int rc;

	rc = login(place, password, &k, used, err);
	return rc < 0 || !*used ? rc : look(&k, err);
}

/* "#" or "!" and the hash: by it a password is added or removed. */
static void
modifier(char sign, struct mv_secret *password, char out[66])
{
	uint8_t hash[MV_HASH_BYTES];

	mv_sha256(mv_secret_bytes(password), mv_secret_len(password), hash);
	out[0] = sign;
	mv_hex_encode(hash, sizeof(hash), out + 1);
}

/*
 * `requirepass` where it is all there is, so that the configuration keeps
 * saying what is so.  It would take away a user's other passwords, though,
 * and does not count with an aclfile.
 */
static int
change(struct keeping *k, struct mv_secret *from, struct mv_secret *to,
    struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	char add[66], drop[66];
	int rc;

	if (!k->acl || (strcmp(k->user, "default") == 0 && !k->aclfile &&
	    k->passwords <= 1)) {
		rc = CALL(k, &reply, err, MV_WORD("CONFIG"), MV_WORD("SET"),
		    MV_WORD("requirepass"), span_secret(to));
	} else {
		modifier('#', to, add);
		modifier('!', from, drop);
		rc = CALL(k, &reply, err, MV_WORD("ACL"), MV_WORD("SETUSER"),
		    span_of(k->user), span_of(add), span_of(drop));
	}
	if (rc == 0 && reply->type != REDIS_REPLY_STATUS)
		return mv_redis_refusal(k->r, reply, "change the password of",
		    err);
	return rc;
}

/* Has Redis written that file since, and can it be read? */
static bool
was_rewritten(const struct keeping *k)
{
	struct stat now;

	return k->before.st_ino != 0 && stat(k->config_file, &now) == 0 &&
	    (now.st_ino != k->before.st_ino ||
	    now.st_mtim.tv_sec != k->before.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != k->before.st_mtim.tv_nsec);
}

/*
 * What the file says that Redis has just written.  A file of that name which
 * did not change belongs to another host or container.
 */
static int
read_back(struct keeping *k, struct mv_secret *to, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	enum mv_redis_conf what = MV_REDIS_CONF_KEEPS;
	int rc;

	if (k->aclfile || !was_rewritten(k) ||
	    mv_sbuf_read_file(&text, k->config_file, CONF_MAX, NULL) < 0)
		return 0;
	rc = mv_redis_conf_judge(text.p, text.len, k->user, to, &what, err);
	if (rc < 0)
		return rc;
	if (what == MV_REDIS_CONF_INCLUDE)
		return mv_err_set(err, MV_EREFUSED, "a restart of Redis could "
		    "bring the old password back, by an 'include' at the end "
		    "of '%s': change 'requirepass' or 'user %s' there by hand",
		    k->config_file, k->user);
	if (what == MV_REDIS_CONF_LOSES)
		return mv_err_set(err, MV_EREFUSED, "Redis did not write the "
		    "password into '%s': change 'requirepass' or 'user %s' "
		    "there by hand", k->config_file, k->user);
	return 0;
}

static int
save(struct keeping *k, struct mv_secret *to, struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	struct mv_err why = { 0 };
	char text[MV_ERR_TEXT_MAX];
	int rc;

	if (k->aclfile)
		rc = CALL(k, &reply, err, MV_WORD("ACL"), MV_WORD("SAVE"));
	else
		rc = CALL(k, &reply, err, MV_WORD("CONFIG"),
		    MV_WORD("REWRITE"));
	if (rc < 0)
		return rc;
	if (reply->type == REDIS_REPLY_STATUS)
		return read_back(k, to, err);
	(void)mv_redis_refusal(k->r, reply, "save the password in", &why);
	(void)mv_err_text(&why, text, sizeof(text));
	return mv_err_set(err, MV_EREFUSED, "%s: change 'user %s'%s in %s%s%s "
	    "by hand, or let Redis write there", text, k->user,
	    k->aclfile ? "" : " or 'requirepass'",
	    k->aclfile ? "its aclfile" : "'",
	    k->aclfile ? "" : k->config_file, k->aclfile ? "" : "'");
}

/* What did not last is not to be in force either. */
static int
change_back(struct keeping *k, struct mv_secret *from, struct mv_secret *to,
    struct mv_err *err)
{
	mv_auto(mv_redis_replyp) redisReply *reply = NULL;
	int rc;

	rc = change(k, to, from, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "the new password of Redis would "
		    "not last, and the old one could not be set again");
	/* The file may have been written, and then has to be once more. */
	(void)(k->aclfile ?
	    CALL(k, &reply, NULL, MV_WORD("ACL"), MV_WORD("SAVE")) :
	    CALL(k, &reply, NULL, MV_WORD("CONFIG"), MV_WORD("REWRITE")));
	return 0;
}

int
mv_redis_password_set(const struct mv_redis_place *place,
    struct mv_secret *from, struct mv_secret *to, struct mv_err *err)
{
	mv_auto(keeping_clear) struct keeping k = { 0 };
	struct mv_err why = { 0 };
	bool used = false, done = false;
	int rc;

	rc = login(place, from, &k, &used, &why);
	if (rc == MV_EAUTH) {
		rc = login(place, to, &k, &used, NULL);
		done = rc == 0;
	}
	if (rc < 0) {
		if (err != NULL)
			*err = why;
		return why.code;
	}
	if (!used)
		return mv_err_set(err, MV_EREFUSED, "Redis at '%s' lets user "
		    "'%s' in without a password", mv_redis_where(k.r), k.user);
	rc = look(&k, err);
	if (rc == 0 && !done)
		rc = change(&k, from, to, err);
	if (rc < 0)
		return rc;
	rc = save(&k, to, &why);
	if (rc == MV_EREFUSED && !done && change_back(&k, from, to, err) < 0)
		return MV_EIO;
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}
