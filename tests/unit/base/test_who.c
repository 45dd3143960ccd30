/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/who.h"

static void
the_operator_is_the_account_that_started_us(void **state)
{
	const struct passwd *pw = getpwuid(getuid());
	char name[MV_WHO_NAME];

	(void)state;
	mv_operator_name(name);
	assert_string_equal(name, pw != NULL ? pw->pw_name : "unknown");
}

/* As root; elsewhere nobody can become somebody else. */
static void
an_account_without_a_name_is_unknown(void **state)
{
	char name[MV_WHO_NAME];
	int status;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setuid(3999999999U) < 0)
			_exit(2);
		mv_operator_name(name);
		_exit(strcmp(name, "unknown") == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_operator_is_the_account_that_started_us),
		cmocka_unit_test(an_account_without_a_name_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
