/* SPDX-License-Identifier: MIT */
#include "base/who.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

const char *
mv_operator_name(char out[MV_WHO_NAME])
{
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (getpwuid_r(getuid(), &pw, buf, sizeof(buf), &found) != 0)
		found = NULL;
	(void)snprintf(out, MV_WHO_NAME, "%s",
	    found != NULL ? found->pw_name : "unknown");
	return out;
}
