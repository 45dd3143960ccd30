/* SPDX-License-Identifier: MIT */
#include "mastvault/passphrase.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "mastvault/strv.h"

void
mv_pass_source_clear(struct mv_pass_source *s)
{
	mv_sbuf_clear(&s->cached);
}

bool
mv_pass_is_unattended(const struct mv_pass_source *s)
{
	return s->file != NULL || s->command != NULL;
}

/* One line, whose end is not part of it. */
static int
one_line(struct mv_sbuf *b, const char *where, struct mv_err *err)
{
	if (b->len > 0 && b->p[b->len - 1] == '\n')
		b->len--;
	if (b->len > 0 && b->p[b->len - 1] == '\r')
		b->len--;
	if (b->len == 0)
		return mv_err_set(err, MV_EUSAGE, "%s gives no passphrase",
		    where);
	if (memchr(b->p, '\n', b->len) != NULL ||
	    memchr(b->p, '\0', b->len) != NULL)
		return mv_err_set(err, MV_EUSAGE,
		    "%s gives more than one line", where);
	return 0;
}

static int
from_file(const char *path, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_fd_closep) int fd = -1;
	char where[256];
	struct stat st;
	int rc;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return mv_err_sys(err, "open '%s'", path);
	/* A pipe (systemd credential, shell) has no bits worth looking at. */
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		return mv_err_set(err, MV_EUSAGE,
		    "'%s' can be read by others (mode %04o)", path,
		    (unsigned)st.st_mode & 07777);
	rc = mv_sbuf_read_fd(out, fd, MV_PASSPHRASE_MAX, path, err);
	if (rc < 0)
		return rc;
	(void)snprintf(where, sizeof(where), "'%s'", path);
	return one_line(out, where, err);
}

static int
from_command(const char *command, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_strv_clear) struct mv_strv argv = { 0 };
	mv_auto(mv_process_freep) struct mv_process *p = NULL;
	struct mv_process_opts opts = {
		.uid = (uid_t)-1, .gid = (gid_t)-1, .pipe_out = true,
		.ends_on_stop = true,
	};
	int rc;

	rc = mv_strv_split(&argv, command, err);
	if (rc < 0)
		return rc;
	opts.argv = mv_strv_const(&argv);
	rc = mv_process_start(&opts, &p, err);
	if (rc == 0)
		rc = mv_sbuf_read_fd(out, mv_process_out(p),
		    MV_PASSPHRASE_MAX, "passphrase-command", err);
	if (rc == 0)
		rc = mv_process_wait(p, NULL, err);
	if (rc < 0)
		return mv_err_ctx(err, rc, "passphrase-command");
	return one_line(out, "passphrase-command", err);
}

/* From file or command: 1; 0 when there is neither. */
static int
unattended(const struct mv_pass_source *s, struct mv_sbuf *out,
    struct mv_err *err)
{
	int rc = 0;

	if (s->file != NULL)
		rc = from_file(s->file, out, err);
	else if (s->command != NULL)
		rc = from_command(s->command, out, err);
	else
		return 0;
	return rc < 0 ? rc : 1;
}

int
mv_pass_of(const char *path, struct mv_sbuf *out, void *arg,
    struct mv_err *err)
{
	struct mv_pass_source *s = arg;
	char prompt[512];
	int rc;

	if (s->cached.len == 0) {
		rc = unattended(s, &s->cached, err);
		if (rc == 0) {
			(void)snprintf(prompt, sizeof(prompt),
			    "Passphrase of %s: ", path);
			rc = mv_pass_ask(prompt, &s->cached, err);
		}
		if (rc < 0) {
			mv_sbuf_clear(&s->cached);
			return mv_err_ctx(err, rc, "'%s' is under a passphrase",
			    path);
		}
	}
	return mv_sbuf_put(out, s->cached.p, s->cached.len, err);
}

static int
ask_twice(const char *what, struct mv_sbuf *out, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf again = { 0 };
	char prompt[256];
	int rc;

	(void)snprintf(prompt, sizeof(prompt), "New passphrase for %s: ",
	    what);
	rc = mv_pass_ask(prompt, out, err);
	if (rc == 0)
		rc = mv_pass_ask("The same again: ", &again, err);
	if (rc < 0)
		return rc;
	if (out->len != again.len || (out->len > 0 &&
	    sodium_memcmp(out->p, again.p, out->len) != 0))
		return mv_err_set(err, MV_EUSAGE,
		    "the two passphrases are not the same");
	return 0;
}

int
mv_pass_new(const struct mv_pass_source *s, const char *what,
    struct mv_sbuf *out, struct mv_err *err)
{
	int rc;

	rc = unattended(s, out, err);
	if (rc == 0)
		rc = ask_twice(what, out, err);
	if (rc < 0)
		return rc;
	if (out->len < MV_PASSPHRASE_MIN)
		return mv_err_set(err, MV_EUSAGE,
		    "a passphrase has at least %d characters",
		    MV_PASSPHRASE_MIN);
	return 0;
}
