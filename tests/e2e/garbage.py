#!/usr/bin/python3
"""garbage.py STORE OTHER - plant rubbish of every kind in STORE, a directory.

OTHER is the store of another repository, whose objects are whole and not ours.
Nothing that is there is touched.  Prints a line for each thing that was
planted: "object NAME HOW" for what has an object's name, "other NAME HOW" for
what has none.
"""

import hashlib
import os
import random
import sys

HEADER = 32
PADDED = 65536
KINDS = {
    "keyring": (1, "keyring/%08x-{hash}"),
    "data-pack": (2, "packs/{id2}/{id}-{hash}"),
    "node-pack": (3, "packs/{id2}/{id}-{hash}"),
    "index": (4, "index/{hash}"),
    "snapshot": (5, "snapshots/{hash}"),
    "vault": (6, "vault/{id}-{hash}"),
    "ledger": (7, "ledger/%08x-{hash}"),
    "bad": (8, "bad/{hash}"),
}
rng = random.Random(69)
planted = set()


def files(store):
    for folder, _, names in os.walk(store):
        for name in sorted(names):
            path = os.path.join(folder, name)
            yield os.path.relpath(path, store), path


def kind_of(name, data):
    top = name.split("/")[0]
    if top == "packs":
        return "node-pack" if data[9] == 3 else "data-pack"
    return {"keyring": "keyring", "index": "index", "snapshots": "snapshot",
            "vault": "vault", "ledger": "ledger", "bad": "bad"}.get(top)


def objects(store):
    """One whole object of each kind that there is: {kind: (name, bytes)}."""
    found = {}
    for name, path in files(store):
        with open(path, "rb") as f:
            data = f.read()
        if len(data) > HEADER and data[:8] == b"mastvlt\n":
            found.setdefault(kind_of(name, data), (name, data))
    return found


def put(store, name, data, how, what="object"):
    path = os.path.join(store, name)
    if name in planted or os.path.lexists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    planted.add(name)
    print(what, name, how)


def named(kind, data, number=0x7fffffff):
    number_of, form = KINDS[kind]
    del number_of
    ident = rng.randbytes(16).hex()
    if "%" in form:
        form = form % number
    return form.format(hash=hashlib.sha256(data).hexdigest(), id=ident,
                       id2=ident[:2])


def header(kind, repo, version=1):
    return (b"mastvlt\n" + bytes([version, KINDS[kind][0], 0, 0]) +
            (1).to_bytes(4, "little") + repo)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]


def under_true_hashes(store, kind, repo, whole):
    junk = rng.randbytes
    forms = {
        "noise": junk(PADDED),
        "nothing": b"",
        "ten-bytes": junk(10),
        "zeros": bytes(PADDED),
        "our-header": header(kind, repo) + junk(PADDED - HEADER),
        "header-alone": header(kind, repo),
        "next-version": header(kind, repo, 2) + junk(PADDED - HEADER),
        "unpadded": header(kind, repo) + junk(777),
    }
    if whole is not None:
        forms["cut"] = whole[:len(whole) // 2]
        forms["longer"] = whole + bytes(PADDED)
        forms["bit-in-header"] = flipped(whole, 12)
        forms["bit-in-body"] = flipped(whole, 200)
        forms["bit-at-end"] = flipped(whole, len(whole) - 1)
    for how, data in forms.items():
        put(store, named(kind, data), data, "%s:%s" % (kind, how))


def moved(store, kind, other, ours):
    """What is whole, in a place where it does not belong."""
    if kind in other:
        name, data = other[kind]
        put(store, name, data, kind + ":of-another-repository")
    for as_kind in KINDS:
        if as_kind != kind and kind in ours:
            data = ours[kind][1]
            put(store, named(as_kind, data), data,
                "%s:as-%s" % (kind, as_kind))
    if kind in ours:
        data = ours[kind][1]
        put(store, named(kind, b"something else"), data, kind + ":wrong-hash")


def no_objects(store):
    """Names that are none, and things that are no files."""
    ident = rng.randbytes(16).hex()
    digest = rng.randbytes(32).hex()
    for name in ("README", "snapshots/" + digest.upper(),
                 "snapshots/" + digest[:-1], "snapshots/" + digest + "0",
                 "packs/zz/%s-%s" % (ident, digest), "index/../index/x",
                 "packs/%s-%s" % (ident, digest), "lost+found/x",
                 "keyring/1-" + digest, "vault/" + digest,
                 "snapshots/" + digest + ".tmp", "a/b/c/d", "x" * 120,
                 "index/" + "\udcff" * 8, "index/a\nb", "snapshots/ ",
                 "packs/00/" + "f" * 200):
        if ".." not in name:
            put(store, name, b"rubbish", "a-name", "other")
    for folder in ("snapshots", "index", "vault", "keyring", "packs/00"):
        base = os.path.join(store, folder)
        os.makedirs(base, exist_ok=True)
        prefix = {"vault": ident + "-", "keyring": "7ffffffe-",
                  "packs/00": "00" + ident[2:] + "-"}.get(folder, "")
        for how in ("directory", "fifo", "link-out", "link-loop"):
            name = prefix + rng.randbytes(32).hex()
            path = os.path.join(base, name)
            if how == "directory":
                os.mkdir(path)
            elif how == "fifo":
                os.mkfifo(path)
            elif how == "link-out":
                os.symlink("/etc/passwd", path)
            else:
                os.symlink(name, path)
            print("other", os.path.join(folder, name), how)


def main():
    store, elsewhere = sys.argv[1:3]
    sys.stdout.reconfigure(errors="surrogateescape")
    ours, other = objects(store), objects(elsewhere)
    repo = ours["snapshot"][1][16:32]
    for kind in KINDS:
        under_true_hashes(store, kind, repo, ours.get(kind, (None, None))[1])
        moved(store, kind, other, ours)
    no_objects(store)


main()
