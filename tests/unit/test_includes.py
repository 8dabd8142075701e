#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: no-asan no-tsan
"""The check of includes finds what it is for, and nothing in what is as it should be."""

import os
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, 'tools'))

from check_includes import PARTS, check  # noqa: E402


def faults(files, parts=PARTS):
    with tempfile.TemporaryDirectory() as root:
        for path, headers in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', encoding='utf-8') as file:
                file.writelines(f'#include "{header}"\n' for header in headers)
        return check(root, parts)


class Includes(unittest.TestCase):
    def test_one_way(self):
        self.assertEqual(faults({'client/a/a.c': ['client/a/a.h', 'client/b/b.h', 'client/vp_made.h', 'common/x/x.h'],
                                 'client/b/b.h': ['client/c/c.h'], 'server/s/s.c': ['common/x/x.h']}), [])

    def test_circle(self):
        circle = {'client/a/a.c': ['client/b/b.h'], 'client/b/b.h': ['client/c/c.h'], 'client/c/c.c': ['client/a/a.h']}
        self.assertEqual(faults(circle)[0], 'a circle of folders: client/a -> client/b -> client/c -> client/a')
        self.assertIn('   client/c/c.c includes client/a/a.h', faults(circle))
        self.assertEqual(faults(circle, ['server']), [])

    def test_other_side(self):
        self.assertEqual(len(faults({'client/a/a.c': ['server/b/b.h']}, [])), 1)
        self.assertEqual(len(faults({'server/a/a.c': ['client/b/b.h']}, [])), 1)
        self.assertEqual(len(faults({'common/a/a.c': ['client/b/b.h', 'server/b/b.h']}, [])), 2)


if __name__ == '__main__':
    unittest.main()
