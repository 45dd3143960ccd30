/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_HARM_FACTS_H
#define MV_MASTODON_HARM_FACTS_H

#include "mastodon/secret_facts.h"

/*
 * harm_facts: what in a Mastodon's database lets somebody in, or reaches out
 * into the world: what to revoke after a leak, and what must not be in a copy
 * for another environment.
 *
 * Facts are in the order in which they are to be applied.  Versions are those
 * of the schema (version.h): a table or column that its version should have
 * and that is missing means that this is no Mastodon as known here.
 */

/* When a fact applies; bits. */
#define MV_HARM_LINKS 0x01U	/* after a leak: links, push, webhooks */
#define MV_HARM_TOKENS 0x02U	/* after a leak, if asked: apps, invites */
#define MV_HARM_SESSIONS 0x04U	/* after a leak, if asked: browsers */
#define MV_HARM_2FA 0x08U	/* after a leak, if asked */
#define MV_HARM_COPY 0x10U	/* in a copy for another environment */

enum mv_harm_kind {
	MV_HARM_LOGIN,		/* lets somebody in */
	MV_HARM_SECRET,		/* other keys and credentials */
	MV_HARM_MAIL,
	MV_HARM_PUSH,
	MV_HARM_FEDERATION,	/* other servers */
	MV_HARM_SCHEDULE,	/* work that waits for its time */
	MV_HARM_PERSON,		/* where people were, and with what */
};

enum mv_harm_how { MV_HARM_UPDATE, MV_HARM_DELETE, MV_HARM_INSERT };

struct mv_harm_fact {
	unsigned when;
	enum mv_harm_kind kind;
	enum mv_harm_how how;
	const char *table;	/* of the schema public */
	const char *columns;	/* that change, or NULL: whole rows */
	const char *uses;	/* "table.column ..." needed besides */
	/*
	 * UPDATE: the assignments, with @RANDOM@ for an expression that is
	 * another unguessable text in each row.  INSERT: columns and SELECT.
	 */
	const char *set;
	const char *where;	/* which rows; NULL: all */
	bool again;		/* rows that were changed still fit `where` */
	bool unsure;		/* the version may lack it all the same */
	struct mv_release_no since, gone;
	const char *what;	/* for people: what is so afterwards */
};

/* The host of all addresses in a copy; nothing can ever be there. */
#define MV_HARM_NOWHERE "defused.invalid"

size_t mv_harm_fact_count(void);
const struct mv_harm_fact *mv_harm_fact_at(size_t i);
/* Must a database of that schema have it? */
bool mv_harm_expected(const struct mv_harm_fact *f, uint64_t schema);
/* "mail" and so on. */
const char *mv_harm_kind_name(enum mv_harm_kind kind);

#endif
