/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "crypto/crypto.h"
#include "vault/audit.h"

/* The kernel's limit is the stack's quarter; nobody needs more than this. */
#define ENVIRON_MAX ((size_t)4 << 20)
#define LINK_MAX_BYTES 4096

static int
audit_mode(struct mv_audit *a, const char *environment, const char *path,
    const struct stat *st, struct mv_err *err)
{
	const struct passwd *pw = getpwuid(st->st_uid);

	if ((st->st_mode & 07) != 0)
		return mv_audit_find(a, "readable", environment, NULL, err,
		    "everybody on this host can %s '%s' (mode %04o): chmod "
		    "0600, and ask who has an account here",
		    (st->st_mode & 04) != 0 ? "read" : "get at", path,
		    (unsigned)st->st_mode & 07777);
	/* root's file for Mastodon's group is a way to do it. */
	if ((st->st_mode & 070) == 0 || st->st_uid == 0 || pw == NULL ||
	    pw->pw_gid == st->st_gid)
		return 0;
	return mv_audit_find(a, "readable", environment, NULL, err,
	    "the group %u can read '%s' (mode %04o): chmod 0600",
	    (unsigned)st->st_gid, path, (unsigned)st->st_mode & 07777);
}

/* Is path, or a directory above it, a git repository? */
static bool
in_work_tree(const char *path)
{
	mv_auto(mv_freep) char *dir = strdup(path), *git = NULL;
	char *slash;

	while (dir != NULL && (slash = strrchr(dir, '/')) != NULL) {
		*slash = '\0';
		free(git);
		if (asprintf(&git, "%s/.git", dir) < 0) {
			git = NULL;
			break;
		}
		if (access(git, F_OK) == 0)
			return true;
	}
	return false;
}

/*
 * Ask git, as the owner of the directory: it would refuse root there, and a
 * repository's own configuration can name programs to run.
 */
static int
ask_git(const char *dir, const char *name, const struct stat *st,
    int *status, struct mv_err *err)
{
	const char *const argv[] = {
		"git", "-C", dir, "ls-files", "--error-unmatch", "--", name,
		NULL,
	};
	const char *const env[] = {
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", "LC_ALL=C",
		"GIT_OPTIONAL_LOCKS=0", NULL,
	};
	struct mv_process_opts opts = {
		.argv = argv, .env = env, .uid = (uid_t)-1, .gid = (gid_t)-1,
		.ends_on_stop = true,
	};
	struct mv_process *p = NULL;
	int rc;

	if (geteuid() == 0 && st->st_uid != 0) {
		opts.uid = st->st_uid;
		opts.gid = st->st_gid;
	}
	rc = mv_process_start(&opts, &p, err);
	if (rc < 0)
		return rc;
	*status = -1;
	rc = mv_process_wait(p, status, err);
	mv_process_free(p);
	return rc;
}

static int
audit_git(struct mv_audit *a, const char *environment, const char *path,
    struct mv_err *err)
{
	mv_auto(mv_freep) char *dir = strdup(path);
	char *slash = dir != NULL ? strrchr(dir, '/') : NULL;
	char text[MV_ERR_TEXT_MAX];
	struct mv_err why = { 0 };
	int status = -1, rc;
	struct stat st;

	if (dir == NULL || slash == NULL)
		return mv_err_set(err, MV_EUSAGE, "'%s' is no absolute path",
		    path);
	*slash = '\0';
	if (!in_work_tree(path) || stat(dir[0] != '\0' ? dir : "/", &st) < 0)
		return 0;
	rc = ask_git(dir, slash + 1, &st, &status, &why);
	if (rc == 0)
		return mv_audit_find(a, "tracked", environment, NULL, err,
		    "git tracks '%s': every clone has the secrets. 'git rm "
		    "--cached', then make new ones: history keeps the old",
		    path);
	if (rc == MV_EINTR)
		return mv_err_set(err, rc, "ask git");
	(void)mv_err_text(&why, text, sizeof(text));
	if (status == 1 && strstr(text, "did not match") != NULL)
		return 0;
	return mv_audit_leave(a, err, "whether git tracks '%s': %s", path,
	    text);
}

int
mv_audit_file(struct mv_audit *a, const char *environment, const char *path,
    struct mv_err *err)
{
	struct stat st;
	int rc;

