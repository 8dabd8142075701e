#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What tests/run says while tests run (tests/progress.py)."""

import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from progress import Durations, Progress, minutes  # noqa: E402


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Cases(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.now = 0
        self.log = io.StringIO()

    def remember(self, **seconds):
        with open(os.path.join(self.folder, "test-durations.json"), "w", encoding="utf-8") as file:
            json.dump(seconds, file)

    def progress(self, out, *names):
        return Progress(names, 2, Durations(self.folder), self.log, lambda: self.now, out)

    def test_words(self):
        self.assertEqual([minutes(seconds) for seconds in (3, 44, 95, 1000)], ["a few seconds", "40 s", "2 min", "17 min"])

    def test_forecast(self):
        self.remember(a=60, b=30, c=200)
        durations = Durations(self.folder)
        self.assertEqual(durations.forecast(["a", "b"], 1), 90)
        self.assertEqual(durations.forecast(["a", "b", "c"], 2), 200)
        self.assertEqual(durations.forecast(["a", "b", "c"], 2, [("c", 150)]), 70)
        self.assertEqual(durations.forecast(["a", "b", "c"], 2, [("a", 1000), ("c", 190)]), 30)
        self.assertEqual(durations.forecast(["a", "b", "new"], 1), 60 + 30 + 45)
        self.assertIsNone(durations.forecast(["a", "new", "newer"], 1))
        self.assertEqual(durations.forecast([], 2), 0)

    def test_nonsense_is_no_memory(self):
        for text in ("", "[1]", '{"a": "x"}', '{"a": null}'):
            with open(os.path.join(self.folder, "test-durations.json"), "w", encoding="utf-8") as file:
                file.write(text)
            self.assertEqual(Durations(self.folder).seconds, {})

    def run_two(self, out):
        progress = self.progress(out, "a", "b")
        progress.begin()
        progress.start("a")
        progress.start("b")
        self.now = 50
        progress.end("b", "SKIP  b", False)
        self.now = 70
        progress.end("a", "PASS  a", True)
        progress.finish()
        progress.say("1 passed")

    def test_lines(self):
        self.remember(a=100, b=40, gone=7)
        out = io.StringIO()
        self.run_two(out)
        self.assertEqual(out.getvalue(), "2 tests, about 2 min\n[1/2] SKIP  b\n[2/2] PASS  a\n1 passed\n")
        self.assertEqual(self.log.getvalue(), out.getvalue())
        self.assertEqual(Durations(self.folder).seconds, {"a": 70, "b": 40, "gone": 7})

    def test_terminal(self):
        self.remember(a=100, b=40)
        out = Terminal()
        self.run_two(out)
        self.assertIn("\r\033[K[0/2, about 2 min left] a 0 s, b 0 s", out.getvalue())
        self.assertIn("\r\033[K[1/2] SKIP  b\n\r\033[K[1/2, about 50 s left] a 50 s", out.getvalue())
        self.assertTrue(out.getvalue().endswith("\r\033[K[2/2] PASS  a\n1 passed\n"), repr(out.getvalue()))
        self.assertNotIn("\033", self.log.getvalue())


if __name__ == "__main__":
    unittest.main()
