#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Limits of time on a machine that gets busy while they run (tests/slow.py): the load is a file of the test's."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(TESTS)
import slow

PROCESSORS = len(os.sched_getaffinity(0))


class Loaded(unittest.TestCase):
    def setUp(self):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            self.addCleanup(os.unlink, file.name)
        self.addCleanup(setattr, slow, "LOAD", slow.LOAD)
        slow.LOAD = file.name
        os.environ["VP_SLOW"] = "1"

    def load(self, average, now):
        """Both by how many processes want each processor."""
        with open(slow.LOAD, "w", encoding="ascii") as file:
            file.write(f"{average * PROCESSORS:.2f} 0.00 0.00 {now * PROCESSORS}/300 4711\n")

    def test_slowness(self):
        for average, now, expected in ((0, 0, 1), (1, 1, 1), (2, 2, 1), (0, 9, 8), (9, 1, 8), (3, 5, 4), (500, 0, 10)):
            self.load(average, now)
            self.assertEqual(slow.slowness(), expected, (average, now))
        os.environ["VP_SLOW"] = "3"
        self.load(0, 5)
        self.assertEqual(slow.slowness(), 12)

    def test_a_limit_is_read_when_it_has_passed(self):
        self.load(0, 0)
        limit = slow.Limit(0.2)
        self.assertFalse(limit.is_over())
        self.load(0, 100)
        time.sleep(0.3)
        self.assertFalse(limit.is_over(), "busy meanwhile, it takes ten times as long")
        limit = slow.Limit(0)
        self.assertTrue(limit.is_over())

    def test_an_idle_machine_has_no_more_time(self):
        self.load(0, 0)
        limit = slow.Limit(0.1)
        time.sleep(0.15)
        self.assertTrue(limit.is_over())


class Command(unittest.TestCase):
    def status(self, *arguments):
        return subprocess.run([f"{TESTS}/slow.py", *arguments], check=False).returncode

    def test_status(self):
        self.assertEqual(self.status("60", "sh", "-c", "exit 42"), 42)
        self.assertEqual(self.status("60", "sh", "-c", "kill -SEGV $$"), 128 + signal.SIGSEGV)

    def test_too_long(self):
        self.assertEqual(self.status("0.1", "sleep", "600"), 124)
        self.assertEqual(self.status("0.1", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"), 124)

    def test_signals_are_passed_on(self):
        script = "sleep 600 & trap \"kill $!; exit 7\" TERM; echo; wait"
        with subprocess.Popen([f"{TESTS}/slow.py", "600", "sh", "-c", script], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            process.terminate()
            self.assertEqual(process.wait(), 7)

    def test_who_ignores_signals_is_killed(self):
        script = "trap '' TERM; echo; while :; do sleep 0.1; done"
        with subprocess.Popen([f"{TESTS}/slow.py", "600", "sh", "-c", script], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            process.terminate()
            self.assertEqual(process.wait(), 128 + signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
