#!/usr/bin/python3
"""media.py tree|wide|day|awkward DIR [--seed N] [--files N] [--size-scale F] [...]

tree     a media tree as Mastodon's paperclip lays it out: most files small,
         a few of megabytes, a cache/ of other servers' files beside them
wide     originals of attachments months apart: each file lies alone at the end
         of a path of its own, 5.8 directories a file, 180 kB on average
day      one day more: 1 % new files, some deleted, some made private
awkward  what a backup has to survive in DIR/awkward: empty, huge and sparse
         files, hard links, symlinks, odd names, extended attributes, modes

File contents look like JPEGs: a header, then bytes that do not compress.
The same seed gives the same tree, times included; owners are who runs it.
"""

import argparse
import os

import common
from common import digest, rng

JPEG = bytes.fromhex("ffd8ffe000104a46494600010101004800480000ffdb004300")
NS = 1000000000


class Tree:
    def __init__(self, root, seed, size_scale):
        self.root = root
        self.seed = seed
        self.size_scale = size_scale
        self.made = set()

    def write(self, path, r, size, when):
        path = os.path.join(self.root, path)
        folder = os.path.dirname(path)
        if folder not in self.made:
            os.makedirs(folder, exist_ok=True)
            self.made.add(folder)
        size = max(40, int(size * self.size_scale))
        with open(path, "wb") as f:
            f.write(JPEG + r.randbytes(size - len(JPEG) - 2) + b"\xff\xd9")
        os.utime(path, ns=(when, when))

    @staticmethod
    def partition(number):
        digits = "%09d" % number if number < 10**9 else "%018d" % number
        return "/".join(digits[i:i + 3] for i in range(0, len(digits), 3))

    def attachment(self, n):
        """Attachment n: the original and its preview."""
        r = rng(self.seed, "file%d" % n)
        cache = "" if n % 9 == 0 else "cache/"
        base = "%smedia_attachments/files/%s" % (
            cache, self.partition(common.media_id(n)))
        name = common.media_name(self.seed, n) + ".jpg"
        when = (1735689600 + common.media_second(n)) * NS + r.randrange(NS)
        size = min(r.lognormvariate(11.6, 1.0), 8e6)
        self.write("%s/original/%s" % (base, name), r, size, when)
        self.write("%s/small/%s" % (base, name), r, min(size / 3, 60000), when + 1000)
        return 2

    def alone(self, n):
        """The original of an attachment 58 attachments after the one before."""
        r = rng(self.seed, "file%d" % n)
        when = (1735689600 + common.media_second(n)) * NS + r.randrange(NS)
        self.write("media_attachments/files/%s/original/%s.jpg" % (
            self.partition(common.media_id(n * 58)), common.media_name(self.seed, n)),
            r, min(r.lognormvariate(11.6, 1.0), 8e6), when)

    def avatar(self, n):
        r = rng(self.seed, "avatar%d" % n)
        ident = n + 1 if n < 50 else common.snowflake(n * 53, n)
        cache = "" if n % 4 == 0 else "cache/"
        self.write("%saccounts/avatars/%s/original/%s.jpg" % (
            cache, self.partition(ident), digest(self.seed, "avatar", n)[:16]),
            r, min(r.lognormvariate(10.2, 0.6), 2e6), (1735689600 + n * 53) * NS + n)
        return 1

    def emoji(self, n):
        r = rng(self.seed, "emoji%d" % n)
        for style in ("original", "static"):
            self.write("custom_emojis/images/%s/%s/%s.png" % (
                self.partition(n + 1), style, digest(self.seed, "emoji", n)[:16]),
                r, 4000 + r.random() * 30000, (1735689600 + n * 5000) * NS + n)
        return 2

    def fill(self, files):
        left, n = files - 2, 0
        r = rng(self.seed, "site")
        self.write("site_uploads/files/000/000/001/original/thumbnail.png", r,
                   300000, 1735689600 * NS)
        self.write("backups/dumps/000/000/001/original/archive-1.zip", r,
                   200000, 1735689600 * NS)
        while left > 0:
            left -= self.attachment(n)
            if n % 3 == 0 and left > 0:
                left -= self.avatar(n // 3)
            if n % 20 == 0 and left > 1:
                left -= self.emoji(n // 20)
            n += 1

    def day(self, files, number):
        each = max(2, files // 200)
        first = files + number * each
        for n in range(first, first + each):
            self.attachment(n)
        found = []
        for folder, _, names in os.walk(self.root):
            found += [os.path.join(folder, name) for name in names
                      if name.endswith(".jpg")]
        found.sort()
        r = rng(self.seed, "day%d" % number)
        for path in r.sample(found, min(len(found) // 4, max(1, files // 500))):
            os.unlink(path)
        found = [p for p in found if os.path.exists(p)]
        # What Mastodon does to the media of a suspended account.
        for path in r.sample(found, min(len(found) // 4, max(1, files // 500))):
            os.chmod(path, 0o600)


def put(folder, name, data=b"x", mode=0o644):
    path = folder + b"/" + name
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(fd, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


def huge(path, seed, size):
    """Real bytes, but a cycle of them, with a number in each round."""
    block = rng(seed, "huge").randbytes(16 << 20)
    with open(path, "wb") as f:
        done = 0
        while done < size:
            f.write((b"%016d" % done + block[16:])[:size - done])
            done += len(block)


def awkward(root, seed, big):
    folder = os.fsencode(os.path.join(root, "awkward"))
    os.makedirs(folder, exist_ok=True)
    r = rng(seed, "awkward")
    for n in range(5):
        put(folder, b"empty%d" % n, b"")
    for size in (1, 511, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1):
        put(folder, b"size-%d" % size, r.randbytes(size))
    put(folder, b"zeros", bytes(3 << 20))
    put(folder, b"text", b"the same line over and over again\n" * 50000)
    # Sparse: holes at the start, between and at the end.
    with open(folder + b"/sparse", "wb") as f:
        f.seek(5 << 20)
        f.write(r.randbytes(100000))
        f.seek((2 << 30) + 12345)
        f.write(b"island" * 1000)
        f.truncate(5 << 29)
    with open(folder + b"/hole", "wb") as f:
        f.truncate(50 << 20)
    if big:
        huge(folder + b"/huge", seed, big)
    # Hard links: within a folder, across folders, three of one.
    os.mkdir(folder + b"/links")
    first = put(folder, b"linked", r.randbytes(30000))
    os.link(first, folder + b"/also-linked")
    os.link(first, folder + b"/links/linked-elsewhere")
    pair = put(folder + b"/links", b"pair-a", r.randbytes(10))
    os.link(pair, folder + b"/links/pair-b")
    os.symlink("text", folder + b"/links/relative")
    os.symlink("/etc/hostname", folder + b"/links/absolute")
    os.symlink("nowhere/at/all", folder + b"/links/dangling")
    os.symlink("../links", folder + b"/links/loop")
    os.symlink(b"t" * 4000, folder + b"/links/long-target")
    os.symlink(b"caf\xe9", folder + b"/links/latin-1-target")
    os.mkdir(folder + b"/names")
    names = [b"with\nnewline", b"with\ttab", b"\xff\xfe invalid utf-8 \x80",
             b"caf\xc3\xa9", b"cafe\xcc\x81", b"n" * 255, b"\xf0\x9f\x90\x98" * 63,
             b" leading", b"trailing ", b"-rf", b"--help", b"*", b"?", b"[a]", b"a\\b",
             b"'quote", b'"double"', b"$HOME", b"`id`", b";", b"|", b"\x01\x02\x1b[31m",
             b"...", b"..x", b"\x7f", b"#hash", b"%41", b"a:b", b"A", b"a", b"a.b", b"a-b"]
    for name in names:
        put(folder + b"/names", name, name)
    # Bytewise order: 'a-b' and 'a.b' come before what is inside 'a/'.
    os.mkdir(folder + b"/order")
    os.mkdir(folder + b"/order/a")
    for name in (b"a/x", b"a-b", b"a.b", b"a0"):
        put(folder + b"/order", name, name)
    deep = folder + b"/deep"
    for _ in range(40):
        deep += b"/down"
    os.makedirs(deep)
    put(deep, b"bottom", b"here")
    os.mkdir(folder + b"/empty-folder")
    for mode in (0o600, 0o640, 0o400, 0o777, 0o4755, 0o2755, 0o1644):
        put(folder, b"mode-%04o" % mode, b"m", mode)
    os.mkdir(folder + b"/private")
    put(folder + b"/private", b"file", b"p", 0o600)
    os.chmod(folder + b"/private", 0o2700)
    marked = put(folder, b"xattrs", b"marked")
    os.setxattr(marked, b"user.comment", b"a comment")
    os.setxattr(marked, b"user.empty", b"")
    os.setxattr(marked, b"user.binary", bytes(range(256)))
    os.setxattr(folder + b"/private", b"user.folder", b"yes")
    for when, name in ((0, b"epoch"), (-86400 * NS, b"before-1970"), (1, b"one-ns"),
                       (4102444800 * NS + 999999999, b"far-future")):
        path = put(folder, name)
        os.utime(path, ns=(when, when))
    if os.geteuid() == 0:
        os.chown(put(folder, b"owned"), 12345, 54321)
        os.lchown(folder + b"/links/dangling", 991, 991)
    # Folders get their times last, deepest first.
    for path, _, _ in os.walk(folder, topdown=False):
        when = 1740000000 * NS + len(path)
        os.utime(path, ns=(when, when))


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=("tree", "wide", "day", "awkward"))
    ap.add_argument("dir")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--files", type=int, default=1000)
    ap.add_argument("--size-scale", type=float, default=1.0)
    ap.add_argument("--day", type=int, default=1)
    ap.add_argument("--big", type=int, default=3 << 30,
                    help="bytes of the huge file, 0 for none")
    args = ap.parse_args()
    tree = Tree(args.dir, args.seed, args.size_scale)
    if args.what == "tree":
        tree.fill(args.files)
    elif args.what == "wide":
        for n in range(args.files):
            tree.alone(n)
    elif args.what == "day":
        tree.day(args.files, args.day)
    else:
        awkward(args.dir, args.seed, args.big)


if __name__ == "__main__":
    main()
