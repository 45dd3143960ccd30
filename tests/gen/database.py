#!/usr/bin/python3
"""database.py load|day [--seed N] [--scale S] [--day N] [--jobs N]

load   fill the empty database that libpq's environment names with the shape
       of a Mastodon; scale 1 is 800,000 statuses, about 0.9 GB as a dump
day    let one ordinary day pass: 1 % new statuses, mentions, favourites and
       what hangs on them, counters moved, some rows touched, some deleted

The same seed and scale give the same rows whatever the version of PostgreSQL.
"""

import argparse
import base64
import json
import os
import subprocess
import sys

import columns
import common
import envfile
from common import digest, media_id, rng, stamp, status_id, status_second

HERE = os.path.dirname(os.path.abspath(__file__))
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SCHEMA_VERSION = "20260611150940"
LANGUAGES = ["en"] * 10 + ["de", "de", "fr", "fr", "es", "ja", "nl", "\\N"]


# Not every role may analyze every catalogue; that is no news.
os.environ["PGOPTIONS"] = "-c client_min_messages=error"


def psql(*args, **kw):
    return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *args],
                          check=True, stdout=subprocess.DEVNULL, **kw)


def b64(r, n):
    return base64.b64encode(r.randbytes(n)).decode()


def pem(r, kind, n):
    text = b64(r, n)
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\\n".join(["-----BEGIN %s KEY-----" % kind, *lines,
                       "-----END %s KEY-----" % kind, ""])


