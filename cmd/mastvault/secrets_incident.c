/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "mastvault/output.h"
#include "mastvault/rotate.h"
#include "vault/incident.h"

/*
 * secrets_incident: the record of an emergency behind its beginning: resumed,
 * ended, shown.
 */
void
mv_emergency_resume(struct mv_rotate *r, const json_t *extra)
{
	json_t *e = json_object_get(extra, "emergency");

	if (e == NULL)
		return;
	r->revoke.tokens = json_is_true(json_object_get(e, "tokens"));
	r->revoke.sessions = json_is_true(json_object_get(e, "sessions"));
	r->revoke.two_factor = json_is_true(json_object_get(e,
	    "two_factor"));
	r->opts.in_database = mv_revoke_in_database;
	r->opts.in_database_arg = &r->revoke;
	(void)json_object_set(r->extra, "emergency", e);
}

int
mv_emergency_end(struct mv_rotate *r,
    const struct mv_rotation_report *report, int rc, struct mv_err *err)
{
	const char *record = json_string_value(json_object_get(
	    json_object_get(r->extra, "emergency"), "record"));
	mv_auto(mv_freep) char *path = NULL;
	json_t *doc = NULL;
	int end;

	if (record == NULL)
		return 0;
	path = strdup(record);
	if (path == NULL)
		return mv_err_set(err, MV_ENOMEM, "write down the incident");
	end = mv_incident_read(path, &doc, err);
	if (end == 0)
		end = mv_incident_end(doc, report, &r->revoke.report, rc,
		    mv_time_now(), err);
	if (end == 0)
		end = mv_incident_write(r->place.state_dir, doc, &path, err);
	json_decref(doc);
	if (end == 0)
		mv_say("record: %s, and .txt beside it for people\n", path);
	return end;
}

int
mv_secrets_incident(struct mv_secrets *s, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	mv_auto(mv_freep) char *path = NULL;
	json_t *doc = NULL;
	int rc;

	if (s->c.state_dir == NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "a kit has no state directory, where records are");
	rc = mv_incident_newest(s->c.state_dir, &path, err);
	if (rc == 0)
		rc = mv_incident_read(path, &doc, err);
	if (rc == 0)
		rc = mv_incident_text(doc, &text, err);
	if (rc == 0 && mv_buf_cstr(&text) == NULL)
		rc = mv_buf_failed(&text, err);
	if (rc < 0) {
		json_decref(doc);
		return rc;
	}
	mv_list("%s", (char *)text.p);
	mv_list("\n%s (the text beside it can be edited)\n", path);
	return mv_output_json(doc, err);
}
