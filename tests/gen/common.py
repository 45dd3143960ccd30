"""What the generators share: the same seed gives the same people, the same
identifiers and the same file names, in whichever program asks for them."""

import datetime
import hashlib
import random

SYLLABLES = ("ba be bi bo bra bri ca ce co cra da de di do dra dre el en er "
             "fa fi fla fo ga ge gra ha he hi ho in ja jo ka ke kla la le li "
             "lo lu ma me mi mo na ne ni no ol or pa pe pi po pra qui ra re "
             "ri ro sa se si so sta ste ta te ti to tra tre u va ve vi vo wa "
             "we wi ze zu").split()
SMALL = ("the of and a to in is it that for on was with as be at this by are "
         "from or an not have you i but they we his her which one all so if "
         "there what more when can no out up just like my about").split()
DAYS = [(datetime.date(2025, 1, 1) + datetime.timedelta(n)).isoformat()
        for n in range(1000)]
SECONDS = ["%02d:%02d:%02d" % (s // 3600, s // 60 % 60, s % 60)
           for s in range(86400)]
EPOCH_MS = 1735689600000        # 2025-01-01


def rng(seed, what):
    return random.Random("mastvault/%s/%s" % (seed, what))


def digest(seed, what, n):
    return hashlib.md5(b"%d/%s/%d" % (seed, what.encode(), n)).hexdigest()


def stamp(second, micro=0):
    """A timestamp so many seconds after the epoch, as PostgreSQL writes it."""
    day, second = divmod(second, 86400)
    return "%s %s.%06d" % (DAYS[day % 1000], SECONDS[second], micro)


def snowflake(second, n):
    """Mastodon's ids: milliseconds << 16, and 16 bits that tell apart."""
    return (EPOCH_MS + second * 1000) << 16 | (n * 40503 & 65535)


def status_second(n):
    return n * 37


def status_id(n):
    return snowflake(status_second(n), n)


def media_second(n):
    return n * 211 + 5


def media_id(n):
    return snowflake(media_second(n), n)


def media_name(seed, n):
    return digest(seed, "media", n)[:16]


class Words:
    """Text with the statistics of prose: words by rank, drawn from a pool
    too long for a compressor's window to see twice."""

    def __init__(self, seed, pool=400000):
        r = rng(seed, "words")
        self.words = SMALL + sorted({
            "".join(r.choices(SYLLABLES, k=r.choice((2, 2, 3, 3, 4))))
            for _ in range(9000)} - set(SMALL), key=lambda w: digest(seed, w, 0))
        weights = [1 / (n + 3) for n in range(len(self.words))]
        self.pool = r.choices(self.words, weights=weights, k=pool)

    def some(self, r, n):
        at = int(r.random() * (len(self.pool) - n))
        return " ".join(self.pool[at:at + n])

    def sentence(self, r, n):
        return self.some(r, n).capitalize() + r.choice(".....!?")


class People:
    """Accounts: the first `local` are of this server, the rest of others."""

    def __init__(self, seed, local, total, words):
        r = rng(seed, "people")
        names = [w for w in words.words if len(w) > 4]
        hosts = ["%s.example" % n for n in r.sample(names, min(1200, 60 + total // 60))]
        weights = [1 / (n + 2) for n in range(len(hosts))]
        self.local = local
        self.total = total
        self.names = ["%s_%x" % (r.choice(names), n) for n in range(total)]
        self.hosts = [None] * local + r.choices(hosts, weights, k=total - local)
        self.ids = [snowflake(n * 53 - 20000000, n) for n in range(total)]

    def uri(self, n):
        return "https://%s/users/%s" % (self.hosts[n] or "social.example",
                                        self.names[n])
