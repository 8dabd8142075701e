#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: no-asan no-tsan
"""What can be left out of a build is not looked for, either, and what makes no sense is said."""

import os
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WITHOUT = ("-DGLSLANG_VALIDATOR=", "-DCMAKE_DISABLE_FIND_PACKAGE_PNG=ON")
LESS = ("-DVP_TESTS=OFF", "-DVP_TOOLS=OFF", "-DVP_TEST_APP=OFF")


class Configure(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        if not shutil.which("cmake"):
            self.skipTest("cmake is not installed")

    def configure(self, *options):
        result = subprocess.run(["cmake", "-S", SOURCE, "-B", self.folder, *options], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)
        return result.returncode, " ".join(result.stdout.split())

    def targets(self):
        listed = subprocess.run(["cmake", "--build", self.folder, "--target", "help"], stdout=subprocess.PIPE, text=True,
                                check=True).stdout
        return set(listed.replace("...", " ").replace(":", " ").split())

    def test_least(self):
        status, said = self.configure(*LESS, *WITHOUT)
        self.assertEqual(status, 0, said)
        targets = self.targets()
        self.assertLessEqual({"venus-server", "venus-run", "venus-ctl", "vulkan_venus"}, targets)
        self.assertTrue(targets.isdisjoint({"venus-bench", "venus-test-app", "unit-test_arena"}), targets)
        self.assertIn("the server's processors, not its GPU", said)

    def test_driver_alone(self):
        status, said = self.configure("-DVP_SERVER=OFF", "-DVP_TEST_APP=OFF", "-DVP_TLS=OFF",
                                      "-DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON", *WITHOUT)
        self.assertEqual(status, 0, said)
        self.assertTrue({"venus-server", "venus-run"}.isdisjoint(self.targets()))

    def test_refusals(self):
        for options, expected in ((["-DVP_TOOLS=OFF"], "configure with -DVP_TESTS=OFF, too"),
                                  (WITHOUT, "Install the package glslang-tools")):
            status, said = self.configure(*options)
            self.assertNotEqual(status, 0)
            self.assertIn(expected, said)
            os.remove(f"{self.folder}/CMakeCache.txt")


if __name__ == "__main__":
    unittest.main()
