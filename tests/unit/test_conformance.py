#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/conformance: which cases are selected, and what is made of a suite's results, crashes and silence."""

import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import unittest

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance")
sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True
import cases  # pylint: disable=wrong-import-position

loader = importlib.machinery.SourceFileLoader("conformance", os.path.join(FOLDER, "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("conformance", loader))
loader.exec_module(run)

# Cases of this suite do what the last part of their name says. SIDE is "native" or "remote".
SUITE = r"""#!/bin/bash
for argument; do
   case $argument in
      --deqp-caselist-file=*) list=${argument#*=} ;;
      --deqp-log-filename=*) log=${argument#*=} ;;
   esac
done
grep -q 'x[.]broken' "$list" && { echo "cannot begin"; exit 3; }
while read -r name; do
   echo "#beginTestCaseResult $name" >>"$log"
   status=Pass
   case ${name##*.}/$SIDE in
      crash/*) kill -SEGV $$ ;;
      hang/*) exec sleep 60 ;;
      worse/remote) status=Fail ;;
      once/remote) [[ -e $0.$name ]] || status=Fail; touch "$0.$name" ;;
   esac
   printf ' <Text>x</Text>\n <Result StatusCode="%s">1 &lt; 2</Result>\n#endTestCaseResult\n' $status >>"$log"
done <"$list"
"""


class Selection(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(os.path.join(self.folder, "cases"))
        self.write("excluded-tests.txt", ["# a comment", "dEQP-VK.large.a.never"])
        self.write("test-issues.txt", ["dEQP-VK.*.issue*"])
        self.write("cases/small.txt", [f"dEQP-VK.small.{number}" for number in range(5)])
        self.write("cases/large.txt", ["dEQP-VK.large.a.never", "dEQP-VK.large.b.issue_1"] +
                   [f"dEQP-VK.large.b.{number}" for number in range(1000)] +
                   [f"dEQP-VK.large.c.{number}" for number in range(20)])
        self.write("cases/video.txt", ["dEQP-VK.video.decode"])

    def write(self, name, lines):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")

    def test_even(self):
        chosen = cases.select(self.folder, 35)
        count = {group: sum(name.startswith(f"dEQP-VK.{group}.") for name in chosen)
                 for group in ("small", "large", "large.b", "large.c", "video")}
        self.assertEqual(count, {"small": 5, "large": 30, "large.b": 15, "large.c": 15, "video": 0})
        self.assertEqual(chosen, cases.select(self.folder, 35))
        self.assertLess(set(cases.select(self.folder, 25)), set(chosen))

    def test_all_but_what_is_left_out(self):
        self.assertEqual(len(cases.select(self.folder, 5000)), 1025)

    def test_shares(self):
        self.assertEqual(cases.shares({"a": 1, "b": 100, "c": 100}, 11), {"a": 1, "b": 5, "c": 5})
        self.assertEqual(sum(cases.shares({"a": 7, "b": 7, "c": 7}, 11).values()), 11)


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with open(os.path.join(folder.name, "deqp-vk"), "w", encoding="ascii") as file:
            file.write(SUITE)
        os.chmod(os.path.join(folder.name, "deqp-vk"), 0o755)
        self.suite = run.Suite(folder.name, 2)
        for side in run.SIDES:
            self.suite.environments[side] = dict(os.environ, SIDE=side)

    def results(self, names, side="native"):
        return {name: result[0] for name, result in self.suite.run(names, side).items()}

    def both(self, names, deadline=None):
        path = os.path.join(self.suite.folder, f"{names[-1]}.tsv")
        run.run_all(self.suite, run.chunks(names, 2), 2, deadline, path)
        return run.load(path)

    def test_goes_on_after_a_crash(self):
        self.assertEqual(self.results(["x.a.1", "x.a.crash", "x.a.2", "x.a.hang", "x.a.3"]),
                         {"x.a.1": "Pass", "x.a.crash": "Crash", "x.a.2": "Pass", "x.a.hang": "Timeout",
                          "x.a.3": "Pass"})

    def test_cannot_begin(self):
        self.assertEqual(self.suite.run(["x.broken"], "native"), {"x.broken": ("NotRun", "cannot begin")})

    def test_verdicts(self):
        names = ["x.a.1", "x.a.worse", "x.a.once", "x.b.worse", "x.b.crash"]
        results = self.both(names)
        again = self.both(["x.a.worse", "x.a.once"])
        verdicts = run.compare(results, again, [("x.b.*", "Pass/Fail"), ("x.a.worse", "Fail/Pass")])
        self.assertEqual(verdicts, {"x.a.1": "same", "x.a.worse": "differs", "x.a.once": "chance",
                                    "x.b.worse": "expected", "x.b.crash": "same"})
        self.assertEqual(list(run.table(results, verdicts))[-1], "all | 5 | 2 | 1 | 1 | 1 | 4 | 0 | 1")
        self.assertEqual(next(run.differences(results, again, verdicts)),
                         "differs: x.a.worse: Pass/Fail; again Pass/Fail: 1 < 2 / 1 < 2")

    def test_expected(self):
        """Each line of the file names cases and, with a direction, what their results may be."""
        for names, kinds in run.load_expected(os.path.join(FOLDER, "expected")):
            self.assertTrue(names.startswith("dEQP-VK."), names)
            self.assertEqual(kinds.count("/"), 1, names)

    def test_ends_in_time(self):
        self.assertEqual(self.both(["x.a.1"], 1), {})


if __name__ == "__main__":
    unittest.main()
