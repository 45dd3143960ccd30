/* SPDX-License-Identifier: MIT */
#ifndef MV_MASTODON_TABLES_H
#define MV_MASTODON_TABLES_H

#include <stdint.h>

/*
 * tables: how finely a table's dump is cut.
 *
 * Where rows are updated in place small chunks save most of a day's upload;
 * where they are only added they cost index entries and save nothing.
 */
enum mv_table_class {
	MV_TABLE_BUSY = 0,	/* chunks of about 2 KiB */
	MV_TABLE_MIXED = 1,	/* 16 KiB */
	MV_TABLE_CALM = 2,	/* 64 KiB */
};

/* From pg_stat_user_tables; zeros where they are not known. */
struct mv_table_stats {
	uint64_t live;		/* n_live_tup */
	uint64_t changed;	/* n_tup_upd + n_tup_del */
};

/*
 * By name (without its schema) for Mastodon's own tables, by statistics
 * (NULL: none) for all others.  What a stream was cut with once is kept: it
 * is the caller who remembers.
 */
enum mv_table_class mv_table_class(const char *name,
    const struct mv_table_stats *stats);

#endif
