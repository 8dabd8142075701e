#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: no-asan no-tsan
"""The check of sources finds what it is for, and nothing in what is as it should be."""

import os
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, 'tools'))

from check_sources import check  # noqa: E402

SPDX = '/* SPDX-License-Identifier: MIT */\n'
OPENING = SPDX + '\n/* Does something,\n * and says what. */\n\n#include "a.h"\n\n'


def faults(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', encoding='utf-8') as file:
                file.write(text)
        return check(root)


class Openings(unittest.TestCase):
    def wrong(self, text):
        found = faults({'client/a/a.c': text})
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith('client/a/a.c '), found[0])

    def test_good(self):
        self.assertEqual(faults({'client/a/a.c': OPENING, 'common/b.c': OPENING, 'server/c.c': OPENING}), [])

    def test_other_files(self):
        self.assertEqual(faults({'client/a/a.h': SPDX, 'tools/a.c': '', 'client/a/notes.txt': ''}), [])

    def test_no_licence(self):
        self.wrong('')
        self.wrong('\n' + OPENING)
        self.wrong(OPENING[len(SPDX):])

    def test_no_comment(self):
        self.wrong(SPDX)
        self.wrong(SPDX + '#include "a.h"\n')
        self.wrong(SPDX + '\n#include "a.h"\n\n/* Does something. */\n\n')

    def test_no_sentence(self):
        self.wrong(SPDX + '\n/* */\n\n#include "a.h"\n')
        self.wrong(SPDX + '\n/* clang-format off */\n\n#include "a.h"\n')

    def test_no_blank_lines(self):
        self.wrong(SPDX + '/* Does something. */\n\n#include "a.h"\n')
        self.wrong(SPDX + '\n/* Does something. */\n#include "a.h"\n')


class Names(unittest.TestCase):
    def test_good(self):
        self.assertEqual(faults({
            'client/a.c': OPENING + 'static int f(void)\n{\n   return g();\n}\n',
            'server/a.c': OPENING + 'static int f(void)\n{\n   return g();\n}\n',
            'common/a.c': OPENING + 'static void once(void)\n{\n}\n#else\nstatic void once(void)\n{\n}\n',
            'common/b.c': OPENING + 'void g(void)\n{\n}\nstatic int once = SIZE(3);\nstatic int x[SIZE(2)];\n',
            'common/c.c': OPENING + 'static int x[SIZE(2)];\nstatic void (*call)(void);\nvoid g(void);\n'}), [])

    def twice(self, first, second):
        found = faults({first: OPENING + 'static int f(void)\n{\n}\n',
                        second: OPENING + 'STRANGE static inline const struct s *f(int a,\n   int b)\n{\n}\n'})
        self.assertEqual(found, [f'f() is static in several files of a program: {first}, {second}'])

    def test_twice(self):
        self.twice('client/a.c', 'client/b/b.c')
        self.twice('client/a.c', 'common/b.c')
        self.twice('common/a.c', 'common/b.c')
        self.twice('common/a.c', 'server/b.c')


if __name__ == '__main__':
    unittest.main()
