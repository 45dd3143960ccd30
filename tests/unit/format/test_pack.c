/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "format/index.h"
#include "format/pack.h"
#include "support/mv_test.h"

#define SEALED 1000u	/* bytes of each segment */

struct fx {
	struct mv_key structure, seed, priv, pack_key;
	uint8_t sign_pub[MV_PUBLIC_BYTES], epoch_pub[MV_PUBLIC_BYTES];
	struct mv_id16 repo;
	struct mv_footer footer;
	struct mv_buf pack;
};

/* A footer over two segments of 1 and 3 ids. */
static void
make_footer(struct fx *fx, enum mv_kind kind)
{
	struct mv_footer_origin *o = calloc(1, sizeof(*o));
	struct mv_footer_segment *s;
	struct mv_err err;
	size_t i;

	assert_non_null(o);
	fx->footer = (struct mv_footer){ .kind = kind, .origins = o,
	    .norigins = 1 };
	mv_random(&o->id, sizeof(o->id));
	o->epoch = 1;
	o->writer = 7;
	o->seq = 3;
	o->segs = calloc(2, sizeof(*o->segs));
	assert_non_null(o->segs);
	o->nsegs = 2;
	for (i = 0; i < 2; i++) {
		s = &o->segs[i];
		s->present = true;
		s->offset = (uint32_t)(MV_PACK_START + i * SEALED);
		s->len = SEALED;
		s->nids = 1 + 2 * i;
		s->ids = calloc(s->nids, sizeof(*s->ids));
		assert_non_null(s->ids);
		mv_random(s->ids, s->nids * sizeof(*s->ids));
		mv_random(s->hash, sizeof(s->hash));
	}
	assert_ok(mv_wrap_seal(&fx->repo, kind, &o->id, 1, &fx->structure,
	    fx->epoch_pub, &fx->pack_key, o->wrap, &err), &err);
	assert_ok(mv_origin_sign(&fx->repo, kind, &fx->seed, o, &err), &err);
}

static void
make_pack(struct fx *fx, enum mv_kind kind)
{
	struct mv_header h = { .kind = (uint8_t)kind, .epoch = 1,
	    .repo = fx->repo };
	uint8_t head[MV_HEADER_BYTES];
	struct mv_err err;

	make_footer(fx, kind);
	mv_header_encode(&h, head);
	mv_buf_put(&fx->pack, head, sizeof(head));
	mv_buf_put(&fx->pack, fx->footer.origins[0].id.b, MV_PACK_ID_BYTES);
	mv_buf_put_zero(&fx->pack, (size_t)2 * SEALED);
	assert_ok(mv_pack_finish(&fx->structure, &fx->footer, &fx->pack,
	    &err), &err);
}

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_err err;

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	mv_random(&fx->structure, sizeof(fx->structure));
	mv_random(&fx->seed, sizeof(fx->seed));
	mv_random(&fx->pack_key, sizeof(fx->pack_key));
	mv_random(&fx->repo, sizeof(fx->repo));
	mv_sign_public(&fx->seed, fx->sign_pub);
	mv_seal_keypair(fx->epoch_pub, &fx->priv);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_footer_clear(&fx->footer);
	mv_buf_clear(&fx->pack);
	free(fx);
	return 0;
}

static int
open_footer(struct fx *fx, struct mv_buf *payload, struct mv_err *err)
{
	uint32_t offset, len;
	int rc;

	rc = mv_trailer_open(&fx->structure, fx->pack.p,
	    fx->pack.p + fx->pack.len - MV_TRAILER_BYTES, fx->pack.len,
	    &offset, &len, err);
	if (rc < 0)
		return rc;
	return mv_footer_open(&fx->structure, fx->pack.p,
	    fx->pack.p + offset, len, payload, err);
}

