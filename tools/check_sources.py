#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What each .c file of the driver and the server keeps to: it opens with its SPDX line and a comment that says what it
is for, and the name of a static function stands in one file of a program, so that a backtrace says where it was.
`check_sources.py ROOT`, part of ./dev lint."""

import collections
import os
import re
import sys

PROGRAMS = {'client': ('client', 'common'), 'server': ('common', 'server')}
SPDX = re.compile(r'/\* SPDX-License-Identifier: \S+ \*/\n')
STATIC = re.compile(r'^(?:\w[\w()]* )*static\b[^=;({]*?[ *](\w+)\(', re.MULTILINE)


def sources(root, parts):
    """(path, text) of each .c file, in order."""
    for part in parts:
        for folder, folders, names in os.walk(os.path.join(root, part)):
            folders.sort()
            for name in sorted(names):
                if name.endswith('.c'):
                    path = os.path.join(folder, name)
                    with open(path, encoding='utf-8') as file:
                        yield os.path.relpath(path, root), file.read()


def opening_fault(path, text):
    """What is wrong with how a file begins; None: nothing."""
    spdx = SPDX.match(text)
    if not spdx:
        return f'{path} does not begin with an SPDX line'
    comment, _, rest = text[spdx.end():].partition('*/')
    is_sentence = comment.startswith('\n/* ') and comment.rstrip('\n *').endswith('.')
    if not is_sentence or not rest.startswith('\n\n'):
        return f'{path} does not say in a sentence what it is for, in a comment of its own below the SPDX line'
    return None


def twice(files):
    """A line for each static function whose name stands in several of these files."""
    where = collections.defaultdict(list)
    for path, text in files:
        for name in set(STATIC.findall(text)):
            where[name].append(path)
    return [f'{name}() is static in several files of a program: ' + ', '.join(paths)
            for name, paths in sorted(where.items()) if len(paths) > 1]


def check(root):
    """What is wrong, a line each."""
    faults = [opening_fault(path, text) for path, text in sources(root, ('client', 'common', 'server'))]
    for parts in PROGRAMS.values():
        faults += twice(sources(root, parts))
    return list(dict.fromkeys(fault for fault in faults if fault))


if __name__ == '__main__':
    found = check(sys.argv[1])
    print('\n'.join(found), end='\n' if found else '')
    sys.exit(bool(found))
