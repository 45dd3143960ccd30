/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "mastvault/options.h"

const struct mv_command mv_commands[] = {
	{ MV_CMD_INIT, "init", "", 0, 0,
	    "make an environment: repository, keys and recovery kit",
	    "Makes the repository in every store, writes the keys into the key "
	    "directory and the recovery kit beside them (or to --kit), and "
	    "appends the environment's section to the configuration.  Asks "
	    "for the passphrase that protects the kit and the keys that "
	    "backups do not need." },
	{ MV_CMD_BACKUP, "backup", "", 0, 0,
	    "back the whole Mastodon up",
	    "Takes one recovery point: the database, then the media, then the "
	    "env-file.  Ends with 0 only if all of it is in every store.  "
	    "What was uploaded before an interruption is used by the next "
	    "run." },
	{ MV_CMD_SNAPSHOTS, "snapshots", "", 0, 0,
	    "list what can be restored", "" },
	{ MV_CMD_LS, "ls", "SNAP [db | PATH]", 1, 2,
	    "list the media files of a snapshot, or its tables",
	    "PATH is a file or directory of the media tree." },
	{ MV_CMD_CAT, "cat", "SNAP db|env|redis|PATH", 2, 2,
	    "write one thing from a snapshot to standard output",
	    "'db' is an SQL script that 'psql -X' loads into an empty "
	    "database, 'env' the env-file, 'redis' Redis' dump, PATH a media "
	    "file (./db for one of that name)." },
	{ MV_CMD_FIND, "find", "PATTERN...", 1, 64,
	    "find in which snapshots a media file is",
	    "Lists what fits a PATTERN, snapshot by snapshot, the newest "
	    "first.  A PATTERN with a slash is for the whole path, others "
	    "for the last part of it; '*' fits a slash, too." },
	{ MV_CMD_DIFF, "diff", "SNAP SNAP", 2, 2,
	    "say what changed from one snapshot to another",
	    "Media files are marked '+' new, '-' removed, 'M' changed, 'U' "
	    "changed in owner, mode, time or attributes only, 'T' of "
	    "another type.  Rows of small tables, which lie in the archive, "
	    "are not compared." },
	{ MV_CMD_STATS, "stats", "[SNAP]", 0, 1,
	    "say how large snapshots are and what they take",
	    "Of SNAP, part by part and table by table; without it of the "
	    "whole repository.  What is stored is compressed and sealed, "
	    "and shared among snapshots." },
	{ MV_CMD_EXPORT, "export", "SNAP DIR", 2, 2,
	    "write a snapshot as files that need no mastvault",
	    "Writes database.sql, media.tar, env.production and, where it is "
	    "part of the snapshot, Redis' dump.rdb into DIR, which is new "
	    "or empty, with a README.txt that says how to load them.  They "
	    "are in clear." },
	{ MV_CMD_RESTORE, "restore", "SNAP", 1, 1,
	    "restore the database, media and env-file",
	    "Restores what a target is given for.  The database is made if "
	    "absent and refused if it holds tables, unless --replace: then it "
	    "is restored beside and renamed at the end.  Files that are "
	    "identical are kept, different ones refused without --overwrite, "
	    "and nothing is deleted.  Into the database of another "
	    "environment only --defused: tokens, keys, addresses and what "
	    "waits for its time are removed before it gets its name." },
	{ MV_CMD_CHECK, "check", "", 0, 0,
	    "check that what was stored is all there and unharmed",
	    "Checks the structure from the stores alone.  With --read-data "
	    "everything stored is read and verified, and with a reader's key "
	    "decrypted too; --read-data=2/7 does the second seventh." },
	{ MV_CMD_KEY, "key",
	    "show|passphrase|new|add|accept|remove|list|kit|test [FILE...]", 1, 64,
	    "make, admit, remove, list, show and test keys",
	    "'key show [FILE...]' says what key files hold, 'key passphrase "
	    "[FILE...]' changes their passphrase; without FILE all of the "
	    "environment.  'key new --role ROLE' makes a key anywhere and "
	    "prints a line for the owner, who admits it with 'key add LINE' "
	    "('-' reads the line); the holder makes a key file of the answer "
	    "with 'key accept ENROLMENT FILE'.  'key remove NUMBER' removes a "
	    "key, 'key list' lists all.  'key kit --out FILE' writes another "
	    "recovery kit, 'key test KIT' proves that one opens the newest "
	    "backup and secrets." },
	{ MV_CMD_STATUS, "status", "", 0, 0,
	    "say whether the backups are as they should be",
	    "Of every environment, or the one that is chosen: the age of the "
	    "last backup, the stores, the vault, the keys.  Ends with 4 for "
	    "a backup older than max-age and whatever else is an alarm, with "
	    "3 for a store that is behind or cannot be reached." },
	{ MV_CMD_SECRETS, "secrets",
	    "import|list|get|set|history|diff|rollback|render|exec|audit|"
	    " rotate|recover|check|incident [OPERAND...]", 1, 4096,
	    "keep Mastodon's secrets: versions, changes, audit, rotation",
	    "The vault holds the env-file, version by version. 'import "
	    "[ENVFILE]' makes it the newest version, 'list' says since when "
	    "each secret has its value, 'history' who changed which and why, "
	    "'diff VERSION VERSION' which differ. 'get NAME' writes a value "
	    "to standard output, and nothing else shows one. 'set NAME' "
	    "(value from standard input) and 'rollback VERSION' make a new "
	    "version, which 'render' writes into the env-file. 'exec -- "
	    "COMMAND...' runs a command with the newest version in its "
	    "environment. 'audit' ends with 4 when it finds anything. 'rotate "
	    "NAME...' (or --all) gives secrets new values, everywhere at "
	    "once: database, env-file, services; 'recover' finishes or "
	    "undoes a rotation that was interrupted. 'check --database' ends "
	    "with 4 when the database has rows that the newest version does "
	    "not decrypt, and with 5 when it could not tell. After a leak "
	    "'rotate --emergency' does all that can be done from here, and "
	    "'incident' shows the record that it kept." },
	{ MV_CMD_HELP, "help", "[COMMAND]", 0, 1,
	    "explain a command", "" },
};
const size_t mv_ncommands = MV_ARRAY_LEN(mv_commands);