static void
a_footer_is_found_from_the_end(void **state)
{
	struct fx *fx = *state;
	struct mv_buf payload = { 0 }, again = { 0 };
	struct mv_footer f = { 0 };
	struct mv_key key;
	struct mv_err err;

	make_pack(fx, MV_KIND_DATA_PACK);
	assert_int_equal(fx->pack.len, mv_pad(fx->pack.len));
	assert_ok(open_footer(fx, &payload, &err), &err);
	assert_ok(mv_footer_decode(MV_KIND_DATA_PACK, fx->pack.len, payload.p,
	    payload.len, &f, &err), &err);
	assert_int_equal(f.norigins, 1);
	assert_int_equal(f.origins[0].nsegs, 2);
	assert_ok(mv_origin_verify(&fx->repo, f.kind, fx->sign_pub,
	    &f.origins[0], &err), &err);
	assert_ok(mv_wrap_open(&fx->repo, f.kind, &f.origins[0],
	    &fx->structure, &fx->priv, &key, &err), &err);
	assert_memory_equal(&key, &fx->pack_key, sizeof(key));
	assert_ok(mv_footer_encode(&f, &again, &err), &err);
	assert_int_equal(again.len, payload.len);
	assert_memory_equal(again.p, payload.p, payload.len);
	mv_footer_clear(&f);
	mv_buf_clear(&payload);
	mv_buf_clear(&again);
}

static void
a_writer_cannot_open_what_it_wrapped(void **state)
{
	struct fx *fx = *state;
	struct mv_key key;
	struct mv_err err;

	make_footer(fx, MV_KIND_DATA_PACK);
	assert_fails(mv_wrap_open(&fx->repo, MV_KIND_DATA_PACK,
	    &fx->footer.origins[0], &fx->structure, NULL, &key, &err),
	    MV_EAUTH, &err);
	assert_fails(mv_wrap_open(&fx->repo, MV_KIND_DATA_PACK,
	    &fx->footer.origins[0], &fx->structure, &fx->seed, &key, &err),
	    MV_ECORRUPT, &err);
}

static void
node_packs_open_with_the_structure_secret(void **state)
{
	struct fx *fx = *state;
	struct mv_key key;
	struct mv_err err;

	make_footer(fx, MV_KIND_NODE_PACK);
	assert_ok(mv_wrap_open(&fx->repo, MV_KIND_NODE_PACK,
	    &fx->footer.origins[0], &fx->structure, NULL, &key, &err), &err);
	assert_memory_equal(&key, &fx->pack_key, sizeof(key));
	/* A wrap is bound to its origin, epoch and kind. */
	fx->footer.origins[0].epoch++;
	assert_fails(mv_wrap_open(&fx->repo, MV_KIND_NODE_PACK,
	    &fx->footer.origins[0], &fx->structure, NULL, &key, &err),
	    MV_ECORRUPT, &err);
}

static void
absent_segments_keep_the_signature(void **state)
{
	struct fx *fx = *state;
	struct mv_footer_segment *s;
	struct mv_buf payload = { 0 };
	struct mv_footer f = { 0 };
	struct mv_err err;

	make_footer(fx, MV_KIND_DATA_PACK);
	s = &fx->footer.origins[0].segs[0];
	s->present = false;
	free(s->ids);
	s->ids = NULL;
	s->nids = 0;
	/* Moved, as repacking does: where it lies is not signed. */
	fx->footer.origins[0].segs[1].offset = MV_PACK_START;
	assert_ok(mv_footer_encode(&fx->footer, &payload, &err), &err);
	assert_ok(mv_footer_decode(MV_KIND_DATA_PACK, 1u << 20, payload.p,
	    payload.len, &f, &err), &err);
	assert_false(f.origins[0].segs[0].present);
	assert_ok(mv_origin_verify(&fx->repo, f.kind, fx->sign_pub,
	    &f.origins[0], &err), &err);
	f.origins[0].seq++;
	assert_fails(mv_origin_verify(&fx->repo, f.kind, fx->sign_pub,
	    &f.origins[0], &err), MV_ECORRUPT, &err);
	mv_footer_clear(&f);
	mv_buf_clear(&payload);
}

