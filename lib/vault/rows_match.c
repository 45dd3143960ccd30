/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/cleanup.h"
#include "vault/rows_internal.h"

static void
free_key(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void
free_bio(BIO **b)
{
	BIO_free(*b);
}

/* An encrypted PEM asks for a passphrase: there is none. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *
read_pem(const void *p, size_t len, bool private_key)
{
	mv_auto(free_bio) BIO *bio = NULL;

	if (p == NULL || len == 0 || len > INT_MAX)
		return NULL;
	bio = BIO_new_mem_buf(p, (int)len);
	if (bio == NULL)
		return NULL;
	return private_key ?
	    PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) :
	    PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
}

bool
mv_rows_match(const uint8_t *private_key, size_t private_len,
    const char *public_key, size_t public_len)
{
	mv_auto(free_key) EVP_PKEY *ours = NULL;
	mv_auto(free_key) EVP_PKEY *theirs = read_pem(public_key, public_len,
	    false);
	bool fits = true;

	/* As of a kind that this libcrypto does not know yet. */
	if (theirs != NULL) {
		ours = read_pem(private_key, private_len, true);
		fits = ours != NULL && EVP_PKEY_eq(ours, theirs) == 1;
	}
	ERR_clear_error();
	return fits;
}
