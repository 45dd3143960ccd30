/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/reader_internal.h"

/*
 * How many segments a stream asks for ahead of the one that it is in: enough
 * to keep some cores busy, few enough for eight streams to share 32 MiB.
 */
#define AHEAD 4
#define RING 8			/* more than AHEAD + 1 */
#define WINDOW_MAX 8192		/* ids looked at ahead: two full segments */

/* One chunk to come, and where it lies once that was looked up. */
struct upcoming {
	struct mv_id16 id;
	uint32_t serial;	/* of the segment in the ring; 0: nowhere */
	uint16_t position;
};

struct mv_stream_in {
	struct mv_reader *rd;	/* borrowed */
	struct mv_idhash *h;
	struct mv_descent *walk;
	uint64_t left;		/* chunks not yet delivered or skipped */
	struct upcoming *window;
	size_t first, n, cap;
	size_t planned;		/* of the n, those that were looked up */
	struct mv_location ring[RING];
	uint32_t current, newest;	/* serials */
	struct mv_piece piece;
	size_t piece_at;	/* for reading bytes: what of piece is done */
	/* The walk's failure, told once what came before it is delivered. */
	int rc;
	struct mv_err err;
};

int
mv_stream_in_open(struct mv_reader *rd, const struct mv_root *root,
    struct mv_stream_in **out, struct mv_err *err)
{
	mv_auto(mv_stream_in_freep) struct mv_stream_in *s = NULL;
	int rc;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return mv_err_set(err, MV_ENOMEM, "open stream");
	s->rd = rd;
	s->left = root->tag == 0 ? 0 : root->tag == 1 ? root->n :
	    root->leaves;
	rc = mv_idhash_new(mv_reader_repo(rd), &s->h, err);
	if (rc == 0)
		rc = mv_descent_open(rd, s->h, root, &s->walk, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&s);
	return 0;
}

void
mv_stream_in_free(struct mv_stream_in *s)
{
	if (s == NULL)
		return;
	mv_piece_drop(s->rd, &s->piece);
	mv_descent_free(s->walk);
	mv_idhash_free(s->h);
	free(s->window);
	free(s);
}

void
mv_stream_in_freep(struct mv_stream_in **s)
{
	mv_stream_in_free(*s);
	*s = NULL;
}

static int
room(struct mv_stream_in *s, size_t more, struct mv_err *err)
{
	struct upcoming *grown;
	size_t cap;

	if (s->first > 0 && s->first + s->n + more > s->cap) {
		memmove(s->window, s->window + s->first,
		    s->n * sizeof(*s->window));
		s->first = 0;
	}
	if (s->n + more <= s->cap)
		return 0;
	cap = 2 * (s->n + more);
	grown = realloc(s->window, cap * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "read stream");
	s->window = grown;
	s->cap = cap;
	return 0;
}

/* Append the walk's next run; what fails stays failed. */
static void
extend(struct mv_stream_in *s)
{
	const struct mv_id16 *ids = NULL;
	size_t i, n = 0;

	s->rc = mv_descent_next(s->walk, &ids, &n, &s->err);
	if (s->rc == 0 && n > s->left - s->n)
		s->rc = mv_err_set(&s->err, MV_ECORRUPT,
		    "stream has more chunks than its root says");
	if (s->rc == 0 && n == 0 && s->n < s->left)
		s->rc = mv_err_set(&s->err, MV_ECORRUPT,
		    "stream ends %" PRIu64 " chunks early", s->left - s->n);
	if (s->rc == 0)
		s->rc = room(s, n, &s->err);
	for (i = 0; s->rc == 0 && i < n; i++)
		s->window[s->first + s->n++] = (struct upcoming){
		    .id = ids[i] };
}

/* Have want ids in the window; there are as many left. */
static int
fill(struct mv_stream_in *s, size_t want, struct mv_err *err)
{
	while (s->n < want && s->rc == 0)
		extend(s);
	if (s->n >= want)
		return 0;
	if (err != NULL)
		*err = s->err;
	return s->rc;
}

