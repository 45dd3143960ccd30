#!/usr/bin/python3
"""media.py A B [--no-owner] [--ignore PATH]... - are two trees the same?

Compares type, mode, owner, time of modification to the nanosecond, extended
attributes, link targets, which names are one file, contents, and whether what
was sparse still is.  Prints every difference (the first 40), then a count.
"""

import argparse
import os
import stat
import sys


def same_content(a, b):
    with open(a, "rb", buffering=0) as f, open(b, "rb", buffering=0) as g:
        while True:
            x, y = f.read(1 << 20), g.read(1 << 20)
            if x != y:
                return False
            if not x:
                return True


def look(root, args):
    """Path -> {what: value} for everything below root, and its hard links."""
    found, inodes = {}, {}
    root = os.fsencode(root)
    ignore = [os.fsencode(p).rstrip(b"/") for p in args.ignore]
    stack = [b""]
    while stack:
        rel = stack.pop()
        for entry in os.scandir(os.path.join(root, rel)):
            path = os.path.join(rel, entry.name)
            if path in ignore:
                continue
            st = entry.stat(follow_symlinks=False)
            full = os.path.join(root, path)
            it = {"type": stat.S_IFMT(st.st_mode), "mode": oct(stat.S_IMODE(st.st_mode)),
                  "mtime": st.st_mtime_ns}
            if not args.no_owner:
                it["owner"] = (st.st_uid, st.st_gid)
            if stat.S_ISLNK(st.st_mode):
                it["target"] = os.readlink(full)
            else:
                it["xattrs"] = sorted(
                    (name, os.getxattr(full, name, follow_symlinks=False))
                    for name in os.listxattr(full, follow_symlinks=False))
            if stat.S_ISREG(st.st_mode):
                it["size"] = st.st_size
                # File systems differ in single blocks, not in megabytes.
                it["sparse"] = st.st_blocks * 512 + (1 << 20) < st.st_size
                if st.st_nlink > 1:
                    inodes.setdefault((st.st_dev, st.st_ino), []).append(path)
            elif stat.S_ISDIR(st.st_mode):
                stack.append(path)
            found[path] = it
    for names in inodes.values():
        for path in names:
            found[path]["links"] = sorted(names)
    return found


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("a")
    ap.add_argument("b")
    ap.add_argument("--no-owner", action="store_true")
    ap.add_argument("--ignore", action="append", default=[])
    args = ap.parse_args()
    one, two = look(args.a, args), look(args.b, args)
    wrong = []
    seen = set()
    size = 0
    for path in sorted(one.keys() | two.keys()):
        name = os.fsdecode(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if path not in one or path not in two:
            wrong.append("%r: only in %s" % (name, args.a if path in one else args.b))
            continue
        x, y = one[path], two[path]
        for key in sorted(x.keys() | y.keys()):
            # One that is sparse only now has lost nothing.
            if key == "sparse" and (y.get(key) or not x.get(key)):
                continue
            if x.get(key) != y.get(key):
                wrong.append("%r: %s: %r is now %r" % (name, key, x.get(key), y.get(key)))
        if "size" in x and "size" in y:
            group = (tuple(x.get("links", [path])))
            if group in seen:
                continue
            seen.add(group)
            size += x["size"]
            if x["size"] == y["size"] and not same_content(
                    os.path.join(os.fsencode(args.a), path),
                    os.path.join(os.fsencode(args.b), path)):
                wrong.append("%r: contents differ" % name)
    for line in wrong[:40]:
        print(line)
    if wrong:
        print("%d differences" % len(wrong))
        sys.exit(1)
    print("%d entries and %d bytes are the same" % (len(one), size))
    if not one:
        sys.exit("nothing was compared")


if __name__ == "__main__":
    main()
