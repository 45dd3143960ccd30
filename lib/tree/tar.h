/* SPDX-License-Identifier: MIT */
#ifndef MV_TREE_TAR_H
#define MV_TREE_TAR_H

#include "base/sink.h"
#include "format/manifest.h"

/*
 * tar: entries of a manifest as one tar archive, which GNU tar, bsdtar and
 * everything that knows POSIX pax archives can unpack: times to the
 * nanosecond, owners by name and number, hard links, extended attributes
 * (ACLs among them) and sparse files as what they are.
 *
 * Names are bytes, as in the manifest.  Paths begin with "./".
 */
struct mv_tar;

/* sink must outlive the archive. */
int mv_tar_new(const struct mv_sink *sink, struct mv_tar **out,
    struct mv_err *err) MV_MUST_CHECK;
/*
 * Begin the next entry.  A file's bytes follow by mv_tar_data(), all of
 * them: e->size bytes, zeros where its holes are.
 */
int mv_tar_entry(struct mv_tar *t, const struct mv_entry *e,
    struct mv_err *err) MV_MUST_CHECK;
int mv_tar_data(void *tar, const uint8_t *buf, size_t len,
    struct mv_err *err) MV_MUST_CHECK;	/* fits struct mv_sink */
/* The end of the archive.  t must still be freed. */
int mv_tar_close(struct mv_tar *t, struct mv_err *err) MV_MUST_CHECK;
void mv_tar_free(struct mv_tar *t);
void mv_tar_freep(struct mv_tar **t);

#endif
