#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a power cut leaves, from what preload_cut.c wrote down.

power_cut.py start ROOT...
    the inodes of what is there before the run, to stdout
power_cut.py build LOG-DIR START LINE SEED BEFORE TO...
    the trees ROOT... as after LINE lines of the log (-1: all), each into its
    TO; BEFORE has copies of them from before the run, named as they are

With SEED 0 the disk kept nothing but what was synced: files that were not are
empty, entries of directories that were not are missing.  With others it kept
some of the changes of names, too, as chance will have it.
"""
import os
import random
import sys


def start(roots):
    for root in roots:
        print("root", os.stat(root).st_ino, os.path.abspath(root))
        for folder, dirs, files in os.walk(root):
            here = os.stat(folder).st_ino
            for name in dirs + files:
                path = os.path.join(folder, name)
                kind = "d" if name in dirs else "f"
                print("name", here, os.lstat(path).st_ino, kind,
                      os.path.relpath(path, root), name, sep="\t")


class Disk:
    def __init__(self, log_dir, before, seed):
        self.log_dir = log_dir
        self.before = before
        self.rng = random.Random(seed) if seed else None
        self.roots = []     # (inode, name)
        self.dirs = {}      # inode -> {name: (inode, kind)}
        self.files = {}     # inode -> path with the content that is safe
        self.pending = {}   # inode of a directory -> [(name, entry or None)]

    def read_start(self, path):
        root = None
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            for line in f:
                if line.startswith("root "):
                    _, inode, where = line.rstrip("\n").split(" ", 2)
                    root = os.path.basename(where)
                    self.roots.append(int(inode))
                    self.dirs[int(inode)] = {}
                    continue
                _, here, inode, kind, rel, name = line.rstrip("\n").split("\t")
                self.dirs[int(here)][name] = (int(inode), kind)
                if kind == "d":
                    self.dirs[int(inode)] = {}
                else:
                    self.files[int(inode)] = os.path.join(self.before, root, rel)

    def change(self, here, name, entry):
        self.pending.setdefault(here, []).append((name, entry))

    def keep(self, here, chosen=lambda: True):
        for name, entry in self.pending.pop(here, []):
            if not chosen():
                continue
            if entry is None:
                self.dirs.setdefault(here, {}).pop(name, None)
            else:
                self.dirs.setdefault(here, {})[name] = entry

    def run(self, lines):
        for line in lines:
            word, *rest = line.rstrip("\n").split(" ", 4)
            if word == "new":
                inode = int(rest[0])
                self.files.pop(inode, None)
                self.dirs.pop(inode, None)
                self.pending.pop(inode, None)
            elif word == "name":
                self.change(int(rest[0]), rest[3], (int(rest[1]), rest[2]))
            elif word == "gone":
                self.change(int(rest[0]), rest[1], None)
            elif word == "file":
                self.files[int(rest[0])] = os.path.join(self.log_dir, rest[1])
            elif word == "dir":
                self.keep(int(rest[0]))
            else:
                sys.exit(f"power_cut.py: what a '{word}' keeps is not known")

    def cut(self):
        """What was not synced may have reached the disk all the same."""
        for here in list(self.pending):
            if self.rng is None:
                self.pending.pop(here)
            else:
                self.keep(here, lambda: self.rng.random() < 0.5)

    def write(self, inode, to):
        os.mkdir(to, 0o700)
        for name, (child, kind) in self.dirs.get(inode, {}).items():
            path = os.path.join(to, name)
            if kind == "d":
                self.write(child, path)
                continue
            data = b""
            if child in self.files:
                with open(self.files[child], "rb") as f:
                    data = f.read()
            with open(path, "wb") as f:
                f.write(data)
            os.chmod(path, 0o600)


def build(log_dir, start_file, line, seed, before, *targets):
    disk = Disk(log_dir, before, int(seed))
    disk.read_start(start_file)
    with open(os.path.join(log_dir, "log"), encoding="utf-8") as f:
        lines = f.readlines()
    disk.run(lines if int(line) < 0 else lines[:int(line)])
    disk.cut()
    for inode, to in zip(disk.roots, targets):
        disk.write(inode, to)


if __name__ == "__main__":
    {"start": lambda *a: start(a), "build": build}[sys.argv[1]](*sys.argv[2:])
