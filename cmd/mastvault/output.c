/* SPDX-License-Identifier: MIT */
#include "mastvault/output.h"

#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "mastvault/cli.h"
#include "mastvault/meter.h"

/* What a quiet run keeps of its warnings. */
#define HELD_MAX (16 * 1024)

static struct {
	pthread_mutex_t lock;
	bool quiet, json;
	unsigned verbose;
	struct mv_buf held;
	char hint[512];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

/*
 * "prefix: text", made harmless, as one write so that it stays together.
 * What another program said over several lines is indented.
 */
static void
put_line(const char *prefix, const char *text)
{
	mv_auto(mv_buf_clear) struct mv_buf line = { 0 };
	size_t len;

	mv_buf_put_str(&line, prefix);
	mv_buf_put_str(&line, ": ");
	for (;;) {
		len = strcspn(text, "\n");
		mv_safe_put(&line, text, len);
		mv_buf_put_str(&line, "\n");
		text += len + strspn(text + len, "\n");
		if (*text == '\0')
			break;
		mv_buf_put_str(&line, "    ");
	}
	if (mv_buf_failed(&line, NULL) < 0)
		return;
	mv_meter_hide();
	(void)fwrite(line.p, 1, line.len, stderr);
}

static void
sink(enum mv_log_level level, const char *text, void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&state.lock);
	if (level == MV_LOG_WARN && state.quiet) {
		if (state.held.len < HELD_MAX) {
			mv_buf_put_str(&state.held, text);
			mv_buf_put_u8(&state.held, '\0');
		}
	} else if (level == MV_LOG_WARN) {
		put_line(MV_PROGRAM ": warning", text);
	} else if (state.verbose >= (level == MV_LOG_INFO ? 1 : 2)) {
		put_line(MV_PROGRAM, text);
	}
	(void)pthread_mutex_unlock(&state.lock);
}

void
mv_output_init(bool quiet, unsigned verbose, bool json)
{
	state.quiet = quiet;
	state.verbose = verbose;
	state.json = json;
	mv_log_set(sink, NULL);
	mv_meter_init(!quiet && isatty(STDERR_FILENO));
}

bool
mv_output_is_json(void)
{
	return state.json;
}

void
mv_say(const char *fmt, ...)
{
	va_list ap;

	if (state.quiet || state.json)
		return;
	mv_meter_hide();
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
}

void
mv_list(const char *fmt, ...)
{
	va_list ap;

	if (state.json)
		return;
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
}

void
mv_hint(const char *fmt, ...)
{
	va_list ap;

	state.hint[0] = '\0';
	if (fmt == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(state.hint, sizeof(state.hint), fmt, ap);
	va_end(ap);
}

static void
put_hint(void)
{
	if (state.hint[0] != '\0')
		put_line("hint", state.hint);
	state.hint[0] = '\0';
}

void
mv_output_error(const struct mv_err *err)
{
	char text[MV_ERR_TEXT_MAX + 2 * MV_ERR_FRAMES_MAX];

	(void)fflush(stdout);
	(void)mv_err_text(err, text, sizeof(text));
	(void)pthread_mutex_lock(&state.lock);
	put_line(MV_PROGRAM, text);
	put_hint();
	(void)pthread_mutex_unlock(&state.lock);
}

void
mv_output_problem(const char *fmt, ...)
{
	char text[MV_ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fflush(stdout);
	(void)pthread_mutex_lock(&state.lock);
	put_line(MV_PROGRAM, text);
	put_hint();
	(void)pthread_mutex_unlock(&state.lock);
}

int
mv_output_json(json_t *doc, struct mv_err *err)
{
	int failed = 0;

	if (doc == NULL)
		return mv_err_set(err, MV_ENOMEM, "make the JSON document");
	if (state.json)
		failed = json_dumpf(doc, stdout, JSON_INDENT(2)) < 0 ||
		    putchar('\n') == EOF;
	json_decref(doc);
	if (failed)
		return mv_err_sys(err, "write standard output");
	return 0;
}

int
mv_output_flush(struct mv_err *err)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		return mv_err_sys(err, "write standard output");
	return 0;
}

void
mv_output_end(bool well)
{
	const char *p = (const char *)state.held.p;
	const char *end = p + state.held.len;

	mv_meter_hide();
	for (; !well && p < end; p += strlen(p) + 1)
		put_line(MV_PROGRAM ": warning", p);
	mv_buf_clear(&state.held);
	mv_log_set(NULL, NULL);
}
