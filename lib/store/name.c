/* SPDX-License-Identifier: MIT */
#include "store/backend.h"

static int
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '.' || c == '_' || c == '-';
}

int
mv_store_name_ok(const char *name)
{
	size_t i;
	char before = '/';

	/* A part begins after '/', and neither '/' nor '.' may begin one. */
	for (i = 0; name[i] != '\0'; i++) {
		if (i == MV_NAME_MAX)
			return 0;
		if (before == '/' ? name[i] == '.' || !is_name_char(name[i]) :
		    name[i] != '/' && !is_name_char(name[i]))
			return 0;
		before = name[i];
	}
	return before != '/';
}
