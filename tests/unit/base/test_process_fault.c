/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "support/fault.h"
#include "support/mv_test.h"

static size_t fds;

static int
run_op(void *arg, struct mv_err *err)
{
	mv_auto(mv_process_freep) struct mv_process *p = NULL;
	const char *const argv[] = { "sh", "-c", "exit 0", NULL };
	const struct mv_process_opts opts = {
		.argv = argv,
		.uid = getuid() == 0 ? 65534 : (uid_t)-1,
		.gid = getuid() == 0 ? 65534 : (gid_t)-1,
		.pipe_in = true,
		.pipe_out = true,
	};
	int rc;

	(void)arg;
	rc = mv_process_start(&opts, &p, err);
	if (rc < 0)
		return rc;
	return mv_process_wait(p, NULL, err);
}

static void
after_run(void *arg, int rc, const struct mv_err *err)
{
	(void)arg;
	(void)rc;
	(void)err;
	assert_int_equal(mv_test_open_fds(), fds);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
no_fault_leaves_a_child_or_a_descriptor(void **state)
{
	const struct fault_sweep sweep = { run_op, after_run, NULL };

	(void)state;
	fds = mv_test_open_fds();
	assert_true(fault_sweep(&sweep) >= 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_fault_leaves_a_child_or_a_descriptor),
	};

	return cmocka_run_group_tests_name("process_fault", tests, NULL, NULL);
}
