/* SPDX-License-Identifier: MIT */
#include "mastodon/tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * Sorted by name.  Busy: counters, "last seen" columns and rows that come and
 * go.  Calm: rows that are written once and at most deleted.
 */
static const struct known {
	const char *name;
	enum mv_table_class class;
} known[] = {
	{ "account_conversations", MV_TABLE_BUSY },
	{ "account_domain_blocks", MV_TABLE_CALM },
	{ "account_migrations", MV_TABLE_CALM },
	{ "account_moderation_notes", MV_TABLE_CALM },
	{ "account_notes", MV_TABLE_CALM },
	{ "account_pins", MV_TABLE_CALM },
	{ "account_stats", MV_TABLE_BUSY },
	{ "accounts", MV_TABLE_BUSY },
	{ "admin_action_logs", MV_TABLE_CALM },
	{ "blocks", MV_TABLE_CALM },
	{ "bookmarks", MV_TABLE_CALM },
	{ "bulk_import_rows", MV_TABLE_CALM },
	{ "conversations", MV_TABLE_CALM },
	{ "custom_emojis", MV_TABLE_MIXED },
	{ "favourites", MV_TABLE_CALM },
	{ "featured_tags", MV_TABLE_BUSY },
	{ "follow_recommendation_mutes", MV_TABLE_CALM },
	{ "follow_requests", MV_TABLE_MIXED },
	{ "follows", MV_TABLE_CALM },
	{ "generated_annual_reports", MV_TABLE_CALM },
	{ "identities", MV_TABLE_CALM },
	{ "invites", MV_TABLE_MIXED },
	{ "list_accounts", MV_TABLE_CALM },
	{ "login_activities", MV_TABLE_CALM },
	{ "markers", MV_TABLE_BUSY },
	{ "media_attachments", MV_TABLE_CALM },
	{ "mentions", MV_TABLE_CALM },
	{ "mutes", MV_TABLE_CALM },
	{ "notification_requests", MV_TABLE_BUSY },
	{ "notifications", MV_TABLE_BUSY },
	{ "oauth_access_grants", MV_TABLE_CALM },
	{ "oauth_access_tokens", MV_TABLE_BUSY },
	{ "poll_votes", MV_TABLE_CALM },
	{ "polls", MV_TABLE_BUSY },
	{ "preview_card_trends", MV_TABLE_BUSY },
	{ "preview_cards", MV_TABLE_CALM },
	{ "preview_cards_statuses", MV_TABLE_CALM },
	{ "quotes", MV_TABLE_CALM },
	{ "report_notes", MV_TABLE_CALM },
	{ "scheduled_statuses", MV_TABLE_BUSY },
	{ "session_activations", MV_TABLE_BUSY },
	{ "severed_relationships", MV_TABLE_CALM },
	{ "status_edits", MV_TABLE_CALM },
	{ "status_pins", MV_TABLE_CALM },
	{ "status_stats", MV_TABLE_BUSY },
	{ "status_trends", MV_TABLE_BUSY },
	{ "statuses", MV_TABLE_CALM },
	{ "statuses_tags", MV_TABLE_CALM },
	{ "tag_follows", MV_TABLE_CALM },
	{ "tag_trends", MV_TABLE_BUSY },
	{ "tags", MV_TABLE_BUSY },
	{ "tombstones", MV_TABLE_CALM },
	{ "users", MV_TABLE_BUSY },
	{ "web_push_subscriptions", MV_TABLE_MIXED },
	{ "web_settings", MV_TABLE_MIXED },
};

static int
by_name(const void *key, const void *element)
{
	const struct known *k = element;

	return strcmp(key, k->name);
}

enum mv_table_class
mv_table_class(const char *name, const struct mv_table_stats *stats)
{
	const struct known *k = bsearch(name, known, MV_ARRAY_LEN(known),
	    sizeof(known[0]), by_name);

	if (k != NULL)
		return k->class;
	if (stats == NULL || stats->live == 0)
		return MV_TABLE_MIXED;
	/* Half of all rows changed since statistics began, or hardly one. */
	if (stats->changed >= stats->live / 2 + 1)
		return MV_TABLE_BUSY;
	if (stats->changed <= stats->live / 50)
		return MV_TABLE_CALM;
	return MV_TABLE_MIXED;
}
