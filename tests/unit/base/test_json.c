/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "support/mv_test.h"

static int no_memory_after = -1;

static void *
scarce(size_t n)
{
	if (no_memory_after == 0) {
		errno = ENOMEM;
		return NULL;
	}
	no_memory_after--;
	return malloc(n);
}

static int
decode(const char *text, json_t **out, struct mv_err *err)
{
	return mv_json_object(text, strlen(text), out, err);
}

static void
an_object_is_read(void **state)
{
	struct mv_err err = { 0 };
	json_t *doc = NULL;

	(void)state;
	assert_ok(decode("{\"a\": [1, \"b\"]}", &doc, &err), &err);
	assert_true(json_is_array(json_object_get(doc, "a")));
	json_decref(doc);
}

static void
what_is_no_object_is_damage(void **state)
{
	static const char *const bad[] = { "", "[]", "{", "{\"a\": 1, \"a\": 2}",
	    "null", "{} {}", "{\"a\": \"\xff\"}" };
	struct mv_err err = { 0 };
	json_t *doc = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_fails(decode(bad[i], &doc, &err), MV_ECORRUPT, &err);
		assert_null(doc);
	}
}

static void
want_of_memory_is_never_called_damage(void **state)
{
	static const char text[] = "{\"name\": {\"list\": [1, 2.5, \"text\", "
	    "\"a string that is too long for any small buffer\"]}}";
	struct mv_err err = { 0 };
	json_t *doc = NULL;
	int n, rc;

	(void)state;
	json_set_alloc_funcs(scarce, free);
	for (n = 0; n < 1000; n++) {
		no_memory_after = n;
		rc = decode(text, &doc, &err);
		if (rc == 0)
			break;
		assert_int_equal(rc, MV_ENOMEM);
		assert_int_equal(err.code, rc);
		err = (struct mv_err){ 0 };
	}
	assert_ok(rc, &err);
	assert_in_range(n, 5, 999);
	json_decref(doc);
	json_set_alloc_funcs(malloc, free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_read),
		cmocka_unit_test(what_is_no_object_is_damage),
		cmocka_unit_test(want_of_memory_is_never_called_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
