#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Selects cases of the conformance suite, evenly over all groups: `cases.py FOLDER [COUNT]`, with a FOLDER that `build`
has made, prints the names. The same folder and COUNT always give the same cases. Each group gives as many cases as the
others, or all that it has; so do the groups inside of a group; which, a hash of their names decides. Cases that the
suite itself leaves out of its lists, or `excluded` names, are never among them."""

import fnmatch
import hashlib
import os
import re
import sys

COUNT = 24000
SEED = "venus-plus 1"
LEVELS = 5  # so many groups inside of groups get shares of their own
HERE = os.path.dirname(os.path.abspath(__file__))


def patterns(path):
    """The first word of each line of a file that is not empty or a comment."""
    with open(path, encoding="utf-8") as file:
        return [line.split()[0] for line in file if line.split() and not line.startswith("#")]


def matcher(names):
    """A function that says whether one of the patterns fits."""
    return re.compile("|".join(f"(?:{fnmatch.translate(name)})" for name in names)).match


def left_out(folder):
    names = patterns(os.path.join(HERE, "excluded"))
    for file in ("excluded-tests.txt", "test-issues.txt"):
        names += patterns(os.path.join(folder, file))
    return matcher(names)


def order(name):
    return hashlib.sha256(f"{SEED} {name}".encode()).digest()


def shares(sizes, count):
    """How many of count each gets: all alike, but none more than its size."""
    result = {}
    for done, name in enumerate(sorted(sizes, key=lambda name: (sizes[name], order(name)))):
        result[name] = min(sizes[name], count // (len(sizes) - done))
        count -= result[name]
    return result


def choose(names, count, level):
    """So many of the names, evenly over the groups at this level of theirs."""
    if count >= len(names):
        return names
    groups = {}
    for name in names:
        parts = name.split(".", level + 1)
        groups.setdefault(parts[level] if len(parts) > level + 1 else "", []).append(name)
    if level > LEVELS or (len(groups) == 1 and "" in groups):
        return sorted(names, key=order)[:count]
    wanted = shares({group: len(members) for group, members in groups.items()}, count)
    return [name for group, members in groups.items() for name in choose(members, wanted[group], level + 1)]


def select(folder, count=COUNT):
    """The names, each group's together and in the suite's order."""
    is_left_out = left_out(folder)
    groups = {}
    for file in sorted(os.listdir(os.path.join(folder, "cases"))):
        with open(os.path.join(folder, "cases", file), encoding="ascii") as lines:
            groups[file] = [name for name in lines.read().split() if not is_left_out(name)]
    wanted = shares({group: len(names) for group, names in groups.items()}, count)
    result = []
    for group, names in groups.items():
        chosen = set(choose(names, wanted[group], 2))
        result += [name for name in names if name in chosen]
    return result


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: tests/conformance/cases.py FOLDER [COUNT]")
    print("\n".join(select(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else COUNT)))
