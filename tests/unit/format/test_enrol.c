/* SPDX-License-Identifier: MIT */
/* Public lines and enrolments: what fits, and what every slip does. */
#include "support/mv_test.h"

#include <stdlib.h>
#include <string.h>

#include "format/enrol.h"

struct fx {
	struct mv_keyset *pending, *other, *what, *made;
	struct mv_key owner;
	struct mv_keyring_key member;
	struct mv_sbuf text;
	struct mv_buf line;
};

static int
setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct mv_epoch_secrets s = { .epoch = 1, .has = 3 };
	struct mv_err err = { 0 };

	assert_non_null(fx);
	*state = fx;
	assert_ok(mv_secret_init(&err), &err);
	assert_ok(mv_pending_new(MV_RIGHT_READ, &fx->pending, &err), &err);
	assert_ok(mv_pending_new(MV_RIGHT_READ, &fx->other, &err), &err);
	assert_ok(mv_keyset_new(&fx->what, &err), &err);
	mv_random(fx->owner.b, sizeof(fx->owner.b));
	mv_random(fx->what->repo.b, sizeof(fx->what->repo.b));
	mv_sign_public(&fx->owner, fx->what->owner);
	fx->what->keyring = 7;
	mv_random(s.structure.b, MV_KEY_BYTES);
	mv_random(s.identity.b, MV_KEY_BYTES);
	assert_ok(mv_keyset_add_epoch(fx->what, &s, &err), &err);
	fx->what->note = strdup("{\"environment\":\"production\"}");
	fx->member.number = 9;
	fx->member.rights = MV_RIGHT_READ;
	memcpy(fx->member.sign_pub, fx->pending->identities[0].sign_pub,
	    MV_PUBLIC_BYTES);
	memcpy(fx->member.box_pub, fx->pending->identities[0].box_pub,
	    MV_PUBLIC_BYTES);
	return 0;
}

static int
teardown(void **state)
{
	struct fx *fx = *state;

	mv_keyset_free(fx->pending);
	mv_keyset_free(fx->other);
	mv_keyset_free(fx->what);
	mv_keyset_free(fx->made);
	mv_sbuf_clear(&fx->text);
	mv_buf_clear(&fx->line);
	free(fx);
	return 0;
}

static void
print_line(struct fx *fx, const char *label)
{
	struct mv_public_key k = { .rights = MV_RIGHT_READ };
	struct mv_err err;

	memcpy(k.sign_pub, fx->member.sign_pub, MV_PUBLIC_BYTES);
	memcpy(k.box_pub, fx->member.box_pub, MV_PUBLIC_BYTES);
	memcpy(k.label, label, strlen(label) + 1);
	mv_buf_reset(&fx->line);
	assert_ok(mv_public_encode(&k, &fx->line, &err), &err);
}

static void
a_line_says_what_it_said(void **state)
{
	static const char *const labels[] = {
		"", "laptop", "second moderator's laptop", "Büro \xe2\x80\xa6",
	};
	struct fx *fx = *state;
	struct mv_public_key k;
	struct mv_err err;
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(labels); i++) {
		print_line(fx, labels[i]);
		assert_ok(mv_public_decode((char *)fx->line.p, fx->line.len,
		    &k, &err), &err);
		assert_string_equal(k.label, labels[i]);
		assert_int_equal(k.rights, MV_RIGHT_READ);
		assert_memory_equal(k.sign_pub, fx->member.sign_pub,
		    MV_PUBLIC_BYTES);
		assert_memory_equal(k.box_pub, fx->member.box_pub,
		    MV_PUBLIC_BYTES);
	}
}

static void
a_line_survives_what_chats_do_to_blanks(void **state)
{
	struct fx *fx = *state;
	struct mv_buf b = { 0 };
	struct mv_public_key k;
	struct mv_err err;
	char *p;

	print_line(fx, "laptop");
	p = mv_buf_cstr(&fx->line);
	mv_buf_printf(&b, "  %s \r\n", p);
	assert_ok(mv_public_decode((char *)b.p, b.len, &k, &err), &err);
	assert_string_equal(k.label, "laptop");
	mv_buf_reset(&b);
	mv_buf_printf(&b, "%.18s\n%s", p, p + 19);
	assert_ok(mv_public_decode((char *)b.p, b.len, &k, &err), &err);
	mv_buf_clear(&b);
}

static void
every_bit_of_a_line_counts(void **state)
{
	struct fx *fx = *state;
	struct mv_public_key k;
	struct mv_err err;
	size_t i;
	int bit;

	print_line(fx, "laptop");
	for (i = 0; i < fx->line.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			fx->line.p[i] ^= (uint8_t)(1 << bit);
			/* A blank may become another blank. */
			if (fx->line.p[i] == '\0' || strchr(" \t\r\n",
			    fx->line.p[i]) == NULL ||
			    (fx->line.p[i] ^ 1 << bit) != ' ')
				assert_fails(mv_public_decode(
				    (char *)fx->line.p, fx->line.len, &k,
				    &err), MV_EUSAGE, &err);
			fx->line.p[i] ^= (uint8_t)(1 << bit);
		}
	}
	for (i = 0; i < fx->line.len; i++)
		assert_fails(mv_public_decode((char *)fx->line.p, i, &k,
		    &err), MV_EUSAGE, &err);
}

