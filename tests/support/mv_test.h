/* SPDX-License-Identifier: MIT */
#ifndef MV_TESTS_SUPPORT_MV_TEST_H
#define MV_TESTS_SUPPORT_MV_TEST_H

/*
 * mv_test: cmocka, with its includes in the order it wants, and what nearly
 * every test needs besides.
 *
 * cmocka leaves a failing test by longjmp, past mv_auto: what must be
 * released when a test fails belongs to its fixture.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

/* Memory cannot be measured, nor locked, where every byte has a shadow. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MV_TEST_SHADOW
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MV_TEST_SHADOW
#endif

/*
 * The call must return 0 (or, for assert_ok only, more).  err needs no
 * initialising and may have been used before; the chain is printed when it
 * fails.
 */
#define assert_ok(call, err) do {					\
	*(err) = (struct mv_err){ 0 };					\
	mv_test_ok((call), (err), #call, __FILE__, __LINE__);		\
} while (0)

/* The call must return want, and err must agree and say something. */
#define assert_fails(call, want, err) do {				\
	*(err) = (struct mv_err){ 0 };					\
	mv_test_fails((call), (want), (err), #call, __FILE__, __LINE__);\
} while (0)

/* The text of err must contain part. */
#define assert_says(err, part) \
	mv_test_says((err), (part), __FILE__, __LINE__)

void mv_test_ok(int rc, const struct mv_err *err, const char *call,
    const char *file, int line);
void mv_test_fails(int rc, int want, const struct mv_err *err,
    const char *call, const char *file, int line);
void mv_test_says(const struct mv_err *err, const char *part,
    const char *file, int line);

/* A new empty directory below $TMPDIR; free() the path after mv_test_rmdir. */
char *mv_test_dir(void);
/* rm -r, also of read-only things; NULL is fine.  Does not free path. */
void mv_test_rmdir(const char *path);

/* "dir/name", to be freed. */
char *mv_test_path(const char *dir, const char *name);
/* Create or overwrite a file. */
void mv_test_write(const char *path, const void *buf, size_t len);
/* Append the whole file to out. */
void mv_test_read(const char *path, struct mv_buf *out);

/* How many files below dir (recursive) have part in their name. */
size_t mv_test_count(const char *dir, const char *part);

/* How many descriptors this process has open: for leaks. */
size_t mv_test_open_fds(void);

/* len bytes that depend only on seed (not cryptographic, but do not repeat). */
void mv_test_fill(void *buf, size_t len, uint64_t seed);

#endif
