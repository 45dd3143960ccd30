#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An independent reader of mastvault's repositories, from docs/format.md alone.

    reader.py KIT STORE keyrings | snapshots
    reader.py KIT STORE ls | archive | env-file SNAPSHOT
    reader.py KIT STORE file | table SNAPSHOT PATH | SCHEMA.NAME

KIT is a recovery kit or a reader's key file, STORE a directory, SNAPSHOT the start of an id, or
"latest". Numbers in comments are sections of the page. Index objects are never used, pins neither.
Some checks come after the last byte of output: heed the exit code.
"""
import base64
import functools
import getpass
import hashlib
import hmac
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace as Record

import nacl.bindings as sodium
import zstandard
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as aead_open

WRITE, READ, MAINTAIN, VAULT = 1, 2, 4, 8
KEYRING, DATA, NODE, SNAPSHOT, VERSION = 1, 2, 3, 5, 6
DIRECTORY, FILE, SYMLINK, HARDLINK = 1, 2, 3, 4
HUGE, V1 = 2**64 - 1, b'mastvault 1 '

def need(condition, what):
    if not condition:
        raise ValueError(what)

def note(what): print(f'reader.py: {what}', file=sys.stderr)

def ascending(values):
    values = list(values)
    need(all(a < b for a, b in zip(values, values[1:])), 'wrong order')

# 1. Notation and primitives
class Decoder:  # takes fields off the front of some bytes
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(n <= len(self.data) - self.at, 'truncated')
        self.at += n
        return self.data[self.at - n:self.at]

    def __call__(self, form):
        """A field: '32' bytes, an integer such as 'u32', or what the method of that name takes."""
        if form in ('u8', 'u16', 'u32', 'u64', 'i64'):
            return int.from_bytes(self.take(int(form[1:]) // 8), 'little', signed=form == 'i64')
        return self.take(int(form)) if form.isdigit() else getattr(self, form)()

    def record(self, fields):
        fields = [field.split(':') for field in fields.split()]
        return Record(**{name: self(form) for name, form in fields})

    def many(self, fields, low=0, high=HUGE, by=''):  # ascending by the fields of that name
        records = [self.record(fields) for _ in range(self.varint(low, high))]
        ascending([getattr(r, name) for name in by.split()] for r in records if by)
        return records

    def varint(self, low=0, high=HUGE):
        value = shift = 0
        while (byte := self('u8')) >= 128:
            value, shift = value | (byte & 127) << shift, shift + 7
        value |= byte << shift
        need(byte or not shift, 'a varint not in its shortest form')
        need(low <= value <= high, f'{value} is not within {low} to {high}')
        return value

    def bytes(self, low=0, high=HUGE): return self.take(self.varint(low, high))
    def ids(self, high): return [r.id for r in self.many('id:16', 1, high)]
    def rest(self): return self.take(len(self.data) - self.at)
    def end(self): need(self.at == len(self.data), 'leftover bytes')

    def bitmap(self):
        nbits = self.varint(1, 65536)
        bits = int.from_bytes(self.take((nbits + 7) // 8), 'little')
        need(0 < bits < 1 << nbits, 'a bitmap that is empty, or set beyond its end')
        return bits

    def root(self):  # 4.2
        form = self('u8')
        need(form <= 2, 'an unknown form of root')
        ids = self.ids(16) if form == 1 else []
        if form < 2:
            return Record(level=None, ids=ids, leaves=len(ids))
        root = self.record('level:u8 id:16 leaves:varint')  # what fits inline must be
        need(root.level <= 7 and root.leaves > 16, 'a wrong root')
        return root

def le(value, size=4): return value.to_bytes(size, 'little')
def sha256(data): return hashlib.sha256(data).digest()
def mac(key, data): return hmac.digest(key, data, 'sha256')
def kdf(key, label): return hashlib.blake2b(V1 + label, key=key, digest_size=32).digest()
def box_open(key, ad, box): return aead_open(box[24:], ad, box[:24], key)
def public(private): return sodium.crypto_scalarmult_base(private)
def seal_open(private, box): return sodium.crypto_box_seal_open(box, public(private), private)

def check_signature(public, label, message, signature):
    sodium.crypto_sign_open(signature + V1 + label + b'\0' + message, public)

def parse_json(data):
    return json.loads(data, object_pairs_hook=lambda m: ascending(k for k, _ in m) or dict(m))

def pad(n):  # 1.1
    exponent = n.bit_length() - 1
    unit = 1 << exponent - exponent.bit_length()
    return 65536 if n <= 65536 else -(-n // unit) * unit

def unpad(data, before):  # 1.4
    d = Decoder(data)
    payload = d.take(d('u32'))
    need(before + len(data) == pad(before + 4 + len(payload)) and not any(d.rest()), 'padding')
    return payload

def check_header(data, kind, repository):  # 1.2
    h = Decoder(data[:32]).record('magic:8 version:u8 kind:u8 zero:2 epoch:u32 repository:16')
    need((h.magic, h.version, h.zero) == (b'mastvlt\n', 1, b'\0\0'), 'no object of this format')
    need(h.kind == kind and h.repository == repository, 'another kind or repository')
    need((h.epoch == 0) == (kind in (KEYRING, VERSION)), 'a wrong epoch')
    return h.epoch

def check_chain(what, found):  # each signer has one; sorts by time
    chain = {(r.signer, r.number): bytes.fromhex(r.name[-64:]) for r in found}
    if len(chain) < len(found):
        note(f'ALARM: {what}: two with one number')
    for r in found:
        if chain.get((r.signer, r.number - 1), None if r.number > 1 else bytes(32)) != r.previous:
            note(f"ALARM: '{r.name}' follows '{r.previous.hex()}', which is not here")
    return sorted(found, key=lambda r: (r.time, r.signer, r.number))

# 11. Key files and the recovery kit
def read_key_file(path):
    data = Path(path).read_bytes()
    lines = [line.strip(b' \t\r') for line in data.split(b'\n')]
    first, *lines = [line for line in lines if line and not line.startswith(b'#')]
    need(len(data) <= 1 << 20 and first == b'mastvault-key-1', 'no key file')
    data = base64.b64decode(b''.join(lines), validate=True)
    need(base64.b64encode(data) == b''.join(lines), 'base64 in another form')
    d = Decoder(data)
    need(d('5') == b'mvkey' and data[5] <= 1, 'no key file')
    if d('u8') == 0:
        d.data = data[:-16]
        need(sha256(d.data)[:16] == data[-16:], 'the key file is damaged')
    else:
        salt, passes, memory = d('16'), d('u32'), d('u32')
        need(1 <= passes <= 64 and 8 <= memory <= 1 << 22, 'unreasonable Argon2id')
        passphrase = getpass.getpass('Passphrase: ').encode(errors='surrogateescape')
        key = sodium.crypto_pwhash_alg(32, passphrase, salt, passes, memory * 1024,
                                       sodium.crypto_pwhash_ALG_ARGON2ID13)
        d = Decoder(box_open(key, data[:30], d.rest()))
    kit = d.record('repository:16 owner:32 keyring:u64')
    kit.identities = d.many('number:u32 rights:u8 seed:32 private:32', 0, 8, by='number')
    kit.epochs = d.many('number:u32 flags:u8 S:32 I:32', 0, 64, by='number')
    kit.vault = [v.V for v in d.many('V:32', 0, 1)]
    kit.note, _ = parse_json(d.bytes()), d.end()
    for i in kit.identities:
        need(1 <= i.rights <= 15 if i.number else not (i.rights or any(i.private)), 'wrong rights')
    for e in kit.epochs:
        need(e.number and 1 <= e.flags <= 3, 'a wrong epoch')
        need((e.flags & 1 or not any(e.S)) and (e.flags & 2 or not any(e.I)), 'absent, not zero')
    return kit

class Repository:
    def __init__(self, kit, root):
        self.kit, self.root = read_key_file(kit), Path(root)
        self.id = self.kit.repository
        self.rings = self.all('keyring/[0-9a-f]{8}-', self.decode_keyring)
        self.ring = max(self.rings, key=lambda r: r.number)  # in force
        need(sum(r.number == self.ring.number for r in self.rings) == 1, 'two newest keyrings')
        need(self.ring.number >= self.kit.keyring, f'keyring {self.kit.keyring} was seen')
        for i in [i for i in self.kit.identities if i.number]:
            pair = sodium.crypto_sign_seed_keypair(i.seed)[0], public(i.private)
            key = self.ring.keys[i.number]
            need(pair == (key.ed25519, key.x25519), f'key {i.number} is another in the keyring')
        self.epochs = self.open_epochs()

    def read(self, name):
        data = (self.root / name).read_bytes()
        need(sha256(data).hex() == name[-64:], 'the content does not give the name')
        return data

    def all(self, form, decode):  # 1.3; what decode refuses is set aside
        folder, found, form = form.partition('/')[0], [], re.compile(form + '[0-9a-f]{64}')
        names = (p.relative_to(self.root).as_posix() for p in self.root.glob(folder + '/**/*'))
        for name in sorted(filter(form.fullmatch, names)):
            try:
                found.append(decode(name))
            except Exception as e:  # whatever such bytes may lead to
                note(f"'{name}' is set aside: {e!r}")
        return found if folder == 'packs' else check_chain(folder, found)

    # 2. Secrets and epochs, 3. Keyring
    def decode_keyring(self, name):
        data = self.read(name)
        check_header(data, KEYRING, self.id)
        check_signature(self.kit.owner, b'keyring', data[:32] + data[96:], data[32:96])
        d = Decoder(unpad(data[96:], 96))
        ring = d.record('number:u64 previous:32 time:i64 owner:32')
        key = 'number:u32 rights:u8 state:u8 distrusted:u64 ed25519:32 x25519:32'
        ring.keys = {k.number: k for k in d.many(key, by='number')}
        epochs = d.many('number:u32 time:i64 public:32', 1, by='number')
        ring.epochs = {e.number: e.public for e in epochs}
        grants = d.many('epoch:u32 key:u32 box:185', by='epoch key')
        ring.grants = {(g.epoch, g.key): g.box for g in grants}
        ring.labels, ring.name, ring.signer, _ = d.bytes(), name, 0, d.end()
        need((ring.number, ring.owner) == (int(name[8:16], 16), self.kit.owner), 'not its name')
        for k in ring.keys.values():
            need(k.number and 1 <= k.rights <= 15 and k.state <= 1, 'a wrong key')
        need(epochs[0].number == 1 and epochs[-1].number == len(epochs), 'epochs with gaps')
        need(all(e in ring.epochs and k in ring.keys for e, k in ring.grants), 'grant to nobody')
        return ring

    def open_grant(self, identity, epoch, S):
        ad = self.id + le(epoch) + le(identity.number)
        box = box_open(kdf(S, b'grant'), ad, self.ring.grants[epoch, identity.number])
        g = Decoder(seal_open(identity.private, box)).record('flags:u8 S:32 I:32 private:32')
        rights = self.ring.keys[identity.number].rights
        dues = (g.S, 1, WRITE | READ | MAINTAIN), (g.I, 2, WRITE | READ), (g.private, 4, READ)
        need(g.flags == sum(f for _, f, holders in dues if rights & holders), 'other secrets')
        need(not any(any(x) for x, f, _ in dues if not g.flags & f), 'absent, not zero')
        return g

    def open_epochs(self):
        epochs = {e.number: Record(S=e.S, I=e.I, private=None) for e in self.kit.epochs}
        for number, epoch_key in self.ring.epochs.items():
            for i in [i for i in self.kit.identities if (number, i.number) in self.ring.grants]:
                g = self.open_grant(i, number, epochs[max(number - 1, 1)].S)
                need(number not in epochs or epochs[number].S == g.S, 'two structure secrets')
                if g.flags & 4:
                    need(public(g.private) == epoch_key, 'an epoch key that is no pair')
                    epochs[number] = g
        box_open(kdf(epochs[max(self.ring.epochs)].S, b'label'), b'', self.ring.labels)
        return epochs

    def check_signer(self, number, right, label, message, signature):
        key = self.ring.keys[number]
        need(key.rights & right, f'key {number} has no right to sign this')
        check_signature(key.ed25519, label, message, signature)
        return key

    def decode_snapshot(self, name):  # 7. Snapshot
        data = self.read(name)
        epoch, H = check_header(data, SNAPSHOT, self.id), data[:32]
        payload = unpad(box_open(kdf(self.epochs[epoch].S, b'snapshot'), H, data[32:]), 72)
        d = Decoder(payload[:-64])
        s = d.record('number:u64 previous:32 signer:u32 started:i64 time:i64 keyring:u64 '
                     'ledger:u64 ledger_hash:32 parts:varint added:u64')
        self.check_signer(s.signer, WRITE, b'snapshot', H + payload[:-64], payload[-64:])
        s.vault = [v.hash for v in d.many('hash:32')]
        s.pins, s.pin_nodes = d.root(), d.many('origin:16 bits:bitmap', by='origin')
        s.streams = [r.root for r in d.many('root:root', 0, 65536)]
        s.detail_key, s.detail, s.epoch, s.name, _ = d('80'), d.bytes(), epoch, name, d.end()
        need(s.parts <= 63, 'unknown parts')
        return s

    def detail(self, s):
        key = seal_open(self.epochs[s.epoch].private, s.detail_key)
        ad = b'detail' + self.id + le(s.number, 8) + le(s.signer)
        return parse_json(aead_open(s.detail, ad, bytes(24), key))

    def decode_version(self, name):  # 9. Vault version
        data = self.read(name)
        check_header(data, VERSION, self.id)
        need(data[32:48].hex() == name[6:38], 'another id than in the name')
        payload = unpad(box_open(kdf(self.kit.vault[0], b'vault'), data[:48], data[48:]), 88)
        d = Decoder(payload[:-64])
        v = d.record('number:u64 previous:32 time:i64 signer:u32')
        self.check_signer(v.signer, VAULT, b'vault', data[:48] + payload[:-64], payload[-64:])
        v.recipients = d.many('key:u32 sealed:80', 1, by='key')
        v.content, v.id, v.name, _ = d.bytes(), data[32:48], name, d.end()
        need(v.recipients[0].key, 'a wrong recipient')
        return v

    def env_file(self, s):
        found = {v.name[-64:]: v for v in self.all('vault/[0-9a-f]{32}-', self.decode_version)}
        bound = [found[h.hex()] for h in s.vault]
        need([v.number for v in bound] == self.detail(s)['secrets']['versions'], 'other versions')
        v, mine = bound[-1], {i.number: i.private for i in self.kit.identities}
        key = next(seal_open(mine[r.key], r.sealed) for r in v.recipients if r.key in mine)
        ad = b'vault' + self.id + le(v.number, 8) + v.id
        d = Decoder(aead_open(v.content, ad, bytes(24), key))
        _, content, _ = parse_json(d.bytes()), d.bytes(), d.end()
        return content

# 5. Packs
def read_at(f, offset, length):
    f.seek(offset)
    data = f.read(max(length, 0))
    need(len(data) == length, 'truncated')
    return data

class Pack:  # of which only footer and fill are read
    def __init__(self, repository, name):  # 5.3
        self.repository, self.name, self.segments = repository, name, []
        with open(repository.root / name, 'rb') as f:
            size, head = f.seek(0, 2), read_at(f, 0, 48)
            self.kind = NODE if head[9] == NODE else DATA
            K = kdf(repository.epochs[check_header(head, self.kind, repository.id)].S, b'footer')
            d = Decoder(box_open(K, b'trailer' + head, read_at(f, size - 48, 48)))
            start, length = d('u32'), d('u32')
            d = Decoder(box_open(K, b'footer' + head, read_at(f, start, length)))
            ascending(self.decode_origin(d) for _ in range(d.varint(1)))
            end = 48
            for s in sorted(self.segments, key=lambda s: s.offset):
                need(s.offset == end, 'segments with gaps')
                end += s.length
            need(head[32:].hex() == name[9:41], 'another id than in the name')
            need(start + length + 48 == size == pad(end + length + 48), 'a wrong length')
            need(sha256(read_at(f, end, start - end)) == d('32'), 'the fill is damaged')
            d.end()

    def decode_origin(self, d):
        o, digests = d.record('id:16 epoch:u32 writer:u32 seq:u64'), b''
        n = d.varint(1, 65536)
        o.wrap, signature = d('120' if self.kind == DATA else '72'), d('64')
        for ordinal in range(n):
            if present := d('u8'):
                need(present == 1, 'an unknown flag')
                s = d.record('offset:u32 length:u32 sha:32')
                start, s.ids = d.at, d.ids(4096)
                s.origin, s.ordinal = o, ordinal
                self.segments.append(s)
                entry = le(ordinal) + le(s.length) + s.sha + d.data[start:d.at]
            digests += sha256(b'segment' + entry) if present else d('32')
        message = (self.repository.id + bytes([self.kind]) + o.id + le(o.epoch) + le(o.writer)
                   + le(o.seq, 8) + sha256(o.wrap) + le(n) + sha256(digests))
        key = self.repository.check_signer(o.writer, WRITE, b'origin', message, signature)
        o.trusted = o.seq < key.distrusted
        return o.id

    def segment(self, place):  # 5.1, 5.2; gives (F or None, data) for each chunk or blob
        s, o = self.segments[place], self.segments[place].origin
        with open(self.repository.root / self.name, 'rb') as f:
            stored = read_at(f, s.offset, s.length)
        need(sha256(stored) == s.sha, 'a damaged segment')
        what = self.repository.id + bytes([self.kind]) + o.id
        epoch = self.repository.epochs[o.epoch]
        key = box_open(kdf(epoch.S, b'wrap'), b'wrap' + what + le(o.epoch), o.wrap)
        key = seal_open(epoch.private, key) if self.kind == DATA else key
        ad, nonce = b'segment' + what + le(s.ordinal), le(s.ordinal, 8) + bytes(16)
        d = Decoder(aead_open(stored, ad, nonce, key))
        codec, length, raw = d('u8'), d('u32'), d.rest()
        need(codec <= 1 and length <= 1 << 21, 'an unknown codec, or too long')
        if codec == 1:
            need(zstandard.frame_content_size(raw) in (-1, length), 'a wrong length')
            raw = zstandard.ZstdDecompressor().decompress(raw, length, allow_extra_data=False)
        need(len(raw) == length, 'a wrong length')
        d, F, heads = Decoder(raw), None, []
        need(d.varint(1, 4096) == len(s.ids), 'another number of chunks than in the footer')
        for _ in s.ids:
            size, form = divmod(d.varint(1), 4)
            last, F = F, None if form == 0 else d('32') if form == 1 else F
            need(form <= 2 and 1 <= size <= 1 << 20, 'a wrong chunk')
            need(form == 0 or (form == 2) == (F == last) and F, 'an F repeated, or none to repeat')
            heads.append((F, size))
        need(sum(size for _, size in heads) <= 1 << 20, 'too long a segment')
        chunks, _ = [(F, d.take(size)) for F, size in heads], d.end()
        return chunks

# 4. Streams
class Reader:  # of one snapshot
    def __init__(self, repository, s):
        self.snapshot, self.where = s, {}
        self.detail, self.epochs = repository.detail(s), repository.epochs
        self.segment = functools.lru_cache(32)(Pack.segment)
        packs = r'packs/([0-9a-f]{2})/\1[0-9a-f]{30}-'
        for pack in repository.all(packs, lambda name: Pack(repository, name)):
            for place, s in enumerate(pack.segments):
                for position, i in enumerate(s.ids if s.origin.trusted else []):
                    self.where.setdefault((pack.kind, i), []).append((pack, place, position))

    def find(self, kind, wanted, path=None):  # of media, path's chunk
        for pack, place, position in self.where.get((kind, wanted), []):
            try:
                f, data = self.segment(pack, place)[position]
                e = self.epochs[pack.segments[place].origin.epoch]
                key = kdf(e.S, b'node id') if kind == NODE else kdf(e.I, b'chunk db')
                F = None if path is None else mac(kdf(e.I, b'chunk media'), path)
                need(f == F and mac(F or key, data)[:16] == wanted, 'data with another id')
                return data
            except Exception as e:  # another copy may be sound
                note(f"'{pack.name}', its segment {place}: {e!r}")
        raise ValueError(f"'{wanted.hex()}' is nowhere")

    def leaves(self, root, skip=0):  # the ids of all leaves but the first so many
        if root.level is None:
            yield from root.ids[skip:]
            return
        d = Decoder(self.find(NODE, root.id))
        need(d('u8') == 1 and d('u8') == root.level, 'another list node than was wanted')
        ids = d.ids(1024)
        counts, _ = [d.varint(1) if root.level else 1 for _ in ids], d.end()
        need(sum(counts) == root.leaves, 'another number of leaves')
        for child, count in zip(ids, counts):
            if skip < count:
                below = Record(level=root.level - 1, id=child, leaves=count)
                yield from self.leaves(below, skip) if root.level else [child]
            skip = max(skip - count, 0)

    def stream(self, number, length):
        for leaf in self.leaves(self.snapshot.streams[number]):
            data = self.find(DATA, leaf)
            length -= len(data)
            yield data
        need(length == 0, 'a stream of another length')

    def files(self):  # 8
        media, records, first = self.detail['media'], {}, 0
        d = Decoder(b''.join(self.stream(media['manifest'], media['manifest_bytes'])))
        while d.at < len(d.data):
            r = decode_record(Decoder(d.bytes(0, 1 << 20)))
            need(r.path not in records and (r.path == b'') == (not records), 'repeated, or no root')
            parent = records[r.path.rpartition(b'/')[0]] if records else r
            need(parent.type == DIRECTORY, 'no directory above')
            need(r.type != HARDLINK or records[r.target].type == FILE, 'a hard link to no file')
            r.first, first = first, first + (r.nchunks if r.type == FILE else 0)
            records[r.path] = r
        ascending(path.replace(b'/', b'\0') for path in records)
        need(first == self.snapshot.streams[media['content']].leaves, 'a wrong number of chunks')
        return records

    def file(self, path):
        files = self.files()
        r = files[files[path].target if files[path].type == HARDLINK else path]
        need(r.type == FILE, 'no file')
        root = self.snapshot.streams[self.detail['media']['content']]
        ids = zip(range(r.nchunks), self.leaves(root, r.first))
        d = Decoder(b''.join(self.find(DATA, i, r.path) for _, i in ids))
        for e in r.extents + [Record(distance=r.hole, length=0)]:
            for done in range(0, e.distance, 1 << 20):
                yield bytes(min(1 << 20, e.distance - done))
            yield d.take(e.length)
        d.end()

# 8. Manifest
def decode_record(d):
    r = d.record('type:u8 flags:u8 path:bytes')
    names = r.path.split(b'/') if r.path else []
    need(len(r.path) <= 4096 and all(0 < len(n) < 256 and b'\0' not in n and
                                     n not in (b'.', b'..') for n in names), 'a wrong path')
    need(r.flags <= {DIRECTORY: 7, FILE: 15, SYMLINK: 7, HARDLINK: 0}[r.type], 'unknown flags')
    if r.type == HARDLINK:
        r.target, _ = d.bytes(), d.end()
        return r
    r.mode, r.uid, r.gid = d.varint(0, 0o7777), d.varint(0, 2**32 - 1), d.varint(0, 2**32 - 1)
    r.zigzag, r.nanoseconds = d.varint(), d.varint(0, 999999999)
    texts = [d.bytes(1, 255) for flag in (1, 2) if r.flags & flag]
    if r.type == FILE:
        r.size, r.nchunks = d.varint(0, 2**63 - 1), d.varint()
        whole = [Record(distance=0, length=r.size)] if r.size else []
        r.extents = d.many('distance:varint length:varint') if r.flags & 8 else whole
        data = sum(e.length for e in r.extents)
        r.hole = r.size - data - sum(e.distance for e in r.extents)
        need(r.hole >= 0 and all(e.length for e in r.extents), 'extents empty, or beyond the end')
        need(all(e.distance for e in r.extents[1:]), 'extents that touch')
        need(not r.flags & 8 or r.size and r.extents != whole, 'needless extents')
        need(min(data, 1) <= r.nchunks <= data, 'a wrong number of chunks')
    texts += [d.bytes(1, 4095)] if r.type == SYMLINK else []
    r.xattrs = [(d.bytes(1, 255), d.bytes()) for _ in range(d.varint(1) if r.flags & 4 else 0)]
    need(not any(b'\0' in text for text in texts + [name for name, _ in r.xattrs]), 'a NUL')
    ascending(name for name, _ in r.xattrs)
    d.end()
    return r

def run(kit, root, command, wanted='latest', what=''):
    repository = Repository(kit, root)
    snapshots = repository.all('snapshots/', repository.decode_snapshot)
    if command in ('keyrings', 'snapshots'):
        listed = repository.rings if command == 'keyrings' else snapshots
        return (f'{r.name} {r.time} {r.signer}:{r.number}\n'.encode() for r in listed)
    found = [s for s in snapshots if wanted == 'latest' or s.name[10:].startswith(wanted)]
    need(found and (wanted == 'latest' or len(found) == 1), f"{len(found)} are '{wanted}'")
    if command == 'env-file':
        return [repository.env_file(found[-1])]
    reader = Reader(repository, found[-1])
    if command == 'ls':
        return (path + b'\n' for path, r in reader.files().items() if r.type in (FILE, HARDLINK))
    if command == 'file':
        return reader.file(what.encode(errors='surrogateescape'))
    database = reader.detail['database']
    streams = {f"{t['schema']}.{t['name']}": t for t in database['tables']}
    stream = {'table': streams.get(what), 'archive': database['archive']}[command]
    return reader.stream(stream['stream'], stream['bytes'])

if __name__ == '__main__':
    try:
        need(4 <= len(sys.argv) <= 6, __doc__)
        for part in run(*sys.argv[1:]):
            sys.stdout.buffer.write(part)
    except Exception as error:
        sys.exit(f'reader.py: {error if error.args else error!r}')
