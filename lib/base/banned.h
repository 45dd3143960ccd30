/* SPDX-License-Identifier: MIT */
#ifndef MV_BASE_BANNED_H
#define MV_BASE_BANNED_H

/*
 * banned: calls that have a safer form, made impossible by the build.  The
 * headers that declare them come first, so only our own use fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With FORTIFY and clang some are macros, which cannot be poisoned. */
#undef sprintf
#undef vsprintf
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol atoll
#pragma GCC poison system popen mktemp tmpnam tempnam gmtime localtime
#pragma GCC poison asctime strncpy strncat

#endif
