#!/usr/bin/python3
"""peak.py FILE COMMAND... - runs it, and writes to FILE the most KiB of
anonymous and shared memory that its processes had together: those that run
the command's own program, not the PostgreSQL ones that it starts.

It is what RssAnon and RssShmem say, but for pages that two of them share: a
process that has forked and not yet become another program has no second copy
of them.  What came and went within 5 ms is missed.
"""

import os
import subprocess
import sys
import time


def memory(pid):
    total = 0
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
        for line in f:
            if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                total += int(line.split()[1])
    return total


def family(pid):
    found = [pid]
    for parent in found:
        for task in os.listdir("/proc/%d/task" % parent):
            with open("/proc/%d/task/%s/children" % (parent, task),
                      encoding="ascii") as f:
                found += [int(child) for child in f.read().split()]
    return found


def sample(pid, program):
    total = 0
    for one in family(pid):
        if os.readlink("/proc/%d/exe" % one) == program:
            total += memory(one)
    return total


def main():
    child = subprocess.Popen(sys.argv[2:])
    program = os.path.realpath(sys.argv[2])
    peak = 0
    while child.poll() is None:
        try:
            peak = max(peak, sample(child.pid, program))
        except OSError:
            pass        # It ended between two looks.
        time.sleep(0.005)
    with open(sys.argv[1], "w", encoding="ascii") as f:
        f.write("%d\n" % peak)
    sys.exit(child.returncode)


if __name__ == "__main__":
    main()
