/* SPDX-License-Identifier: MIT */
#ifndef MV_TESTS_SUPPORT_MINI_REPO_H
#define MV_TESTS_SUPPORT_MINI_REPO_H

#include "format/pack.h"
#include "repo/idhash.h"
#include "repo/repo.h"

/*
 * mini_repo: a repository in memory, made with the codecs alone, so that
 * readers can be tested on what no writer of ours would ever write.
 *
 * Whatever fails ends the test.
 */
#define MINI_STORES_MAX 2

struct mini_chunk {
	const uint8_t *p;
	size_t len;
	const char *path;	/* media, or NULL */
};

struct mini {
	struct mv_store *stores[MINI_STORES_MAX];
	size_t nstores;
	struct mv_repo_plan plan;
	struct mv_repo *writer, *kit;	/* opened with these keys */
	struct mv_idhash *h;
	/* Of the snapshot under construction. */
	struct mv_pin *pins;
	size_t npins;
	struct mv_root roots[8];
	size_t nroots;
	struct mv_id32 vault[2];
	size_t nvault;
	/* Of this writer's last snapshot. */
	uint64_t seq;
	struct mv_id32 last;
};

/* state_dir is for the kit's repository, or NULL. */
void mini_open(struct mini *m, size_t nstores, const char *state_dir);
void mini_close(struct mini *m);

/* A pack under construction. */
struct mini_pack {
	enum mv_kind kind;
	struct mv_footer footer;	/* one origin */
	struct mv_key key;
	struct mv_buf buf;
};
void mini_pack_begin(struct mini *m, struct mini_pack *p, enum mv_kind kind);
/* One segment of n chunks; their ids go to ids. */
void mini_pack_segment(struct mini *m, struct mini_pack *p,
    const struct mini_chunk *chunks, size_t n, struct mv_id16 *ids);
/* Sign, finish, put everywhere; pin all segments.  name may be NULL. */
void mini_pack_put(struct mini *m, struct mini_pack *p, bool pin,
    char name[MV_OBJECT_NAME_MAX]);

/* Segments of per_segment chunks in as many packs as needed; ids in order. */
void mini_chunks(struct mini *m, const struct mini_chunk *chunks, size_t n,
    size_t per_segment, struct mv_id16 *ids);
/* A tree over ids (nodes of fan ids), added to the snapshot's streams. */
void mini_stream(struct mini *m, const struct mv_id16 *ids, size_t n,
    size_t fan);
/* Both: a stream of chunks. */
void mini_put_stream(struct mini *m, const struct mini_chunk *chunks,
    size_t n, size_t per_segment, size_t fan);
/* Blobs as they are into a node pack of their own; pinned if pin. */
void mini_nodes(struct mini *m, const struct mv_buf *blobs, size_t n,
    struct mv_id16 *ids, bool pin);
/* An index object with the packs whose names are given. */
void mini_index(struct mini *m, const char *const packs[], size_t n,
    char name[MV_OBJECT_NAME_MAX]);
/*
 * The same by somebody who lies: alter is called with each footer, decoded,
 * and what it leaves goes into the index.
 */
void mini_index_altered(struct mini *m, const char *const packs[], size_t n,
    void (*alter)(struct mv_footer *f), char name[MV_OBJECT_NAME_MAX]);
/* A vault version, bound to the snapshot to come. */
void mini_vault(struct mini *m, char name[MV_OBJECT_NAME_MAX]);
/* Pins and snapshot; starts over.  name may be NULL. */
void mini_snapshot(struct mini *m, const char *detail, uint32_t parts,
    int64_t finished, char name[MV_OBJECT_NAME_MAX]);

/* The bytes of an object in store 0. */
void mini_get(struct mini *m, const char *name, struct mv_buf *out);
/* Take an object's place with other bytes, in one store. */
void mini_replace(struct mini *m, size_t store, const char *name,
    const void *p, size_t len);
/* Put bytes under the name that their hash gives, where name was. */
void mini_rename(struct mini *m, const char *name, const void *p, size_t len,
    char renamed[MV_OBJECT_NAME_MAX]);
/* All names in store 0 below prefix, ascending; *n of them; each owned. */
char **mini_names(struct mini *m, const char *prefix, size_t *n);
void mini_names_free(char **names, size_t n);

#endif
