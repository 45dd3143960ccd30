#!/bin/bash
# Goal: diff names exactly what changed, find exactly the snapshots that hold a
# file, and stats adds up.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2119
start_postgres
make_site "$T/live" look 15 0.05 400 0.1
new_env a "$T/live"
kit=$T/a.kit
media=$T/live/public/system
mkdir "$media/mine"
printf one >"$media/mine/changes"
printf two >"$media/mine/goes"
printf three >"$media/mine/touched"
printf four >"$media/mine/chmod"
printf five >"$media/mine/becomes"
ln -s nowhere "$media/mine/link"
printf same-size >"$media/mine/sly"
touch -d 2026-01-01 "$media/mine/sly"
backup a
first=$(field "$T/out" 'd["snapshot"]')
backup a
again=$(field "$T/out" 'd["snapshot"]')

printf 'one more' >"$media/mine/changes"
rm "$media/mine/goes"
touch -d 2026-02-02 "$media/mine/touched"
chmod 600 "$media/mine/chmod"
rm "$media/mine/becomes"
mkdir "$media/mine/becomes"
ln -sfn elsewhere "$media/mine/link"
printf SAME-SIZE >"$media/mine/sly"
touch -d 2026-01-01 "$media/mine/sly"
printf new >"$media/mine/new
line"
sql -d look -c "CREATE TABLE wide (a int, b text);
	INSERT INTO wide SELECT n, repeat(md5(n::text), 8) FROM generate_series(1, 20000) n;
	CREATE INDEX wide_a ON wide (a); ALTER TABLE wide OWNER TO mastodon;
	CREATE TABLE small (a int); ALTER TABLE small OWNER TO mastodon;
	UPDATE statuses SET text = text || '!' WHERE id = (SELECT min(id) FROM statuses)"
echo NEW_SETTING=1 >>"$T/live/.env.production"
backup a
last=$(field "$T/out" 'd["snapshot"]')

# diff: nothing, everything, and back.
expect 0 mastvault diff --kit "$kit" "$first" "$again" --json
[ "$(field "$T/out" 'd["files"], d["tables"], d["schema"], d["secrets"]')" = '([], [], [], None)' ] ||
	fail "two equal snapshots differ: $(cat "$T/out")"
expect 0 mastvault diff --kit "$kit" "$again" "$last" --json
cp "$T/out" "$T/diff.json"
/usr/bin/python3 - "$T/diff.json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
files = {f["path"]: f for f in d["files"] if f["path"].startswith("mine/")}
want = {
    "mine/changes": {"content", "size", "mtime"},
    "mine/touched": {"mtime"},
    "mine/chmod": {"mode"},
    "mine/becomes": {"type"},
    "mine/link": {"target", "mtime"},
    "mine/sly": {"content"},
}
got = {p: set(f["what"]) for p, f in files.items() if f["change"] == "changed"}
assert got == want, got
assert [p for p in files if files[p]["change"] == "added"] == ["mine/new\\x0aline"]
assert [p for p in files if files[p]["change"] == "removed"] == ["mine/goes"]
assert files["mine/goes"]["to"] is None and files["mine/goes"]["from"]["size"] == 3
outside = [f["path"] for f in d["files"] if not f["path"].startswith("mine")]
assert outside == [], outside
tables = {t["name"]: t for t in d["tables"]}
assert tables["wide"]["change"] == "added" and tables["wide"]["to"]["rows"] == 20000
assert tables["small"]["change"] == "added" and tables["small"]["to"]["rows"] is None
assert tables["statuses"]["rows_changed"] and not tables["statuses"]["columns_changed"]
assert {s["what"]: s["added"] for s in d["schema"]} == {"indexes": 1}, d["schema"]
assert d["secrets"] == {"from": 1, "to": 2}
assert d["totals"]["added"] == 1 and d["totals"]["removed"] == 1, d["totals"]
PY
expect 0 mastvault diff --kit "$kit" "$last" "$again" --json
[ "$(field "$T/out" '[f["path"] for f in d["files"] if f["change"] == "added"]')" = "['mine/goes']" ] ||
	fail "the other way round"
