/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vault/rows_internal.h"

static void
free_ids(char **ids, uint64_t n)
{
	uint64_t i;

	for (i = 0; ids != NULL && i < n; i++)
		free(ids[i]);
	free(ids);
}

void
mv_rows_report_clear(struct mv_rows_report *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		free_ids(r->columns[i].ids, r->columns[i].undecryptable);
		free_ids(r->columns[i].mismatched_ids,
		    r->columns[i].mismatched);
	}
	free(r->columns);
	*r = (struct mv_rows_report){ 0 };
}

uint64_t
mv_rows_bad(const struct mv_rows_report *r)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < r->n; i++)
		n += r->columns[i].undecryptable + r->columns[i].mismatched;
	return n;
}

uint64_t
mv_rows_converted(const struct mv_rows_report *r)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < r->n; i++)
		n += r->columns[i].converted;
	return n;
}

static int
by_number(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	long long m = strtoll(*x, NULL, 10), n = strtoll(*y, NULL, 10);

	return (m > n) - (m < n);
}

void
mv_rows_sort(struct mv_rows_column *c)
{
	if (c->undecryptable > 0)
		qsort(c->ids, c->undecryptable, sizeof(*c->ids), by_number);
	if (c->mismatched > 0)
		qsort(c->mismatched_ids, c->mismatched,
		    sizeof(*c->mismatched_ids), by_number);
}

static json_t *
ids_json(char *const *ids, uint64_t n, size_t max)
{
	json_t *out = json_array();
	uint64_t i;

	for (i = 0; i < n && i < max; i++)
		if (json_array_append_new(out, json_integer(strtoll(ids[i],
		    NULL, 10))) < 0) {
			json_decref(out);
			return NULL;
		}
	return out;
}

static json_t *
column_json(const struct mv_rows_column *c, size_t max)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s.%s", c->fact->table,
	    c->fact->column);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o}",
	    "column", name, "rows", (json_int_t)c->total,
	    "checked", (json_int_t)c->checked,
	    "current", (json_int_t)c->current,
	    "converted", (json_int_t)c->converted,
	    "older", (json_int_t)c->older,
	    "undecryptable_rows", (json_int_t)c->undecryptable,
	    "undecryptable", ids_json(c->ids, c->undecryptable, max),
	    "mismatched_rows", (json_int_t)c->mismatched,
	    "mismatched", ids_json(c->mismatched_ids, c->mismatched, max));
}

int
mv_rows_report_json(const struct mv_rows_report *r, size_t max_ids,
    json_t **out, struct mv_err *err)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n; i++)
		if (json_array_append_new(list, column_json(&r->columns[i],
		    max_ids)) < 0) {
			json_decref(list);
			return mv_err_set(err, MV_ENOMEM, "describe rows");
		}
	*out = list;
	return 0;
}
