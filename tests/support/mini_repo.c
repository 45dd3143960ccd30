/* SPDX-License-Identifier: MIT */
#include "support/mini_repo.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "chunk/compress.h"
#include "format/index.h"
#include "format/labels.h"
#include "format/node.h"
#include "format/segment.h"
#include "format/vault.h"
#include "repo/index.h"
#include "support/mv_test.h"

#define EPOCH 1
#define OBJECT_MAX (64u << 20)

static void
open_repo(struct mini *m, struct mv_keyset *keys, const char *state_dir,
    struct mv_repo **out)
{
	struct mv_repo_opts opts = { .stores = m->stores,
	    .nstores = m->nstores, .keys = keys, .state_dir = state_dir };
	struct mv_err err;

	assert_ok(mv_repo_open(&opts, out, &err), &err);
}

void
mini_open(struct mini *m, size_t nstores, const char *state_dir)
{
	struct mv_err err;
	size_t i;

	*m = (struct mini){ .nstores = nstores };
	assert_ok(mv_secret_init(&err), &err);
	for (i = 0; i < nstores; i++) {
		assert_ok(mv_store_mem(&m->stores[i], &err), &err);
		free(m->stores[i]->url);
		m->stores[i]->url = strdup(i == 0 ? "mem:a" : "mem:b");
	}
	assert_ok(mv_repo_plan("production", "host", &m->plan, &err), &err);
	assert_ok(mv_repo_plan_commit(&m->plan, m->stores, nstores, &err),
	    &err);
	open_repo(m, m->plan.keys.writer, NULL, &m->writer);
	open_repo(m, m->plan.keys.kit, state_dir, &m->kit);
	assert_ok(mv_idhash_new(m->kit, &m->h, &err), &err);
}

static void
forget_pins(struct mini *m)
{
	size_t i;

	for (i = 0; i < m->npins; i++)
		free(m->pins[i].bits);
	free(m->pins);
	m->pins = NULL;
	m->npins = m->nroots = m->nvault = 0;
}

void
mini_close(struct mini *m)
{
	size_t i;

	forget_pins(m);
	mv_idhash_free(m->h);
	mv_repo_free(m->writer);
	mv_repo_free(m->kit);
	mv_repo_plan_clear(&m->plan);
	for (i = 0; i < m->nstores; i++)
		mv_store_free(m->stores[i]);
	*m = (struct mini){ 0 };
}

static const struct mv_epoch_secrets *
secrets(struct mini *m)
{
	return mv_repo_epoch(m->kit, EPOCH);
}

static const struct mv_identity *
writer_identity(struct mini *m)
{
	const struct mv_identity *id =
	    mv_keyset_find(m->plan.keys.writer, MV_RIGHT_WRITE);

	assert_non_null(id);
	return id;
}

static void
put_all(struct mini *m, const char *name, const struct mv_buf *b)
{
	struct mv_err err;

	assert_ok(mv_repo_put(m->writer, name, b->p, b->len, &err), &err);
}

void
mini_pack_begin(struct mini *m, struct mini_pack *p, enum mv_kind kind)
{
	struct mv_header h = { .kind = (uint8_t)kind, .epoch = EPOCH,
	    .repo = *mv_repo_id(m->kit) };
	struct mv_footer_origin *o;
	uint8_t head[MV_HEADER_BYTES];

	*p = (struct mini_pack){ .kind = kind };
	p->footer.kind = kind;
	p->footer.origins = calloc(1, sizeof(*o));
	p->footer.norigins = 1;
	o = &p->footer.origins[0];
	mv_random(o->id.b, sizeof(o->id.b));
	mv_random(p->key.b, sizeof(p->key.b));
	o->epoch = EPOCH;
	o->writer = writer_identity(m)->number;
	o->seq = m->seq + 1;
	mv_header_encode(&h, head);
	mv_buf_put(&p->buf, head, sizeof(head));
	mv_buf_put(&p->buf, o->id.b, sizeof(o->id.b));
}

static void
chunk_id(struct mini *m, enum mv_kind kind, const struct mini_chunk *c,
    struct mv_segment_chunk *sc, struct mv_id16 *id)
{
	struct mv_err err;

