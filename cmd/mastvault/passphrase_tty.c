/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "mastvault/output.h"
#include "mastvault/passphrase.h"

/* Those that would leave the terminal mute, or stop us with it mute. */
static const int signals[] = {
	SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
};

struct saved {
	struct sigaction actions[MV_ARRAY_LEN(signals)];
	struct termios term;
};

static volatile sig_atomic_t arrived[MV_ARRAY_LEN(signals)];

static void
note(int signo)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(signals); i++)
		if (signals[i] == signo)
			arrived[i] = 1;
}

static void
catch_signals(struct saved *s)
{
	struct sigaction sa = { .sa_handler = note };
	size_t i;

	/* No SA_RESTART: read() must come back. */
	(void)sigemptyset(&sa.sa_mask);
	for (i = 0; i < MV_ARRAY_LEN(signals); i++) {
		arrived[i] = 0;
		(void)sigaction(signals[i], &sa, &s->actions[i]);
	}
}

static void
release_signals(const struct saved *s)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(signals); i++)
		(void)sigaction(signals[i], &s->actions[i], NULL);
	for (i = 0; i < MV_ARRAY_LEN(signals); i++)
		if (arrived[i])
			(void)raise(signals[i]);
}

static bool
any_arrived(void)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(signals); i++)
		if (arrived[i])
			return true;
	return false;
}

static int
read_line(int fd, struct mv_sbuf *out, struct mv_err *err)
{
	char c;
	ssize_t n;
	int rc = 0;

	while (rc == 0) {
		n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR && !any_arrived())
			continue;
		if (n < 0 && any_arrived())
			return mv_err_set(err, MV_EINTR,
			    "interrupted while asking for a passphrase");
		if (n < 0)
			return mv_err_sys(err, "read the terminal");
		if (n == 0 || c == '\n')
			break;
		if (out->len == MV_PASSPHRASE_MAX)
			rc = mv_err_set(err, MV_EUSAGE,
			    "passphrase is longer than %d bytes",
			    MV_PASSPHRASE_MAX);
		else
			rc = mv_sbuf_put(out, &c, 1, err);
	}
	explicit_bzero(&c, sizeof(c));
	return rc;
}

int
mv_pass_ask(const char *prompt, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	struct saved saved;
	struct termios mute;
	int rc;

	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || tcgetattr(fd, &saved.term) < 0) {
		mv_hint("--passphrase-file FILE, or passphrase-file or "
		    "passphrase-command in the configuration, gives it "
		    "without one");
		return mv_err_set(err, MV_EUSAGE,
		    "there is no terminal to ask for a passphrase on");
	}
	catch_signals(&saved);
	mute = saved.term;
	mute.c_lflag = (mute.c_lflag & ~(tcflag_t)ECHO) | ECHONL | ICANON;
	if (tcsetattr(fd, TCSAFLUSH, &mute) < 0)
		rc = mv_err_sys(err, "silence the terminal");
	else
		rc = mv_fd_write(fd, prompt, strlen(prompt), "terminal", err);
	if (rc == 0)
		rc = read_line(fd, out, err);
	while (tcsetattr(fd, TCSAFLUSH, &saved.term) < 0 && errno == EINTR)
		continue;
	release_signals(&saved);
	return rc;
}