class Mastodon:
    """Rows by table.  Each method yields lines of COPY text for the rows
    first <= n < last, the same ones whoever asks for them in what portions."""

    def __init__(self, seed, scale):
        def n(rows, least):
            return max(least, int(rows * scale))
        self.seed = seed
        self.rows = {
            "accounts": n(90000, 300), "account_stats": n(90000, 300),
            "keypairs": n(20000, 60), "users": n(4000, 20),
            "statuses": n(800000, 2000), "status_stats": n(420000, 1000),
            "mentions": n(560000, 1200), "favourites": n(480000, 1000),
            "conversations": n(500000, 1200), "notifications": n(360000, 800),
            "media_attachments": n(130000, 300), "follows": n(240000, 500),
            "tags": n(24000, 80), "statuses_tags": n(260000, 600),
            "preview_cards": n(45000, 100), "preview_cards_statuses": n(90000, 200),
            "polls": n(4000, 20), "poll_votes": n(16000, 60),
            "oauth_access_tokens": n(9000, 40), "session_activations": n(7000, 30),
            "web_push_subscriptions": n(3000, 20), "login_activities": n(20000, 60),
            "custom_emojis": n(5000, 40), "domain_blocks": n(1500, 20),
            "bookmarks": n(30000, 100), "status_edits": n(12000, 40),
            "tombstones": n(20000, 50), "markers": n(6000, 20),
        }
        self.words = common.Words(seed)
        self.people = common.People(seed, self.rows["users"],
                                    self.rows["accounts"], self.words)

    def accounts(self, first, last):
        r, p = rng(self.seed, "accounts%d" % first), self.people
        for n in range(first, last):
            host, name, uri = p.hosts[n], p.names[n], p.uri(n)
            at = stamp(n % 80000000, n % 1000000)
            seen = stamp(30000000 + int(r.random() * 5000000), int(r.random() * 1e6))
            fields = json.dumps([{"name": self.words.some(r, 1), "value":
                     '<a href="https://%s.example/%s" rel="me nofollow">%s</a>'
                     % (self.words.some(r, 1), name, name)}
                     for _ in range(r.choice((0, 0, 1, 2)))])
            note = "<p>%s</p>" % self.words.sentence(r, 6 + int(r.random() * 22))
            avatar = "%s.jpg\timage/jpeg\t%d\t%s" % (
                digest(self.seed, "avatar", n)[:16], 8000 + int(r.random() * 90000), seen)
            yield "\t".join((
                str(p.ids[n]), name, host or "\\N",
                "\\N" if host else pem(r, "RSA PRIVATE", 1190),
                pem(r, "PUBLIC", 294), at, seen, note,
                self.words.some(r, 2).title(), uri if host else "",
                "https://%s/@%s" % (host, name) if host else "\\N", avatar,
                "\\N\t\\N\t\\N\t\\N",
                "%s/avatars/%s.jpg" % (uri, digest(self.seed, "remote", n)) if host else "\\N",
                "", "f", seen if host else "\\N", uri + "/inbox", uri + "/outbox",
                "https://%s/inbox" % host if host else "", uri + "/followers", "1",
                "f", "\\N", uri + "/collections/featured",
                fields.replace("\\", "\\\\"), "Person", "t" if n % 3 else "f",
                "{}", "\\N", "\\N", "\\N", "f", "1", "1", "\\N", "\\N", "\\N",
                "\\N", "t" if n % 5 else "f", "{}"))

    def account_stats(self, first, last):
        r, p = rng(self.seed, "account_stats%d" % first), self.people
        for n in range(first, last):
            at = stamp(31000000 + int(r.random() * 3000000), int(r.random() * 1e6))
            yield "%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s" % (
                n + 1, p.ids[n], r.paretovariate(0.7) % 90000,
                r.paretovariate(0.8) % 5000, r.paretovariate(0.7) % 90000,
                stamp(n, n), at, at)

    def keypairs(self, first, last):
        r, p = rng(self.seed, "keypairs%d" % first), self.people
        for n in range(first, last):
            who = p.local + n % (p.total - p.local)
            yield "%d\t%d\t%s#main-key%s\t0\t%s\t\\N\t\\N\tf\t%s\t%s" % (
                n + 1, p.ids[who], p.uri(who), "" if n < p.total - p.local else n,
                pem(r, "PUBLIC", 294), stamp(n * 9), stamp(n * 9))

    def users(self, first, last):
        r, p = rng(self.seed, "users%d" % first), self.people
        ar = columns.ActiveRecord(envfile.secrets(self.seed))
        for n in range(first, last):
            otp = "\\N"
            if n % 3 == 0:
                otp = ar.seal("".join(r.choices(BASE32, k=52)), r.randbytes(12))
            codes = "\\N" if n % 3 else "{%s}" % ",".join(
                "$2a$10$" + b64(r, 39).replace("+", ".").rstrip("=")[:53] for _ in range(10))
            seen = stamp(31000000 + int(r.random() * 3000000), int(r.random() * 1e6))
            yield "\t".join((
                str(n + 1), "%s@mail%d.example" % (p.names[n], n % 7), stamp(n * 997), seen,
                "$2a$10$" + b64(r, 39).replace("+", ".")[:53], "\\N", "\\N",
                str(n % 90), seen, seen, b64(r, 15).replace("/", "_"), seen, seen, "\\N", "en",
                "\\N", "f" if n % 3 else "t", "\\N", codes, str(p.ids[n]), "f", "\\N",
                "{en,de}" if n % 4 == 0 else "\\N", "\\N", "t", "\\N", "\\N", "\\N",
                "10.%d.%d.%d" % (n >> 16 & 255, n >> 8 & 255, n & 255), "\\N",
                "1" if n == 0 else "\\N",
                json.dumps({"theme": "default", "noindex": n % 2 == 0}), "\\N", otp, "\\N"))

    def statuses(self, first, last):
        r, p, words = rng(self.seed, "statuses%d" % first), self.people, self.words
        rand, conversations = r.random, self.rows["conversations"]
        for n in range(first, last):
            x = rand()
            # One in nine is written here, a fifth are boosts without text.
            who = int(rand() * p.local) if x < 0.11 else \
                p.local + int(rand() ** 2 * (p.total - p.local))
            sid, at = status_id(n), stamp(status_second(n), int(rand() * 1e6))
            uri = "%s/statuses/%d" % (p.uri(who), sid)
            url = "https://%s/@%s/%d" % (p.hosts[who] or "social.example", p.names[who], sid)
            boost, text, reply = "\\N", "", "\\N"
            if n > 50 and x > 0.8:
                boost = str(status_id(n - 1 - int(rand() * 50)))
                uri, url = uri + "/activity", "\\N"
            else:
                text = words.sentence(r, 4 + int(rand() * 34))
                if rand() < 0.4:
                    other = int(rand() * p.total)
                    text = ('<span class="h-card"><a href="%s" class="u-url mention">'
                            "@<span>%s</span></a></span> %s" % (p.uri(other), p.names[other], text))
                text = "<p>%s</p>" % text if x >= 0.11 else text + "\\n\\n#" + words.some(r, 1)
                if n > 50 and x > 0.5:
                    reply = str(status_id(n - 1 - int(rand() * 50)))
            yield "\t".join((
                str(sid), uri, text, at, at, reply, boost, url,
                "f", "0" if rand() < 0.8 else "1", "", "f" if reply == "\\N" else "t",
                LANGUAGES[int(rand() * 18)], str(1 + n % conversations),
                "t" if x < 0.11 else "f", str(p.ids[who]), "\\N", "\\N", "\\N", "\\N", "\\N",
                "\\N", "{%d}" % media_id(n // 7) if n % 7 == 0 else "\\N", "\\N", "0"))

    def status_stats(self, first, last):
        r = rng(self.seed, "status_stats%d" % first)
        for n in range(first, last):
            at = stamp(status_second(n * 2) + 60, int(r.random() * 1e6))
            yield "%d\t%d\t%d\t%d\t%d\t%s\t%s\t%d\t%d\t0" % (
                n + 1, status_id(n * 19 // 10), r.paretovariate(1) % 50,
                r.paretovariate(1) % 400, r.paretovariate(0.9) % 900, at, at,
                r.random() * 4, r.random() * 4)

    def mentions(self, first, last):
        r, p = rng(self.seed, "mentions%d" % first), self.people
        for n in range(first, last):
            at = stamp(status_second(n), int(r.random() * 1e6))
            yield "%d\t%d\t%s\t%s\t%d\tf" % (
                n + 1, status_id(n), at, at, p.ids[int(r.random() * p.total)])

    def favourites(self, first, last):
        r, p = rng(self.seed, "favourites%d" % first), self.people
        for n in range(first, last):
            at = stamp(n * 61 + 7, int(r.random() * 1e6))
            # 7919 divides no count in use, so that no status comes twice.
            status = (n * 7919 + 13) % self.rows["statuses"]
            yield "%d\t%s\t%s\t%d\t%d" % (
                n + 1, at, at, p.ids[int(r.random() * p.total)], status_id(status))

    def conversations(self, first, last):
        p = self.people
        for n in range(first, last):
            at, host = stamp(n * 59, n % 1000000), p.hosts[n * 31 % p.total]
            yield "%d\t%s\t%s\t%s\t\\N\t\\N" % (
                n + 1, "tag:%s,%s:objectId=%d:objectType=Conversation" %
                (host, at[:10], n * 48271 % 90000000) + "-%d" % n if host else "\\N", at, at)

    def notifications(self, first, last):
        r, p = rng(self.seed, "notifications%d" % first), self.people
        for n in range(first, last):
            at, kind = stamp(n * 83, int(r.random() * 1e6)), n % 3
            yield "%d\t%d\t%s\t%s\t%s\t%d\t%d\t%s\tf\t%s" % (
                n + 1, 1 + int(r.random() * self.rows["mentions"]),
                ("Mention", "Favourite", "Follow")[kind], at, at,
                p.ids[int(r.random() * p.local)], p.ids[int(r.random() * p.total)],
                ("mention", "favourite", "follow")[kind],
                "favourite-%d-%d" % (n, n // 50) if kind == 1 else "\\N")

    def media_attachments(self, first, last):
        r, p = rng(self.seed, "media_attachments%d" % first), self.people
        for n in range(first, last):
            local, at = n % 9 == 0, stamp(common.media_second(n), int(r.random() * 1e6))
            name, size = common.media_name(self.seed, n), int(r.lognormvariate(11.7, 1))
            who = int(r.random() * p.local) if local else \
                p.local + int(r.random() * (p.total - p.local))
            meta = '{"original":{"width":%d,"height":%d,"size":"%dx%d","aspect":%.6f},' \
                '"small":{"width":640,"height":480,"size":"640x480","aspect":1.333333}}' % (
                    1920, 1080 + n % 400, 1920, 1080 + n % 400, 1920 / (1080 + n % 400))
            yield "\t".join((
                str(media_id(n)), str(status_id(n * 7)) if n * 7 < self.rows["statuses"] else "\\N",
                name + ".jpg", "image/jpeg", str(size), at,
                "" if local else "https://files.%s/media/%s/original/%s.jpg" % (
                    p.hosts[who], n % 1000, digest(self.seed, "remotemedia", n)),
                at, at, "\\N", "0", meta, str(p.ids[who]),
                self.words.sentence(r, 8 + n % 20) if n % 3 == 0 else "\\N", "\\N",
                "U" + b64(r, 26).replace("\\", "#").rstrip("="), "2", "1",
                "\\N", "\\N", "\\N", "\\N", "\\N", "\\N"))

    def follows(self, first, last):
        p = self.people
        for n in range(first, last):
            who, at = n % p.local, stamp(n * 97, n % 1000000)
            target = (n // p.local * 101 + n * 7) % p.total
            yield "%d\t%s\t%s\t%d\t%d\tt\thttps://social.example/%s\tf\t\\N" % (
                n + 1, at, at, p.ids[who], p.ids[target], digest(self.seed, "follow", n))

    def tags(self, first, last):
        words = self.words.words
        for n in range(first, last):
            at, name = stamp(n * 1300), words[n % len(words)] + (str(n // len(words)) if n >= len(words) else "")
            yield "%d\t%s\t%s\t%s\t\\N\t\\N\t\\N\t\\N\t\\N\t%s\t\\N\t\\N\t%s" % (
                n + 1, name, at, at, at, name.capitalize())

    def statuses_tags(self, first, last):
        r = rng(self.seed, "statuses_tags%d" % first)
        for n in range(first, last):
            yield "%d\t%d" % (status_id(n * 3), 1 + int(r.random() ** 3 * self.rows["tags"]))

    def preview_cards(self, first, last):
        r, words = rng(self.seed, "preview_cards%d" % first), self.words
        for n in range(first, last):
            at, site = stamp(n * 700), words.some(r, 1) + ".example"
            yield "\t".join((
                str(n + 1), "https://%s/%s/%d-%s" % (site, at[:10].replace("-", "/"), n,
                                                     words.some(r, 5).replace(" ", "-")),
                words.some(r, 9).capitalize(), words.sentence(r, 30),
                "%s.jpg" % digest(self.seed, "card", n)[:16], "image/jpeg",
                str(int(r.lognormvariate(10.5, 0.7))), at, "0", "", words.some(r, 2).title(), "",
                site, "https://" + site, "1200", "630", at, at, "", "1", "U" + b64(r, 26).rstrip("="),
                "en", "\\N", "\\N", "\\N", "1", "\\N", "", "\\N", "\\N"))

    def preview_cards_statuses(self, first, last):
        for n in range(first, last):
            yield "%d\t%d\t\\N" % (1 + n * 17 % self.rows["preview_cards"], status_id(n * 5))

    def polls(self, first, last):
        r, p = rng(self.seed, "polls%d" % first), self.people
        for n in range(first, last):
            at = stamp(n * 7000)
            yield "%d\t%d\t%d\t%s\t{%s,%s}\t{%d,%d}\tf\tf\t%d\t\\N\t%s\t%s\t0\t\\N" % (
                n + 1, p.ids[n % p.local], status_id(n * 11), at, self.words.some(r, 1),
                self.words.some(r, 1), n % 40, n % 70, n % 40 + n % 70, at, at)

    def poll_votes(self, first, last):
        p = self.people
        for n in range(first, last):
            at = stamp(n * 1700)
            yield "%d\t%d\t%d\t%d\t%s\t%s\t\\N" % (
                n + 1, p.ids[n % p.total], 1 + n % self.rows["polls"], n % 2, at, at)

    def oauth_access_tokens(self, first, last):
        r = rng(self.seed, "tokens%d" % first)
        for n in range(first, last):
            yield "%d\t%s\t\\N\t\\N\t%s\t%s\tread write follow push\t%d\t%d\t%s\t192.0.2.%d" % (
                n + 1, b64(r, 33).replace("+", "-").replace("/", "_"),
                stamp(n * 300) if n % 11 == 0 else "\\N", stamp(n * 299), 1 + n % 5,
                1 + n % self.rows["users"], stamp(30000000 + n * 7), n % 256)

    def session_activations(self, first, last):
        for n in range(first, last):
            at = stamp(n * 3100)
            yield "%d\t%s\t%s\t%s\t%s\t2001:db8::%x\t%d\t%d\t\\N" % (
                n + 1, digest(self.seed, "session", n), at, at,
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                n & 65535, 1 + n % self.rows["oauth_access_tokens"], 1 + n % self.rows["users"])

    def web_push_subscriptions(self, first, last):
        r = rng(self.seed, "push%d" % first)
        for n in range(first, last):
            at = stamp(n * 4100)
            yield '%d\thttps://push.example/wpush/v2/%s\t%s\t%s\t{"policy":"all","alerts":' \
                '{"mention":true}}\t%s\t%s\t%d\t%d\tf' % (
                    n + 1, b64(r, 120), b64(r, 65), b64(r, 16), at, at,
                    1 + n % self.rows["oauth_access_tokens"], 1 + n % self.rows["users"])

    def login_activities(self, first, last):
        for n in range(first, last):
            yield "%d\t%d\tpassword\t\\N\t%s\t\\N\t198.51.100.%d\tMozilla/5.0\t%s" % (
                n + 1, 1 + n % self.rows["users"], "tf"[n % 13 == 0], n % 256, stamp(n * 1500))

    def custom_emojis(self, first, last):
        p = self.people
        for n in range(first, last):
            at = stamp(n * 5000)
            host = None if n % 10 == 0 else p.hosts[p.local + n % (p.total - p.local)]
            yield "%d\t%s_%d\t%s\t%s.png\timage/png\t%d\t%s\t%s\t%s\tf\t\\N\t\\N\tt\t\\N\t1" % (
                n + 1, self.words.words[n % 3000], n, host or "\\N",
                digest(self.seed, "emoji", n)[:16], 3000 + n % 40000, at, at, at)

    def domain_blocks(self, first, last):
        for n in range(first, last):
            at = stamp(n * 20000)
            yield "%d\t%s%d.example\t%s\t%s\t%d\tt\tf\t\\N\tspam\tf" % (
                n + 1, self.words.words[60 + n % 3000], n, at, at, n % 2)

    def bookmarks(self, first, last):
        p = self.people
        for n in range(first, last):
            at = stamp(n * 911)
            yield "%d\t%d\t%d\t%s\t%s" % (n + 1, p.ids[n % p.local], status_id(n * 13), at, at)

    def status_edits(self, first, last):
        r, p = rng(self.seed, "edits%d" % first), self.people
        for n in range(first, last):
            at = stamp(n * 2100)
            yield "%d\t%d\t%d\t<p>%s</p>\t\t%s\t%s\t\\N\t\\N\t\\N\tf" % (
                n + 1, status_id(n * 23), p.ids[n % p.total],
                self.words.sentence(r, 12 + n % 20), at, at)

    def tombstones(self, first, last):
        p = self.people
        for n in range(first, last):
            who, at = p.local + n % (p.total - p.local), stamp(n * 1100)
            yield "%d\t%d\t%s/statuses/%d\t%s\t%s\tf" % (
                n + 1, p.ids[who], p.uri(who), status_id(n) + 1, at, at)

    def markers(self, first, last):
        for n in range(first, last):
            at = stamp(30000000 + n)
            yield "%d\t%d\t%s\t%d\t%d\t%s\t%s" % (
                n + 1, 1 + n // 2 % self.rows["users"], ("home", "notifications")[n % 2],
                status_id(n), n % 50, at, at)

    def copy(self, table, first, last):
        """Streams the rows into the table."""
        sink = subprocess.Popen(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", "COPY %s FROM STDIN" % table],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        batch = []
        try:
            for row in getattr(self, table)(first, last):
                batch.append(row)
                if len(batch) == 2000:
                    sink.stdin.write(("\n".join(batch) + "\n").encode())
                    batch.clear()
            if batch:
                sink.stdin.write(("\n".join(batch) + "\n").encode())
            sink.stdin.close()
        except BrokenPipeError:
            pass
        if sink.wait() != 0:
            sys.exit("COPY into %s failed" % table)


def small_tables(m):
    """The few rows that are typed rather than drawn."""
    r = rng(m.seed, "small")
    return """
    INSERT INTO ar_internal_metadata VALUES ('environment', 'production',
        '2025-01-01', '2025-01-01');
    INSERT INTO schema_migrations SELECT (20160220174730 + n * 1000003)::text
        FROM generate_series(0, 420) n;
    INSERT INTO schema_migrations VALUES ('%s');
    INSERT INTO user_roles VALUES (1, 'Owner', '', 1000, 1, true, '2025-01-01', '2025-01-01'),
        (-99, '', '', -1, 65536, false, '2025-01-01', '2025-01-01');
    INSERT INTO oauth_applications (name, uid, secret, redirect_uri, created_at, updated_at,
        superapp) SELECT 'App ' || n, md5('%d/uid/' || n), md5('%d/secret/' || n),
        'urn:ietf:wg:oauth:2.0:oob', '2025-01-01', '2025-01-01', n = 1
        FROM generate_series(1, 5) n;
    INSERT INTO settings (var, value, created_at, updated_at) VALUES
        ('site_title', E'--- Caf\\u00e9 "Fediverse"\\n', '2025-01-01', '2025-01-01'),
        ('site_short_description', E'--- ''It''''s a test''\\n', '2025-01-01', '2025-01-01'),
        ('thumbnail', NULL, '2025-01-01', '2025-01-01');
    INSERT INTO rules (priority, text, created_at, updated_at)
        VALUES (0, 'Be kind.', '2025-01-01', '2025-01-01');
    INSERT INTO ip_blocks (created_at, updated_at, ip, severity)
        VALUES ('2025-01-01', '2025-01-01', '203.0.113.0/24', 9999);
    INSERT INTO webhooks (url, events, secret, created_at, updated_at)
        VALUES ('https://hook.example/', '{account.created,report.created}', '%s',
        '2025-01-01', '2025-01-01');
    """ % (SCHEMA_VERSION, m.seed, m.seed, r.randbytes(20).hex())


SEQUENCES = """
    SELECT setval(pg_get_serial_sequence(quote_ident(table_name), 'id'),
        (xpath('/row/m/text()', query_to_xml(format('SELECT greatest(max(id), 1) AS m FROM %I',
            table_name), false, true, '')))[1]::text::bigint)
    FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'id'
        AND column_default LIKE 'nextval(%';
    SELECT setval('accounts_id_seq', (SELECT count(*) FROM accounts));
    SELECT setval('statuses_id_seq', (SELECT count(*) FROM statuses));
    SELECT setval('media_attachments_id_seq', (SELECT count(*) FROM media_attachments));
"""


def parallel(jobs, portions):
    """Runs each portion in a process of its own, so many at a time."""
    running = set()
    failed = False
    for portion in portions:
        while len(running) >= jobs:
            pid, status = os.wait()
            running.discard(pid)
            failed |= status != 0
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                portion()
                code = 0
            finally:
                os._exit(code)
        running.add(pid)
    while running:
        pid, status = os.wait()
        running.discard(pid)
        failed |= status != 0
    if failed:
        sys.exit("the database could not be generated")


def load(m, jobs):
    psql("-f", os.path.join(HERE, "schema.sql"))
    portions = []
    for table, rows in sorted(m.rows.items(), key=lambda t: -t[1]):
        step = max(100000, -(-rows // 4))
        portions += [(lambda t=table, a=a, b=min(a + step, rows): m.copy(t, a, b))
                     for a in range(0, rows, step)]
    parallel(jobs, portions)
    psql(input=small_tables(m).encode() + SEQUENCES.encode() + b"ANALYZE;")
    with open(os.path.join(HERE, "indexes.sql"), encoding="utf-8") as f:
        psql("-f", "-", input=f.read().encode())


def day(m, number):
    for table in ("statuses", "conversations", "status_stats", "mentions", "favourites",
                  "notifications", "media_attachments", "statuses_tags", "tombstones"):
        rows = m.rows[table]
        more = max(1, rows // 100)
        first = rows + (number - 1) * more
        if table == "status_stats":
            m.rows[table] = first
        m.copy(table, first, first + more)
    with open(os.path.join(HERE, "day.sql"), encoding="utf-8") as f:
        psql("-v", "seed=%d-%d" % (m.seed, number), "-f", "-", input=f.read().encode())
    psql(input=SEQUENCES.encode())


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=("load", "day"))
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--scale", type=float, default=0.01)
    ap.add_argument("--day", type=int, default=1)
    ap.add_argument("--jobs", type=int, default=2)
    args = ap.parse_args()
    m = Mastodon(args.seed, args.scale)
    if args.what == "load":
        load(m, args.jobs)
    else:
        day(m, args.day)


if __name__ == "__main__":
    main()