	*sc = (struct mv_segment_chunk){ .len = (uint32_t)c->len,
	    .media = c->path != NULL };
	if (kind == MV_KIND_NODE_PACK) {
		assert_ok(mv_idhash_node(m->h, EPOCH, c->p, c->len, id, &err),
		    &err);
	} else if (c->path == NULL) {
		assert_ok(mv_idhash_db(m->h, EPOCH, c->p, c->len, id, &err),
		    &err);
	} else {
		assert_ok(mv_idhash_file_key(m->h, EPOCH,
		    (const uint8_t *)c->path, strlen(c->path), sc->file_key,
		    &err), &err);
		assert_ok(mv_idhash_media(m->h, sc->file_key, c->p, c->len,
		    id, &err), &err);
	}
}

static void
seal_segment(struct mini *m, struct mini_pack *p, const struct mv_buf *raw,
    struct mv_footer_segment *seg, uint32_t ordinal)
{
	struct mv_footer_origin *o = &p->footer.origins[0];
	uint8_t ad[MV_SEGMENT_AD_BYTES], nonce[MV_NONCE_BYTES];
	struct mv_buf plain = { 0 };
	struct mv_zstd *z = NULL;
	struct mv_err err;

	assert_ok(mv_zstd_new(0, &z, &err), &err);
	assert_ok(mv_segment_pack(z, raw->p, raw->len, &plain, &err), &err);
	mv_zstd_free(z);
	seg->present = true;
	seg->offset = (uint32_t)p->buf.len;
	seg->len = (uint32_t)plain.len + MV_TAG_BYTES;
	assert_int_equal(mv_buf_reserve(&p->buf, seg->len), 0);
	mv_segment_nonce(ordinal, nonce);
	mv_segment_ad(mv_repo_id(m->kit), p->kind, &o->id, ordinal, ad);
	mv_aead_seal(&p->key, nonce, ad, sizeof(ad), plain.p, plain.len,
	    p->buf.p + p->buf.len);
	mv_sha256(p->buf.p + p->buf.len, seg->len, seg->hash);
	p->buf.len += seg->len;
	mv_buf_clear(&plain);
}

void
mini_pack_segment(struct mini *m, struct mini_pack *p,
    const struct mini_chunk *chunks, size_t n, struct mv_id16 *ids)
{
	struct mv_footer_origin *o = &p->footer.origins[0];
	struct mv_segment_chunk *sc = calloc(n, sizeof(*sc));
	struct mv_buf data = { 0 }, raw = { 0 };
	struct mv_footer_segment *seg;
	struct mv_err err;
	size_t i;

	for (i = 0; i < n; i++) {
		chunk_id(m, p->kind, &chunks[i], &sc[i], &ids[i]);
		mv_buf_put(&data, chunks[i].p, chunks[i].len);
	}
	assert_ok(mv_segment_encode(sc, n, data.p, data.len, &raw, &err),
	    &err);
	o->segs = realloc(o->segs, (o->nsegs + 1) * sizeof(*o->segs));
	seg = &o->segs[o->nsegs];
	*seg = (struct mv_footer_segment){ .nids = n };
	seg->ids = malloc(n * sizeof(*ids));
	memcpy(seg->ids, ids, n * sizeof(*ids));
	seal_segment(m, p, &raw, seg, (uint32_t)o->nsegs++);
	mv_buf_clear(&data);
	mv_buf_clear(&raw);
	free(sc);
}

static struct mv_pin
pin_all(const struct mv_footer_origin *o)
{
	struct mv_pin pin = { .origin = o->id, .nbits = (uint32_t)o->nsegs };
	size_t i;

	pin.bits = calloc(1, (o->nsegs + 7) / 8);
	for (i = 0; i < o->nsegs; i++)
		pin.bits[i / 8] |= (uint8_t)(1u << i % 8);
	return pin;
}

/* Seal, sign and put; the pack's bytes are gone afterwards. */
static void
finish(struct mini *m, struct mini_pack *p, char *name)
{
	struct mv_footer_origin *o = &p->footer.origins[0];
	struct mv_keyring_epoch *e = &mv_repo_keyring(m->kit)->epochs[0];
	char own[MV_OBJECT_NAME_MAX];
	struct mv_id32 hash;
	struct mv_err err;

	assert_ok(mv_wrap_seal(mv_repo_id(m->kit), p->kind, &o->id, EPOCH,
	    &secrets(m)->structure, e->pub, &p->key, o->wrap, &err), &err);
	assert_ok(mv_origin_sign(mv_repo_id(m->kit), p->kind,
	    &writer_identity(m)->seed, o, &err), &err);
	assert_ok(mv_pack_finish(&secrets(m)->structure, &p->footer, &p->buf,
	    &err), &err);
	mv_sha256(p->buf.p, p->buf.len, hash.b);
	mv_object_name(p->kind, 0, &o->id, &hash, own);
	put_all(m, own, &p->buf);
	if (name != NULL)
		memcpy(name, own, sizeof(own));
}

