/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>

#define LOG_TEXT_MAX 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mv_log_sink *log_sink;
static void *log_arg;

void
mv_log_set(mv_log_sink *sink, void *arg)
{
	pthread_mutex_lock(&lock);
	log_sink = sink;
	log_arg = arg;
	pthread_mutex_unlock(&lock);
}

/*
 * File names in messages come from strangers: a newline would forge a second
 * message, an escape sequence would talk to the reader's terminal.
 */
static void
flatten(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void
mv_log(enum mv_log_level level, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	flatten(text);
	/* Held during the call: messages of two threads never mix. */
	pthread_mutex_lock(&lock);
	if (log_sink != NULL)
		log_sink(level, text, log_arg);
	pthread_mutex_unlock(&lock);
}