static void
labels_that_no_line_can_hold_are_refused(void **state)
{
	char label[MV_LABEL_TEXT_MAX + 2];
	struct mv_err err;

	(void)state;
	memset(label, 'x', sizeof(label));
	label[sizeof(label) - 1] = '\0';
	assert_fails(mv_label_check(label, &err), MV_EUSAGE, &err);
	label[sizeof(label) - 2] = '\0';
	assert_ok(mv_label_check(label, &err), &err);
	assert_fails(mv_label_check("two\nlines", &err), MV_EUSAGE, &err);
	assert_fails(mv_label_check(" x", &err), MV_EUSAGE, &err);
	assert_fails(mv_label_check("x ", &err), MV_EUSAGE, &err);
}

static void
enrol(struct fx *fx)
{
	struct mv_err err;

	mv_sbuf_clear(&fx->text);
	assert_ok(mv_enrolment_encode(fx->what, &fx->member, &fx->owner,
	    "for the laptop\nnothing else", &fx->text, &err), &err);
}

static void
an_enrolment_makes_a_member(void **state)
{
	struct fx *fx = *state;
	const struct mv_identity *id;
	struct mv_err err;

	enrol(fx);
	assert_ok(mv_enrolment_decode(fx->text.p, fx->text.len, fx->pending,
	    &fx->made, &err), &err);
	assert_false(mv_keyset_is_pending(fx->made));
	assert_memory_equal(fx->made->repo.b, fx->what->repo.b, 16);
	assert_memory_equal(fx->made->owner, fx->what->owner, 32);
	assert_int_equal(fx->made->keyring, 7);
	assert_string_equal(fx->made->note, fx->what->note);
	id = mv_keyset_find(fx->made, MV_RIGHT_READ);
	assert_non_null(id);
	assert_int_equal(id->number, 9);
	assert_memory_equal(id->seed.b, fx->pending->identities[0].seed.b, 32);
	assert_memory_equal(mv_keyset_epoch(fx->made, 1)->structure.b,
	    mv_keyset_epoch(fx->what, 1)->structure.b, 32);
}

static void
an_enrolment_is_for_one_key_only(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	enrol(fx);
	assert_fails(mv_enrolment_decode(fx->text.p, fx->text.len, fx->other,
	    &fx->made, &err), MV_EAUTH, &err);
	assert_ok(mv_enrolment_decode(fx->text.p, fx->text.len, fx->pending,
	    &fx->made, &err), &err);
	/* A member does not become another's. */
	mv_keyset_free(fx->other);
	fx->other = NULL;
	assert_fails(mv_enrolment_decode(fx->text.p, fx->text.len, fx->made,
	    &fx->other, &err), MV_EUSAGE, &err);
}

static void
an_enrolment_gives_no_other_role(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	fx->member.rights = MV_RIGHT_WRITE;
	enrol(fx);
	assert_fails(mv_enrolment_decode(fx->text.p, fx->text.len, fx->pending,
	    &fx->made, &err), MV_EUSAGE, &err);
}

static void
only_the_owner_enrols(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;

	mv_random(fx->owner.b, sizeof(fx->owner.b));
	enrol(fx);
	assert_fails(mv_enrolment_decode(fx->text.p, fx->text.len, fx->pending,
	    &fx->made, &err), MV_EAUTH, &err);
}

static void
every_byte_of_an_enrolment_counts(void **state)
{
	struct fx *fx = *state;
	struct mv_err err;
	const uint8_t *p;
	size_t i, start;

	enrol(fx);
	p = memmem(fx->text.p, fx->text.len, "enrolment-1\n", 12);
	assert_non_null(p);
	start = (size_t)(p - fx->text.p) + 12;
	for (i = start; i < fx->text.len; i++) {
		if (fx->text.p[i] == '\n')
			continue;
		fx->text.p[i] ^= 1;
		err = (struct mv_err){ 0 };
		assert_true(mv_enrolment_decode(fx->text.p, fx->text.len,
		    fx->pending, &fx->made, &err) < 0);
		fx->text.p[i] ^= 1;
	}
	assert_fails(mv_enrolment_decode("", 0, fx->pending, &fx->made, &err),
	    MV_EUSAGE, &err);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_line_says_what_it_said),
		test(a_line_survives_what_chats_do_to_blanks),
		test(every_bit_of_a_line_counts),
		test(labels_that_no_line_can_hold_are_refused),
		test(an_enrolment_makes_a_member),
		test(an_enrolment_is_for_one_key_only),
		test(an_enrolment_gives_no_other_role),
		test(only_the_owner_enrols),
		test(every_byte_of_an_enrolment_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
