#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What tests/run makes of tests that fail: those that fail beside others are run again, alone."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import unittest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, TESTS)
loader = importlib.machinery.SourceFileLoader("runner", os.path.join(TESTS, "run"))
runner = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
sys.dont_write_bytecode = True
loader.exec_module(runner)

ONCE = 'echo "run $(ls "$HERE" | grep -c ran.$NAME)"; [ -e "$HERE/ran.$NAME" ] || { touch "$HERE/ran.$NAME"; exit 1; }'
REPORT = 'touch "$VP_TEST_TMP/sanitizer.1"; exit 0'


class OneBuild:
    sanitize = ""

    def __init__(self, path):
        self.path = path

    def environment(self):
        return dict(os.environ, HERE=self.path, VP_SLOW="1")


class Cases(unittest.TestCase):
    def run_tests(self, **scripts):
        """Returns the exit status and the lines that were said."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        tests = [runner.Test(f"x/{name}", ["/bin/sh", "-c", f"NAME={name}; {script}"], None, 60)
                 for name, script in scripts.items()]
        with contextlib.redirect_stdout(io.StringIO()):
            status = runner.run_tests(OneBuild(self.folder), tests, runner.Durations(self.folder))
        with open(os.path.join(self.folder, "test-run.log"), encoding="utf-8") as log:
            return status, log.read().splitlines()

    def test_all_pass(self):
        status, said = self.run_tests(a="true", b="echo SKIP: there is none; exit 77")
        self.assertEqual((status, said[-2:]), (0, ["skipped  x/b: there is none", "1 passed, 0 failed, 1 skipped"]))

    def test_unsteady(self):
        status, said = self.run_tests(a="true", b=ONCE)
        self.assertEqual((status, said[-1]), (0, "2 passed, 0 failed, 0 skipped"))
        self.assertIn("1 once more, alone", said)
        self.assertEqual(said[-2], "unsteady  x/b: exit status 1")
        for name, text in (("x-b.first.log", "run 0\n"), ("x-b.log", "run 1\n")):
            with open(os.path.join(self.folder, "test-logs", name), encoding="ascii") as log:
                self.assertEqual(log.read(), text)

    def test_steady(self):
        status, said = self.run_tests(a="true", b="exit 3", c=ONCE)
        self.assertEqual((status, said[-1]), (1, "2 passed, 1 failed, 0 skipped"))
        self.assertEqual(said[-3:-1], ["unsteady  x/c: exit status 1", "failed  x/b: exit status 3"])

    def test_alone_is_not_run_again(self):
        status, said = self.run_tests(b=ONCE)
        self.assertEqual((status, said[-1]), (1, "0 passed, 1 failed, 0 skipped"))

    def test_reports_count(self):
        """What a sanitizer has seen once is there."""
        status, said = self.run_tests(a="true", b=REPORT)
        self.assertEqual((status, said[-2:]), (1, ["failed  x/b: 1 sanitizer report(s)", "1 passed, 1 failed, 0 skipped"]))

    def test_many_are_not_run_again(self):
        names = [f"b{i}" for i in range(runner.MOST_AGAIN + 1)]
        status, said = self.run_tests(**dict.fromkeys(names, ONCE))
        self.assertEqual((status, said[-1]), (1, f"0 passed, {len(names)} failed, 0 skipped"))


if __name__ == "__main__":
    unittest.main()
