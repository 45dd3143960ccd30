/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "repo/reader_internal.h"

#define DEPTH_MAX (MV_NODE_LEVEL_MAX + 1)

struct mv_descent {
	struct mv_reader *rd;	/* borrowed, as h */
	struct mv_idhash *h;
	struct mv_root root;
	bool begun;
	/* Nodes from the top (index depth - 1 is the current one) down. */
	size_t depth;
	struct mv_list_node *nodes[DEPTH_MAX];	/* kept for the next push */
	size_t next[DEPTH_MAX];
	size_t inline_next;
	/* Of each, what its parent says. */
	struct mv_id16 ids[DEPTH_MAX];
	uint64_t leaves[DEPTH_MAX];
	struct mv_descent_ops ops;
};

int
mv_descent_open(struct mv_reader *rd, struct mv_idhash *h,
    const struct mv_root *root, struct mv_descent **out, struct mv_err *err)
{
	struct mv_descent *w;

	if (root->tag == 2 && root->level > MV_NODE_LEVEL_MAX)
		return mv_err_set(err, MV_ECORRUPT, "tree of nodes: level %u",
		    root->level);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return mv_err_set(err, MV_ENOMEM, "tree of nodes");
	w->rd = rd;
	w->h = h;
	w->root = *root;
	*out = w;
	return 0;
}

void
mv_descent_free(struct mv_descent *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < DEPTH_MAX; i++)
		free(w->nodes[i]);
	free(w);
}

void
mv_descent_freep(struct mv_descent **w)
{
	mv_descent_free(*w);
	*w = NULL;
}

void
mv_descent_watch(struct mv_descent *w, const struct mv_descent_ops *ops)
{
	w->ops = *ops;
}

/* Does a node say what its parent says of it? */
static int
check_node(const struct mv_list_node *node, unsigned level, uint64_t leaves,
    struct mv_err *err)
{
	uint64_t sum = 0;
	size_t i;

	if (node->level != level)
		return mv_err_set(err, MV_ECORRUPT,
		    "node of level %u where level %u must be", node->level,
		    level);
	for (i = 0; i < node->n; i++) {
		if (node->leaves[i] == 0 || node->leaves[i] > leaves - sum)
			break;
		sum += node->leaves[i];
	}
	if (i < node->n || sum != leaves)
		return mv_err_set(err, MV_ECORRUPT, "node does not have the %"
		    PRIu64 " leaves that its parent counts", leaves);
	return 0;
}

static int
push(struct mv_descent *w, const struct mv_id16 *id, unsigned level,
    uint64_t leaves, struct mv_err *err)
{
	struct mv_wanted wanted = { .kind = MV_KIND_NODE_PACK, .id = id };
	struct mv_piece piece = { 0 };
	struct mv_list_node **node = &w->nodes[w->depth];
	int rc;

	if (w->ops.enter != NULL &&
	    w->ops.enter(w->ops.arg, id, level, leaves))
		return 0;
	if (*node == NULL)
		*node = malloc(sizeof(**node));
	if (*node == NULL)
		return mv_err_set(err, MV_ENOMEM, "tree of nodes");
	rc = mv_piece_get(w->rd, w->h, &wanted, &piece, err);
	if (rc < 0)
		return rc;
	rc = mv_list_node_decode(piece.data, piece.len, *node, err);
	mv_piece_drop(w->rd, &piece);
	if (rc == 0)
		rc = check_node(*node, level, leaves, err);
	if (rc < 0)
		return rc;
	w->ids[w->depth] = *id;
	w->leaves[w->depth] = leaves;
	w->next[w->depth++] = 0;
	return 0;
}

static int
begin(struct mv_descent *w, struct mv_err *err)
{
	if (w->begun)
		return 0;
	w->begun = true;
	if (w->root.tag != 2)
		return 0;
	return push(w, &w->root.ids[0], w->root.level, w->root.leaves, err);
}

/* Go to the next child of an inner node, or up when there is none. */
static int
advance(struct mv_descent *w, struct mv_err *err)
{
	struct mv_list_node *top = w->nodes[w->depth - 1];
	size_t *next = &w->next[w->depth - 1];
	size_t i;

	if (*next == top->n) {
		w->depth--;
		if (w->ops.leave != NULL)
			w->ops.leave(w->ops.arg, &w->ids[w->depth],
			    top->level, w->leaves[w->depth]);
		return 0;
	}
	i = (*next)++;
	return push(w, &top->ids[i], top->level - 1u, top->leaves[i], err);
}

int
mv_descent_next(struct mv_descent *w, const struct mv_id16 **ids, size_t *n,
    struct mv_err *err)
{
	struct mv_list_node *top;
	size_t *next;
	int rc;

	rc = begin(w, err);
	if (rc == 0 && w->root.tag == 1) {
		*ids = w->root.ids + w->inline_next;
		*n = w->root.n - w->inline_next;
		w->inline_next = w->root.n;
		return 0;
	}
	while (rc == 0 && w->depth > 0) {
		top = w->nodes[w->depth - 1];
		next = &w->next[w->depth - 1];
		if (top->level == 0 && *next < top->n) {
			*ids = top->ids + *next;
			*n = top->n - *next;
			*next = top->n;
			return 0;
		}
		rc = advance(w, err);
	}
	*n = 0;
	return rc;
}

/* Pass over what fits into left at the current node; true when it moved. */
static bool
skip_here(struct mv_descent *w, uint64_t *left)
{
	struct mv_list_node *top = w->nodes[w->depth - 1];
	size_t *next = &w->next[w->depth - 1];

	if (*next == top->n || top->leaves[*next] > *left)
		return false;
	*left -= top->leaves[(*next)++];
	return true;
}

int
mv_descent_skip(struct mv_descent *w, uint64_t n, struct mv_err *err)
{
	uint64_t here;
	int rc;

	rc = begin(w, err);
	if (rc < 0)
		return rc;
	if (w->root.tag == 1) {
		here = w->root.n - w->inline_next;
		here = n < here ? n : here;
		w->inline_next += (size_t)here;
		n -= here;
	}
	while (n > 0 && w->depth > 0) {
		if (skip_here(w, &n))
			continue;
		rc = advance(w, err);
		if (rc < 0)
			return rc;
	}
	if (n > 0)
		return mv_err_set(err, MV_ECORRUPT,
		    "stream ends %" PRIu64 " chunks early", n);
	return 0;
}
