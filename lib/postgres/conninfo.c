/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "postgres/postgres_internal.h"
#include "postgres/quote.h"

#define DEF_PORT "5432"

static void
conninfo_freep(PQconninfoOption **o)
{
	PQconninfoOption *i;

	for (i = *o; i != NULL && i->keyword != NULL; i++)
		if (i->val != NULL && strcmp(i->keyword, "password") == 0)
			explicit_bzero(i->val, strlen(i->val));
	PQconninfoFree(*o);
}

static const PQconninfoOption *
conninfo_find(const PQconninfoOption *o, const char *key)
{
	for (; o->keyword != NULL; o++)
		if (o->val != NULL && strcmp(o->keyword, key) == 0)
			return o;
	return NULL;
}

/* One line that fits every server: *:*:*:*:password. */
static int
passfile_line(const uint8_t *password, size_t len, struct mv_sbuf *line,
    struct mv_err *err)
{
	size_t i;
	int rc;

	rc = mv_sbuf_put(line, "*:*:*:*:", 8, err);
	for (i = 0; i < len && rc == 0; i++) {
		if (password[i] == '\0' || password[i] == '\n' ||
		    password[i] == '\r')
			return mv_err_set(err, MV_EUSAGE, "the database "
			    "password holds a line break, which no password "
			    "file can");
		if (password[i] == ':' || password[i] == '\\')
			rc = mv_sbuf_put(line, "\\", 1, err);
		if (rc == 0)
			rc = mv_sbuf_put(line, &password[i], 1, err);
	}
	return rc < 0 ? rc : mv_sbuf_put(line, "\n", 1, err);
}

static int
make_passfile(struct mv_pg *pg, const uint8_t *password, size_t len,
    struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf line = { 0 };
	int rc;

	rc = passfile_line(password, len, &line, err);
	if (rc < 0)
		return rc;
	return mv_fd_memfd("mastvault-pgpass", line.p, line.len, &pg->passfd,
	    err);
}

/*
 * The password of the connection string, of the target or of PGPASSWORD.  What
 * the connection string says itself, be it a password file, comes first.
 */
static int
take_password(struct mv_pg *pg, const struct mv_pg_target *target,
    const PQconninfoOption *parsed, struct mv_err *err)
{
	const PQconninfoOption *in_conninfo;
	const char *text = NULL;

	if (target->exec_prefix != NULL)
		return 0;
	in_conninfo = conninfo_find(parsed, "password");
	if (in_conninfo != NULL && *in_conninfo->val != '\0')
		text = in_conninfo->val;
	else if (conninfo_find(parsed, "passfile") != NULL)
		return 0;
	else if (target->password != NULL)
		return make_passfile(pg, mv_secret_bytes(target->password),
		    mv_secret_len(target->password), err);
	else
		text = getenv("PGPASSWORD");
	if (text == NULL || *text == '\0')
		return 0;
	return make_passfile(pg, (const uint8_t *)text, strlen(text), err);
}

static int
add_option(struct mv_pg *pg, const char *key, const char *value,
    struct mv_err *err)
{
	struct mv_pg_option *o = &pg->options[pg->noptions];

	o->key = strdup(key);
	o->value = strdup(value);
	pg->noptions++;
	if (o->key == NULL || o->value == NULL)
		return mv_err_set(err, MV_ENOMEM, "read connection string");
	return 0;
}

/* What we decide ourselves, or must not repeat. */
static bool
is_ours(const struct mv_pg *pg, const char *key)
{
	return strcmp(key, "password") == 0 ||
	    strcmp(key, "client_encoding") == 0 ||
	    strcmp(key, "replication") == 0 ||
	    (strcmp(key, "passfile") == 0 && pg->passfd >= 0);
}

static int
take_options(struct mv_pg *pg, const struct mv_pg_target *target,
    const PQconninfoOption *parsed, struct mv_err *err)
{
	const PQconninfoOption *o;
	size_t n = 1;
	int rc = 0;

	for (o = parsed; o->keyword != NULL; o++)
		n++;
	pg->options = calloc(n, sizeof(*pg->options));
	if (pg->options == NULL)
		return mv_err_set(err, MV_ENOMEM, "read connection string");
	for (o = parsed; o->keyword != NULL && rc == 0; o++) {
		if (o->val == NULL || *o->val == '\0' ||
		    is_ours(pg, o->keyword) ||
		    (target->dbname != NULL &&
		    strcmp(o->keyword, "dbname") == 0))
			continue;
		rc = add_option(pg, o->keyword, o->val, err);
	}
	if (rc == 0 && target->dbname != NULL)
		rc = add_option(pg, "dbname", target->dbname, err);
	return rc;
}

int
mv_pg_read_target(struct mv_pg *pg, const struct mv_pg_target *target,
    struct mv_err *err)
{
	mv_auto(conninfo_freep) PQconninfoOption *parsed = NULL;
	int rc;

