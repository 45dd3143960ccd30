/* SPDX-License-Identifier: MIT */
/*
 * Versions that others tell: of the schema, of a client program, of the
 * Mastodon in a directory.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fuzz/place.h"
#include "mastodon/version.h"
#include "postgres/client.h"
#include "vault/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
schema(const char *text)
{
	char again[32], label[MV_VERSION_TEXT];
	uint64_t v;

	if (mv_schema_parse(text, &v, NULL) < 0)
		return;
	(void)snprintf(again, sizeof(again), "%014" PRIu64, v);
	if (strcmp(again, text) != 0)
		abort();
	mv_schema_label(v, label);
	if (label[0] == '\0' || memchr(label, '\0', sizeof(label)) == NULL)
		abort();
	/* Whoever has what one version brought has what those before did. */
	if (mv_schema_at_least(v, 4, 3) && !mv_schema_at_least(v, 4, 2))
		abort();
}

static void
release(const uint8_t *data, size_t len)
{
	struct mv_release_no no = { 0 };
	struct mv_err err = { 0 };
	char dir[sizeof(place_path)];
	int rc;

	(void)place();
	/* Kept until the end: the file in it is written anew each time. */
	if ((mkdirat(place_fd, "lib", 0700) == 0 &&
	    mkdirat(place_fd, "lib/mastodon", 0700) < 0))
		abort();
	place_put("lib/mastodon/version.rb", data, len);
	(void)snprintf(dir, sizeof(dir), "%s", place());
	rc = mv_audit_release(dir, &no, &err);
	if (rc < 0 && rc != MV_ENOTFOUND && rc != MV_ENOMEM &&
	    rc != MV_EUSAGE)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	mv_auto(mv_freep) char *text = strndup((const char *)data, len);
	int major;

	if (text == NULL)
		return 0;
	schema(text);
	major = mv_pg_client_parse_version(text);
	if (major != -1 && (major < 1 || major > 9999))
		abort();
	release(data, len);
	return 0;
}
