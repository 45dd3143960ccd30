/* SPDX-License-Identifier: MIT */
#include "vault/redis_conf.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "mastodon/url.h"

struct judge {
	const char *user;
	struct mv_secret *password;
	char hash[1 + 2 * MV_HASH_BYTES + 1];	/* '#' and digits */
	bool user_line;			/* such a line was seen */
	bool keeps;			/* what the one that counts says */
	bool include;			/* one stands behind it */
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static int
nibble(uint8_t c)
{
	const char *digits = "0123456789abcdef", *at;

	c |= c >= 'A' && c <= 'F' ? 0x20 : 0;
	at = c != '\0' ? strchr(digits, c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

/* What a backslash in double quotes stands for; s begins behind it. */
static uint8_t
escaped(struct mv_span *s)
{
	static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
	const char *at;
	uint8_t c = s->p[0];

	if (c == 'x' && s->len > 2 && nibble(s->p[1]) >= 0 &&
	    nibble(s->p[2]) >= 0) {
		c = (uint8_t)(nibble(s->p[1]) << 4 | nibble(s->p[2]));
		s->p += 3;
		s->len -= 3;
		return c;
	}
	s->p++;
	s->len--;
	at = c != '\0' ? strchr(from, c) : NULL;
	return at != NULL ? (uint8_t)to[at - from] : c;
}

/* Replace word by the next of the line; false at its end. */
static bool
next_word(struct mv_span *s, struct mv_sbuf *word, int *rc,
    struct mv_err *err)
{
	uint8_t c, quote = '\0';

	mv_sbuf_reset(word);
	while (s->len > 0 && is_blank(s->p[0])) {
		s->p++;
		s->len--;
	}
	if (s->len == 0)
		return false;
	while (s->len > 0 && *rc == 0) {
		c = s->p[0];
		if (quote == '\0' && is_blank(c))
			break;
		s->p++;
		s->len--;
		if (c == quote && quote != '\0') {
			quote = '\0';
			continue;
		}
		if (quote == '\0' && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (c == '\\' && s->len > 0 && quote == '"')
			c = escaped(s);
		else if (c == '\\' && s->len > 0 && quote == '\'' &&
		    s->p[0] == '\'')
			c = escaped(s);
		*rc = mv_sbuf_put(word, &c, 1, err);
	}
	return *rc == 0;
}

static bool
word_is(const struct mv_sbuf *word, const char *text)
{
	return word->len == strlen(text) && (word->len == 0 ||
	    strncasecmp((const char *)word->p, text, word->len) == 0);
}

static bool
is_password(const struct judge *j, const uint8_t *p, size_t len)
{
	return len == mv_secret_len(j->password) &&
	    mv_equal(p, mv_secret_bytes(j->password), len);
}

static int
requirepass(struct judge *j, struct mv_span *line, struct mv_sbuf *word,
    struct mv_err *err)
{
	int rc = 0;

	if (j->user_line || strcmp(j->user, "default") != 0)
		return 0;
	j->include = false;
	j->keeps = next_word(line, word, &rc, err) &&
	    is_password(j, word->p, word->len);
	return rc;
}

/* user NAME RULE...: passwords come as >clear or #hash. */
static int
user_line(struct judge *j, struct mv_span *line, struct mv_sbuf *word,
    struct mv_err *err)
{
	int rc = 0;

	if (!next_word(line, word, &rc, err) ||
	    word->len != strlen(j->user) ||
	    memcmp(word->p, j->user, word->len) != 0)
		return rc;
	j->user_line = true;
	j->include = false;
	j->keeps = false;
	while (next_word(line, word, &rc, err))
		if (word_is(word, j->hash) || (word->len > 0 &&
		    word->p[0] == '>' &&
		    is_password(j, word->p + 1, word->len - 1)))
			j->keeps = true;
	return rc;
}

static int
judge_line(struct judge *j, struct mv_span line, struct mv_sbuf *word,
    struct mv_err *err)
{
	int rc = 0;

	if (!next_word(&line, word, &rc, err))
		return rc;
	if (word_is(word, "include"))
		j->include = true;
	else if (word_is(word, "requirepass"))
		return requirepass(j, &line, word, err);
	else if (word_is(word, "user"))
		return user_line(j, &line, word, err);
	return 0;
}

int
mv_redis_conf_judge(const void *text, size_t len, const char *user,
    struct mv_secret *password, enum mv_redis_conf *out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf word = { 0 };
	struct mv_span rest = { text, len }, line;
	struct judge j = {
		.user = user != NULL ? user : "default", .password = password,
		.hash = "#",
	};
	uint8_t hash[MV_HASH_BYTES];
	int rc = 0;

	mv_sha256(mv_secret_bytes(password), mv_secret_len(password), hash);
	mv_hex_encode(hash, sizeof(hash), j.hash + 1);
	while (rc == 0 && rest.len > 0) {
		line = rest;
		rest = mv_span_cut(&line, '\n');
		rc = judge_line(&j, line, &word, err);
	}
	if (rc < 0)
		return rc;
	if (j.include)
		*out = MV_REDIS_CONF_INCLUDE;
	else
		*out = j.keeps ? MV_REDIS_CONF_KEEPS : MV_REDIS_CONF_LOSES;
	return 0;
}
