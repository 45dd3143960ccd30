/* SPDX-License-Identifier: MIT */
#include "support/pg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "support/mv_test.h"

#define PORT 5499	/* of the socket, which is in our own directory */
#define SERVERS_MAX 4

/* Those that at-exit must stop. */
static struct {
	pid_t owner;
	pid_t pid;
	char *dir;
} running[SERVERS_MAX];

static char *
find_bin(void)
{
	static const char root[] = "/usr/lib/postgresql";
	char *best = NULL, *path;
	struct dirent *e;
	DIR *d = opendir(root);
	long major, newest = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		major = strtol(e->d_name, NULL, 10);
		if (major <= newest ||
		    asprintf(&path, "%s/%ld/bin/initdb", root, major) < 0)
			continue;
		if (access(path, X_OK) == 0) {
			newest = major;
			free(best);
			*strrchr(path, '/') = '\0';
			best = path;
		} else {
			free(path);
		}
	}
	if (d != NULL)
		closedir(d);
	return best;
}

static void
child_become(const struct mv_test_pg *pg)
{
	if (geteuid() == 0 && pg->uid != 0) {
		if (setgroups(0, NULL) < 0 ||
		    setresgid(pg->gid, pg->gid, pg->gid) < 0 ||
		    setresuid(pg->uid, pg->uid, pg->uid) < 0)
			_exit(126);
	}
	/* A test that is killed must not leave a server behind. */
	if (prctl(PR_SET_PDEATHSIG, SIGQUIT) < 0 || chdir("/") < 0)
		_exit(126);
}

