/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/time.h"
#include "repo/snapshots_internal.h"

#define PREFIX_MIN 4
#define HASH_DIGITS 64

/* Decimal digits and nothing else, up to end; no sign, no leading zero. */
static int
parse_number(const char **p, char end, uint64_t *out)
{
	char *stop;

	if (**p < '0' || **p > '9' || (**p == '0' && (*p)[1] != end))
		return -1;
	errno = 0;
	*out = strtoull(*p, &stop, 10);
	if (errno != 0 || *stop != end)
		return -1;
	*p = end == '\0' ? stop : stop + 1;
	return 0;
}

/* The n-th newest (0: the newest) that holds parts and ended by `by`. */
static const struct mv_snapshot *
nth_newest(const struct mv_snapshots *s, uint32_t parts, int64_t by,
    uint64_t n)
{
	size_t i;

	for (i = s->n; i-- > 0;) {
		if ((s->list[i].parts & parts) != parts ||
		    s->list[i].distrusted || s->list[i].finished > by)
			continue;
		if (n-- == 0)
			return &s->list[i];
	}
	return NULL;
}

static int
find_latest(const struct mv_snapshots *s, const char *spec, uint32_t parts,
    const struct mv_snapshot **out, struct mv_err *err)
{
	const char *p = spec + strlen("latest");
	uint64_t back = 0;

	if (*p == '~') {
		p++;
		if (parse_number(&p, '\0', &back) < 0)
			return mv_err_set(err, MV_EUSAGE,
			    "'%s' is not 'latest~N'", spec);
	}
	*out = nth_newest(s, parts, INT64_MAX, back);
	if (*out == NULL)
		return mv_err_set(err, MV_ENOTFOUND,
		    "no snapshot '%s' that holds what is asked for", spec);
	return 0;
}

static bool
is_prefix(const char *spec)
{
	size_t len = strlen(spec);

	return len >= PREFIX_MIN && len <= HASH_DIGITS &&
	    strspn(spec, "0123456789abcdef") == len;
}

static int
find_prefix(const struct mv_snapshots *s, const char *spec,
    const struct mv_snapshot **out, struct mv_err *err)
{
	const struct mv_snapshot *found = NULL;
	char hex[HASH_DIGITS + 1];
	size_t i;

	for (i = 0; i < s->n; i++) {
		mv_hex_encode(s->list[i].id.b, sizeof(s->list[i].id.b), hex);
		if (strncmp(hex, spec, strlen(spec)) != 0)
			continue;
		if (found != NULL)
			return mv_err_set(err, MV_EUSAGE,
			    "more than one snapshot's id starts with '%s'",
			    spec);
		found = &s->list[i];
	}
	if (found == NULL)
		return mv_err_set(err, MV_ENOTFOUND,
		    "no snapshot's id starts with '%s'", spec);
	*out = found;
	return 0;
}

int
mv_snapshots_find(const struct mv_snapshots *s, const char *spec,
    uint32_t parts, const struct mv_snapshot **out, struct mv_err *err)
{
	int64_t by;
	int rc;

	if (strcmp(spec, "latest") == 0 || strncmp(spec, "latest~", 7) == 0)
		return find_latest(s, spec, parts, out, err);
	if (is_prefix(spec))
		return find_prefix(s, spec, out, err);
	rc = mv_time_parse(spec, &by, NULL);
	if (rc < 0)
		return mv_err_set(err, MV_EUSAGE, "'%s' is neither the first "
		    "digits of an id (at least %d) nor 'latest', 'latest~N' "
		    "or a date", spec, PREFIX_MIN);
	*out = nth_newest(s, parts, by, 0);
	if (*out == NULL)
		return mv_err_set(err, MV_ENOTFOUND, "no snapshot that holds "
		    "what is asked for was finished by '%s'", spec);
	return 0;
}

const struct mv_snapshot *
mv_snapshots_newest(const struct mv_snapshots *s, uint32_t writer)
{
	const struct mv_snapshot *best = NULL;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->list[i].writer == writer &&
		    (best == NULL || s->list[i].seq >= best->seq))
			best = &s->list[i];
	return best;
}

void
mv_snapshot_head(const struct mv_snapshot *s, char out[MV_HEAD_TEXT])
{
	char hex[HASH_DIGITS + 1];

	mv_hex_encode(s->id.b, sizeof(s->id.b), hex);
	(void)snprintf(out, MV_HEAD_TEXT, "%" PRIu32 ":%" PRIu64 ":%s",
	    s->writer, s->seq, hex);
}

int
mv_snapshots_expect(const struct mv_snapshots *s, const char *head,
    struct mv_err *err)
{
	const struct mv_snapshot *newest;
	uint64_t writer = 0, seq = 0;
	const char *p = head;
	struct mv_id32 id;
	size_t i;

	if (parse_number(&p, ':', &writer) < 0 || writer > UINT32_MAX ||
	    parse_number(&p, ':', &seq) < 0 ||
	    mv_hex_decode(p, strlen(p), id.b, sizeof(id.b)) < 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is not a head, WRITER:SEQ:ID", head);
	for (i = 0; i < s->n; i++)
		if (s->list[i].writer == writer && s->list[i].seq == seq &&
		    memcmp(s->list[i].id.b, id.b, sizeof(id.b)) == 0)
			return 0;
	newest = mv_snapshots_newest(s, (uint32_t)writer);
	if (newest == NULL)
		return mv_err_set(err, MV_ECORRUPT, "snapshot '%s' is missing: "
		    "writer %" PRIu64 " has none here", head, writer);
	return mv_err_set(err, MV_ECORRUPT, "snapshot '%s' is missing: the "
	    "newest of writer %" PRIu64 " here is number %" PRIu64, head,
	    writer, newest->seq);
}
