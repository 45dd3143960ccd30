/* SPDX-License-Identifier: MIT */
#ifndef MV_TREE_EXTRACT_INTERNAL_H
#define MV_TREE_EXTRACT_INTERNAL_H

#include "base/buf.h"
#include "base/temp.h"
#include "tree/extract.h"
#include "tree/tree_internal.h"

#define BENEATH_OPEN 32

/*
 * beneath: directories opened component by component from a root, none of
 * them through a symbolic link.  The way to the last one stays open, since the
 * next is mostly near; what is deeper than BENEATH_OPEN is opened each time.
 */
struct mv_beneath {
	int root;		/* borrowed */
	size_t n;
	struct {
		int fd;
		size_t len;
	} v[BENEATH_OPEN];
	int leaf;		/* -1: none */
	uint8_t path[MV_PATH_MAX];
};

/*
 * The directory at path; the descriptor stays b's and is good until the next
 * call.  With make, missing ones are made.  MV_EEXIST when something that is
 * no directory, as a symbolic link, is in the way.
 */
int mv_beneath_open(struct mv_beneath *b, struct mv_span path, bool make,
    int *fd, struct mv_err *err) MV_MUST_CHECK;
void mv_beneath_clear(struct mv_beneath *b);

/* A path's last component as a string. */
void mv_path_name(struct mv_span path, char out[MV_PATH_NAME_MAX + 1]);

/* owner_ids: the ids that names have on this host, looked up once each. */
struct mv_owner_ids {
	struct mv_owner_id {
		bool group;
		uint32_t id;
		size_t len;
		char name[256];
	} *v;
	size_t n;
	bool numeric;
};

/* The id of name here; id itself when there is none. */
uint32_t mv_owner_ids_get(struct mv_owner_ids *ids, bool group,
    struct mv_span name, uint32_t id);

struct mv_extract {
	struct mv_extract_opts opts;
	struct mv_extract_facts facts;
	struct mv_owner_ids ids;
	int root;
	struct mv_beneath dirs;
	struct mv_beneath link_dirs;
	struct mv_buf xattrs;		/* scratch, with had */
	struct mv_entry had;

	/* Directories that we are in, as records; metadata comes at the end. */
	struct mv_buf pending;
	size_t *pending_at;
	size_t npending;
	size_t pending_cap;
	struct mv_entry dir;		/* decoded from it */

	/* Paths of files that stayed other than they should be, in order. */
	struct mv_buf refused;
	size_t *refused_at;
	size_t nrefused;
	size_t refused_cap;

	/* The file being written. */
	bool writing;
	struct mv_temp temp;
	struct mv_buf record;
	struct mv_entry file;		/* decoded from it */
	char name[MV_PATH_NAME_MAX + 1];
	int parent;
	size_t extent;
	uint64_t in_extent;
};

/*
 * Give what fd is open on (O_PATH will do for a symbolic link) e's owner,
 * mode, attributes and times.  What the system refuses is counted in facts.
 */
int mv_extract_apply(struct mv_extract *x, const struct mv_entry *e, int fd,
    struct mv_err *err) MV_MUST_CHECK;
/* Whether mv_extract_apply() would have nothing to do. */
int mv_extract_is_same(struct mv_extract *x, const struct mv_entry *e, int fd,
    bool *same, struct mv_err *err) MV_MUST_CHECK;

/* MV_EEXIST: "'path' <what>". */
int mv_extract_exists(const struct mv_entry *e, const char *what,
    struct mv_err *err) MV_MUST_CHECK;
bool mv_extract_was_refused(const struct mv_extract *x, struct mv_span path);

/* Remember a directory, to be finished by mv_extract_leave(). */
int mv_extract_enter(struct mv_extract *x, const struct mv_entry *e,
    struct mv_err *err) MV_MUST_CHECK;
/* Finish the directories that path does not lie in. */
int mv_extract_leave(struct mv_extract *x, struct mv_span path,
    struct mv_err *err) MV_MUST_CHECK;

#endif
