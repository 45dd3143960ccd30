/* SPDX-License-Identifier: MIT */
#include "job/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#define STATE_MAX (16u << 20)

static char *
path_in(const char *dir)
{
	char *path = NULL;

	return asprintf(&path, "%s/state.json", dir) < 0 ? NULL : path;
}

void
mv_state_clear(struct mv_state *s)
{
	json_decref(s->doc);
	s->doc = NULL;
}

int
mv_state_load(const char *dir, struct mv_state *out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	mv_auto(mv_freep) char *path = path_in(dir);
	struct mv_err why = { 0 };
	json_t *doc = NULL;
	int rc;

	if (path == NULL)
		return mv_err_set(err, MV_ENOMEM, "read the state");
	rc = mv_file_read(path, STATE_MAX, &text, &why);
	if (rc == 0) {
		rc = mv_json_object(text.p, text.len, &doc, &why);
		if (rc == MV_ECORRUPT)
			mv_warn("'%s' is damaged and is made anew", path);
	} else if (rc != MV_ENOTFOUND && rc != MV_ENOMEM) {
		mv_warn("'%s' cannot be read and is made anew", path);
	}
	if (rc == MV_ENOMEM)
		return mv_err_set(err, rc, "read '%s'", path);
	if (doc == NULL)
		doc = json_object();
	if (doc == NULL)
		return mv_err_set(err, MV_ENOMEM, "read the state");
	out->doc = doc;
	return 0;
}

int
mv_state_save(const char *dir, const struct mv_state *s, struct mv_err *err)
{
	mv_auto(mv_freep) char *path = path_in(dir);
	mv_auto(mv_freep) char *text = NULL;

	text = json_dumps(s->doc, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (path == NULL || text == NULL)
		return mv_err_set(err, MV_ENOMEM, "save the state");
	return mv_file_replace(path, text, strlen(text), 0600, (uid_t)-1,
	    (gid_t)-1, err);
}

int
mv_state_class(const struct mv_state *s, const char *schema,
    const char *table)
{
	const json_t *class = json_object_get(json_object_get(json_object_get(
	    s->doc, "classes"), schema), table);
	json_int_t v = json_integer_value(class);

	return json_is_integer(class) && v >= 0 && v <= 2 ? (int)v : -1;
}

/* The member object of doc, made when it is not there. */
static json_t *
member(json_t *doc, const char *key)
{
	json_t *o = json_object_get(doc, key);

	if (!json_is_object(o)) {
		o = json_object();
		if (json_object_set_new(doc, key, o) < 0)
			return NULL;
	}
	return o;
}

int
mv_state_set_class(struct mv_state *s, const char *schema, const char *table,
    int class, struct mv_err *err)
{
	json_t *classes = member(s->doc, "classes");
	json_t *of_schema = classes != NULL ? member(classes, schema) : NULL;

	if (of_schema == NULL ||
	    json_object_set_new(of_schema, table, json_integer(class)) < 0)
		return mv_err_set(err, MV_ENOMEM, "note the class of '%s'",
		    table);
	return 0;
}

uint64_t
mv_state_media_files(const struct mv_state *s)
{
	json_int_t v = json_integer_value(json_object_get(s->doc,
	    "media_files"));

	return v > 0 ? (uint64_t)v : 0;
}

int
mv_state_set_media_files(struct mv_state *s, uint64_t files,
    struct mv_err *err)
{
	if (json_object_set_new(s->doc, "media_files",
	    json_integer((json_int_t)files)) < 0)
		return mv_err_set(err, MV_ENOMEM, "note the media files");
	return 0;
}
