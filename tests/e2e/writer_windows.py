#!/usr/bin/python3
"""writer_windows.py KIT STORE FILE... - try every 32 bytes of some files as a key.

Takes the smallest data segment of the store, and for every run of 32 bytes in
the FILEs (as they are, and for key files decoded as well) tries it

* as the pack's data key, on the segment,
* as the epoch's private key, on the sealed data key in the pack's wrap,
* as the reader's private key, on the sealed grant in the keyring,

the outer layers of wrap and grant being open, as they are to a writer. Ends
with 1 and names the file when one fits, else prints how many were tried.
"""

import base64
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "reader"))
import reader  # noqa: E402
from nacl import bindings as sodium  # noqa: E402
from nacl.exceptions import CryptoError  # noqa: E402


def contents(path):
    data = path.read_bytes()
    yield data
    if b"mastvault-key-1" in data:
        lines = data.split(b"mastvault-key-1")[1].split(b"\n")
        yield base64.b64decode(b"".join(line for line in lines if not line.startswith(b"#")))


def opens(how, *args):
    try:
        how(*args)
        return True
    except (CryptoError, RuntimeError, ValueError):
        return False


def targets(kit, store):
    """What to open: functions of a key."""
    r = reader.Repository(kit, store)
    packs = r.all("packs/[0-9a-f]{2}/[0-9a-f]{32}-", lambda name: reader.Pack(r, name))
    pack, s = min(((p, s) for p in packs if p.kind == reader.DATA for s in p.segments),
                  key=lambda found: found[1].length)
    o, epoch = s.origin, r.epochs[s.origin.epoch]
    with open(r.root / pack.name, "rb") as f:
        stored = reader.read_at(f, s.offset, s.length)
    what = r.id + bytes([pack.kind]) + o.id
    ad, nonce = b"segment" + what + reader.le(s.ordinal), reader.le(s.ordinal, 8) + bytes(16)
    wrap = reader.box_open(reader.kdf(epoch.S, b"wrap"), b"wrap" + what + reader.le(o.epoch), o.wrap)
    me = next(i for i in r.kit.identities if (1, i.number) in r.ring.grants)
    grant = reader.box_open(reader.kdf(epoch.S, b"grant"), r.id + reader.le(1) + reader.le(me.number),
                            r.ring.grants[1, me.number])
    key = reader.seal_open(epoch.private, wrap)
    sealed = [(r.ring.epochs[o.epoch], wrap), (r.ring.keys[me.number].x25519, grant)]

    def fits(k):
        if opens(reader.aead_open, stored, ad, nonce, k):
            return True
        # A private key opens what was sealed to its own public key only.
        return any(reader.public(k) == public for public, _ in sealed) if any(k) else False

    for secret in key, epoch.private, me.private:
        assert fits(secret), "the trial itself does not work"
    for (public, box), secret in zip(sealed, (epoch.private, me.private)):
        assert sodium.crypto_box_seal_open(box, public, secret)
    return fits


def main():
    kit, store, *files = sys.argv[1:]
    fits, seen = targets(kit, store), set()
    for path in map(pathlib.Path, files):
        for data in contents(path):
            for at in range(len(data) - 31):
                k = data[at:at + 32]
                if k not in seen and fits(k):
                    sys.exit(f"{path}: the 32 bytes at {at} open what no writer may")
                seen.add(k)
    assert len(seen) > 1000, "hardly anything was tried"
    print(f"{len(seen)} keys tried, none fits")


main()