static void
every_bit_of_a_footer_counts(void **state)
{
	struct fx *fx = *state;
	struct mv_buf payload = { 0 };
	struct mv_footer f = { 0 };
	struct mv_err err;
	size_t i, fill_hash;
	int rc;

	make_footer(fx, MV_KIND_NODE_PACK);
	assert_ok(mv_footer_encode(&fx->footer, &payload, &err), &err);
	/* The last hash and the places are not signed: the name covers them. */
	fill_hash = payload.len - MV_HASH_BYTES;
	for (i = 0; i < 8 * fill_hash; i++) {
		err = (struct mv_err){ 0 };
		payload.p[i / 8] ^= (uint8_t)(1u << (i % 8));
		rc = mv_footer_decode(MV_KIND_NODE_PACK, 1u << 20, payload.p,
		    payload.len, &f, &err);
		if (rc == 0)
			rc = mv_origin_verify(&fx->repo, MV_KIND_NODE_PACK,
			    fx->sign_pub, &f.origins[0], &err);
		if (rc == 0)
			assert_true(f.origins[0].segs[0].offset !=
			    MV_PACK_START ||
			    f.origins[0].segs[1].offset !=
			    MV_PACK_START + SEALED);
		else
			assert_int_equal(rc, MV_ECORRUPT);
		mv_footer_clear(&f);
		payload.p[i / 8] ^= (uint8_t)(1u << (i % 8));
	}
	mv_buf_clear(&payload);
}

static void
places_outside_the_pack_are_refused(void **state)
{
	struct fx *fx = *state;
	struct mv_footer_segment *s;
	struct mv_buf payload = { 0 };
	struct mv_footer f = { 0 };
	struct mv_err err;

	make_footer(fx, MV_KIND_NODE_PACK);
	s = &fx->footer.origins[0].segs[1];
	s->offset = UINT32_MAX - 10;
	assert_ok(mv_footer_encode(&fx->footer, &payload, &err), &err);
	assert_fails(mv_footer_decode(MV_KIND_NODE_PACK, 1u << 20, payload.p,
	    payload.len, &f, &err), MV_ECORRUPT, &err);
	mv_buf_clear(&payload);
}

static void
a_spoiled_end_is_found(void **state)
{
	struct fx *fx = *state;
	struct mv_buf payload = { 0 };
	struct mv_err err;
	size_t i;

	make_pack(fx, MV_KIND_DATA_PACK);
	for (i = 1; i <= MV_TRAILER_BYTES; i++) {
		fx->pack.p[fx->pack.len - i] ^= 1;
		assert_fails(open_footer(fx, &payload, &err), MV_ECORRUPT,
		    &err);
		fx->pack.p[fx->pack.len - i] ^= 1;
	}
	/* The head is bound to it too: another kind, another id. */
	for (i = 0; i < MV_PACK_START; i++) {
		fx->pack.p[i] ^= 1;
		assert_fails(open_footer(fx, &payload, &err), MV_ECORRUPT,
		    &err);
		fx->pack.p[i] ^= 1;
	}
	mv_buf_clear(&payload);
}

static int
count_pack(const struct mv_index_pack *p, void *arg, struct mv_err *err)
{
	size_t *n = arg;

	(void)err;
	assert_memory_equal(p->footer, "footer", p->footer_len);
	(*n)++;
	return 0;
}

static void
index_lists_survive(void **state)
{
	struct mv_index_pack p = { .size = 100, .kind = MV_KIND_NODE_PACK,
	    .footer = (const uint8_t *)"footer", .footer_len = 6 };
	struct mv_buf list = { 0 }, payload = { 0 };
	struct mv_err err;
	size_t n = 0;

	(void)state;
	mv_index_add(&list, &p);
	mv_index_add(&list, &p);
	assert_ok(mv_index_encode(&list, 2, &payload, &err), &err);
	assert_ok(mv_index_decode(payload.p, payload.len, count_pack, &n,
	    &err), &err);
	assert_int_equal(n, 2);
	/* Malformed at its end: nothing is called at all. */
	n = 0;
	assert_fails(mv_index_decode(payload.p, payload.len - 1, count_pack,
	    &n, &err), MV_ECORRUPT, &err);
	assert_int_equal(n, 0);
	mv_buf_clear(&list);
	mv_buf_clear(&payload);
}

int
main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_footer_is_found_from_the_end),
		CASE(a_writer_cannot_open_what_it_wrapped),
		CASE(node_packs_open_with_the_structure_secret),
		CASE(absent_segments_keep_the_signature),
		CASE(every_bit_of_a_footer_counts),
		CASE(places_outside_the_pack_are_refused),
		CASE(a_spoiled_end_is_found),
		cmocka_unit_test(index_lists_survive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
