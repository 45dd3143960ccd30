/* SPDX-License-Identifier: MIT */
/* key_test: does a recovery kit still open what it is for? */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "base/time.h"
#include "job/prove.h"
#include "mastvault/commands.h"
#include "mastvault/key.h"
#include "mastvault/output.h"

/*
 * The configuration says where to remember the test, and where the stores
 * are; where there is none the kit is enough.
 */
static int
configure_if_there(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err)
{
	if (cli->config == NULL && access(mv_config_path(NULL), F_OK) < 0)
		return 0;
	return mv_context_configure(cli, c, err);
}

static int
report(const struct mv_context *c, const struct mv_proof *p,
    const char *kit, bool noted, struct mv_err *err)
{
	char id[2 * sizeof(p->snapshot) + 1], short_id[MV_SHORT_ID];
	char when[MV_TIME_TEXT], bytes[MV_HUMAN_TEXT];

	mv_hex_encode(p->snapshot.b, sizeof(p->snapshot.b), id);
	mv_short_id(&p->snapshot, short_id);
	mv_time_local(p->finished, when);
	mv_human_bytes(p->bytes, bytes);
	mv_say("%s opens the newest snapshot of '%s', %s of %s (%s of it "
	    "read and verified)", kit, c->name, short_id, when, bytes);
	if (p->vault > 0)
		mv_say(",\nand the newest secrets, version %" PRIu64,
		    p->vault);
	else
		mv_say("; there are no secrets in the vault");
	mv_say(".\n%s", noted ? "" : "Not remembered for 'status': that "
	    "takes the configuration of a host (-c).\n");
	return mv_output_json(json_pack("{ss ss sI sI sI sb}", "environment",
	    c->name, "snapshot", id, "bytes", (json_int_t)p->bytes, "vault",
	    (json_int_t)p->vault, "epoch", (json_int_t)p->epoch,
	    "remembered", noted), err);
}

int
mv_key_test(const struct mv_cli *cli, struct mv_context *c,
    struct mv_err *err)
{
	struct mv_proof proof;
	const char *kit;
	int rc;

	if (cli->operands.n != 2)
		return mv_err_set(err, MV_EUSAGE,
		    "'key test' takes a recovery kit");
	kit = cli->operands.v[1];
	/*
	 * Before the configuration, for the kit says which environment it is
	 * of, and what opens a reader's key for drills does not open a kit.
	 */
	c->pass = (struct mv_pass_source){ .file = cli->passphrase_file };
	rc = mv_context_load_key(c, kit, &c->keys, err);
	if (rc == 0)
		rc = configure_if_there(cli, c, err);
	if (rc == 0)
		rc = mv_context_kit(cli, c, kit, err);
	if (rc == 0)
		rc = mv_context_connect(c, 0, err);
	if (rc == 0)
		rc = mv_job_prove(c->repo, &proof, err);
	if (rc == 0 && c->state_dir != NULL)
		rc = mv_proof_save(c->state_dir, &proof, err);
	return rc < 0 ? mv_err_ctx(err, rc, "test '%s'", kit) :
	    report(c, &proof, kit, c->state_dir != NULL, err);
}