void
mini_pack_put(struct mini *m, struct mini_pack *p, bool pin,
    char name[MV_OBJECT_NAME_MAX])
{
	finish(m, p, name);
	if (pin) {
		m->pins = realloc(m->pins,
		    (m->npins + 1) * sizeof(*m->pins));
		m->pins[m->npins++] = pin_all(&p->footer.origins[0]);
	}
	mv_footer_clear(&p->footer);
	mv_buf_clear(&p->buf);
}

void
mini_chunks(struct mini *m, const struct mini_chunk *chunks, size_t n,
    size_t per_segment, struct mv_id16 *ids)
{
	struct mini_pack p;
	size_t i, k;

	mini_pack_begin(m, &p, MV_KIND_DATA_PACK);
	for (i = 0; i < n; i += k) {
		k = n - i < per_segment ? n - i : per_segment;
		if (p.buf.len > 13u << 20) {
			mini_pack_put(m, &p, true, NULL);
			mini_pack_begin(m, &p, MV_KIND_DATA_PACK);
		}
		mini_pack_segment(m, &p, chunks + i, k, ids + i);
	}
	mini_pack_put(m, &p, true, NULL);
}

void
mini_nodes(struct mini *m, const struct mv_buf *blobs, size_t n,
    struct mv_id16 *ids, bool pin)
{
	struct mini_chunk c;
	struct mini_pack p;
	size_t i;

	mini_pack_begin(m, &p, MV_KIND_NODE_PACK);
	for (i = 0; i < n; i++) {
		c = (struct mini_chunk){ .p = blobs[i].p,
		    .len = blobs[i].len };
		mini_pack_segment(m, &p, &c, 1, &ids[i]);
	}
	mini_pack_put(m, &p, pin, NULL);
}

/* One level of nodes over ids, whose leaf counts are given; both are freed. */
static void
build_level(struct mini *m, unsigned level, size_t fan, struct mv_id16 **ids,
    uint64_t **leaves, size_t *n)
{
	size_t i, k, nodes = (*n + fan - 1) / fan;
	struct mv_list_node *node = calloc(1, sizeof(*node));
	struct mv_buf *blobs = calloc(nodes, sizeof(*blobs));
	struct mv_id16 *up = calloc(nodes, sizeof(*up));
	uint64_t *sums = calloc(nodes, sizeof(*sums));
	struct mv_err err;

	for (i = 0; i < nodes; i++) {
		node->level = (uint8_t)level;
		node->n = *n - i * fan < fan ? *n - i * fan : fan;
		memcpy(node->ids, *ids + i * fan, node->n * sizeof(**ids));
		for (k = 0; k < node->n; k++) {
			node->leaves[k] = (*leaves)[i * fan + k];
			sums[i] += node->leaves[k];
		}
		assert_ok(mv_list_node_encode(node, &blobs[i], &err), &err);
	}
	mini_nodes(m, blobs, nodes, up, true);
	for (i = 0; i < nodes; i++)
		mv_buf_clear(&blobs[i]);
	free(blobs);
	free(node);
	free(*ids);
	free(*leaves);
	*ids = up;
	*leaves = sums;
	*n = nodes;
}

void
mini_stream(struct mini *m, const struct mv_id16 *ids, size_t n, size_t fan)
{
	struct mv_root root = { .tag = n == 0 ? 0 : 1, .n = n, .leaves = n };
	struct mv_id16 *level_ids;
	uint64_t *leaves;
	size_t i, count = n;
	unsigned level = 0;

	assert_true(m->nroots < sizeof(m->roots) / sizeof(m->roots[0]));
	if (n <= MV_ROOT_INLINE_MAX) {
		memcpy(root.ids, ids, n * sizeof(*ids));
		m->roots[m->nroots++] = root;
		return;
	}
	level_ids = malloc(n * sizeof(*ids));
	leaves = malloc(n * sizeof(*leaves));
	memcpy(level_ids, ids, n * sizeof(*ids));
	for (i = 0; i < n; i++)
		leaves[i] = 1;
	while (count > 1)
		build_level(m, level++, fan, &level_ids, &leaves, &count);
	root = (struct mv_root){ .tag = 2, .level = (uint8_t)(level - 1),
	    .leaves = n };
	root.ids[0] = level_ids[0];
	m->roots[m->nroots++] = root;
	free(level_ids);
	free(leaves);
}