static pid_t
spawn(const struct mv_test_pg *pg, const char *const argv[], int in, int out,
    int complaints)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	child_become(pg);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(complaints, 2) < 0)
		_exit(126);
	setenv("LC_ALL", "C", 1);
	/* execv() changes nothing, whatever its prototype says. */
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int
finish(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
stop_server(pid_t pid, const char *dir)
{
	/* SIGQUIT: at once; nothing of it is wanted any more. */
	if (pid > 0 && kill(pid, SIGQUIT) == 0)
		(void)waitpid(pid, NULL, 0);
	mv_test_rmdir(dir);
}

static void
stop_all(void)
{
	size_t i;

	for (i = 0; i < SERVERS_MAX; i++)
		if (running[i].dir != NULL && running[i].owner == getpid()) {
			stop_server(running[i].pid, running[i].dir);
			free(running[i].dir);
			running[i].dir = NULL;
		}
}

static void
remember(const struct mv_test_pg *pg)
{
	static bool registered;
	size_t i;

	if (!registered)
		atexit(stop_all);
	registered = true;
	for (i = 0; i < SERVERS_MAX; i++)
		if (running[i].dir == NULL ||
		    strcmp(running[i].dir, pg->dir) == 0)
			break;
	assert_true(i < SERVERS_MAX);
	free(running[i].dir);
	running[i].dir = strdup(pg->dir);
	running[i].pid = pg->pid;
	running[i].owner = getpid();
}

static void
forget(const struct mv_test_pg *pg)
{
	size_t i;

	for (i = 0; i < SERVERS_MAX; i++)
		if (running[i].dir != NULL &&
		    strcmp(running[i].dir, pg->dir) == 0) {
			free(running[i].dir);
			running[i].dir = NULL;
		}
}

static int
open_log(const struct mv_test_pg *pg)
{
	char *path = mv_test_path(pg->dir, "log");
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	free(path);
	assert_true(fd >= 0);
	return fd;
}

static void
make_cluster(const struct mv_test_pg *pg, int log)
{
	char *initdb = mv_test_path(pg->bin, "initdb");
	char *data = mv_test_path(pg->dir, "data");
	const char *argv[] = { initdb, "-N", "-D", data,
	    "-U", "postgres", "-A", "trust",
	    "-E", "UTF8", "--locale=C.UTF-8",
	    "--no-instructions", NULL };

	assert_int_equal(finish(spawn(pg, argv, log, log, log)), 0);
	free(initdb);
	free(data);
}

/* Of 50 ms: a server that was killed first puts its files on a slow disk. */
#define UP_TRIES 2400

static void
wait_until_up(const struct mv_test_pg *pg)
{
	char *conninfo = mv_test_pg_db(pg, "postgres");
	struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	int i;

	for (i = 0; i < UP_TRIES; i++) {
		if (PQping(conninfo) == PQPING_OK)
			break;
		nanosleep(&pause, NULL);
	}
	free(conninfo);
	assert_true(i < UP_TRIES);
}

static void
start_server(struct mv_test_pg *pg, int log)
{
	char *postgres = mv_test_path(pg->bin, "postgres");
	char *data = mv_test_path(pg->dir, "data"), *sockdir, port[16];
	const char *argv[] = { postgres, "-D", data, "-F",
	    "-p", port, "-c",
	    pg->tcp ? "listen_addresses=127.0.0.1" : "listen_addresses=",
	    "-c", NULL,
	    "-c", "shared_buffers=32MB", NULL };

	(void)snprintf(port, sizeof(port), "%d", pg->port);
	assert_true(asprintf(&sockdir, "unix_socket_directories=%s",
	    pg->dir) > 0);
	argv[9] = sockdir;
	pg->pid = spawn(pg, argv, log, log, log);
	free(sockdir);
	free(postgres);
	free(data);
	remember(pg);
	wait_until_up(pg);
}

static bool
start(struct mv_test_pg *pg)
{
	const struct passwd *pw;
	int log;

	pg->uid = geteuid();
	pg->gid = getegid();
	pg->bin = find_bin();
	if (pg->bin == NULL)
		return false;
	pg->dir = mv_test_dir();
	if (geteuid() == 0) {
		pw = getpwnam("postgres");
		assert_non_null(pw);
		pg->uid = pw->pw_uid;
		pg->gid = pw->pw_gid;
		assert_int_equal(chown(pg->dir, pg->uid, pg->gid), 0);
	}
	assert_int_equal(chmod(pg->dir, 0755), 0);
	assert_true(asprintf(&pg->conninfo, "host='%s' port=%d"
	    " user=postgres", pg->dir, pg->port) > 0);
	remember(pg);
	log = open_log(pg);
	make_cluster(pg, log);
	start_server(pg, log);
	close(log);
	return true;
}

bool
mv_test_pg_start(struct mv_test_pg *pg)
{
	*pg = (struct mv_test_pg){ .port = PORT };
	return start(pg);
}

/* One that was free a moment ago. */
static int
free_port(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	(void)close(fd);
	return ntohs(a.sin_port);
}

bool
mv_test_pg_start_tcp(struct mv_test_pg *pg)
{
	*pg = (struct mv_test_pg){ .port = free_port(), .tcp = true };
	return start(pg);
}

void
mv_test_pg_stop(struct mv_test_pg *pg)
{
	if (pg->dir != NULL) {
		stop_server(pg->pid, pg->dir);
		forget(pg);
	}
	free(pg->dir);
	free(pg->bin);
	free(pg->conninfo);
	*pg = (struct mv_test_pg){ 0 };
}

void
mv_test_pg_crash(struct mv_test_pg *pg)
{
	/* Its processes see the postmaster's death and end at once. */
	assert_int_equal(kill(pg->pid, SIGKILL), 0);
	(void)waitpid(pg->pid, NULL, 0);
	pg->pid = 0;
	remember(pg);
}

void
mv_test_pg_again(struct mv_test_pg *pg)
{
	int log = open_log(pg);

	start_server(pg, log);
	close(log);
}

void
mv_test_pg_hba(struct mv_test_pg *pg, const char *text)
{
	char *path = mv_test_path(pg->dir, "data/pg_hba.conf");
	struct timespec pause = { .tv_nsec = 300 * 1000 * 1000 };

	mv_test_write(path, text, strlen(text));
	free(path);
	assert_int_equal(kill(pg->pid, SIGHUP), 0);
	nanosleep(&pause, NULL);
}

char *
mv_test_pg_db(const struct mv_test_pg *pg, const char *dbname)
{
	char *text;

	assert_true(asprintf(&text, "%s dbname='%s'", pg->conninfo,
	    dbname) > 0);
	return text;
}

struct mv_pg_target
mv_test_pg_target(const char *conninfo)
{
	return (struct mv_pg_target){
		.conninfo = conninfo, .uid = (uid_t)-1, .gid = (gid_t)-1,
	};
}

char *
mv_test_pg_value(const struct mv_test_pg *pg, const char *dbname,
    const char *sql)
{
	char *conninfo = mv_test_pg_db(pg, dbname), *value = NULL;
	PGconn *conn = PQconnectdb(conninfo);
	PGresult *res = PQexec(conn, sql);
	bool good;

	good = PQresultStatus(res) == PGRES_TUPLES_OK ||
	    PQresultStatus(res) == PGRES_COMMAND_OK;
	if (!good)
		print_error("%s: %s", sql, PQerrorMessage(conn));
	if (good && PQntuples(res) > 0)
		value = strdup(PQgetvalue(res, 0, 0));
	PQclear(res);
	PQfinish(conn);
	free(conninfo);
	assert_true(good);
	return value;
}

void
mv_test_pg_sql(const struct mv_test_pg *pg, const char *dbname,
    const char *sql)
{
	free(mv_test_pg_value(pg, dbname, sql));
}

int
mv_test_pg_run(const struct mv_test_pg *pg, const char *const argv[],
    const char *in, struct mv_buf *out)
{
	char *path = mv_test_path(pg->bin, argv[0]), *file = NULL;
	const char *full[64] = { path };
	int i, rc, infd, outfd;
	char port[16];
	FILE *tmp = tmpfile();

	for (i = 1; argv[i] != NULL; i++) {
		assert_true(i < 63);
		full[i] = argv[i];
	}
	assert_non_null(tmp);
	outfd = fileno(tmp);
	infd = open(in != NULL ? in : "/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(infd >= 0);
	setenv("PGHOST", pg->dir, 1);
	(void)snprintf(port, sizeof(port), "%d", pg->port);
	setenv("PGPORT", port, 1);
	setenv("PGUSER", "postgres", 1);
	rc = finish(spawn(pg, full, infd, outfd, 2));
	unsetenv("PGHOST");
	unsetenv("PGPORT");
	unsetenv("PGUSER");
	assert_true(asprintf(&file, "/proc/self/fd/%d", outfd) > 0);
	mv_test_read(file, out);
	free(file);
	free(path);
	close(infd);
	fclose(tmp);
	return rc;
}

void
mv_test_pg_dump(const struct mv_test_pg *pg, const char *dbname,
    struct mv_buf *out)
{
	const char *argv[] = { "pg_dump", "--restrict-key=x", "-d", dbname,
	    NULL };

	assert_int_equal(mv_test_pg_run(pg, argv, NULL, out), 0);
}
