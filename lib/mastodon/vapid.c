/* SPDX-License-Identifier: MIT */
#include "mastodon/vapid.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "crypto/crypto.h"

#define POINT_BYTES 65
#define POINT_UNCOMPRESSED 0x04

static const char private_name[] = "VAPID_PRIVATE_KEY";
static const char public_name[] = "VAPID_PUBLIC_KEY";

static void
group_freep(EC_GROUP **g)
{
	EC_GROUP_free(*g);
	*g = NULL;
}

static void
point_freep(EC_POINT **p)
{
	EC_POINT_free(*p);
	*p = NULL;
}

static void
number_freep(BIGNUM **n)
{
	BN_clear_free(*n);
	*n = NULL;
}

static int
no_memory(struct mv_err *err)
{
	return mv_err_set(err, MV_ENOMEM, "compute on P-256");
}

/* base64url, padded as it must be or not at all. */
static int
decode(const char *name, const void *text, size_t text_len, uint8_t *out,
    size_t max, size_t *len, struct mv_err *err)
{
	const char *s = text;
	int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

	if (text_len > 0 && s[text_len - 1] == '=')
		variant = sodium_base64_VARIANT_URLSAFE;
	if (text_len == 0 ||
	    mv_base64_decode(s, text_len, variant, out, max, len) < 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is not base64url of at most %zu bytes", name, max);
	return 0;
}

/* The number of 32 bytes, or NULL in *out where it is none of the curve's. */
static int
number_of(const EC_GROUP *group, const struct mv_key *k, BIGNUM **out,
    struct mv_err *err)
{
	mv_auto(number_freep) BIGNUM *n = BN_secure_new();

	if (n == NULL || BN_bin2bn(k->b, sizeof(k->b), n) == NULL)
		return no_memory(err);
	BN_set_flags(n, BN_FLG_CONSTTIME);
	if (!BN_is_zero(n) && BN_cmp(n, EC_GROUP_get0_order(group)) < 0)
		*out = mv_take(&n);
	return 0;
}

static int
point_of(const EC_GROUP *group, const BIGNUM *n, uint8_t out[POINT_BYTES],
    struct mv_err *err)
{
	mv_auto(point_freep) EC_POINT *point = EC_POINT_new(group);

	if (point == NULL ||
	    EC_POINT_mul(group, point, n, NULL, NULL, NULL) != 1 ||
	    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED,
	    out, POINT_BYTES, NULL) != POINT_BYTES)
		return no_memory(err);
	return 0;
}

static int
new_group(EC_GROUP **out, struct mv_err *err)
{
	*out = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	return *out != NULL ? 0 : no_memory(err);
}

static void
encode_public(const uint8_t point[POINT_BYTES],
    char out[MV_VAPID_PUBLIC_TEXT + 1])
{
	(void)sodium_bin2base64(out, MV_VAPID_PUBLIC_TEXT + 1, point,
	    POINT_BYTES, sodium_base64_VARIANT_URLSAFE);
}

int
mv_vapid_generate(struct mv_sbuf *out_private,
    char out_public[MV_VAPID_PUBLIC_TEXT + 1], struct mv_err *err)
{
	mv_auto(group_freep) EC_GROUP *group = NULL;
	mv_auto(number_freep) BIGNUM *n = NULL;
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	char text[MV_VAPID_PRIVATE_TEXT + 1];
	uint8_t point[POINT_BYTES];
	int rc;

	rc = new_group(&group, err);
	/* The order is just below 2^256: one try in 2^32 is repeated. */
	while (rc == 0 && n == NULL) {
		mv_random(k.b, sizeof(k.b));
		rc = number_of(group, &k, &n, err);
	}
	if (rc == 0)
		rc = point_of(group, n, point, err);
	if (rc < 0)
		return rc;
	(void)sodium_bin2base64(text, sizeof(text), k.b, sizeof(k.b),
	    sodium_base64_VARIANT_URLSAFE);
	rc = mv_sbuf_put(out_private, text, MV_VAPID_PRIVATE_TEXT, err);
	sodium_memzero(text, sizeof(text));
	if (rc == 0)
		encode_public(point, out_public);
	return rc;
}

static int
public_point(const EC_GROUP *group, const void *priv, size_t priv_len,
    uint8_t out[POINT_BYTES], struct mv_err *err)
{
	mv_auto(number_freep) BIGNUM *n = NULL;
	mv_auto(mv_key_wipe) struct mv_key raw = { 0 };
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	size_t len = 0;
	int rc;

	rc = decode(private_name, priv, priv_len, raw.b, sizeof(raw.b), &len,
	    err);
	if (rc < 0)
		return rc;
	memcpy(k.b + sizeof(k.b) - len, raw.b, len);
	rc = number_of(group, &k, &n, err);
	if (rc < 0)
		return rc;
	if (n == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is no private key of P-256", private_name);
	return point_of(group, n, out, err);
}

int
mv_vapid_public(const void *priv, size_t priv_len,
    char out_public[MV_VAPID_PUBLIC_TEXT + 1], struct mv_err *err)
{
	mv_auto(group_freep) EC_GROUP *group = NULL;
	uint8_t point[POINT_BYTES];
	int rc;

	rc = new_group(&group, err);
	if (rc == 0)
		rc = public_point(group, priv, priv_len, point, err);
	if (rc == 0)
		encode_public(point, out_public);
	return rc;
}

/* An uncompressed point that lies on the curve. */
static int
check_point(const EC_GROUP *group, const uint8_t *p, size_t len,
    struct mv_err *err)
{
	mv_auto(point_freep) EC_POINT *point = EC_POINT_new(group);

	if (point == NULL)
		return no_memory(err);
	if (len != POINT_BYTES || p[0] != POINT_UNCOMPRESSED ||
	    EC_POINT_oct2point(group, point, p, len, NULL) != 1) {
		/* libpq, too, looks at this thread's queue. */
		ERR_clear_error();
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' is no uncompressed point of P-256", public_name);
	}
	return 0;
}

int
mv_vapid_check(const void *priv, size_t priv_len, const void *pub,
    size_t pub_len, struct mv_err *err)
{
	mv_auto(group_freep) EC_GROUP *group = NULL;
	uint8_t given[POINT_BYTES], computed[POINT_BYTES];
	size_t len = 0;
	int rc;

	rc = new_group(&group, err);
	if (rc == 0)
		rc = decode(public_name, pub, pub_len, given, sizeof(given),
		    &len, err);
	if (rc == 0)
		rc = check_point(group, given, len, err);
	if (rc == 0)
		rc = public_point(group, priv, priv_len, computed, err);
	if (rc < 0)
		return rc;
	if (memcmp(given, computed, sizeof(given)) != 0)
		return mv_err_set(err, MV_EAUTH,
		    "'%s' and '%s' are not of one pair", private_name,
		    public_name);
	return 0;
}
