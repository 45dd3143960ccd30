/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "vault/incident.h"

/*
 * incident_text: the record for people: what to send to whom, with the
 * numbers filled in.  What only a person can know stands in [brackets].
 */
static const char *
text(const json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s != NULL ? s : "";
}

static long long
number(const json_t *doc, const char *key)
{
	return (long long)json_integer_value(json_object_get(
	    json_object_get(doc, "exposed"), key));
}

static bool
asked(const json_t *doc, const char *key)
{
	return json_is_true(json_object_get(json_object_get(doc, "asked"),
	    key));
}

static void
put_head(struct mv_buf *b, const json_t *doc)
{
	mv_buf_printf(b, "Incident of '%s', begun on %s\n"
	    "==========================================================\n\n"
	    "Known since:            %s\n"
	    "Tell the authority by:  %s\n\n"
	    "GDPR, article 33: the data protection authority is told within\n"
	    "72 hours after you became aware, unless a risk to people is\n"
	    "unlikely; what is not known yet can follow. Article 34: users\n"
	    "are told without delay where the risk is high, as with private\n"
	    "messages and addresses.\n\n"
	    "Host %s, database '%s' on %s, Mastodon %s, operator %s.\n"
	    "Reason: %s\n",
	    text(doc, "environment"), text(doc, "begun"), text(doc, "aware"),
	    text(doc, "deadline"), text(doc, "host"), text(doc, "database"),
	    text(doc, "server"), text(doc, "mastodon"), text(doc, "operator"),
	    text(doc, "reason")[0] != '\0' ? text(doc, "reason") : "-");
	if (text(doc, "snapshot")[0] != '\0')
		mv_buf_printf(b, "Evidence: snapshot %s (pinned), of the "
		    "database and the\nsecrets as they were.\n",
		    text(doc, "snapshot"));
	else
		mv_buf_put_str(b, "Evidence: none was taken.\n");
}

static void
put_exposed(struct mv_buf *b, const json_t *doc)
{
	mv_buf_printf(b, "\nWithin reach, if database and env-file were read\n"
	    "------------------------------------------------\n"
	    "%10lld users\n%10lld mail addresses, and hashed passwords\n"
	    "%10lld private messages\n%10lld posts for followers only\n"
	    "%10lld tokens of apps, %lld sessions of browsers\n"
	    "%10lld users with two-factor login\n"
	    "%10lld accounts that sign for other servers\n",
	    number(doc, "users"), number(doc, "addresses"),
	    number(doc, "private_messages"),
	    number(doc, "followers_only_posts"), number(doc, "tokens"),
	    number(doc, "sessions"), number(doc, "two_factor_users"),
	    number(doc, "signing_accounts"));
}

static void
put_rows(struct mv_buf *b, const json_t *doc)
{
	const json_t *row;
	size_t i, bad;

	json_array_foreach(json_object_get(doc, "rows"), i, row) {
		bad = json_array_size(json_object_get(row, "undecryptable"));
		mv_buf_printf(b, "%s.%s: %lld rows encrypted anew", text(row,
		    "table"), text(row, "column"), (long long)
		    json_integer_value(json_object_get(row, "rows")));
		if (bad > 0)
			mv_buf_printf(b, ", %zu that opened with no key", bad);
		mv_buf_put_str(b, "\n");
	}
}

static void
put_done(struct mv_buf *b, const json_t *doc)
{
	const char *columns, *state = text(doc, "state");
	const json_t *one;
	size_t i;

	mv_buf_put_str(b, "\nDone\n----\n");
	if (strcmp(state, "begun") == 0)
		mv_buf_put_str(b, "Begun, and not ended yet: 'mastvault "
		    "secrets recover' goes on if nothing runs.\n");
	else if (strcmp(state, "done") != 0)
		mv_buf_printf(b, "Not finished (%s): 'mastvault secrets "
		    "recover'.\n", state);
	json_array_foreach(json_object_get(doc, "rotated"), i, one)
		mv_buf_printf(b, "%s  new %s\n", text(one, "time"),
		    text(one, "name"));
	put_rows(b, doc);
	json_array_foreach(json_object_get(doc, "revoked"), i, one) {
		columns = json_string_value(json_array_get(
		    json_object_get(one, "columns"), 0));
		mv_buf_printf(b, "%8lld  %s%s%s: %s\n", (long long)
		    json_integer_value(json_object_get(one, "rows")),
		    text(one, "table"), columns != NULL ? "." : "",
		    columns != NULL ? columns : "",
		    text(one, "problem")[0] != '\0' ? text(one, "problem") :
		    text(one, "what"));
	}
}