void
mini_put_stream(struct mini *m, const struct mini_chunk *chunks, size_t n,
    size_t per_segment, size_t fan)
{
	struct mv_id16 *ids = calloc(n + 1, sizeof(*ids));

	if (n > 0)
		mini_chunks(m, chunks, n, per_segment, ids);
	mini_stream(m, ids, n, fan);
	free(ids);
}

void
mini_index(struct mini *m, const char *const packs[], size_t n,
    char name[MV_OBJECT_NAME_MAX])
{
	mini_index_altered(m, packs, n, NULL, name);
}

void
mini_index_altered(struct mini *m, const char *const packs[], size_t n,
    void (*alter)(struct mv_footer *f), char name[MV_OBJECT_NAME_MAX])
{
	struct mv_header h = { .kind = MV_KIND_INDEX, .epoch = EPOCH,
	    .repo = *mv_repo_id(m->kit) };
	struct mv_buf list = { 0 }, payload = { 0 }, obj = { 0 };
	struct mv_buf footer = { 0 };
	struct mv_index_pack ip;
	struct mv_footer f;
	struct mv_name what;
	struct mv_key key;
	struct mv_err err;
	size_t i;

	for (i = 0; i < n; i++) {
		assert_int_equal(mv_object_name_parse(packs[i], &what), 0);
		ip = (struct mv_index_pack){ .id = what.id,
		    .hash = what.hash };
		assert_ok(mv_store_size(m->stores[0], packs[i], &ip.size,
		    &err), &err);
		assert_ok(mv_pack_footer_get(m->kit, m->stores[0], &what,
		    ip.size, &footer, &f, &err), &err);
		ip.kind = f.kind;
		if (alter != NULL) {
			alter(&f);
			mv_buf_reset(&footer);
			assert_ok(mv_footer_encode(&f, &footer, &err), &err);
		}
		ip.footer = footer.p;
		ip.footer_len = footer.len;
		mv_index_add(&list, &ip);
		mv_footer_clear(&f);
	}
	assert_ok(mv_index_encode(&list, n, &payload, &err), &err);
	mv_kdf(&secrets(m)->structure, MV_LABEL_INDEX, &key);
	assert_ok(mv_object_seal(&h, &key, payload.p, payload.len, &obj,
	    &err), &err);
	mv_sha256(obj.p, obj.len, what.hash.b);
	mv_object_name(MV_KIND_INDEX, 0, NULL, &what.hash, name);
	put_all(m, name, &obj);
	mv_buf_clear(&list);
	mv_buf_clear(&payload);
	mv_buf_clear(&obj);
	mv_buf_clear(&footer);
}

void
mini_vault(struct mini *m, char name[MV_OBJECT_NAME_MAX])
{
	struct mv_keyset *k = m->plan.keys.vault;
	const struct mv_identity *me = mv_keyset_find(k, MV_RIGHT_VAULT);
	const struct mv_keyring_key *to[1];
	struct mv_vault_version v = { .number = 1, .time = 1000 };
	struct mv_buf obj = { 0 };
	struct mv_err err;

	v.signer = me->number;
	to[0] = mv_keyring_find(mv_repo_keyring(m->kit), me->number);
	assert_ok(mv_vault_version_encode(&v, mv_repo_id(m->kit), &k->vault,
	    &me->seed, to, 1, "{}", (const uint8_t *)"A=1\n", 4, &obj, &err),
	    &err);
	mv_object_name(MV_KIND_VAULT, 0, &v.id, &v.hash, name);
	put_all(m, name, &obj);
	m->vault[m->nvault++] = v.hash;
	mv_vault_version_clear(&v);
	mv_buf_clear(&obj);
}

static int
by_origin(const void *a, const void *b)
{
	const struct mv_pin *x = a, *y = b;

	return memcmp(x->origin.b, y->origin.b, sizeof(x->origin.b));
}

