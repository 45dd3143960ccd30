/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
	sigset_t mask;
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
	sigset_t block;
	size_t i;

	/*
	 * They come in while we wait and at no other time: none is missed.
	 * But for the two that our own calls bring about in the background.
	 */
	(void)sigemptyset(&block);
	for (i = 0; i < MV_ARRAY_LEN(signals); i++)
		if (signals[i] != SIGTTIN && signals[i] != SIGTTOU)
			(void)sigaddset(&block, signals[i]);
	(void)pthread_sigmask(SIG_BLOCK, &block, &s->mask);
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
	(void)pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
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

/* The next byte; 0 at the end, 1 for one. */
static int
read_byte(int fd, const sigset_t *mask, char *c, struct mv_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	do {
		n = ppoll(&p, 1, NULL, mask);
		if (n > 0)
			n = read(fd, c, 1);
	} while (n < 0 && errno == EINTR && !any_arrived());
	if (n < 0 && any_arrived())
		return mv_err_set(err, MV_EINTR,
		    "interrupted while asking for a passphrase");
	return n < 0 ? mv_err_sys(err, "read the terminal") : (int)n;
}

static int
read_line(int fd, const sigset_t *mask, struct mv_sbuf *out,
    struct mv_err *err)
{
	char c = 0;
	int rc;

	while ((rc = read_byte(fd, mask, &c, err)) > 0 && c != '\n') {
		if (out->len == MV_PASSPHRASE_MAX)
			rc = mv_err_set(err, MV_EUSAGE,
			    "passphrase is longer than %d bytes",
			    MV_PASSPHRASE_MAX);
		else
			rc = mv_sbuf_put(out, &c, 1, err);
		if (rc < 0)
			break;
	}
	explicit_bzero(&c, sizeof(c));
	return rc < 0 ? rc : 0;
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
		rc = read_line(fd, &saved.mask, out, err);
	while (tcsetattr(fd, TCSAFLUSH, &saved.term) < 0 && errno == EINTR)
		continue;
	release_signals(&saved);
	return rc;
}
