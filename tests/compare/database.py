#!/usr/bin/python3
"""database.py CONNINFO [pg_dump option]... - describe a database, for diff.

Prints what pg_dump writes, --restrict-key fixed and comments left out, but for
each table's rows only their number and a sum of their hashes, which is the
same in whatever order they come.  Two databases with the same description hold
the same schema, rows, sequences and large objects.  With --snapshot=ID it is
the database as that exported snapshot sees it.
"""

import hashlib
import subprocess
import sys


def has_restrict_key():
    text = subprocess.run(["pg_dump", "--help"], capture_output=True, check=True).stdout
    return b"--restrict-key" in text


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    command = ["pg_dump", "-d", sys.argv[1], *sys.argv[2:]]
    if has_restrict_key():
        command.append("--restrict-key=x")
    dump = subprocess.Popen(command, stdout=subprocess.PIPE)
    out = sys.stdout.buffer
    copying, rows, total = None, 0, 0
    for line in dump.stdout:
        if copying is None:
            if line.startswith(b"COPY ") and line.endswith(b"FROM stdin;\n"):
                copying, rows, total = line, 0, 0
            elif not line.startswith(b"--") and line != b"\n":
                out.write(line)
        elif line == b"\\.\n":
            out.write(b"%s  %d rows, %032x\n" % (copying, rows, total))
            copying = None
        else:
            rows += 1
            total += int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "big")
            total &= (1 << 128) - 1
    out.flush()
    if dump.wait() != 0:
        sys.exit("pg_dump failed")


if __name__ == "__main__":
    main()
