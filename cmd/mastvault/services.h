/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTVAULT_SERVICES_H
#define MV_MASTVAULT_SERVICES_H

#include <jansson.h>

#include "mastvault/config.h"

/*
 * services: how Mastodon's processes are stopped and started on this host.
 *
 * By stop-command and start-command, else systemd's units mastodon-web*,
 * mastodon-sidekiq* and mastodon-streaming*, else docker compose in Mastodon's
 * directory.  Units are those that ran when they were looked for; so whoever
 * goes on with a rotation keeps their list.
 */
enum mv_services_kind {
	MV_SERVICES_NONE,	/* no way is known */
	MV_SERVICES_COMMANDS,
	MV_SERVICES_SYSTEMD,
	MV_SERVICES_COMPOSE,
};

struct mv_services {
	const struct mv_config_env *env;
	enum mv_services_kind kind;
	struct mv_strv units;	/* of systemd, or services of compose */
};
void mv_services_clear(struct mv_services *s);

/* Look.  MV_EUSAGE when only one of the two commands is configured. */
int mv_services_find(const struct mv_config_env *env, struct mv_services *out,
    struct mv_err *err) MV_MUST_CHECK;
/* As they were found before: what mv_services_json() gave. */
int mv_services_from_json(const struct mv_config_env *env, const json_t *doc,
    struct mv_services *out, struct mv_err *err) MV_MUST_CHECK;
json_t *mv_services_json(const struct mv_services *s);

/* Of the bits MV_RESTART_*; phase is "rotate" or "undo", for the commands. */
int mv_services_stop(const struct mv_services *s, unsigned bits,
    const char *phase, struct mv_err *err) MV_MUST_CHECK;
int mv_services_start(const struct mv_services *s, unsigned bits,
    const char *phase, struct mv_err *err) MV_MUST_CHECK;
/* Where systemd runs them: do they still, after some seconds? */
int mv_services_verify(const struct mv_services *s, unsigned bits,
    struct mv_err *err) MV_MUST_CHECK;

/* "web, sidekiq", as MASTVAULT_SERVICES has it without commas. */
#define MV_SERVICES_TEXT 32
void mv_services_text(unsigned bits, const char *between,
    char out[MV_SERVICES_TEXT]);
/* "systemd: mastodon-web.service ..." for people, appended. */
void mv_services_describe(const struct mv_services *s, unsigned bits,
    struct mv_buf *out);

/*
 * What keeps the env-file by other means here, which writes it anew from
 * elsewhere: "YunoHost", "NixOS", or NULL.
 */
const char *mv_services_keeper(void);

#endif