	if (stat(path, &st) < 0)
		return mv_err_sys(err, "'%s'", path);
	rc = audit_mode(a, environment, path, &st, err);
	return rc < 0 ? rc : audit_git(a, environment, path, err);
}

struct look {
	struct mv_audit *a;
	const char *environment;
	const struct mv_dotenv *env;
	bool *seen;		/* of the facts: one finding each is enough */
	unsigned hidden;
};

/* "NAME=value" as a process was started with it. */
static int
compare_one(struct look *l, const char *pid, const uint8_t *p, size_t len,
    struct mv_err *err)
{
	const uint8_t *eq = memchr(p, '=', len), *want = NULL;
	const struct mv_secret_fact *f = NULL;
	size_t i, n, want_len = 0;

	if (eq == NULL)
		return 0;
	n = (size_t)(eq - p);
	for (i = 0; i < mv_secret_fact_count(); i++) {
		f = mv_secret_fact_at(i);
		if (strlen(f->name) == n && memcmp(f->name, p, n) == 0)
			break;
	}
	if (i == mv_secret_fact_count() || l->seen[i] ||
	    mv_dotenv_get(l->env, f->name, &want, &want_len, NULL) < 0)
		return 0;
	if (want != NULL && want_len == len - n - 1 &&
	    mv_equal(want, eq + 1, want_len))
		return 0;
	l->seen[i] = true;
	return mv_audit_find(l->a, "running", l->environment, f->name, err,
	    "process %s was started with another value than the env-file "
	    "has: restart it, or look where it has it from (systemd, "
	    "compose)", pid);
}

static int
compare_environ(struct look *l, const char *pid, struct mv_err *err)
{
	mv_auto(mv_sbuf_clear) struct mv_sbuf text = { 0 };
	char path[64];
	const uint8_t *p, *end, *nul;
	int rc = 0;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/environ", pid);
	/* Gone meanwhile, or not ours to see. */
	if (mv_sbuf_read_file(&text, path, ENVIRON_MAX, NULL) < 0) {
		l->hidden += access(path, F_OK) == 0;
		return 0;
	}
	p = text.p;
	end = p + text.len;
	while (rc == 0 && p < end) {
		nul = memchr(p, '\0', (size_t)(end - p));
		if (nul == NULL)
			nul = end;
		rc = compare_one(l, pid, p, (size_t)(nul - p), err);
		p = nul + 1;
	}
	return rc;
}

/* Does the process belong to uid and run in dir or below? */
static bool
is_mastodon(const char *pid, const char *dir, uid_t uid, unsigned *hidden)
{
	char path[64], cwd[LINK_MAX_BYTES];
	size_t len = strlen(dir);
	struct stat st;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%.16s", pid);
	if (stat(path, &st) < 0 || st.st_uid != uid)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%.16s/cwd", pid);
	n = readlink(path, cwd, sizeof(cwd));
	if (n < 0)
		*hidden += errno == EACCES || errno == EPERM;
	return n >= (ssize_t)len && memcmp(cwd, dir, len) == 0 &&
	    ((size_t)n == len || cwd[len] == '/');
}

static void
closedirp(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

int
mv_audit_running(struct mv_audit *a, const char *environment,
    const char *dir, uid_t uid, const struct mv_dotenv *env,
    struct mv_err *err)
{
	mv_auto(mv_freep) bool *seen = calloc(mv_secret_fact_count(),
	    sizeof(*seen));
	mv_auto(mv_freep) char *real = realpath(dir, NULL);
	mv_auto(closedirp) DIR *proc = opendir("/proc");
	struct look l = { a, environment, env, seen, 0 };
	const struct dirent *e;
	int rc = 0;

	if (seen == NULL)
		return mv_err_set(err, MV_ENOMEM, "look at processes");
	if (proc == NULL || real == NULL)
		return mv_audit_leave(a, err, "running processes: %s",
		    strerror(errno));
	while (rc == 0 && (e = readdir(proc)) != NULL) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9' ||
		    !is_mastodon(e->d_name, real, uid, &l.hidden))
			continue;
		rc = compare_environ(&l, e->d_name, err);
	}
	if (rc == 0 && l.hidden > 0)
		rc = mv_audit_leave(a, err, "%u processes of Mastodon's user, "
		    "which can be seen by root or that user alone", l.hidden);
	return rc;
}
