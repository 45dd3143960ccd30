/* SPDX-License-Identifier: MIT */
#include "support/redis.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/mv_test.h"

#define SERVER "/usr/bin/redis-server"

bool
mv_test_redis_here(void)
{
	return access(SERVER, X_OK) == 0;
}

void
mv_test_redis_conf(const char *dir, const char *conf, const char *text)
{
	char *all;

	assert_true(asprintf(&all, "port 0\nunixsocket \"%s/sock\"\n"
	    "save \"\"\ndir \"%s\"\n%s", dir, dir, text) > 0);
	mv_test_write(conf, all, strlen(all));
	free(all);
}

static bool
answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char buf[64] = { 0 };
	ssize_t n = -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6)
		n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	return n > 0 && strncmp(buf, "-LOADING", 8) != 0;
}

void
mv_test_redis_start(struct mv_test_redis *r, const char *dir,
    const char *conf, const char *password)
{
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int i, null;

	assert_true(asprintf(&r->socket, "%s/sock", dir) > 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		null = open("/dev/null", O_RDWR);
		if (null < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
		    dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
		    dup2(null, 2) < 0 || chdir(dir) < 0)
			_exit(126);
		if (conf != NULL)
			execl(SERVER, SERVER, conf, (char *)NULL);
		else
			execl(SERVER, SERVER, "--port", "0", "--save", "",
			    "--unixsocket", r->socket, "--requirepass",
			    password, (char *)NULL);
		_exit(127);
	}
	for (i = 0; i < 500 && !answers(r->socket); i++)
		nanosleep(&pause, NULL);
	assert_true(i < 500);
}

void
mv_test_redis_stop(struct mv_test_redis *r)
{
	if (r->pid > 0 && kill(r->pid, SIGKILL) == 0)
		(void)waitpid(r->pid, NULL, 0);
	free(r->socket);
	*r = (struct mv_test_redis){ 0 };
}
