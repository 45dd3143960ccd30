/* SPDX-License-Identifier: MIT */
#ifndef MV_REPO_WRITER_INTERNAL_H
#define MV_REPO_WRITER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "chunk/chunker.h"
#include "chunk/compress.h"
#include "format/segment.h"
#include "repo/idhash.h"
#include "repo/index_write.h"
#include "repo/pinset.h"
#include "repo/writer.h"

/*
 * What the stages of a writer share.
 *
 *   producers -> batches -> workers -> pack slots -> uploads -> uploaders
 *
 * A batch is a segment on its way; a slot is a pack on its way.  Both are
 * few, made once and used again.
 *
 * Locks, in the order in which they are taken: nodes_lock, uploaded_lock,
 * lock, then those of queues, index and pinsets.
 */
#define MV_WRITER_WORKERS_MAX 64
/*
 * One data and one node pack open, two being uploaded.  A pack of 16 MiB is
 * mapped but untouched until it is written to.
 */
#define MV_WRITER_SLOTS 4
/* While one waits for the disk or the line, the other one does, too. */
#define MV_WRITER_UPLOADERS 2
/* A pack's segments are few unless producers end very often. */
#define MV_WRITER_PACK_SEGS 4096
/* Packs, or chunks in them, that wait for an index object. */
#define MV_WRITER_INDEX_PACKS 64
#define MV_WRITER_INDEX_ENTRIES (128u << 10)

struct mv_batch {
	enum mv_kind kind;
	size_t n;
	size_t len;
	struct mv_segment_chunk *chunks;	/* MV_SEGMENT_CHUNKS_MAX */
	struct mv_id16 *ids;			/* as many */
	uint8_t *data;				/* MV_SEGMENT_DATA_MAX */
	struct mv_batch *next;			/* in the pool */
};

enum mv_slot_state { MV_SLOT_FREE, MV_SLOT_OPEN, MV_SLOT_CLOSED };

struct mv_slot {
	enum mv_slot_state state;
	struct mv_buf buf;	/* over a mapping of MV_PACK_MAX bytes */
	struct mv_footer footer;
	struct mv_footer_origin *origin;	/* its only one */
	struct mv_secret *key;
	size_t footer_bytes;
	unsigned sealing;	/* workers that write into it */
	bool for_pins;
	struct mv_id32 hash;	/* once finished */
};

struct mv_writer {
	struct mv_repo *repo;
	struct mv_writer_opts opts;
	int writer_lock;
	uint32_t writer;	/* our key's number */
	struct mv_secret *seed;
	uint32_t epoch;
	const struct mv_epoch_secrets *secrets;
	uint8_t epoch_pub[MV_PUBLIC_BYTES];
	uint64_t seq;
	struct mv_id32 prev;
	struct mv_snapshots snapshots;
	struct mv_index *index;
	struct mv_secret *gear_home;
	struct mv_gear *gear;	/* in gear_home */

	struct mv_pinset pins;		/* what the snapshot's streams use */
	struct mv_pinset pin_nodes;	/* what its pin tree uses */
	bool pin_phase;		/* set while nothing is on its way */

	/* The first failure; failed is read without the lock. */
	pthread_mutex_t err_lock;
	struct mv_err err;
	atomic_bool failed;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct mv_batch *pool;
	size_t inflight;	/* batches sent and not stored yet */
	struct mv_slot slots[MV_WRITER_SLOTS];
	struct mv_slot *open[2];	/* data, node */

	struct mv_queue *batches;
	struct mv_queue *uploads;
	pthread_t workers[MV_WRITER_WORKERS_MAX];
	size_t nworkers;
	pthread_t uploaders[MV_WRITER_UPLOADERS];
	size_t nuploaders;

	/* Uploaded and not in an index object yet. */
	pthread_mutex_t uploaded_lock;
	struct mv_buf index_list;
	struct mv_run_builder index_run;

	pthread_mutex_t nodes_lock;
	struct mv_idhash *node_ids;
	struct mv_batch *node_batch;

	atomic_size_t unsent;	/* batches in producers' hands */
	atomic_uint_fast64_t bytes_read, bytes_new, bytes_added;
	atomic_uint_fast64_t chunks, chunks_new, bytes_resumed;
	bool committed;	/* or given up half-way: nothing more is written */
};

/* writer.c */

/* Note the first failure and stop all stages; takes what why says. */
void mv_writer_fail(struct mv_writer *w, const struct mv_err *why);
/* The same for a stage that may have been given no err; returns rc. */
int mv_writer_failed(struct mv_writer *w, int rc, const struct mv_err *err);
/* The first failure, or MV_EINTR; 0 while all is well. */
int mv_writer_check(struct mv_writer *w, struct mv_err *err) MV_MUST_CHECK;

/* writer_batch.c: batches and the workers that store them */

int mv_batch_get(struct mv_writer *w, enum mv_kind kind, struct mv_batch **out,
    struct mv_err *err) MV_MUST_CHECK;
bool mv_batch_fits(const struct mv_batch *b, size_t len);
/* file_key is NULL for anything but media. */
void mv_batch_add(struct mv_batch *b, const struct mv_id16 *id,
    const uint8_t *file_key, const uint8_t *p, size_t len);
/* Hand *b on, unless it is NULL or empty; it is no longer the caller's. */
int mv_batch_send(struct mv_writer *w, struct mv_batch **b,
    struct mv_err *err) MV_MUST_CHECK;
/* Wait until all that was sent is in packs. */
int mv_batches_wait(struct mv_writer *w, struct mv_err *err) MV_MUST_CHECK;
void mv_batch_free(struct mv_batch *b);
void *mv_worker_main(void *writer);

/* writer_pack.c: packs that are being filled */

int mv_slots_init(struct mv_writer *w, struct mv_err *err) MV_MUST_CHECK;
void mv_slots_clear(struct mv_writer *w);
/* Seal plain into an open pack of the batch's kind. */
int mv_slot_store(struct mv_writer *w, const struct mv_batch *b,
    const struct mv_buf *plain, struct mv_err *err) MV_MUST_CHECK;
/* Close what is open and wait until everything is uploaded. */
int mv_slots_flush(struct mv_writer *w, struct mv_err *err) MV_MUST_CHECK;

/* writer_upload.c: finished packs, and index objects over them */

void *mv_uploader_main(void *writer);
/* For when the uploaders have nothing to do. */
int mv_writer_put_index(struct mv_writer *w, struct mv_err *err)
    MV_MUST_CHECK;

/* writer_node.c: blobs */

int mv_writer_node(struct mv_writer *w, const uint8_t *blob, size_t len,
    struct mv_id16 *id, struct mv_err *err) MV_MUST_CHECK;
int mv_writer_flush_nodes(struct mv_writer *w, struct mv_err *err)
    MV_MUST_CHECK;
/* Pin where an id was found, for the streams or the pin tree. */
int mv_writer_pin(struct mv_writer *w, const struct mv_index_hit *hit,
    struct mv_err *err) MV_MUST_CHECK;

#endif
