/* SPDX-License-Identifier: MIT */
#include "vault/redis_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "vault/redis_password.h"

#define TEXT_MAX 200

struct mv_redis {
	redisContext *c;
	char *where;
};

void
mv_redis_free(struct mv_redis *r)
{
	if (r == NULL)
		return;
	if (r->c != NULL)
		redisFree(r->c);
	free(r->where);
	free(r);
}

void
mv_redis_freep(struct mv_redis **r)
{
	mv_redis_free(*r);
}

void
mv_redis_replyp(redisReply **reply)
{
	if (*reply != NULL)
		freeReplyObject(*reply);
}

const char *
mv_redis_where(const struct mv_redis *r)
{
	return r->where;
}

/* hiredis' failures as ours; its texts hold no more than the system's. */
static int
redis_err(struct mv_redis *r, const char *what, struct mv_err *err)
{
	if (r->c->err == REDIS_ERR_IO &&
	    (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINPROGRESS))
		return mv_err_set(err, MV_EIO, "%s Redis at '%s': no answer "
		    "within %d seconds", what, r->where, MV_REDIS_TIMEOUT);
	return mv_err_set(err, MV_EIO, "%s Redis at '%s': %s", what, r->where,
	    r->c->errstr);
}

static int
name_place(const struct mv_redis_place *place, char **out, struct mv_err *err)
{
	int n;

	if (place->socket != NULL)
		n = asprintf(out, "%s", place->socket);
	else
		n = asprintf(out, "%s:%u", place->host,
		    (unsigned)place->port);
	if (n < 0) {
		*out = NULL;
		return mv_err_set(err, MV_ENOMEM, "connect to Redis");
	}
	return 0;
}

int
mv_redis_open(const struct mv_redis_place *place, struct mv_redis **out,
    struct mv_err *err)
{
	const struct timeval limit = { .tv_sec = MV_REDIS_TIMEOUT };
	mv_auto(mv_redis_freep) struct mv_redis *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return mv_err_set(err, MV_ENOMEM, "connect to Redis");
	rc = name_place(place, &r->where, err);
	if (rc < 0)
		return rc;
	r->c = place->socket != NULL ?
	    redisConnectUnixWithTimeout(place->socket, limit) :
	    redisConnectWithTimeout(place->host, place->port, limit);
	if (r->c == NULL)
		return mv_err_set(err, MV_ENOMEM, "connect to Redis");
	if (r->c->err != 0)
		return redis_err(r, "connect to", err);
	if (redisSetTimeout(r->c, limit) != REDIS_OK)
		return redis_err(r, "connect to", err);
	*out = mv_take(&r);
	return 0;
}

static int
put_text(struct mv_sbuf *b, const char *text, struct mv_err *err)
{
	return mv_sbuf_put(b, text, strlen(text), err);
}

static int
put_command(const struct mv_span *words, size_t n, struct mv_sbuf *b,
    struct mv_err *err)
{
	char head[32];
	size_t i;
	int rc;

	(void)snprintf(head, sizeof(head), "*%zu\r\n", n);
	rc = put_text(b, head, err);
	for (i = 0; i < n && rc == 0; i++) {
		(void)snprintf(head, sizeof(head), "$%zu\r\n", words[i].len);
		rc = put_text(b, head, err);
		if (rc == 0)
			rc = mv_sbuf_put(b, words[i].p, words[i].len, err);
		if (rc == 0)
			rc = put_text(b, "\r\n", err);
	}
	return rc;
}

static int
send_all(struct mv_redis *r, const uint8_t *p, size_t len, struct mv_err *err)
{
	ssize_t n;

	while (len > 0) {
		n = send(r->c->fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mv_err_sys(err, "write to Redis at '%s'",
			    r->where);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
mv_redis_call(struct mv_redis *r, const struct mv_span *words, size_t n,
    redisReply **out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf command = { 0 };
	void *reply = NULL;
	int rc;

	rc = put_command(words, n, &command, err);
	if (rc == 0)
		rc = send_all(r, command.p, command.len, err);
	if (rc < 0)
		return rc;
	if (redisGetReply(r->c, &reply) != REDIS_OK)
		return redis_err(r, "read from", err);
	*out = reply;
	return 0;
}

bool
mv_redis_says(const redisReply *reply, const char *word)
{
	return reply->type == REDIS_REPLY_ERROR &&
	    reply->len >= strlen(word) &&
	    memcmp(reply->str, word, strlen(word)) == 0;
}

int
mv_redis_refusal(struct mv_redis *r, const redisReply *reply,
    const char *what, struct mv_err *err)
{
	char text[TEXT_MAX];
	size_t i;
	int code = MV_EIO;

	(void)snprintf(text, sizeof(text), "%s",
	    reply->type == REDIS_REPLY_ERROR ? reply->str :
	    "that is no answer to it");
	text[strcspn(text, ",'`")] = '\0';
	for (i = 0; text[i] != '\0'; i++)
		if ((uint8_t)text[i] < ' ')
			text[i] = '?';
	if (mv_redis_says(reply, "NOPERM") || mv_redis_says(reply, "NOAUTH"))
		code = MV_EAUTH;
	else if (mv_redis_says(reply, "LOADING"))
		code = MV_EAGAIN;
	else if (mv_redis_says(reply, "ERR unknown command"))
		code = MV_EREFUSED;
	return mv_err_set_at(err, code, code == MV_EAUTH ? EACCES : 0,
	    __FILE__, __LINE__, "%s Redis at '%s': %s", what, r->where, text);
}