expect 0 mastvault diff --kit "$kit" "$again" "$last"
for line in 'M  mine/changes  (content, size, mtime)' 'U  mine/chmod  (mode)' '-  mine/goes' \
	'T  mine/becomes  (type)' 'M  mine/sly  (content)' '+  mine/new\x0aline' \
	'M  secrets: version 1 -> 2'; do
	grep -qxF -e "$line" "$T/out" || fail "diff does not say '$line': $(cat "$T/out")"
done

# find: by name, by path, in the right snapshots only, newest first.
found() {
	field "$T/out" '[(f["snapshot"][:8], f["path"]) for f in d]'
}
expect 0 mastvault find --kit "$kit" goes --json
[ "$(found)" = "[('${again:0:8}', 'mine/goes'), ('${first:0:8}', 'mine/goes')]" ] || fail "find goes: $(found)"
expect 0 mastvault find --kit "$kit" mine/goes --json
[ "$(field "$T/out" 'len(d)')" = 2 ] || fail "find mine/goes"
expect 0 mastvault find --kit "$kit" 'NEW*' --json
[ "$(found)" = '[]' ] || fail "find minds no case"
expect 0 mastvault find --kit "$kit" -i 'NEW*' mine/sly --json
[ "$(field "$T/out" 'sorted(f["path"] for f in d)')" = \
	"['mine/new\\\\x0aline', 'mine/sly', 'mine/sly', 'mine/sly']" ] || fail "find -i: $(found)"
expect 0 mastvault find --kit "$kit" nowhere
grep -q 'nothing found in 3 snapshots' "$T/out" || fail "find nothing"

# stats: parts add up to no less than what the snapshot takes, and sizes are those of the sources.
expect 0 mastvault stats --kit "$kit" latest --json
/usr/bin/python3 - "$T/out" <<'PY'
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
assert d["logical"] == sum(p["logical"] for p in d["parts"])
assert 0 < d["unique"] < d["stored"] < d["logical"], d
data = sum(p["stored"] for p in d["parts"])
assert data > d["stored"] * 0.5, (data, d["stored"])
assert any(p["what"] == "public.wide" and p["logical"] > 20000 * 256 for p in d["parts"])
PY
expect 0 mastvault ls --kit "$kit" latest --json
files=$(field "$T/out" 'sum(f["size"] for f in d if f["type"] == "file")')
expect 0 mastvault stats --kit "$kit" latest --json
[ "$(field "$T/out" '[p["logical"] for p in d["parts"] if p["what"] == "files"][0]')" -le "$files" ] ||
	fail "stats counts more than $files bytes of media"
# The unchanged one holds next to nothing alone.
expect 0 mastvault stats --kit "$kit" "$again" --json
[ "$(field "$T/out" 'd["unique"] * 20 < d["stored"]')" = True ] || fail "unique: $(cat "$T/out")"
expect 0 mastvault stats --kit "$kit" --all --json
packs=$(find "$T/a.store/packs" -type f | wc -l)
bytes=$(find "$T/a.store/packs" -type f -printf '%s\n' | awk '{ s += $1 } END { print s }')
[ "$(field "$T/out" 'd["packs"], d["pack_bytes"], d["snapshots"]')" = "($packs, $bytes, 3)" ] ||
	fail "$packs packs of $bytes bytes: $(cat "$T/out")"
[ "$(field "$T/out" '0 < d["stored"] < d["pack_bytes"]')" = True ] || fail "stored: $(cat "$T/out")"
expect 0 mastvault stats --kit "$kit"
expect 2 mastvault stats --kit "$kit" --all latest

# A glob that nothing fits restores nothing, which is no success.
expect 1 mastvault restore --kit "$kit" latest --media "$T/nothing" --path 'no/such/*' --path typo
says 'no/such/*'
