#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tools/native_driver: where lavapipe's manifest is looked for, what it may be called, and what is said without one."""

import os
import subprocess
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class NativeDriver(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.use_machine("x86_64")

    def use_machine(self, name):
        os.makedirs(f"{self.root}/bin", exist_ok=True)
        with open(f"{self.root}/bin/uname", "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\necho {name}\n")
        os.chmod(f"{self.root}/bin/uname", 0o755)

    def add(self, folder, name):
        path = f"{self.root}/{folder}/vulkan/icd.d"
        os.makedirs(path, exist_ok=True)
        with open(f"{path}/{name}", "w", encoding="ascii"):
            pass
        return f"{path}/{name}"

    def run_it(self, *arguments, **values):
        environment = dict(os.environ, PATH=f"{self.root}/bin:/usr/bin:/bin", XDG_DATA_HOME=f"{self.root}/home",
                           XDG_DATA_DIRS=f"{self.root}/local:{self.root}/share", VP_NATIVE_ICD="")
        environment.update(values)
        return subprocess.run([f"{SOURCE}/tools/native_driver", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment, check=False)

    def check(self, manifest, **values):
        result = self.run_it(**values)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, f"{manifest}\n", ""))

    def check_none(self, *words, **values):
        result = self.run_it(**values)
        self.assertEqual((result.returncode, result.stdout, result.stderr.count("\n")), (1, "", 1))
        for word in words:
            self.assertIn(word, result.stderr)

    def test_gpu(self):
        self.add("share", "lvp_icd.x86_64.json")
        self.add("local", "venus_icd.x86_64.json")
        self.add("local", "radeon_icd.i686.json")
        result = self.run_it("--gpu")
        self.assertEqual((result.returncode, result.stdout, result.stderr.count("\n")), (1, "", 1))
        self.assertIn("no Vulkan driver for a GPU", result.stderr)
        manifests = [self.add("share", "nvidia_icd.json"), self.add("share", "radeon_icd.x86_64.json")]
        self.assertEqual(self.run_it("--gpu").stdout, ":".join(manifests) + "\n")
        self.assertEqual(self.run_it("--gpu", VP_NATIVE_ICD=manifests[1]).stdout, f"{manifests[1]}\n")

    def test_names(self):
        self.add("share", "lvp_icd.i686.json")
        self.add("share", "radeon_icd.x86_64.json")
        other = self.add("share", "lvp_icd.aarch64.json")
        self.check_none("lvp_icd.x86_64.json", f"{self.root}/share/vulkan/icd.d", "mesa-vulkan-drivers", "VP_NATIVE_ICD")
        plain = self.add("share", "lvp_icd.json")
        self.check(plain)
        self.check(self.add("share", "lvp_icd.x86_64.json"))
        self.use_machine("aarch64")
        self.check(other)

    def test_places(self):
        for folder in ("share", "local", "home"):
            self.check(self.add(folder, "lvp_icd.json"))

    def test_named(self):
        one, two = self.add("a", "one.json"), self.add("b", "two.json")
        self.check(one, VP_NATIVE_ICD=one)
        self.check(f"{one}:{two}", VP_NATIVE_ICD=f"{one}:{two}")
        self.check_none(f"VP_NATIVE_ICD names {one}.gone", VP_NATIVE_ICD=f"{two}:{one}.gone")


if __name__ == "__main__":
    unittest.main()
