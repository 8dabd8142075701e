#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: no-asan no-tsan
"""Which Vulkan registry a build gets when nobody names one, what tools/registry fetches and what not, and what it says
when that cannot be had."""

import os
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IN_FOLDER = "usr/share/vulkan/registry/vk.xml"
OLD, NEW = 239, 100000
CHOICE = """
include(${CMAKE_CURRENT_LIST_DIR}/VpRegistry.cmake)
vp_newest_registry("%s" "%s" newest)
message(STATUS "chosen: ${newest}")
"""


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def registry(self, name, number):
        """As Vulkan's begin: that of Vulkan SC, whose number is another one, comes second."""
        return self.write(name, "".join(f'<type category="define">// Version of this file\n#define <name>VK_HEADER_VERSION'
                                        f"</name> {each}</type>\n" for each in (number, 17)))


class Choice(Folder):
    """cmake/VpRegistry.cmake."""

    def setUp(self):
        super().setUp()
        if not shutil.which("cmake"):
            self.skipTest("cmake is not installed")
        shutil.copy(f"{SOURCE}/cmake/VpRegistry.cmake", self.folder)
        self.nothing = f"{self.folder}/nothing.xml"

    def check(self, beside, system, chosen):
        script = self.write("choice.cmake", CHOICE % (beside, system))
        said = subprocess.run(["cmake", "-P", script], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual(said, f"-- chosen: {chosen}\n")

    def test_newer_one(self):
        old, new = self.registry("old.xml", OLD), self.registry("new.xml", NEW)
        self.check(new, old, new)
        self.check(old, new, new)

    def test_same(self):
        beside, system = self.registry("a.xml", NEW), self.registry("b.xml", NEW)
        self.check(beside, system, system)

    def test_one_is_missing(self):
        there, broken = self.registry("there.xml", OLD), self.write("broken.xml", "<registry/>")
        self.check(self.nothing, there, there)
        self.check(there, self.nothing, there)
        self.check(broken, there, there)
        self.check(self.nothing, self.nothing, self.nothing)  # whose name the error has


class Fetching(Folder):
    """tools/registry; apt's program is a script, or there is none."""

    def fetch(self, number, helper):
        self.write("bin/apt-helper", f"#!/bin/sh\n{helper}\n")
        os.chmod(f"{self.folder}/bin/apt-helper", 0o755)
        system = self.registry("system.xml", number)
        self.write("video.xml", "<registry/>")
        return subprocess.run([f"{SOURCE}/tools/registry", f"{self.folder}/new", system], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, LC_ALL="C", PATH=f"{self.folder}/bin:{os.environ['PATH']}"))

    def check_refused(self, helper, why):
        result = self.fetch(OLD, helper)
        self.assertEqual((result.returncode, result.stderr.count("\n")), (1, 1), result.stderr)
        self.assertRegex(result.stderr, rf"^registry: .*the system's is used \({why}\)\n$")
        self.assertEqual(sorted(os.listdir(self.folder)), ["bin", "system.xml", "video.xml"])

    def test_nothing_is_fetched_for_nothing(self):
        result = self.fetch(NEW, "exit 1")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        new = self.registry(f"new/{IN_FOLDER}", NEW)
        self.assertEqual(self.fetch(OLD, "exit 1").returncode, 1)  # without that of video codecs
        self.write(f"new/{os.path.dirname(IN_FOLDER)}/video.xml", "<registry/>")
        self.assertTrue(os.path.exists(new))
        result = self.fetch(OLD, "exit 1")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_no_network(self):
        self.check_refused("echo 'E: Download Failed' >&2; exit 100", "E: Download Failed")

    def test_another_file(self):
        self.check_refused('for last; do :; done; echo "not a package" >"$last"', "sha256sum: WARNING: .* did NOT match")

    def test_old_one_stays(self):
        old = self.registry(f"new/{IN_FOLDER}", OLD)
        result = self.fetch(OLD, "exit 100")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(os.path.exists(old))


if __name__ == "__main__":
    unittest.main()
