#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: no-asan no-tsan
"""The page of environment variables is what the table says, and nothing speaks of a variable that is not in it."""

import glob
import os
import re
import sys
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, 'tools'))

import environment  # noqa: E402

NAME = re.compile(r'(?<![A-Z_])VENUS_[A-Z](?:[A-Z_]*[A-Z])?(?![A-Z_])')
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
CODE = ('client/**/*.[ch]', 'common/**/*.[ch]', 'server/**/*.[ch]', 'test-app/*.[ch]', 'tools/*.[ch]')
TEXTS = ('*.md', 'docs/*.md', 'docs/*.1', 'docs/man/*.scd', 'tests/**/*.sh', 'tests/**/*.py', 'dev',
         'tools/bench', 'tools/bench_gpu', 'tools/demo')


def files(patterns):
    for pattern in patterns:
        for path in glob.glob(os.path.join(SOURCE, pattern), recursive=True):
            if os.path.isfile(path):
                with open(path, encoding='utf-8') as file:
                    yield os.path.relpath(path, SOURCE), file.read()


class Page(unittest.TestCase):
    def setUp(self):
        self.names = {variable['name'] for variable in environment.variables(SOURCE)}

    def test_current(self):
        text, wanted = environment.page(SOURCE)
        self.assertEqual(text, wanted, 'tools/environment.py writes it')
        self.assertEqual(set(NAME.findall(text)), self.names)
        self.assertGreater(len(self.names), 15)

    def test_code(self):
        for path, text in files(CODE):
            for string in STRING.findall(text):
                for name in NAME.findall(string):
                    self.assertIn(name, self.names, path)

    def test_texts(self):
        for path, text in files(TEXTS):
            for name in NAME.findall(text):
                self.assertIn(name, self.names, path)

    def test_only_one_place_reads_them(self):
        for path, text in files(('client/**/*.c',)):
            if path != environment.TABLE:
                self.assertNotRegex(text, r'getenv\("VENUS_', path)


if __name__ == '__main__':
    unittest.main(verbosity=2)
