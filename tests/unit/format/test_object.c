/* SPDX-License-Identifier: MIT */
#include "support/mv_test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/object.h"
#include "support/spoil.h"

static const struct mv_header header = {
	.kind = MV_KIND_INDEX, .epoch = 7, .repo = { { 1, 2, 3 } }
};
static const struct mv_key key = { { 42 } };

struct fx {
	struct mv_buf obj;
	struct mv_buf out;
};

static int
setup(void **state)
{
	struct mv_err err = { 0 };

	*state = calloc(1, sizeof(struct fx));
	assert_non_null(*state);
	assert_ok(mv_secret_init(&err), &err);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_buf_clear(&fx->obj);
	mv_buf_clear(&fx->out);
	free(fx);
	return 0;
}

static void
header_survives_the_round_trip(void **state)
{
	uint8_t h[MV_HEADER_BYTES];
	struct mv_header back;
	struct mv_err err;

	(void)state;
	mv_header_encode(&header, h);
	assert_ok(mv_header_decode(h, sizeof(h), &back, &err), &err);
	assert_int_equal(back.kind, header.kind);
	assert_int_equal(back.epoch, 7);
	assert_memory_equal(back.repo.b, header.repo.b, MV_REPO_ID_BYTES);
}

static void
unknown_version_is_named(void **state)
{
	uint8_t h[MV_HEADER_BYTES];
	struct mv_header back;
	struct mv_err err;

	(void)state;
	mv_header_encode(&header, h);
	h[8] = 2;
	assert_fails(mv_header_decode(h, sizeof(h), &back, &err), MV_EUSAGE,
	    &err);
	assert_says(&err, "version 2");
}

static void
header_of_another_repository_or_kind_is_refused(void **state)
{
	const struct mv_id16 other = { { 9 } };
	uint8_t h[MV_HEADER_BYTES];
	struct mv_header back;
	struct mv_err err;

	(void)state;
	mv_header_encode(&header, h);
	assert_fails(mv_header_expect(h, sizeof(h), MV_KIND_INDEX, &other,
	    &back, &err), MV_ECORRUPT, &err);
	assert_fails(mv_header_expect(h, sizeof(h), MV_KIND_SNAPSHOT,
	    &header.repo, &back, &err), MV_ECORRUPT, &err);
	/* Kinds without an epoch have none, the others have one. */
	h[12] = 0;
	assert_fails(mv_header_decode(h, sizeof(h), &back, &err),
	    MV_ECORRUPT, &err);
}

static void
padding_wastes_at_most_six_percent(void **state)
{
	uint64_t n;

	(void)state;
	for (n = 65536; n < (UINT64_C(1) << 40); n += n / 7 + 1) {
		assert_true(mv_pad(n) >= n);
		assert_true(mv_pad(n) - n <= n / 16);
		assert_int_equal(mv_pad(mv_pad(n)), mv_pad(n));
	}
}

static void
names_survive_the_round_trip(void **state)
{
	const struct mv_id16 id = { { 0xab, 0xcd } };
	const struct mv_id32 hash = { { 0x12, [31] = 0xff } };
	static const struct {
		enum mv_kind kind;
		uint64_t number;
		bool has_id;
		const char *start;
	} cases[] = {
		{ MV_KIND_KEYRING, 0xfe, false, "keyring/000000fe-12" },
		{ MV_KIND_DATA_PACK, 0, true, "packs/ab/abcd00" },
		{ MV_KIND_INDEX, 0, false, "index/1200" },
		{ MV_KIND_SNAPSHOT, 0, false, "snapshots/1200" },
		{ MV_KIND_VAULT, 0, true, "vault/abcd00" },
		{ MV_KIND_LEDGER, 1, false, "ledger/00000001-12" },
		{ MV_KIND_BAD, 0, false, "bad/1200" },
	};
	char name[MV_OBJECT_NAME_MAX];
	struct mv_name back;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(cases); i++) {
		mv_object_name(cases[i].kind, cases[i].number,
		    cases[i].has_id ? &id : NULL, &hash, name);
		assert_memory_equal(name, cases[i].start,
		    strlen(cases[i].start));
		assert_int_equal(mv_object_name_parse(name, &back), 0);
		assert_int_equal(back.kind, cases[i].kind);
		assert_int_equal(back.number, cases[i].number);
		assert_memory_equal(back.hash.b, hash.b, sizeof(hash.b));
		if (cases[i].has_id)
			assert_memory_equal(back.id.b, id.b, sizeof(id.b));
	}
}

