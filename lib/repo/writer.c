/* SPDX-License-Identifier: MIT */
#include "repo/writer.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/stop.h"
#include "repo/highwater.h"
#include "repo/writer_internal.h"

/* Segments of 1 MiB that wait for a worker, for each of them. */
#define WAITING_PER_WORKER 2
/* Of a snapshot that counts. */
#define SEQ_MAX (MV_NOT_DISTRUSTED - 1)

void
mv_writer_fail(struct mv_writer *w, const struct mv_err *why)
{
	pthread_mutex_lock(&w->err_lock);
	if (!atomic_load(&w->failed)) {
		w->err = *why;
		atomic_store(&w->failed, true);
	}
	pthread_mutex_unlock(&w->err_lock);
	mv_queue_abort(w->batches);
	mv_queue_abort(w->uploads);
	pthread_mutex_lock(&w->lock);
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

int
mv_writer_failed(struct mv_writer *w, int rc, const struct mv_err *err)
{
	struct mv_err unknown = { 0 };

	if (rc == 0)
		return 0;
	if (err == NULL)
		(void)mv_err_set(&unknown, rc, "writing failed");
	mv_writer_fail(w, err != NULL ? err : &unknown);
	return rc;
}

int
mv_writer_check(struct mv_writer *w, struct mv_err *err)
{
	int rc;

	if (!atomic_load_explicit(&w->failed, memory_order_relaxed))
		return mv_stop_check(err);
	pthread_mutex_lock(&w->err_lock);
	rc = w->err.code;
	if (err != NULL)
		*err = w->err;
	pthread_mutex_unlock(&w->err_lock);
	return rc;
}

/* Our key, and that it may write. */
static int
take_identity(struct mv_writer *w, struct mv_err *err)
{
	const struct mv_identity *me;
	const struct mv_keyring_key *key;

	me = mv_keyset_find(mv_repo_keyset(w->repo), MV_RIGHT_WRITE);
	if (me == NULL)
		return mv_err_set(err, MV_EAUTH,
		    "no key here may write to this repository");
	key = mv_keyring_find(mv_repo_keyring(w->repo), me->number);
	if (key == NULL || key->removed || !(key->rights & MV_RIGHT_WRITE))
		return mv_err_set(err, MV_EAUTH,
		    "key %u may not write to this repository (any more)",
		    me->number);
	w->writer = me->number;
	return mv_secret_from(me->seed.b, sizeof(me->seed.b), &w->seed, err);
}

static int
take_epoch(struct mv_writer *w, struct mv_err *err)
{
	const struct mv_keyring *k = mv_repo_keyring(w->repo);
	size_t i;

	w->epoch = mv_repo_newest_epoch(w->repo);
	w->secrets = mv_repo_epoch(w->repo, w->epoch);
	/* S and I. */
	if (w->secrets == NULL || (w->secrets->has & 3) != 3)
		return mv_err_set(err, MV_EAUTH,
		    "no key here has the writer's secrets of epoch %u",
		    w->epoch);
	for (i = 0; i < k->nepochs; i++) {
		if (k->epochs[i].number != w->epoch)
			continue;
		memcpy(w->epoch_pub, k->epochs[i].pub, sizeof(w->epoch_pub));
		return 0;
	}
	return mv_err_set(err, MV_ECORRUPT, "keyring has no epoch %u",
	    w->epoch);
}

static int
make_gear(struct mv_writer *w, struct mv_err *err)
{
	mv_auto(mv_key_wipe) struct mv_key k = { 0 };
	int rc;

	rc = mv_secret_new(sizeof(struct mv_gear), &w->gear_home, err);
	if (rc < 0)
		return rc;
	w->gear = (void *)mv_secret_bytes(w->gear_home);
	mv_kdf(&w->secrets->identity, "mastvault 1 gear", &k);
	mv_gear_init(w->gear, &k);
	return 0;
}

/*
 * Which snapshot comes next.  Where a store shows less than this host has
 * seen, the chain goes on behind what was seen: a number is never used
 * twice, and the gap stays an alarm.
 */
static int
find_seq(struct mv_writer *w, struct mv_err *err)
{
	mv_auto(mv_highwater_clear) struct mv_highwater seen = { 0 };
	const struct mv_highwater_writer *mark;
	const struct mv_snapshot *newest;
	uint64_t last = 0;
	int rc;

	rc = mv_snapshots_load(w->repo, &w->snapshots, err);
	if (rc == 0)
		rc = mv_highwater_load(mv_repo_state_dir(w->repo),
		    mv_repo_id(w->repo), &seen, err);
	if (rc < 0)
		return rc;
	/* One that cannot be read now might be ours, and the newest. */
	if (w->snapshots.unread > 0)
		return mv_err_set(err, MV_EIO, "%zu snapshots cannot be read: "
		    "%s", w->snapshots.unread, w->snapshots.problems[0]);
	newest = mv_snapshots_newest(&w->snapshots, w->writer);
	if (newest != NULL) {
		last = newest->seq;
		w->prev = newest->id;
	}
	mark = mv_highwater_find(&seen, w->writer);
	if (mark != NULL && mark->seq > last) {
		last = mark->seq;
		w->prev = mark->id;
	}
	if (last >= SEQ_MAX)
		return mv_err_set(err, MV_EAUTH, "no number is left for a "
		    "snapshot by key %u: one has %" PRIu64 ", which only "
		    "somebody who stole the key writes; remove the key and "
		    "make a new one", w->writer, last);
	w->seq = last + 1;
	/* Segments that would count as absent are not worth writing. */
	if (!mv_repo_trusts(w->repo, w->writer, w->seq))
		return mv_err_set(err, MV_EAUTH,
		    "the keyring distrusts what key %u writes now", w->writer);
	return 0;
}

static int
lock_writer(struct mv_writer *w, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf path = { 0 };
	const char *state = mv_repo_state_dir(w->repo);
	int rc;

	if (state == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "writing takes a state directory");
	rc = mv_dir_make(state, 0700, err);
	if (rc < 0)
		return rc;
	mv_buf_printf(&path, "%s/writer.lock", state);
	if (mv_buf_cstr(&path) == NULL)
		return mv_buf_failed(&path, err);
	rc = mv_file_lock((const char *)path.p, &w->writer_lock, err);
	if (rc == MV_EAGAIN)
		return mv_err_ctx(err, rc, "another run is writing");
	return rc;
}

static unsigned
cores(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : (unsigned)n;
}

/* A store that was away when the owner changed the keyring gets it now. */
static int
spread_keyring(struct mv_writer *w, struct mv_err *err)
{
	const struct mv_keyring *k = mv_repo_keyring(w->repo);
	char name[MV_OBJECT_NAME_MAX];

	if (w->opts.dry_run)
		return 0;
	mv_object_name(MV_KIND_KEYRING, k->number, NULL, &k->hash, name);
	return mv_repo_spread(w->repo, name, err);
}

static void
drop_batch(void *batch)
{
	mv_batch_free(batch);
}

static int
start_thread(pthread_t *t, void *(*main)(void *), struct mv_writer *w,
    struct mv_err *err)
{
	int rc;

	rc = pthread_create(t, NULL, main, w);
	if (rc != 0)
		return mv_err_set_at(err, MV_EAGAIN, rc, __FILE__, __LINE__,
		    "start a thread: %s", strerrordesc_np(rc));
	return 0;
}

static int
start_threads(struct mv_writer *w, struct mv_err *err)
{
	sigset_t all, old;
	int rc = 0;

	/* Signals are for the thread that knows what to do with them. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	while (rc == 0 && w->nuploaders < MV_WRITER_UPLOADERS) {
		rc = start_thread(&w->uploaders[w->nuploaders],
		    mv_uploader_main, w, err);
		w->nuploaders += rc == 0;
	}
	while (rc == 0 && w->nworkers < w->opts.workers) {
		rc = start_thread(&w->workers[w->nworkers], mv_worker_main, w,
		    err);
		w->nworkers += rc == 0;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

static int
prepare(struct mv_writer *w, struct mv_err *err)
{
	unsigned flags = MV_INDEX_EVERYWHERE |
	    (w->opts.dry_run ? MV_INDEX_READ_ONLY : 0);
	int rc;

	rc = take_identity(w, err);
	if (rc == 0)
		rc = take_epoch(w, err);
	if (rc == 0)
		rc = make_gear(w, err);
	if (rc == 0)
		rc = lock_writer(w, err);
	if (rc == 0)
		rc = spread_keyring(w, err);
	if (rc == 0)
		rc = find_seq(w, err);
	if (rc == 0)
		rc = mv_index_open(w->repo, flags, &w->index, err);
	if (rc == 0)
		rc = mv_idhash_new(w->repo, &w->node_ids, err);
	if (rc == 0)
		rc = mv_slots_init(w, err);
	if (rc == 0)
		rc = mv_queue_new(WAITING_PER_WORKER * w->opts.workers,
		    drop_batch, &w->batches, err);
	if (rc == 0)
		rc = mv_queue_new(MV_WRITER_SLOTS, NULL, &w->uploads, err);
	return rc;
}

int
mv_writer_begin(struct mv_repo *r, const struct mv_writer_opts *opts,
    struct mv_writer **out, struct mv_err *err)
{
	mv_auto(mv_writer_freep) struct mv_writer *w = NULL;
	int rc;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return mv_err_set(err, MV_ENOMEM, "writer");
	w->repo = r;
	w->opts = *opts;
	w->writer_lock = -1;
	if (w->opts.workers == 0)
		w->opts.workers = cores();
	if (w->opts.workers > MV_WRITER_WORKERS_MAX)
		w->opts.workers = MV_WRITER_WORKERS_MAX;
	(void)pthread_mutex_init(&w->err_lock, NULL);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_mutex_init(&w->nodes_lock, NULL);
	(void)pthread_mutex_init(&w->uploaded_lock, NULL);
	(void)pthread_cond_init(&w->changed, NULL);
	mv_pinset_init(&w->pins);
	mv_pinset_init(&w->pin_nodes);
	mv_repo_tolerate(r);
	rc = prepare(w, err);
	if (rc == 0)
		rc = start_threads(w, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "begin to write");
	*out = mv_take(&w);
	return 0;
}

/* Queues first: nothing waits for ever, whatever the threads are doing. */
static void
stop_threads(struct mv_writer *w)
{
	struct mv_err abandoned = { 0 };
	size_t i;

	if (w->batches == NULL || w->uploads == NULL)
		return;
	(void)mv_err_set(&abandoned, MV_EINTR, "run was abandoned");
	mv_writer_fail(w, &abandoned);
	for (i = 0; i < w->nworkers; i++)
		(void)pthread_join(w->workers[i], NULL);
	for (i = 0; i < w->nuploaders; i++)
		(void)pthread_join(w->uploaders[i], NULL);
}

void
mv_writer_free(struct mv_writer *w)
{
	struct mv_batch *b;

	if (w == NULL)
		return;
	stop_threads(w);
	mv_queue_free(w->batches);
	mv_queue_free(w->uploads);
	mv_slots_clear(w);
	while ((b = w->pool) != NULL) {
		w->pool = b->next;
		mv_batch_free(b);
	}
	mv_batch_free(w->node_batch);
	mv_buf_clear(&w->index_list);
	mv_run_builder_clear(&w->index_run);
	mv_pinset_clear(&w->pins);
	mv_pinset_clear(&w->pin_nodes);
	mv_idhash_free(w->node_ids);
	mv_index_free(w->index);
	mv_snapshots_clear(&w->snapshots);
	mv_secret_free(w->gear_home);
	mv_secret_free(w->seed);
	mv_fd_closep(&w->writer_lock);
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->uploaded_lock);
	(void)pthread_mutex_destroy(&w->nodes_lock);
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_mutex_destroy(&w->err_lock);
	free(w);
}

void
mv_writer_freep(struct mv_writer **w)
{
	mv_writer_free(*w);
	*w = NULL;
}

uint64_t
mv_writer_seq(const struct mv_writer *w)
{
	return w->seq;
}

const struct mv_snapshots *
mv_writer_snapshots(const struct mv_writer *w)
{
	return &w->snapshots;
}

void
mv_writer_stats(struct mv_writer *w, struct mv_writer_stats *out)
{
	*out = (struct mv_writer_stats){
		.bytes_read = atomic_load(&w->bytes_read),
		.bytes_new = atomic_load(&w->bytes_new),
		.bytes_added = atomic_load(&w->bytes_added),
		.chunks = atomic_load(&w->chunks),
		.chunks_new = atomic_load(&w->chunks_new),
		.bytes_resumed = atomic_load(&w->bytes_resumed),
	};
}
