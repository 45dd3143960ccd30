/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "mastvault/passphrase.h"

struct fx {
	char *dir, *path;
	struct mv_sbuf out;
	struct mv_pass_source source;
	struct mv_err err;
};

static int
setup(void **state)
{
	static struct fx fx;

	fx = (struct fx){ 0 };
	if (mv_secret_init(&fx.err) < 0)
		return -1;
	fx.dir = mv_test_dir();
	fx.path = mv_test_path(fx.dir, "pass");
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_sbuf_clear(&fx->out);
	mv_pass_source_clear(&fx->source);
	mv_test_rmdir(fx->dir);
	free(fx->dir);
	free(fx->path);
	return 0;
}

static int
from_file(struct fx *fx, const char *text)
{
	mv_test_write(fx->path, text, strlen(text));
	assert_int_equal(chmod(fx->path, 0600), 0);
	mv_sbuf_clear(&fx->out);
	mv_pass_source_clear(&fx->source);
	fx->source.file = fx->path;
	return mv_pass_of("k", &fx->out, &fx->source, &fx->err);
}

static void
assert_got(const struct fx *fx, const char *want)
{
	assert_int_equal(fx->out.len, strlen(want));
	assert_memory_equal(fx->out.p, want, strlen(want));
}

static void
a_file_gives_its_one_line(void **state)
{
	struct fx *fx = *state;

	assert_ok(from_file(fx, "hunter 2\n"), &fx->err);
	assert_got(fx, "hunter 2");
	assert_ok(from_file(fx, " x \r\n"), &fx->err);
	assert_got(fx, " x ");
	assert_ok(from_file(fx, "x"), &fx->err);
	assert_got(fx, "x");
}

static void
an_odd_file_is_refused_without_being_shown(void **state)
{
	struct fx *fx = *state;
	char text[MV_ERR_TEXT_MAX];

	assert_fails(from_file(fx, ""), MV_EUSAGE, &fx->err);
	assert_fails(from_file(fx, "\n"), MV_EUSAGE, &fx->err);
	assert_fails(from_file(fx, "hunter2\nhunter3\n"), MV_EUSAGE, &fx->err);
	(void)mv_err_text(&fx->err, text, sizeof(text));
	assert_null(strstr(text, "hunter"));
	mv_test_write(fx->path, "hunter2\n", 8);
	assert_int_equal(chmod(fx->path, 0640), 0);
	assert_fails(mv_pass_of("k", &fx->out, &fx->source, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "can be read by others (mode 0640)");
}

static void
a_command_is_run_without_a_shell(void **state)
{
	struct fx *fx = *state;

	fx->source.command = "printf %s\\n $HOME;id";
	assert_ok(mv_pass_of("k", &fx->out, &fx->source, &fx->err), &fx->err);
	assert_got(fx, "$HOME;id");
}

static void
a_command_that_fails_gives_nothing(void **state)
{
	struct fx *fx = *state;

	fx->source.command = "false";
	assert_fails(mv_pass_of("k", &fx->out, &fx->source, &fx->err), MV_EIO,
	    &fx->err);
	assert_int_equal(fx->out.len, 0);
	assert_int_equal(fx->source.cached.len, 0);
}

static void
a_new_one_must_not_be_short(void **state)
{
	struct fx *fx = *state;

	mv_test_write(fx->path, "1234567\n", 8);
	assert_int_equal(chmod(fx->path, 0600), 0);
	fx->source.file = fx->path;
	assert_fails(mv_pass_new(&fx->source, "x", &fx->out, &fx->err),
	    MV_EUSAGE, &fx->err);
	assert_says(&fx->err, "at least 8 characters");
}

/* Everything up to the prompt's end: by then the terminal must be mute. */
static void
wait_for(int fd, const char *text)
{
	char seen[512];
	size_t n = 0;

	while (n < sizeof(seen) - 1) {
		assert_int_equal(read(fd, seen + n, 1), 1);
		seen[++n] = '\0';
		if (strstr(seen, text) != NULL)
			return;
	}
	fail_msg("no prompt");
}

static int
echoes(int fd)
{
	struct termios t;

	assert_int_equal(tcgetattr(fd, &t), 0);
	return (t.c_lflag & ECHO) != 0;
}

static int
asked(const char *want)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf out = { 0 };
	struct mv_err err = { 0 };

	if (mv_pass_ask("Say: ", &out, &err) < 0)
		return 10;
	return out.len == strlen(want) && memcmp(out.p, want, out.len) == 0 ?
	    0 : 11;
}

static void
what_is_typed_is_not_shown(void **state)
{
	int master, status;
	pid_t pid;

	(void)state;
	pid = forkpty(&master, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(asked("secret words"));
	wait_for(master, "Say: ");
	assert_false(echoes(master));
	assert_int_equal(write(master, "secret words\n", 13), 13);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(echoes(master));
	(void)close(master);
}

static void
a_signal_takes_effect_after_the_terminal_is_restored(void **state)
{
	int master, status;
	pid_t pid;

	(void)state;
	pid = forkpty(&master, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(asked("never"));
	wait_for(master, "Say: ");
	assert_false(echoes(master));
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_true(echoes(master));
	(void)close(master);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_file_gives_its_one_line),
		T(an_odd_file_is_refused_without_being_shown),
		T(a_command_is_run_without_a_shell),
		T(a_command_that_fails_gives_nothing),
		T(a_new_one_must_not_be_short),
		T(what_is_typed_is_not_shown),
		T(a_signal_takes_effect_after_the_terminal_is_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
