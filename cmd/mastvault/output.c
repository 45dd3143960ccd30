/* SPDX-License-Identifier: MIT */
#include "mastvault/output.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "mastvault/cli.h"
#include "mastvault/meter.h"

/* What a quiet run keeps of its warnings. */
#define HELD_MAX (16 * 1024)

static struct {
	pthread_mutex_t lock;
	bool quiet, json;
	bool unwanted;		/* standard output is a pipe nobody reads */
	unsigned verbose;
	struct mv_buf held;
	size_t items;		/* of the list that is being printed */
	bool in_object;
	char hint[512];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Without memory: cut, and what is not plain ASCII is a question mark. */
static void
put_plain(const char *prefix, const char *text)
{
	char line[MV_ERR_TEXT_MAX];
	size_t i, len;

	(void)snprintf(line, sizeof(line) - 1, "%s: %s", prefix, text);
	len = strlen(line);
	for (i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	line[len++] = '\n';
	(void)fwrite(line, 1, len, stderr);
}

/*
 * "prefix: text", made harmless, as one write so that it stays together.
 * What another program said over several lines is indented.
 */
static void
put_line(const char *prefix, const char *text)
{
	mv_auto(mv_buf_clear) struct mv_buf line = { 0 };
	const char *whole = text;
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
	mv_meter_hide();
	if (mv_buf_failed(&line, NULL) < 0) {
		put_plain(prefix, whole);
		return;
	}
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

static void print(const char *fmt, va_list ap) MV_PRINTF(1, 0);

static void
print(const char *fmt, va_list ap)
{
	if (vprintf(fmt, ap) < 0 && errno == EPIPE)
		state.unwanted = true;
}

void
mv_say(const char *fmt, ...)
{
	va_list ap;

	if (state.quiet || state.json)
		return;
	mv_meter_hide();
	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
}

void
mv_list(const char *fmt, ...)
{
	va_list ap;

	if (state.json)
		return;
	va_start(ap, fmt);
	print(fmt, ap);
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
	mv_auto(mv_buf_clear) struct mv_buf cut = { 0 };
	char text[MV_ERR_TEXT_MAX + 2 * MV_ERR_FRAMES_MAX];
	const char *shown;

	(void)fflush(stdout);
	(void)mv_err_text(err, text, sizeof(text));
	mv_shorten_put(&cut, text);
	shown = mv_buf_cstr(&cut);
	(void)pthread_mutex_lock(&state.lock);
	put_line(MV_PROGRAM, shown != NULL ? shown : text);
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

static int
failed_write(struct mv_err *err)
{
	if (errno == EPIPE)
		state.unwanted = true;
	return mv_err_sys(err, "write standard output");
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
	return failed ? failed_write(err) : 0;
}

/* Members of o without the braces, each with a comma before or behind it. */
static int
put_members(const json_t *o, const char *before, const char *behind)
{
	const char *key;
	json_t *value;
	int failed = 0;

	json_object_foreach((json_t *)(uintptr_t)o, key, value) {
		mv_auto(mv_freep) char *text = json_dumps(value,
		    JSON_COMPACT | JSON_ENCODE_ANY);

		failed |= text == NULL || printf("%s\"%s\":%s%s", before,
		    key, text, behind) < 0;
	}
	return failed;
}

int
mv_stream_begin(json_t *head, const char *list, struct mv_err *err)
{
	int failed = 0;

	state.items = 0;
	state.in_object = list != NULL;
	if (state.json && list != NULL)
		failed = putchar('{') == EOF ||
		    put_members(head, "", ",\n") != 0 ||
		    printf("\"%s\":", list) < 0;
	if (state.json)
		failed |= putchar('[') == EOF;
	json_decref(head);
	return failed ? failed_write(err) : 0;
}

int
mv_stream_item(json_t *item, struct mv_err *err)
{
	int failed = 0;

	if (item == NULL)
		return mv_err_set(err, MV_ENOMEM, "make the JSON document");
	if (state.json)
		failed = fputs(state.items++ > 0 ? ",\n" : "\n", stdout) ==
		    EOF || json_dumpf(item, stdout, JSON_COMPACT) < 0;
	json_decref(item);
	return failed ? failed_write(err) : 0;
}

int
mv_stream_end(json_t *tail, struct mv_err *err)
{
	int failed = 0;

	if (state.json)
		failed = fputs(state.items > 0 ? "\n]" : "]", stdout) == EOF;
	if (state.json && state.in_object)
		failed |= put_members(tail, ",\n", "") != 0 ||
		    putchar('}') == EOF;
	if (state.json)
		failed |= putchar('\n') == EOF;
	json_decref(tail);
	return failed ? failed_write(err) : 0;
}

int
mv_output_bytes(const void *buf, size_t len, struct mv_err *err)
{
	int rc;

	rc = mv_fd_write(STDOUT_FILENO, buf, len, "standard output", err);
	if (rc < 0 && err->sys_errno == EPIPE)
		state.unwanted = true;
	return rc;
}

int
mv_output_check(struct mv_err *err)
{
	if (!ferror(stdout))
		return 0;
	return mv_err_set(err, MV_EIO, "write standard output");
}

bool
mv_output_is_unwanted(void)
{
	return state.unwanted;
}

int
mv_output_flush(struct mv_err *err)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		return failed_write(err);
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