	/*
	 * libpq's own message quotes the place where it stopped, which may
	 * be a piece of the password: it is not asked for.
	 */
	parsed = PQconninfoParse(target->conninfo != NULL ?
	    target->conninfo : "", NULL);
	if (parsed == NULL)
		return mv_err_set(err, MV_EUSAGE, "the database's connection "
		    "string cannot be read: wanted are key=value pairs of "
		    "libpq, or a postgresql:// address");
	if (conninfo_find(parsed, "sslpassword") != NULL)
		return mv_err_set(err, MV_EUSAGE, "'sslpassword' in a "
		    "connection string cannot be handed on safely: use a key "
		    "file without one");
	rc = take_password(pg, target, parsed, err);
	if (rc < 0)
		return rc;
	return take_options(pg, target, parsed, err);
}

bool
mv_pg_same_user(const char *a, const char *b)
{
	mv_auto(conninfo_freep) PQconninfoOption *x = NULL;
	mv_auto(conninfo_freep) PQconninfoOption *y = NULL;
	const PQconninfoOption *u, *v;

	x = PQconninfoParse(a, NULL);
	y = PQconninfoParse(b, NULL);
	if (x == NULL || y == NULL)
		return false;
	u = conninfo_find(x, "user");
	v = conninfo_find(y, "user");
	return u != NULL && v != NULL && strcmp(u->val, v->val) == 0;
}

static const char *
value_of(const PQconninfoOption *o, const char *key, const char *otherwise)
{
	const PQconninfoOption *found = conninfo_find(o, key);

	return found != NULL && *found->val != '\0' ? found->val : otherwise;
}

/* "" for all ways to this host: sockets, and what only this host can mean. */
static const char *
host_of(const PQconninfoOption *o)
{
	static const char *const here[] = {
		"localhost", "127.0.0.1", "::1", "localhost.localdomain",
	};
	const char *host = value_of(o, "hostaddr", NULL);
	size_t i;

	if (host == NULL)
		host = value_of(o, "host", "");
	for (i = 0; i < MV_ARRAY_LEN(here); i++)
		if (strcasecmp(host, here[i]) == 0)
			return "";
	return host[0] == '/' || host[0] == '@' ? "" : host;
}

/* libpq's own default is the user's name. */
static const char *
dbname_of(const PQconninfoOption *o)
{
	return value_of(o, "dbname", value_of(o, "user", ""));
}

bool
mv_pg_same_database(const char *a, const char *b)
{
	mv_auto(conninfo_freep) PQconninfoOption *x = NULL;
	mv_auto(conninfo_freep) PQconninfoOption *y = NULL;

	x = PQconninfoParse(a, NULL);
	y = PQconninfoParse(b, NULL);
	if (x == NULL || y == NULL)
		return false;
	return strcmp(dbname_of(x), dbname_of(y)) == 0 &&
	    strcmp(value_of(x, "port", DEF_PORT),
	    value_of(y, "port", DEF_PORT)) == 0 &&
	    strcasecmp(host_of(x), host_of(y)) == 0;
}

bool
mv_pg_has_password(const char *conninfo)
{
	mv_auto(conninfo_freep) PQconninfoOption *parsed = NULL;

	parsed = PQconninfoParse(conninfo, NULL);
	return parsed != NULL && (conninfo_find(parsed, "password") != NULL ||
	    conninfo_find(parsed, "passfile") != NULL);
}

const char *
mv_pg_option(const struct mv_pg *pg, const char *key)
{
	size_t i;

	for (i = 0; i < pg->noptions; i++)
		if (strcmp(pg->options[i].key, key) == 0)
			return pg->options[i].value;
	return NULL;
}

int
mv_pg_conninfo(const struct mv_pg *pg, const char *dbname, struct mv_buf *out,
    struct mv_err *err)
{
	const struct mv_pg_option *o;
	size_t i;

	for (i = 0; i < pg->noptions; i++) {
		o = &pg->options[i];
		if (dbname != NULL && strcmp(o->key, "dbname") == 0)
			continue;
		mv_pg_put_option(out, o->key, o->value);
	}
	if (dbname != NULL)
		mv_pg_put_option(out, "dbname", dbname);
	/* pg_dump takes an empty string for a database's name. */
	if (out->len == 0)
		mv_pg_put_option(out, "application_name", "mastvault");
	(void)mv_buf_cstr(out);
	return mv_buf_failed(out, err);
}

bool
mv_pg_is_local(const struct mv_pg *pg)
{
	const char *host = mv_pg_option(pg, "host");

	if (mv_pg_option(pg, "hostaddr") != NULL)
		return false;
	if (host == NULL)
		host = getenv("PGHOST");
	return host == NULL || *host == '\0' || *host == '/' || *host == '@';
}

const char *
mv_pg_dbname(const struct mv_pg *pg)
{
	return mv_pg_option(pg, "dbname");
}

const char *
mv_pg_user(const struct mv_pg *pg)
{
	return mv_pg_option(pg, "user");
}
