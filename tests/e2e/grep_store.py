#!/usr/bin/python3
"""grep_store.py STORE MARKER... - no marker may stand in any file of the
store, nor in anything that can be decompressed from any offset in it.

grep_store.py --apart STORE STORE - no 32 bytes may stand in both.  The
keyring is left out: who may do what is public, follows from no input, and its
fixed fields are the same everywhere.
"""

import os
import sys

import zstandard

MAGIC = b"\x28\xb5\x2f\xfd"


def files(root):
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                yield path, f.read()


def frames(data):
    """What decompresses from any place that looks like a frame."""
    at = data.find(MAGIC)
    while at >= 0:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        out = b""
        try:
            # In portions: what came before an error counts too.
            for start in range(at, len(data), 4096):
                out += reader.decompress(data[start:start + 4096])
        except zstandard.ZstdError:
            pass
        yield at, out
        at = data.find(MAGIC, at + 1)


def grep(store, markers):
    n = size = tried = 0
    for path, data in files(store):
        n, size = n + 1, size + len(data)
        texts = [("as it is", data), ("its name", path.encode())]
        for at, out in frames(data):
            tried += 1
            texts.append(("decompressed from %d" % at, out))
        for where, text in texts:
            for marker in markers:
                if marker in text:
                    sys.exit("%s: %r, %s" % (path, marker, where))
    if n == 0:
        sys.exit("no files in %s" % store)
    print("%d files, %d bytes, %d places like a zstd frame: no plaintext" % (n, size, tried))


def apart(one, two):
    """Every run of 32 bytes holds a block of 16 that begins at a multiple of
    16, so the blocks of one are enough to look for."""
    blocks = {}
    for path, data in files(one):
        if "/keyring/" in path:
            continue
        for at in range(0, len(data) - 15, 16):
            blocks.setdefault(data[at:at + 16], []).append((path, data, at))
    for path, data in files(two):
        for at in range(len(data) - 15):
            for other, text, place in blocks.get(data[at:at + 16], ()):
                before = 0
                while before < min(at, place) and data[at - before - 1] == text[place - before - 1]:
                    before += 1
                after = 16
                while at + after < len(data) and place + after < len(text) \
                        and data[at + after] == text[place + after]:
                    after += 1
                if before + after >= 32:
                    sys.exit("%s and %s share %d bytes" % (other, path, before + after))
    print("no run of 32 bytes in common")


if sys.argv[1] == "--apart":
    apart(sys.argv[2], sys.argv[3])
else:
    grep(sys.argv[1], [os.fsencode(m) for m in sys.argv[2:]])
