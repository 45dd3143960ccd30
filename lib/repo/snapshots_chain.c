/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "repo/snapshots_internal.h"

int
mv_problem(const struct mv_problems *to, const char *object,
    struct mv_err *err, const char *fmt, ...)
{
	char text[MV_ERR_TEXT_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);	/* cut to fit */
	va_end(ap);
	return to->add(to->arg, object, text, err);
}

void
mv_snapshot_name(const struct mv_id32 *id, char out[MV_OBJECT_NAME_MAX])
{
	mv_object_name(MV_KIND_SNAPSHOT, 0, NULL, id, out);
}

/* A failure that says something about the object, and nothing about us. */
static bool
is_verdict(int rc)
{
	return rc == MV_ECORRUPT || rc == MV_EAUTH || rc == MV_EUSAGE ||
	    rc == MV_ENOTFOUND;
}

static int
decode(struct mv_repo *r, const struct mv_id32 *id, const uint8_t *obj,
    size_t len, struct mv_snapshot *out, struct mv_err *err)
{
	const struct mv_epoch_secrets *secrets;
	const struct mv_keyring_key *key;
	struct mv_header header;
	int rc;

	rc = mv_header_expect(obj, len, MV_KIND_SNAPSHOT, mv_repo_id(r),
	    &header, err);
	if (rc < 0)
		return rc;
	secrets = mv_repo_epoch(r, header.epoch);
	if (secrets == NULL || (secrets->has & 1) == 0)
		return mv_err_set(err, MV_EAUTH,
		    "our keys do not open epoch %" PRIu32, header.epoch);
	rc = mv_snapshot_decode(obj, len, mv_repo_id(r), &secrets->structure,
	    mv_repo_sign_pub, r, out, err);
	if (rc < 0)
		return rc;
	out->id = *id;
	/* Vault keys sign too: being in the keyring is not enough. */
	key = mv_keyring_find(mv_repo_keyring(r), out->writer);
	if (key == NULL || (key->rights & MV_RIGHT_WRITE) == 0)
		return mv_err_set(err, MV_EAUTH,
		    "key %" PRIu32 " has no right to write", out->writer);
	return 0;
}