#define INIT MV_FOR(MV_CMD_INIT)
#define BACKUP MV_FOR(MV_CMD_BACKUP)
#define RESTORE MV_FOR(MV_CMD_RESTORE)
#define CHECK MV_FOR(MV_CMD_CHECK)
#define SECRETS MV_FOR(MV_CMD_SECRETS)
#define KEY MV_FOR(MV_CMD_KEY)
#define EXPORT MV_FOR(MV_CMD_EXPORT)
#define READING (MV_FOR(MV_CMD_SNAPSHOTS) | MV_FOR(MV_CMD_LS) | \
	MV_FOR(MV_CMD_CAT) | MV_FOR(MV_CMD_FIND) | MV_FOR(MV_CMD_DIFF) | \
	MV_FOR(MV_CMD_STATS) | EXPORT | RESTORE | CHECK | \
	SECRETS)
#define ALL (~0u)
#define AT(member) offsetof(struct mv_cli, member), 0

const struct mv_option mv_options[] = {
	{ "config", 'c', "FILE", MV_OPTION_TEXT, ALL, AT(config),
	    "configuration ($MASTVAULT_CONFIG, /etc/mastvault/mastvault.conf)" },
	{ "env", 'e', "NAME", MV_OPTION_TEXT, ALL, AT(env),
	    "environment; needless where there is only one" },
	{ "mastodon", 0, "DIR", MV_OPTION_TEXT, INIT, AT(mastodon),
	    "where Mastodon lives (/home/mastodon/live)" },
	{ "store", 0, "URL", MV_OPTION_LIST, INIT, AT(stores),
	    "where to store, as file:///srv/backup; one option per replica" },
	{ "store", 0, "URL", MV_OPTION_LIST, READING | KEY, AT(stores),
	    "read from here instead of where the kit or configuration says" },
	{ "key-dir", 0, "DIR", MV_OPTION_TEXT, INIT, AT(key_dir),
	    "where to write keys (/etc/mastvault/NAME)" },
	{ "kit", 0, "FILE", MV_OPTION_TEXT, INIT, AT(kit),
	    "where to write the recovery kit (recovery.kit in the key directory)" },
	{ "kit", 0, "FILE", MV_OPTION_TEXT, READING | KEY, AT(kit),
	    "use this recovery kit; no configuration is read" },
	{ "state-dir", 0, "DIR", MV_OPTION_TEXT, INIT, AT(state_dir),
	    "where to keep what can be made anew (/var/lib/mastvault/NAME)" },
	{ "state-dir", 0, "DIR", MV_OPTION_TEXT,
	    BACKUP | READING | KEY,
	    AT(state_dir), "use this directory instead of the configured one" },
	{ "passphrase-file", 0, "FILE", MV_OPTION_TEXT, INIT | READING | KEY,
	    AT(passphrase_file), "read the passphrase from FILE (mode 0600)" },
	{ "new-passphrase-file", 0, "FILE", MV_OPTION_TEXT, KEY,
	    AT(new_passphrase_file), "read the new passphrase from FILE" },
	{ "no-passphrase", 0, NULL, MV_OPTION_FLAG, INIT | KEY,
	    AT(no_passphrase),
	    "leave kit and keys readable to whoever gets the files" },
	{ "database", 0, "CONNINFO", MV_OPTION_TEXT, INIT, AT(database),
	    "how to connect, if not as Mastodon does" },
	{ "media", 0, "DIR", MV_OPTION_TEXT, INIT, AT(media),
	    "where the media are, if not below --mastodon; or 'none'" },
	{ "env-file", 0, "FILE", MV_OPTION_TEXT, INIT, AT(env_file),
	    "the env-file, if not .env.production" },
	{ "only", 0, "PARTS", MV_OPTION_TEXT, BACKUP | RESTORE | EXPORT,
	    AT(only),
	    "some of db,media,secrets,redis" },
	{ "tag", 0, "TEXT", MV_OPTION_LIST, BACKUP, AT(tags),
	    "write TEXT into the snapshot; can be given several times" },
	{ "dry-run", 0, NULL, MV_OPTION_FLAG, BACKUP, AT(dry_run),
	    "read everything, store nothing" },
	{ "dry-run", 0, NULL, MV_OPTION_FLAG, SECRETS, AT(dry_run),
	    "show what a rotation would do, and to how much" },
	{ "pg-snapshot", 0, "ID", MV_OPTION_TEXT, BACKUP, AT(pg_snapshot),
	    "dump the snapshot ID that you hold (pg_export_snapshot())" },
	{ "exclude", 0, "PATTERN", MV_OPTION_LIST, BACKUP, AT(excludes),
	    "leave these media out, too; can be given several times" },
	{ "exclude-file", 0, "FILE", MV_OPTION_LIST, BACKUP,
	    AT(exclude_files), "patterns to leave out, one a line" },
	{ "limit-read", 0, "RATE", MV_OPTION_TEXT, BACKUP, AT(limit_read),
	    "bytes a second to read of database and media, as 20M" },
	{ "limit-upload", 0, "RATE", MV_OPTION_TEXT, BACKUP,
	    AT(limit_upload), "bytes a second to send to all stores together" },
	{ "allow-shrink", 0, NULL, MV_OPTION_FLAG, BACKUP, AT(allow_shrink),
	    "accept a media tree that lost more than half" },
	{ "database", 0, "CONNINFO", MV_OPTION_TEXT, RESTORE, AT(database),
	    "restore the database into this one" },
	{ "replace", 0, NULL, MV_OPTION_FLAG, RESTORE, AT(replace),
	    "restore beside the database and swap at the end" },
	{ "defused", 0, NULL, MV_OPTION_FLAG, RESTORE, AT(defused),
	    "for another environment: no mail, push, federation, logins" },
	{ "no-owner", 0, NULL, MV_OPTION_FLAG, RESTORE, AT(no_owner),
	    "everything in the database belongs to who restores" },
	{ "create-roles", 0, NULL, MV_OPTION_FLAG, RESTORE, AT(create_roles),
	    "create roles that are missing" },
	{ "media", 0, "DIR", MV_OPTION_TEXT, RESTORE, AT(media),
	    "restore the media tree into DIR" },
	{ "path", 0, "GLOB", MV_OPTION_LIST, RESTORE, AT(paths),
	    "only these media; can be given several times" },
	{ "overwrite", 0, NULL, MV_OPTION_FLAG, RESTORE, AT(overwrite),
	    "replace media files that differ" },
	{ "env-file", 0, "FILE", MV_OPTION_TEXT, RESTORE, AT(env_file),
	    "restore the env-file as FILE" },
	{ "reencrypt", 0, NULL, MV_OPTION_FLAG, RESTORE, AT(reencrypt),
	    "convert the database's rows to the secrets in force now" },
	{ "redis", 0, "FILE", MV_OPTION_TEXT, RESTORE, AT(redis),
	    "restore Redis' dump as FILE" },
	{ "jobs", 0, "N", MV_OPTION_NUMBER, BACKUP | RESTORE, AT(jobs),
	    "database connections at a time" },
	{ "expect", 0, "HEAD", MV_OPTION_TEXT,
	    RESTORE | CHECK | MV_FOR(MV_CMD_SNAPSHOTS), AT(expect),
	    "fail unless the store has this head, which a backup reported" },
	{ "reason", 0, "TEXT", MV_OPTION_TEXT, SECRETS, AT(reason),
	    "why, for the history" },
	{ "generate", 0, NULL, MV_OPTION_FLAG, SECRETS, AT(generate),
	    "make the value, as Mastodon's set-up does; both VAPID keys" },
	{ "output", 0, "FILE", MV_OPTION_TEXT, SECRETS, AT(output),
	    "render into FILE instead of the env-file" },
	{ "all", 0, NULL, MV_OPTION_FLAG, SECRETS, AT(all),
	    "list: also what is no secret; rotate: all that can be made here" },
	{ "yes", 0, NULL, MV_OPTION_FLAG, SECRETS, AT(yes),
	    "ask nothing; set, rollback: even what encrypts rows" },
	{ "emergency", 0, NULL, MV_OPTION_FLAG, SECRETS, AT(emergency),
	    "rotate all after a leak, only forward, and keep a record" },
	{ "revoke-tokens", 0, NULL, MV_OPTION_FLAG, SECRETS,
	    AT(revoke_tokens), "log out all apps; invitations expire" },
	{ "revoke-sessions", 0, NULL, MV_OPTION_FLAG, SECRETS,
	    AT(revoke_sessions), "remove all sessions of browsers" },
	{ "reset-2fa", 0, NULL, MV_OPTION_FLAG, SECRETS, AT(reset_2fa),
	    "remove everybody's two-factor secrets" },
	{ "no-snapshot", 0, NULL, MV_OPTION_FLAG, SECRETS, AT(no_snapshot),
	    "take no snapshot as evidence first" },
	{ "aware", 0, "TIME", MV_OPTION_TEXT, SECRETS, AT(aware),
	    "since when the leak is known, if not since now" },
	{ "skip-undecryptable", 0, NULL, MV_OPTION_FLAG, SECRETS,
	    AT(skip_undecryptable),
	    "leave rows alone that open with no key, and rotate the others" },
	{ "database", 0, "CONNINFO", MV_OPTION_MAYBE, SECRETS,
	    offsetof(struct mv_cli, check_database),
	    offsetof(struct mv_cli, database),
	    "check against Mastodon's database, or this one" },
	{ "read-data", 0, "N/T", MV_OPTION_MAYBE, CHECK,
	    offsetof(struct mv_cli, read_data),
	    offsetof(struct mv_cli, read_part),
	    "read all data, or the Nth of T parts of it" },
	{ "repair-index", 0, NULL, MV_OPTION_FLAG, CHECK, AT(repair_index),
	    "remove index objects that are wrong, and write what is missing" },
	{ "all", 0, NULL, MV_OPTION_FLAG, MV_FOR(MV_CMD_STATS), AT(all),
	    "the whole repository, as without SNAP" },
	{ "ignore-case", 'i', NULL, MV_OPTION_FLAG, MV_FOR(MV_CMD_FIND),
	    AT(ignore_case), "capital and small letters are the same" },
	{ "role", 0, "ROLE", MV_OPTION_TEXT, KEY, AT(role),
	    "of a new key: reader, writer, maintainer or vault" },
	{ "label", 0, "TEXT", MV_OPTION_TEXT, KEY, AT(label),
	    "what a new key is called in lists" },
	{ "out", 0, "FILE", MV_OPTION_TEXT, KEY, AT(out),
	    "where to write a new key, an enrolment or a kit" },
	{ "keep-identity", 0, NULL, MV_OPTION_FLAG, KEY, AT(keep_identity),
	    "upload nothing anew; who was removed can go on guessing" },
	{ "json", 0, NULL, MV_OPTION_FLAG, ALL, AT(json),
	    "print one JSON document" },
	{ "quiet", 'q', NULL, MV_OPTION_FLAG, ALL, AT(quiet),
	    "silent unless something is wrong" },
	{ "verbose", 'v', NULL, MV_OPTION_COUNT, ALL, AT(verbose),
	    "say more; twice, much more" },
	{ "help", 'h', NULL, MV_OPTION_FLAG, ALL, AT(help), "this text" },
	{ "version", 0, NULL, MV_OPTION_FLAG, ALL, AT(version),
	    "the program's version" },
};
const size_t mv_noptions = MV_ARRAY_LEN(mv_options);
