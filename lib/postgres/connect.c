/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "postgres/postgres_internal.h"

#define GROUPS_MAX 256

/* 32-bit systems have older calls with 16-bit ids under the plain names. */
#ifdef SYS_setresuid32
#define SYS_MV_SETRESUID SYS_setresuid32
#define SYS_MV_SETRESGID SYS_setresgid32
#define SYS_MV_SETGROUPS SYS_setgroups32
#else
#define SYS_MV_SETRESUID SYS_setresuid
#define SYS_MV_SETRESGID SYS_setresgid
#define SYS_MV_SETGROUPS SYS_setgroups
#endif

struct params {
	const char **keys;
	const char **values;
	size_t n;
};

struct attempt {
	const struct params *params;
	uid_t uid;
	gid_t gid;
	gid_t groups[GROUPS_MAX];
	int ngroups;
	PGconn *conn;
	int sys;
};

static void
params_clear(struct params *p)
{
	free(p->keys);
	free(p->values);
}

static void
params_add(struct params *p, const char *key, const char *value)
{
	p->keys[p->n] = key;
	p->values[p->n++] = value;
}

static int
params_make(const struct mv_pg *pg, const char *dbname, const char *passfile,
    struct params *p, struct mv_err *err)
{
	size_t i, n = pg->noptions + 8;

	p->keys = calloc(n, sizeof(*p->keys));
	p->values = calloc(n, sizeof(*p->values));
	if (p->keys == NULL || p->values == NULL)
		return mv_err_set(err, MV_ENOMEM, "connect to PostgreSQL");
	/* Of a key given twice libpq takes the last: ours come around. */
	params_add(p, "connect_timeout", "20");
	params_add(p, "fallback_application_name", "mastvault");
	/* A snapshot's holder is silent for hours; firewalls forget it. */
	params_add(p, "keepalives_idle", "60");
	for (i = 0; i < pg->noptions; i++)
		params_add(p, pg->options[i].key, pg->options[i].value);
	if (dbname != NULL)
		params_add(p, "dbname", dbname);
	params_add(p, "client_encoding", "UTF8");
	if (pg->passfd >= 0)
		params_add(p, "passfile", passfile);
	return 0;
}

static void *
connect_thread(void *arg)
{
	struct attempt *a = arg;

	/*
	 * The bare system calls change the calling thread alone, where
	 * glibc's change all threads at once.
	 */
	if (syscall(SYS_MV_SETGROUPS, (size_t)a->ngroups, a->groups) < 0 ||
	    syscall(SYS_MV_SETRESGID, a->gid, a->gid, a->gid) < 0 ||
	    syscall(SYS_MV_SETRESUID, a->uid, a->uid, a->uid) < 0) {
		a->sys = errno;
		return NULL;
	}
	a->conn = PQconnectdbParams(a->params->keys, a->params->values, 0);
	return NULL;
}

static void
find_groups(struct attempt *a)
{
	struct passwd pw, *found = NULL;
	char buf[4096];

	a->ngroups = 0;
	if (getpwuid_r(a->uid, &pw, buf, sizeof(buf), &found) != 0 ||
	    found == NULL)
		return;
	a->ngroups = GROUPS_MAX;
	if (getgrouplist(pw.pw_name, a->gid, a->groups, &a->ngroups) < 0)
		a->ngroups = 0;
}

/*
 * Connect with the credentials of pg->uid.  The server reads them of the
 * thread that called connect(), at that moment; so a thread gives up ours
 * for good, connects and ends, and the connection is used by others.  (A
 * forked child could not hand a PGconn back, and changing the whole process
 * would let other threads open files as somebody else meanwhile.)
 */
static int
connect_as(struct mv_pg *pg, const struct params *params, PGconn **out,
    struct mv_err *err)
{
	struct attempt a = { .params = params, .uid = pg->uid, .gid = pg->gid };
	int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	pthread_t thread;
	int rc;

	/* The password file is opened by name, so it must be that account's. */
	if (pg->passfd >= 0 && fchown(pg->passfd, pg->uid, pg->gid) < 0)
		return mv_err_sys(err, "give the password file to uid %u",
		    (unsigned)pg->uid);
	find_groups(&a);
	rc = pthread_create(&thread, NULL, connect_thread, &a);
	if (rc != 0) {
		errno = rc;
		return mv_err_sys(err, "start a thread");
	}
	(void)pthread_join(thread, NULL);
	/* Changing ids clears this for all threads; what it was is known. */
	if (dumpable == 0 || dumpable == 1)
		(void)prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
	if (a.sys != 0) {
		errno = a.sys;
		return mv_err_sys(err, "become uid %u for the database",
		    (unsigned)pg->uid);
	}
	*out = a.conn;
	return 0;
}

static bool
may_connect_as(const struct mv_pg *pg)
{
	return pg->uid != (uid_t)-1 && pg->uid != geteuid() &&
	    geteuid() == 0 && mv_pg_is_local(pg);
}

void
mv_pg_finishp(PGconn **conn)
{
	if (*conn != NULL)
		PQfinish(*conn);
	*conn = NULL;
}

static int
connect_once(struct mv_pg *pg, const struct params *params, PGconn **out,
    struct mv_err *err)
{
	if (pg->as_uid)
		return connect_as(pg, params, out, err);
	*out = PQconnectdbParams(params->keys, params->values, 0);
	return 0;
}

/* libpq would print them. */
static void
take_notice(void *arg, const PGresult *res)
{
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	(void)arg;
	if (text != NULL)
		mv_debug("PostgreSQL: %s", text);
}

int
mv_pg_connect(struct mv_pg *pg, const char *dbname, PGconn **out,
    struct mv_err *err)
{
	mv_auto(params_clear) struct params params = { 0 };
	mv_auto(mv_pg_finishp) PGconn *conn = NULL;
	char passfile[64];
	int rc;

	(void)snprintf(passfile, sizeof(passfile), "/proc/self/fd/%d",
	    pg->passfd);
	rc = params_make(pg, dbname, passfile, &params, err);
	if (rc == 0)
		rc = connect_once(pg, &params, &conn, err);
	if (rc < 0)
		return rc;
	if (PQstatus(conn) != CONNECTION_OK && !pg->as_uid &&
	    pg->version == 0 && may_connect_as(pg)) {
		mv_pg_finishp(&conn);
		pg->as_uid = true;
		rc = connect_once(pg, &params, &conn, err);
		if (rc < 0)
			return rc;
	}
	if (PQstatus(conn) != CONNECTION_OK)
		return mv_pg_err_connect(err, pg, conn);
	(void)PQsetNoticeReceiver(conn, take_notice, NULL);
	*out = mv_take(&conn);
	return 0;
}
