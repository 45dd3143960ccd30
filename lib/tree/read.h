/* SPDX-License-Identifier: MIT */
#ifndef MV_TREE_READ_H
#define MV_TREE_READ_H

#include <stdbool.h>

#include "base/err.h"
#include "base/sink.h"
#include "format/manifest.h"
#include "tree/walk.h"

/*
 * read: the content of one file, and whether it held still meanwhile.
 *
 * A file that fills its blocks is one run of bytes; of others only what the
 * file system calls data is read.  Very many small holes are read as data, so
 * that no record grows without bounds.  Pages that were not in the page cache
 * before do not stay there: a backup shall not evict what the server needs.
 * A reader serves one thread.
 */
struct mv_file_reader;

int mv_file_reader_new(struct mv_file_reader **out, struct mv_err *err)
    MV_MUST_CHECK;
void mv_file_reader_free(struct mv_file_reader *r);
void mv_file_reader_freep(struct mv_file_reader **r);

/*
 * Pass the data of fd to sink, in pieces of at most 1 MiB, and set e and st to
 * what was read: type, mode, owner ids, times, size, extents.  path, names,
 * xattrs and nchunks stay.  *changed tells that the file was written to
 * meanwhile; e then still describes exactly what the sink was given, and the
 * caller may read again, up to three times in all.  What sink returns other
 * than 0 is passed on.
 */
int mv_file_read_stable(struct mv_file_reader *r, int fd, struct mv_entry *e,
    struct mv_walk_stat *st, struct mv_sink sink, bool *changed,
    struct mv_err *err) MV_MUST_CHECK;

#endif