/* Look up one more chunk; false when enough segments are asked for. */
static bool
plan_one(struct mv_stream_in *s)
{
	struct upcoming *u = &s->window[s->first + s->planned];
	struct mv_location *last = &s->ring[s->newest % RING], loc;

	if (s->planned == 0)
		s->current = s->newest;
	if (!mv_reader_locate(s->rd, MV_KIND_DATA_PACK, &u->id, &loc)) {
		s->planned++;
		return true;
	}
	if (s->newest == 0 || !mv_location_same(last, &loc)) {
		if (s->newest - s->current >= AHEAD)
			return false;
		/* 0 is kept for "nowhere". */
		s->newest = s->newest == UINT32_MAX ? RING : s->newest + 1;
		s->ring[s->newest % RING] = loc;
		mv_reader_prefetch(s->rd, &loc);
	}
	u->serial = s->newest;
	u->position = loc.position;
	s->planned++;
	return true;
}

static void
plan(struct mv_stream_in *s)
{
	for (;;) {
		if (s->planned == s->n) {
			if (s->n >= WINDOW_MAX || s->n == s->left ||
			    s->rc < 0)
				return;
			extend(s);
			continue;
		}
		if (!plan_one(s))
			return;
	}
}

/* Take n entries off the window's front. */
static void
pop(struct mv_stream_in *s, size_t n)
{
	s->first += n;
	s->n -= n;
	s->left -= n;
	s->planned -= n < s->planned ? n : s->planned;
	if (s->n == 0)
		s->first = 0;
}

int
mv_stream_in_chunk(struct mv_stream_in *s, const uint8_t *path,
    size_t path_len, const uint8_t **data, size_t *len, struct mv_err *err)
{
	struct mv_wanted w = { .kind = MV_KIND_DATA_PACK, .path = path,
	    .path_len = path_len };
	struct mv_location hint;
	struct upcoming *u;
	int rc;

	*len = 0;
	if (s->left == 0)
		return 0;
	plan(s);
	rc = fill(s, 1, err);
	if (rc < 0)
		return rc;
	u = &s->window[s->first];
	w.id = &u->id;
	if (u->serial != 0) {
		hint = s->ring[u->serial % RING];
		hint.position = u->position;
		w.hint = &hint;
		s->current = u->serial;
	}
	rc = mv_piece_get(s->rd, s->h, &w, &s->piece, err);
	if (rc < 0)
		return rc;
	*data = s->piece.data;
	*len = s->piece.len;
	s->piece_at = s->piece.len;
	pop(s, 1);
	return 0;
}

int
mv_stream_in_ids(struct mv_stream_in *s, size_t n, struct mv_id16 *out,
    struct mv_err *err)
{
	size_t i;
	int rc;

	if (n > s->left)
		return mv_err_set(err, MV_ECORRUPT, "stream has %" PRIu64
		    " chunks left where %zu are expected", s->left, n);
	rc = fill(s, n, err);
	if (rc < 0)
		return rc;
	for (i = 0; i < n; i++)
		out[i] = s->window[s->first + i].id;
	return 0;
}

int
mv_stream_in_skip(struct mv_stream_in *s, uint64_t n, struct mv_err *err)
{
	size_t here = n < s->n ? (size_t)n : s->n;

	if (n > s->left)
		return mv_err_set(err, MV_ECORRUPT, "stream has %" PRIu64
		    " chunks left where %" PRIu64 " are expected", s->left,
		    n);
	pop(s, here);
	n -= here;
	if (n == 0)
		return 0;
	if (s->rc == 0)
		s->rc = mv_descent_skip(s->walk, n, &s->err);
	if (s->rc < 0) {
		if (err != NULL)
			*err = s->err;
		return s->rc;
	}
	s->left -= n;
	return 0;
}

int
mv_stream_in_read(void *arg, uint8_t *buf, size_t len, size_t *got,
    struct mv_err *err)
{
	struct mv_stream_in *s = arg;
	const uint8_t *data;
	size_t n, chunk;
	int rc;

	*got = 0;
	while (*got < len) {
		if (s->piece_at == s->piece.len) {
			rc = mv_stream_in_chunk(s, NULL, 0, &data, &chunk,
			    err);
			if (rc < 0)
				return rc;
			if (chunk == 0) {
				mv_piece_drop(s->rd, &s->piece);
				s->piece_at = 0;
				return 0;
			}
			s->piece_at = 0;
		}
		n = s->piece.len - s->piece_at;
		n = n < len - *got ? n : len - *got;
		memcpy(buf + *got, s->piece.data + s->piece_at, n);
		s->piece_at += n;
		*got += n;
	}
	return 0;
}
