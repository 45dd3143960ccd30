#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the published vectors from docs/format.md, sharing no code with lib/.

    make_vectors.py DIRECTORY    writes primitives.json, keys.json, objects/

Everything is derived from fixed bytes, nonces too, so that running it again
gives the same files (`cmp` tells).  Needs Debian's python3-nacl.
"""
import base64
import hashlib
import hmac
import json
import os
import struct
import sys

import nacl.bindings as na
from nacl.pwhash import argon2id

REPO = bytes(range(0x10, 0x20))


def fixed(name, n=32):
    """Bytes that stand for random ones."""
    return hashlib.shake_256(b"mastvault vectors " + name.encode()).digest(n)


def varint(v):
    out = b""
    while v >= 0x80:
        out += bytes([v & 0x7F | 0x80])
        v >>= 7
    return out + bytes([v])


def bytes_(b):
    return varint(len(b)) + b


def u8(v):
    return struct.pack("<B", v)


def u32(v):
    return struct.pack("<I", v)


def u64(v):
    return struct.pack("<Q", v)


def i64(v):
    return struct.pack("<q", v)


def sha256(b):
    return hashlib.sha256(b).digest()


def kdf(key, label):
    return hashlib.blake2b(label.encode(), digest_size=32, key=key).digest()


def aead(key, nonce, ad, plain):
    return na.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, ad, nonce, key)


def box(name, key, ad, plain):
    nonce = fixed("nonce " + name, 24)
    return nonce + aead(key, nonce, ad, plain)


def seal(name, pub, plain):
    """crypto_box_seal with a fixed ephemeral key."""
    esk = fixed("ephemeral " + name)
    epk = na.crypto_scalarmult_base(esk)
    nonce = hashlib.blake2b(epk + pub, digest_size=24).digest()
    return epk + na.crypto_box(plain, nonce, pub, esk)


def sign(seed, label, m):
    _, sk = na.crypto_sign_seed_keypair(seed)
    return na.crypto_sign(label.encode() + b"\0" + m, sk)[:64]


def sign_pub(seed):
    return na.crypto_sign_seed_keypair(seed)[0]


def pad(n):
    if n <= 65536:
        return 65536
    e = n.bit_length() - 1
    s = e.bit_length()
    mask = (1 << (e - s)) - 1
    return (n + mask) & ~mask


def header(kind, epoch):
    return b"mastvlt\n" + bytes([1, kind, 0, 0]) + u32(epoch) + REPO


# What a repository has, under fixed names.
OWNER = fixed("owner seed")
S, I, V = fixed("structure"), fixed("identity"), fixed("vault")
EPOCH = fixed("epoch private")
EPOCH_PUB = na.crypto_scalarmult_base(EPOCH)
KEYS = [(1, 1, "writer"), (2, 2, "reader"), (3, 8, "vault"), (4, 8, "kit")]
SEEDS = {n: fixed(f"seed {n}") for n, _, _ in KEYS}
PRIVS = {n: fixed(f"x25519 {n}") for n, _, _ in KEYS}
PUBS = {n: na.crypto_scalarmult_base(PRIVS[n]) for n, _, _ in KEYS}
TIME = 1700000000


def keyring():
    p = u64(1) + bytes(32) + i64(TIME) + sign_pub(OWNER) + varint(len(KEYS))
    for n, rights, _ in KEYS:
        p += u32(n) + u8(rights) + u8(0) + u64(2**64 - 1)
        p += sign_pub(SEEDS[n]) + PUBS[n]
    p += varint(1) + u32(1) + i64(TIME) + EPOCH_PUB
    p += varint(2)
    k = kdf(S, "mastvault 1 grant")
    for n, g in ((1, b"\3" + S + I + bytes(32)), (2, b"\7" + S + I + EPOCH)):
        p += u32(1) + u32(n) + box(f"grant {n}", k, REPO + u32(1) + u32(n),
                                   seal(f"grant {n}", PUBS[n], g))
    labels = {"environment": "production",
              "keys": {str(n): what for n, _, what in KEYS}}
    text = json.dumps(labels, sort_keys=True, separators=(",", ":")).encode()
    p += bytes_(box("labels", kdf(S, "mastvault 1 label"), b"", text))
    h = header(1, 0)
    rest = u32(len(p)) + p
    rest += bytes(pad(len(h) + 64 + len(rest)) - len(h) - 64 - len(rest))
    return h + sign(OWNER, "mastvault 1 keyring", h + rest) + rest


def sealed(name, kind, label, payload):
    h = header(kind, 1)
    total = pad(32 + 40 + 4 + len(payload))
    plain = u32(len(payload)) + payload
    plain += bytes(total - 72 - len(plain))
    return h + box(name, kdf(S, label), h, plain)


def snapshot(vault_hash):
    d = fixed("detail key")
    detail = b'{"environment":"production","program":"vectors"}'
    ids = [fixed(f"chunk {i}", 16) for i in range(3)]
    p = u64(1) + bytes(32) + u32(1) + i64(TIME + 60) + i64(TIME + 120)
    p += u64(1) + u64(0) + bytes(32) + varint(1 | 4) + u64(123456)
    p += varint(1) + vault_hash
    p += u8(1) + varint(1) + fixed("pin leaf", 16)
    p += varint(1) + fixed("origin", 16) + varint(11) + b"\x01\x04"
    p += varint(3) + u8(0) + u8(1) + varint(3) + b"".join(ids)
    p += u8(2) + u8(1) + fixed("top node", 16) + varint(5000)
    p += seal("detail", EPOCH_PUB, d)
    p += bytes_(aead(d, bytes(24), b"detail" + REPO + u64(1) + u32(1), detail))
    p += sign(SEEDS[1], "mastvault 1 snapshot", header(5, 1) + p)
    return sealed("snapshot", 5, "mastvault 1 snapshot", p)


def vault():
    vid, c = fixed("vault id", 16), fixed("vault content key")
    meta = b'{"file":"/home/mastodon/live/.env.production","mode":"0640"}'
    p = u64(1) + bytes(32) + i64(TIME + 30) + u32(3) + varint(2)
    for n in (3, 4):
        p += u32(n) + seal(f"vault {n}", PUBS[n], c)
    p += bytes_(aead(c, bytes(24), b"vault" + REPO + u64(1) + vid,
                     bytes_(meta) + bytes_(b"LOCAL_DOMAIN=example.org\n")))
    head = header(6, 0) + vid
    p += sign(SEEDS[3], "mastvault 1 vault", head + p)
    plain = u32(len(p)) + p
    plain += bytes(pad(48 + 40 + len(plain)) - 48 - 40 - len(plain))
    return head + box("vault", kdf(V, "mastvault 1 vault"), head, plain)


def key_payload(owner, numbers, secrets, has_vault):
    p = REPO + sign_pub(OWNER) + u64(1) + varint(len(numbers) + owner)
    if owner:
        p += u32(0) + u8(0) + OWNER + bytes(32)
    for n in numbers:
        p += u32(n) + u8(dict((k, r) for k, r, _ in KEYS)[n])
        p += SEEDS[n] + PRIVS[n]
    p += varint(1) + u32(1) + u8(3) + S + I if secrets else varint(0)
    p += varint(1) + V if has_vault else varint(0)
    return p + bytes_(b'{"environment":"production"}')


def key_text(comment, raw):
    text = base64.b64encode(raw).decode()
    lines = [text[i:i + 76] for i in range(0, len(text), 76)]
    return (f"# {comment}\nmastvault-key-1\n" + "\n".join(lines) + "\n").encode()


def writer_key():
    p = b"mvkey\0" + key_payload(False, [1], True, False)
    return key_text("writer", p + sha256(p)[:16])


def kit(passphrase):
    head = b"mvkey\1" + fixed("salt", 16) + u32(2) + u32(64)
    key = argon2id.kdf(32, passphrase, head[6:22], 2, 64 * 1024)
    return key_text("recovery kit",
                    head + box("kit", key, head,
                               key_payload(True, [2, 4], True, True)))


def primitives():
    m = b"what a stranger computes too"
    key = fixed("primitive key")
    nonce = fixed("primitive nonce", 24)
    return {
        "message": m.hex(), "key": key.hex(), "nonce": nonce.hex(),
        "sha256": sha256(m).hex(),
        "hmac": hmac.new(key, m, "sha256").hexdigest(),
        "kdf_label": "mastvault 1 wrap",
        "kdf": kdf(key, "mastvault 1 wrap").hex(),
        "aead_ad": b"ad".hex(), "aead": aead(key, nonce, b"ad", m).hex(),
        "sign_label": "mastvault 1 origin",
        "sign_public": sign_pub(key).hex(),
        "sign": sign(key, "mastvault 1 origin", m).hex(),
        "x25519_public": na.crypto_scalarmult_base(key).hex(),
        "seal": seal("primitive", na.crypto_scalarmult_base(key), m).hex(),
        "argon2id_salt": key[:16].hex(), "argon2id_passes": 2,
        "argon2id_kib": 64,
        "argon2id": argon2id.kdf(32, m, key[:16], 2, 64 * 1024).hex(),
        "pad": [[n, pad(n)] for n in
                (0, 1, 65536, 65537, 67584, 67585, 100000, 131071, 131072,
                 131073, 1000000, 1048577, 16000000, 16777216, 16777217)],
    }


def keys():
    return {
        "repository": REPO.hex(), "owner_seed": OWNER.hex(),
        "structure": S.hex(), "identity": I.hex(), "vault": V.hex(),
        "epoch_private": EPOCH.hex(), "passphrase": "correct horse",
        "seeds": {str(n): SEEDS[n].hex() for n in SEEDS},
        "x25519": {str(n): PRIVS[n].hex() for n in PRIVS},
    }


def main():
    out = sys.argv[1]
    os.makedirs(out + "/objects", exist_ok=True)
    version = vault()
    files = {
        "objects/keyring": keyring(), "objects/vault": version,
        "objects/snapshot": snapshot(sha256(version)),
        "objects/writer.key": writer_key(),
        "objects/kit.key": kit(b"correct horse"),
        "primitives.json": json.dumps(primitives(), indent=1).encode() + b"\n",
        "keys.json": json.dumps(keys(), indent=1).encode() + b"\n",
    }
    for name, data in files.items():
        with open(f"{out}/{name}", "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