#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H32 "0123456789abcdef0123456789abcdef"

static void
other_names_are_no_objects(void **state)
{
	static const char *const names[] = {
		"", "x", "keyring/", "index/" H32, "index/" H64 "0",
		"Index/" H64, "index/0123456789ABCDEF" H32 "0123456789abcdef",
		"keyring/00000000-" H64, "keyring/1-" H64,
		"keyring/000000001-" H64, "packs/02/" H32 "-" H64,
		"packs/01/" H32 "_" H64, "packs/" H32 "-" H64, "packs/01/",
		"vault/" H64, "snapshots/" H64 ".tmp", "ledger/zzzzzzzz-" H64,
	};
	struct mv_name back;
	size_t i;

	(void)state;
	for (i = 0; i < MV_ARRAY_LEN(names); i++)
		assert_int_equal(mv_object_name_parse(names[i], &back),
		    MV_ENOTFOUND);
	assert_int_equal(mv_object_name_parse("packs/01/" H32 "-" H64, &back),
	    0);
}

static void
verify_tells_other_bytes(void **state)
{
	struct mv_id32 hash;
	struct mv_err err;

	(void)state;
	mv_sha256("right", 5, hash.b);
	assert_ok(mv_object_verify("right", 5, &hash, "x", &err), &err);
	assert_fails(mv_object_verify("wrong", 5, &hash, "x", &err),
	    MV_ECORRUPT, &err);
	assert_says(&err, "'x'");
}

static void
sealed_object_gives_back_its_payload(void **state)
{
	static const size_t lens[] = { 0, 1, 65460, 65461, 200000 };
	struct fx *fx = *state;
	uint8_t *payload = calloc(1, 200000);
	struct mv_err err;
	size_t i;

	assert_non_null(payload);
	mv_test_fill(payload, 200000, 5);
	for (i = 0; i < MV_ARRAY_LEN(lens); i++) {
		mv_buf_reset(&fx->obj);
		mv_buf_reset(&fx->out);
		mv_buf_put_str(&fx->out, "before");
		assert_ok(mv_object_seal(&header, &key, payload, lens[i],
		    &fx->obj, &err), &err);
		assert_int_equal(fx->obj.len, mv_pad(76 + lens[i]));
		assert_ok(mv_object_open(&key, fx->obj.p, fx->obj.len,
		    &fx->out, &err), &err);
		assert_int_equal(fx->out.len, 6 + lens[i]);
		assert_memory_equal(fx->out.p, "before", 6);
		assert_memory_equal(fx->out.p + 6, payload, lens[i]);
	}
	free(payload);
}

static int
decode(const uint8_t *p, size_t len, void *arg)
{
	struct mv_buf *out = arg;

	mv_buf_reset(out);
	return mv_object_open(&key, p, len, out, NULL);
}

static void
altered_or_cut_objects_do_not_open(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	assert_ok(mv_object_seal(&header, &key, (const uint8_t *)"payload", 7,
	    &fx->obj, &err), &err);
	mv_spoil_bits(fx->obj.p, fx->obj.len, 128, decode, &fx->out);
	mv_spoil_lengths(fx->obj.p, fx->obj.len, 128, decode, &fx->out);
	assert_ok(decode(fx->obj.p, fx->obj.len, &fx->out), &err);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(header_survives_the_round_trip),
		test(unknown_version_is_named),
		test(header_of_another_repository_or_kind_is_refused),
		test(padding_wastes_at_most_six_percent),
		test(names_survive_the_round_trip),
		test(other_names_are_no_objects),
		test(verify_tells_other_bytes),
		test(sealed_object_gives_back_its_payload),
		test(altered_or_cut_objects_do_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
