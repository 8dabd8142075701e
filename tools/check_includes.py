#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What may include what: neither side a header of the other, common/ neither of them, and in the parts that are named,
folders no circle. `check_includes.py ROOT PART...`, part of ./dev lint."""

import collections
import os
import re
import sys

PARTS = ('client', 'server', 'common')
MAY_USE = {'client': ('client', 'common'), 'server': ('server', 'common'), 'common': ('common',)}
INCLUDE = re.compile(r'^\s*#\s*include\s*"((?:client|server|common)/[^"]+)"', re.MULTILINE)


def edges(root):
    """(file, header) for each include of one of our headers; generated headers lie beside the folders."""
    for part in PARTS:
        for folder, _, names in os.walk(os.path.join(root, part)):
            for name in sorted(names):
                if name.endswith(('.c', '.h')):
                    path = os.path.join(folder, name)
                    with open(path, encoding='utf-8') as file:
                        for header in INCLUDE.findall(file.read()):
                            yield os.path.relpath(path, root), header


def find_circle(uses):
    """A list of folders, each of which uses the next, that ends where it begins; None if there is none."""
    done = set()

    def visit(folder, path):
        if folder in path:
            return path[path.index(folder):] + [folder]
        if folder in done:
            return None
        for used in sorted(uses.get(folder, ())):
            circle = visit(used, path + [folder])
            if circle:
                return circle
        done.add(folder)
        return None

    for folder in sorted(uses):
        circle = visit(folder, [])
        if circle:
            return circle
    return None


def check(root, parts):
    """What is wrong, a line each."""
    faults = []
    uses = {part: collections.defaultdict(set) for part in parts}
    examples = {}
    for path, header in sorted(edges(root)):
        part, used = path.split('/')[0], header.split('/')[0]
        if used not in MAY_USE[part]:
            faults.append(f'{path} includes {header}: {part}/ may not use {used}/')
        folder, other = os.path.dirname(path), os.path.dirname(header)
        if part == used and part in parts and folder != other and part not in (folder, other):
            uses[part][folder].add(other)
            examples.setdefault((folder, other), f'{path} includes {header}')
    for part in parts:
        circle = find_circle(uses[part])
        if circle:
            faults.append('a circle of folders: ' + ' -> '.join(circle))
            faults += ['   ' + examples[pair] for pair in zip(circle, circle[1:])]
    return faults


if __name__ == '__main__':
    found = check(sys.argv[1], sys.argv[2:])
    print('\n'.join(found), end='\n' if found else '')
    sys.exit(bool(found))
