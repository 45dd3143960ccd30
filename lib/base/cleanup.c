/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
mv_freep(void *pp)
{
	void *p;

	/* Any kind of pointer comes here, so it is copied, not dereferenced. */
	memcpy(&p, pp, sizeof(p));
	free(p);
	p = NULL;
	memcpy(pp, &p, sizeof(p));
}

void
mv_fd_closep(int *fd)
{
	int e = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = e;
}
