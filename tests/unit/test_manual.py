#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: no-asan no-tsan
"""The manual pages have what the tables of options and variables have, and scdoc takes them."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tools"))

import environment  # noqa: E402
import manual  # noqa: E402


def page(name):
    return manual.page(os.path.join(SOURCE, "docs", "man", name + ".scd"))


class Pages(unittest.TestCase):
    def test_complete(self):
        text = page("venus-server.8")
        self.assertIn("*--port* _N_\n\tListen on this port (default 5556; 0: any free one, see the output).\n", text)
        self.assertIn(" Default: 30, but 0 for those that connect from this machine", text)
        variables = page("venus-plus.7").replace("\\", "")
        config = page("venus-plus.conf.5")
        for variable in environment.variables(SOURCE):
            self.assertIn(f"*{variable['name']}*\n", variables)
            key = variable["name"].removeprefix("VENUS_").lower().replace("_", "-")
            self.assertIn(f"\n*{key}*\n", config)
        for key in ("server-command", "job-command"):
            self.assertIn(f"\n*{key}*\n", config)
        self.assertIn("\n*port* = _N_\n", config)
        self.assertNotRegex(config, r"\n\*(config|list|stdio)\* = ")
        self.assertEqual(len(re.findall(r"^\*--", page("venus-proxy.1"), re.MULTILINE)), 13)

    def test_no_links(self):
        for path in glob.glob(f"{SOURCE}/docs/man/*.scd"):
            text = manual.page(path)
            self.assertNotRegex(text, r"\]\(|^@|\.md\)", path)

    def test_refusals(self):
        for text, said in (("@nothing\n", "there is no list"), ("@variables\n", "has no @end"),
                           ("@variables\nNOTHING\n\tmore\n@end\n", "knows nothing of NOTHING")):
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".scd") as file:
                file.write(text)
                file.flush()
                result = subprocess.run([sys.executable, f"{SOURCE}/tools/manual.py", file.name], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn(said, result.stderr)

    def test_scdoc(self):
        if not shutil.which("scdoc"):
            self.skipTest("scdoc is not installed")
        for path in glob.glob(f"{SOURCE}/docs/man/*.scd"):
            result = subprocess.run(["scdoc"], input=manual.page(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    text=True, check=False)
            self.assertEqual(result.returncode, 0, path + result.stderr)
            self.assertIn(".SH NAME", result.stdout)


if __name__ == "__main__":
    unittest.main()