static void
put_by_hand(struct mv_buf *b, const json_t *doc)
{
	const json_t *one;
	size_t i;

	mv_buf_put_str(b, "\nLeft to do by hand\n------------------\n");
	json_array_foreach(json_object_get(doc, "by_hand"), i, one)
		mv_buf_printf(b, "[ ] %s\n", json_string_value(one));
}

static void
put_users(struct mv_buf *b, const json_t *doc)
{
	mv_buf_printf(b, "\nDraft for users\n---------------\n"
	    "On [DATE] somebody had access to our server that they should not\n"
	    "have had. We noticed it on %.10s. [HOW]\n\n"
	    "We have to assume that they could read what is stored about you:\n"
	    "your mail address, your posts for followers only, your private\n"
	    "messages, [addresses from which you logged in], and your\n"
	    "password in a scrambled form.\n\n"
	    "What we have done: all secret keys of the server are new.",
	    text(doc, "aware"));
	mv_buf_put_str(b, " You have to\nlog in again in the browser.");
	if (asked(doc, "tokens"))
		mv_buf_put_str(b, " All apps were logged out, too.");
	if (asked(doc, "two_factor"))
		mv_buf_put_str(b, " Two-factor login was\nswitched off for "
		    "everybody: please set it up anew.");
	mv_buf_put_str(b, "\n\nWhat you should do: choose a new password here, "
	    "and wherever else you\nused the same one.");
	if (!asked(doc, "two_factor"))
		mv_buf_put_str(b, " If you use two-factor login, switch it off "
		    "and on again.");
	mv_buf_put_str(b, " Be wary\nof mail that says it comes from us. "
	    "Whoever wrote private messages with\nyou may be affected, too."
	    "\n\nWe are sorry. Questions: [CONTACT]\n");
}

static void
put_authority(struct mv_buf *b, const json_t *doc)
{
	mv_buf_printf(b, "\nDraft for the authority (GDPR, article 33 (3))\n"
	    "----------------------------------------------\n"
	    "Controller: [NAME, ADDRESS]. Contact: [NAME, MAIL, TELEPHONE].\n"
	    "Aware since: %s. Time of the breach: [KNOWN OR ASSUMED].\n\n"
	    "a) Nature of the breach: unauthorised access to database and\n"
	    "   configuration of a social network server (Mastodon). [HOW]\n"
	    "   Categories of people: users of this server (about %lld), and\n"
	    "   people of other servers who exchanged messages with them.\n"
	    "   Categories of records: %lld mail addresses, hashed passwords,\n"
	    "   %lld private messages, %lld posts for followers only,\n"
	    "   %lld access tokens, %lld sessions with network addresses.\n",
	    text(doc, "aware"), number(doc, "users"),
	    number(doc, "addresses"), number(doc, "private_messages"),
	    number(doc, "followers_only_posts"), number(doc, "tokens"),
	    number(doc, "sessions"));
	mv_buf_printf(b, "b) Contact: see above.\n"
	    "c) Likely consequences: private messages become known; false\n"
	    "   mail; attempts to use passwords elsewhere. [OTHERS]\n"
	    "d) Measures: from %s on all secrets of the server that can be\n"
	    "   made there were replaced%s%s%s. [HOW THE ACCESS WAS CLOSED]\n"
	    "   Users [were | will be] told on [DATE].\n",
	    text(doc, "begun"),
	    asked(doc, "tokens") ? ", all access tokens revoked" : "",
	    asked(doc, "sessions") ? ", all sessions ended" : "",
	    asked(doc, "two_factor") ? ", two-factor secrets removed" : "");
}

int
mv_incident_text(const json_t *doc, struct mv_buf *out, struct mv_err *err)
{
	put_head(out, doc);
	put_exposed(out, doc);
	put_done(out, doc);
	put_by_hand(out, doc);
	put_users(out, doc);
	put_authority(out, doc);
	return mv_buf_failed(out, err);
}
