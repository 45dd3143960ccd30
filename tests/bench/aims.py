#!/usr/bin/python3
"""aims.py FIGURES - the table of aims from what measure() noted.

Each line of FIGURES is: round, side, aim, microseconds, bytes added.  A
round's number may come again, as when figures of several runs are gathered:
the n-th of each side are then a pair.
"""

import statistics
import sys

# Of what, beside what, which of the two figures, at most.
AIMS = (
    ("media, first", "media_first", "plain", 1.0),
    ("media, unchanged", "media_unchanged", "plain", 2.0),
    ("database, first", "db_first", "plain", 0.8),
    ("database, unchanged", "db_unchanged", "plain", 1.0),
    ("database, restore", "db_restore", "plain", 1.2),
    ("media, restore", "media_restore", "plain", 1.2),
)
SIZES = (
    ("database, first, stored", "db_first", "restic", 1.03),
    ("database, day, added", "db_day", "restic", 0.3),
)


def line(name, unit, ours, others, aim):
    ratios = [a / b for a, b in zip(ours, others)]
    if not ratios:
        return
    median = statistics.median(ratios)
    print("%-26s %2d %9.2f %9.2f %-2s %6.2f (%.2f - %.2f) %8.2f  %s" % (
        name, len(ratios), statistics.median(ours), statistics.median(others),
        unit, median, min(ratios), max(ratios), aim,
        "met" if median <= aim else "NOT MET"))


def main():
    figures = {}
    read = 0
    for text in open(sys.argv[1], encoding="ascii"):
        _, side, aim, us, size = text.split()
        if side == "-":
            read = int(size)
            continue
        figures.setdefault((aim, side), []).append((int(us) / 1e6, int(size)))
    print("\n%-26s %2s %9s %9s    %s" % ("aim", "n", "mastvault", "beside",
                                         "ratio, median (least - most)   at most"))
    for name, aim, side, most in AIMS:
        line(name, "s", [t for t, _ in figures.get((aim, "ours"), [])],
             [t for t, _ in figures.get((aim, side), [])], most)
    for name, aim, side, most in SIZES:
        line(name, "MB", [s / 1e6 for _, s in figures.get((aim, "ours"), [])],
             [s / 1e6 for _, s in figures.get((aim, side), [])], most)
    added = [s / 1e6 for _, s in figures.get(("db_unchanged", "ours"), [])]
    if added and read:
        line("database, unchanged, added", "MB", added,
             [read / 1e6] * len(added), 0.001)


if __name__ == "__main__":
    main()
