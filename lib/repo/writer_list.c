/* SPDX-License-Identifier: MIT */
/*
 * writer_list: trees of nodes over lists of ids, and streams, which have one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/writer_internal.h"

#define LEVELS (MV_NODE_LEVEL_MAX + 1)

/*
 * A node is not ended when it could be but when the next id comes: so the
 * last node of a level is never empty, and a list that turns out short
 * enough to stand inline has written nothing.
 */
struct mv_list {
	struct mv_writer *writer;
	struct mv_list_node *levels[LEVELS];	/* owned; NULL until needed */
	bool ended[LEVELS];	/* a node of this level was written */
	uint64_t leaves;
	struct mv_buf blob;
};

int
mv_list_open(struct mv_writer *w, struct mv_list **out, struct mv_err *err)
{
	struct mv_list *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return mv_err_set(err, MV_ENOMEM, "list");
	l->writer = w;
	*out = l;
	return 0;
}

static uint64_t
leaves_below(const struct mv_list_node *node)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < node->n; i++)
		sum += node->leaves[i];
	return sum;
}

static int
write_node(struct mv_list *l, const struct mv_list_node *node,
    struct mv_id16 *id, struct mv_err *err)
{
	int rc;

	mv_buf_reset(&l->blob);
	rc = mv_list_node_encode(node, &l->blob, err);
	if (rc < 0)
		return rc;
	return mv_writer_node(l->writer, l->blob.p, l->blob.len, id, err);
}

static int
add(struct mv_list *l, unsigned level, const struct mv_id16 *id,
    uint64_t leaves, struct mv_err *err);

/* End the node of this level; the one above gets its id. */
static int
end_node(struct mv_list *l, unsigned level, struct mv_err *err)
{
	struct mv_list_node *node = l->levels[level];
	struct mv_id16 id;
	int rc;

	rc = write_node(l, node, &id, err);
	if (rc < 0)
		return rc;
	l->ended[level] = true;
	rc = add(l, level + 1, &id, leaves_below(node), err);
	node->n = 0;
	return rc;
}

static int
add(struct mv_list *l, unsigned level, const struct mv_id16 *id,
    uint64_t leaves, struct mv_err *err)
{
	struct mv_list_node *node;
	int rc;

	if (level >= LEVELS)
		return mv_err_set(err, MV_EUSAGE, "list is too long");
	node = l->levels[level];
	if (node == NULL) {
		node = l->levels[level] = calloc(1, sizeof(*node));
		if (node == NULL)
			return mv_err_set(err, MV_ENOMEM, "list");
		node->level = (uint8_t)level;
	}
	if (node->n > 0 && mv_list_node_cut(&node->ids[node->n - 1], node->n)) {
		rc = end_node(l, level, err);
		if (rc < 0)
			return rc;
	}
	node->ids[node->n] = *id;
	node->leaves[node->n++] = leaves;
	return 0;
}

int
mv_list_add(struct mv_list *l, const struct mv_id16 *ids, size_t n,
    struct mv_err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = add(l, 0, &ids[i], 1, err);
	l->leaves += n;
	return rc;
}

static void
inline_root(const struct mv_list *l, struct mv_root *out)
{
	*out = (struct mv_root){ .tag = MV_ROOT_EMPTY, .leaves = l->leaves };
	if (l->leaves == 0)
		return;
	out->tag = MV_ROOT_INLINE;
	out->n = (size_t)l->leaves;
	memcpy(out->ids, l->levels[0]->ids, out->n * sizeof(out->ids[0]));
}

int
mv_list_finish(struct mv_list *l, struct mv_root *out, struct mv_err *err)
{
	unsigned level = 0;
	int rc;

	if (l->leaves <= MV_ROOT_INLINE_MAX) {
		inline_root(l, out);
		return 0;
	}
	/* Up to the level that has one node only: that is the top. */
	while (l->ended[level]) {
		rc = end_node(l, level, err);
		if (rc < 0)
			return rc;
		level++;
	}
	*out = (struct mv_root){
		.tag = MV_ROOT_TREE,
		.level = (uint8_t)level,
		.leaves = l->leaves,
	};
	return write_node(l, l->levels[level], &out->ids[0], err);
}

void
mv_list_free(struct mv_list *l)
{
	size_t i;

	if (l == NULL)
		return;
	for (i = 0; i < LEVELS; i++)
		free(l->levels[i]);
	mv_buf_clear(&l->blob);
	free(l);
}

void
mv_list_freep(struct mv_list **l)
{
	mv_list_free(*l);
	*l = NULL;
}

struct mv_stream {
	struct mv_chunks *chunks;
	struct mv_list *list;
	uint64_t bytes;
};

int
mv_stream_open(struct mv_writer *w, unsigned class, bool lines,
    struct mv_stream **out, struct mv_err *err)
{
	mv_auto(mv_stream_freep) struct mv_stream *s = NULL;
	int rc;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return mv_err_set(err, MV_ENOMEM, "stream");
	rc = mv_chunks_open(w, class, lines, &s->chunks, err);
	if (rc == 0)
		rc = mv_list_open(w, &s->list, err);
	if (rc < 0)
		return rc;
	*out = mv_take(&s);
	return 0;
}

static int
move_ids(struct mv_stream *s, struct mv_err *err)
{
	struct mv_ids *ids = mv_chunks_ids(s->chunks);
	size_t n = ids->n;

	ids->n = 0;
	return mv_list_add(s->list, ids->p, n, err);
}

int
mv_stream_write(void *stream, const uint8_t *buf, size_t len,
    struct mv_err *err)
{
	struct mv_stream *s = stream;
	int rc;

	rc = mv_chunks_write(s->chunks, buf, len, err);
	if (rc < 0)
		return rc;
	s->bytes += len;
	return move_ids(s, err);
}

uint64_t
mv_stream_bytes(const struct mv_stream *s)
{
	return s->bytes;
}

int
mv_stream_finish(struct mv_stream *s, struct mv_root *out, struct mv_err *err)
{
	int rc;

	rc = mv_chunks_flush(s->chunks, err);
	if (rc == 0)
		rc = move_ids(s, err);
	if (rc < 0)
		return rc;
	return mv_list_finish(s->list, out, err);
}

void
mv_stream_free(struct mv_stream *s)
{
	if (s == NULL)
		return;
	mv_chunks_free(s->chunks);
	mv_list_free(s->list);
	free(s);
}

void
mv_stream_freep(struct mv_stream **s)
{
	mv_stream_free(*s);
	*s = NULL;
}