static int
append(struct mv_snapshots *s, struct mv_snapshot *snap, struct mv_err *err)
{
	struct mv_snapshot *grown;

	grown = realloc(s->list, (s->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return mv_err_set(err, MV_ENOMEM, "list snapshots");
	s->list = grown;
	s->list[s->n++] = *snap;
	*snap = (struct mv_snapshot){ 0 };
	return 0;
}

int
mv_snapshots_add(struct mv_snapshots *s, struct mv_repo *r,
    const struct mv_id32 *id, const uint8_t *obj, size_t len,
    const struct mv_problems *to, struct mv_err *err)
{
	mv_auto(mv_snapshot_clear) struct mv_snapshot snap = { 0 };
	char name[MV_OBJECT_NAME_MAX], text[MV_ERR_TEXT_MAX];
	struct mv_err own = { 0 };
	int rc;

	mv_snapshot_name(id, name);
	rc = decode(r, id, obj, len, &snap, &own);
	mv_err_text(&own, text, sizeof(text));
	if (rc < 0 && !is_verdict(rc))
		return mv_err_set(err, rc, "read '%s': %s", name, text);
	if (rc < 0)
		return mv_problem(to, name, err, "'%s' is no snapshot: %s",
		    name, text);
	rc = append(s, &snap, err);
	if (rc < 0)
		return rc;
	if (mv_repo_trusts(r, s->list[s->n - 1].writer,
	    s->list[s->n - 1].seq))
		return 0;
	return mv_problem(to, name, err, "'%s' was made by writer %" PRIu32
	    ", which is distrusted since before it", name,
	    s->list[s->n - 1].writer);
}

static int
cmp_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_chain(const void *a, const void *b)
{
	const struct mv_snapshot *x = a, *y = b;
	int c = cmp_u64(x->writer, y->writer);

	if (c == 0)
		c = cmp_u64(x->seq, y->seq);
	return c != 0 ? c : memcmp(x->id.b, y->id.b, sizeof(x->id.b));
}

struct timed {
	int64_t at;
	struct mv_snapshot snap;
};

static int
by_time(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return by_chain(&x->snap, &y->snap);
}

/*
 * From the order of chains into that of time.  A snapshot is no newer than
 * those that its writer made after it, whatever a clock said that was ahead
 * for one run: it would be "latest" until its time has come.
 */
static int
sort_by_time(struct mv_snapshots *s, struct mv_err *err)
{
	mv_auto(mv_freep) struct timed *timed = calloc(s->n, sizeof(*timed));
	size_t i;

	if (timed == NULL)
		return mv_err_set(err, MV_ENOMEM, "sort snapshots");
	for (i = s->n; i-- > 0;) {
		timed[i] = (struct timed){ s->list[i].finished, s->list[i] };
		if (i + 1 < s->n &&
		    s->list[i + 1].writer == s->list[i].writer &&
		    timed[i + 1].at < timed[i].at)
			timed[i].at = timed[i + 1].at;
	}
	qsort(timed, s->n, sizeof(*timed), by_time);
	for (i = 0; i < s->n; i++)
		s->list[i] = timed[i].snap;
	return 0;
}

static int
say_missing(const struct mv_snapshot *after, uint64_t first,
    const struct mv_problems *to, struct mv_err *err)
{
	char name[MV_OBJECT_NAME_MAX];
	uint64_t last = after->seq - 1;

	mv_snapshot_name(&after->prev, name);
	if (first == last)
		return mv_problem(to, name, err, "snapshot %" PRIu64
		    " of writer %" PRIu32 " is missing or damaged: '%s'",
		    last, after->writer, name);
	return mv_problem(to, name, err, "snapshots %" PRIu64 " to %" PRIu64
	    " of writer %" PRIu32 " are missing or damaged, the last is '%s'",
	    first, last, after->writer, name);
}

/* Two snapshots with one number: the writer's host was set back, or copied. */
static int
say_fork(const struct mv_snapshot *a, const struct mv_snapshot *b,
    const struct mv_problems *to, struct mv_err *err)
{
	char x[MV_OBJECT_NAME_MAX], y[MV_OBJECT_NAME_MAX];

	mv_snapshot_name(&a->id, x);
	mv_snapshot_name(&b->id, y);
	return mv_problem(to, y, err, "writer %" PRIu32
	    " has two snapshots with number %" PRIu64 ": '%s' and '%s'",
	    a->writer, a->seq, x, y);
}

/* Is what cur follows among the snapshots with the number before? */
static bool
has_prev(const struct mv_snapshot *first, const struct mv_snapshot *cur)
{
	const struct mv_snapshot *p;

	for (p = cur; p-- > first;)
		if (p->seq == cur->seq - 1 &&
		    memcmp(p->id.b, cur->prev.b, sizeof(p->id.b)) == 0)
			return true;
	return false;
}

/* One writer's snapshots, by number: cur is compared with what precedes it. */
static int
check_link(const struct mv_snapshot *first, const struct mv_snapshot *cur,
    const struct mv_problems *to, struct mv_err *err)
{
	uint64_t before = cur > first ? cur[-1].seq : 0;
	char name[MV_OBJECT_NAME_MAX], prev[MV_OBJECT_NAME_MAX];
	int rc;

	if (cur > first && before == cur->seq) {
		rc = say_fork(cur - 1, cur, to, err);
		if (rc < 0 || cur->seq == 1)
			return rc;
	} else if (cur->seq > before + 1) {
		return say_missing(cur, before + 1, to, err);
	}
	if (cur->seq == 1 || has_prev(first, cur))
		return 0;
	mv_snapshot_name(&cur->id, name);
	mv_snapshot_name(&cur->prev, prev);
	return mv_problem(to, prev, err, "'%s', number %" PRIu64
	    " of writer %" PRIu32 ", follows '%s', which is not there", name,
	    cur->seq, cur->writer, prev);
}

static int
check_keyring(struct mv_repo *r, const struct mv_snapshot *s,
    const struct mv_problems *to, struct mv_err *err)
{
	uint64_t have = mv_repo_keyring(r)->number;
	char name[MV_OBJECT_NAME_MAX];

	if (s->keyring <= have)
		return 0;
	mv_snapshot_name(&s->id, name);
	return mv_problem(to, name, err, "'%s' was made with keyring %" PRIu64
	    ", but the newest one here is %" PRIu64, name, s->keyring, have);
}

int
mv_snapshots_settle(struct mv_snapshots *s, struct mv_repo *r,
    const struct mv_problems *to, struct mv_err *err)
{
	const struct mv_snapshot *first = s->list;
	size_t i;
	int rc;

	if (s->n == 0)
		return 0;
	qsort(s->list, s->n, sizeof(*s->list), by_chain);
	for (i = 0; i < s->n; i++) {
		if (s->list[i].writer != first->writer)
			first = &s->list[i];
		rc = check_link(first, &s->list[i], to, err);
		if (rc >= 0)
			rc = check_keyring(r, &s->list[i], to, err);
		if (rc < 0)
			return rc;
	}
	return sort_by_time(s, err);
}
