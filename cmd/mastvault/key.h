/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_KEY_H
#define MV_MASTVAULT_KEY_H

#include <jansson.h>

#include "format/enrol.h"
#include "mastvault/cli.h"
#include "mastvault/context.h"
#include "mastvault/exit.h"

/*
 * key: the actions of 'mastvault key', one function each; cli's operands
 * begin with the action.
 */
typedef int mv_key_run(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err);
mv_key_run mv_key_show, mv_key_passphrase, mv_key_new, mv_key_accept,
    mv_key_add, mv_key_remove, mv_key_list, mv_key_kit, mv_key_test;

#define MV_KEY_FILE_MAX ((size_t)1 << 20)

/* "1a2b 3c4d 5e6f 7081": for two people to compare. */
#define MV_FINGERPRINT_TEXT 20
void mv_fingerprint(const uint8_t pub[MV_PUBLIC_BYTES],
    char out[MV_FINGERPRINT_TEXT]);

/* The rights as words: "write", or "owner" for none. */
json_t *mv_rights_json(uint8_t rights);

#endif