/* The pins so far as one leaf (of at most 16), and where that lies. */
static void
put_pins(struct mini *m, struct mv_snapshot *s, size_t per_leaf)
{
	struct mv_id16 id[MV_ROOT_INLINE_MAX];
	struct mv_buf blob = { 0 };
	struct mini_chunk c;
	struct mini_pack p;
	struct mv_err err;
	size_t i, k, n = 0;

	if (m->npins == 0)
		return;
	qsort(m->pins, m->npins, sizeof(*m->pins), by_origin);
	mini_pack_begin(m, &p, MV_KIND_NODE_PACK);
	for (i = 0; i < m->npins; i += k) {
		k = m->npins - i < per_leaf ? m->npins - i : per_leaf;
		mv_buf_reset(&blob);
		assert_ok(mv_pin_leaf_encode(m->pins + i, k, &blob, &err),
		    &err);
		c = (struct mini_chunk){ .p = blob.p, .len = blob.len };
		assert_true(n < MV_ROOT_INLINE_MAX);
		mini_pack_segment(m, &p, &c, 1, &id[n++]);
	}
	finish(m, &p, NULL);
	s->pins = (struct mv_root){ .tag = 1, .n = n, .leaves = n };
	memcpy(s->pins.ids, id, n * sizeof(id[0]));
	s->pin_nodes = malloc(sizeof(*s->pin_nodes));
	s->pin_nodes[0] = pin_all(&p.footer.origins[0]);
	s->npin_nodes = 1;
	mv_footer_clear(&p.footer);
	mv_buf_clear(&p.buf);
	mv_buf_clear(&blob);
}

void
mini_snapshot(struct mini *m, const char *detail, uint32_t parts,
    int64_t finished, char name[MV_OBJECT_NAME_MAX])
{
	struct mv_keyring_epoch *e = &mv_repo_keyring(m->kit)->epochs[0];
	struct mv_snapshot s = { .seq = m->seq + 1, .prev = m->last,
	    .started = finished - 60, .finished = finished, .keyring = 1,
	    .parts = parts, .epoch = EPOCH };
	char own[MV_OBJECT_NAME_MAX];
	struct mv_buf obj = { 0 };
	struct mv_err err;

	s.writer = writer_identity(m)->number;
	put_pins(m, &s, MV_PIN_ENTRIES_MAX);
	s.nstreams = m->nroots;
	s.streams = malloc((m->nroots + 1) * sizeof(*s.streams));
	memcpy(s.streams, m->roots, m->nroots * sizeof(*s.streams));
	s.nvault = m->nvault;
	s.vault = malloc((m->nvault + 1) * sizeof(*s.vault));
	memcpy(s.vault, m->vault, m->nvault * sizeof(*s.vault));
	assert_ok(mv_snapshot_seal_detail(&s, mv_repo_id(m->kit), e->pub,
	    detail, strlen(detail), &err), &err);
	assert_ok(mv_snapshot_encode(&s, mv_repo_id(m->kit),
	    &secrets(m)->structure, &writer_identity(m)->seed, &obj, &err),
	    &err);
	mv_sha256(obj.p, obj.len, m->last.b);
	m->seq++;
	mv_object_name(MV_KIND_SNAPSHOT, 0, NULL, &m->last, own);
	put_all(m, own, &obj);
	if (name != NULL)
		memcpy(name, own, sizeof(own));
	mv_snapshot_clear(&s);
	mv_buf_clear(&obj);
	forget_pins(m);
}

void
mini_get(struct mini *m, const char *name, struct mv_buf *out)
{
	struct mv_err err;

	mv_buf_reset(out);
	assert_ok(mv_store_get_all(m->stores[0], name, OBJECT_MAX, out, &err),
	    &err);
}

void
mini_replace(struct mini *m, size_t store, const char *name, const void *p,
    size_t len)
{
	struct mv_err err;

	assert_ok(mv_store_remove(m->stores[store], name, &err), &err);
	assert_ok(mv_store_put(m->stores[store], name, p, len, &err), &err);
}

void
mini_rename(struct mini *m, const char *name, const void *p, size_t len,
    char renamed[MV_OBJECT_NAME_MAX])
{
	struct mv_name what;
	struct mv_err err;

	assert_int_equal(mv_object_name_parse(name, &what), 0);
	mv_sha256(p, len, what.hash.b);
	mv_object_name(what.kind, what.number, &what.id, &what.hash, renamed);
	assert_ok(mv_store_remove(m->stores[0], name, &err), &err);
	assert_ok(mv_store_put(m->stores[0], renamed, p, len, &err), &err);
}

struct names {
	char **p;
	size_t n;
};

static int
each_name(const char *name, uint64_t size, void *arg)
{
	struct names *names = arg;

	(void)size;
	names->p = realloc(names->p, (names->n + 1) * sizeof(char *));
	names->p[names->n++] = strdup(name);
	return 0;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
mini_names(struct mini *m, const char *prefix, size_t *n)
{
	struct names names = { 0 };
	struct mv_err err;

	assert_ok(mv_store_list(m->stores[0], prefix, each_name, &names,
	    &err), &err);
	if (names.n > 0)
		qsort(names.p, names.n, sizeof(*names.p), by_text);
	*n = names.n;
	return names.p;
}

void
mini_names_free(char **names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
