#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What ./dev says: patterns of tests that its help and the documents name select some, and who may not install packages
is told how it is done. The runner's own refusals, too."""

import glob
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOBODY = 65534


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=SOURCE,
                          **options)


class Patterns(unittest.TestCase):
    def check(self, patterns, where):
        self.assertTrue(patterns, where)
        for pattern in patterns:
            listed = run("tests/run", "--list", pattern)
            self.assertEqual(listed.returncode, 0, f"{where}: {listed.stdout}")

    def test_help(self):
        text = run("./dev", "--help").stdout
        named = re.search(r"With PATTERNs \((.*?)\)", text)
        self.check([shlex.split(word)[0] for word in named[1].split(", ")], "./dev --help")

    def test_documents(self):
        found = 0
        for path in [*glob.glob(f"{SOURCE}/*.md"), *glob.glob(f"{SOURCE}/docs/*.md")]:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for match in re.finditer(r"(?:\./dev (?:test|coverage)|tests/run) ([a-z'][^`\n]*)", text):
                words = re.split(r"  |[#;]|\)| shows", match[1])[0]
                # In a sentence the command is quoted, so what is matched ends with the quote.
                if match.start() and (text[match.start() - 1] == "`" or "\n    " in text[:match.start()][-60:]):
                    self.check([word for word in shlex.split(words) if word != "e2e/NAME"] or ["e2e"], path)
                    found += 1
        self.assertGreater(found, 2)


class Refusals(unittest.TestCase):
    def test_runner(self):
        for arguments, values, said in ((["nothing/of/that/name"], {}, "no test is called nothing/of/that/name"),
                                        (["--lisst"], {}, "there is no option --lisst"),
                                        (["unit"], {"VP_SLOW": "0.5"}, "VP_SLOW is \"0.5\""),
                                        (["unit"], {"VP_BUILD": "/nowhere"}, "make one with ./dev build"),
                                        (["unit/test_arena"], {"VP_NATIVE_ICD": "/nowhere"}, "VP_NATIVE_ICD names")):
            result = run("tests/run", *arguments, env=dict(os.environ, **values))
            self.assertNotEqual(result.returncode, 0, arguments)
            self.assertEqual(result.stdout.count("\n"), 1, result.stdout)
            self.assertIn(said, result.stdout)

    def test_nobody_without_sudo(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            for name in ("bash", "dirname", "nproc"):
                os.symlink(shutil.which(name), f"{folder}/{name}")
            with open(f"{folder}/dpkg-query", "w", encoding="ascii") as file:
                file.write('#!/bin/sh\ncase $4 in libpng-dev | cmake) exit 1 ;; esac\necho installed\n')
            os.chmod(f"{folder}/dpkg-query", 0o755)
            options = {"user": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
            result = run("/bin/bash", "./dev", "demo", env={"PATH": folder}, **options)
        if "Permission denied" in result.stdout:
            self.skipTest("others cannot read this folder")
        self.assertEqual((result.returncode, result.stdout), (1, "dev: packages are missing, and there is no sudo. As root: "
                         "apt-get update && apt-get install --no-install-recommends cmake libpng-dev\n"))


APT = """#!/bin/sh
case $* in
   *--print-uris*)
      echo "1 upgraded, 7 newly installed, 0 to remove and 3 not upgraded."
      echo "Need to get 90.1 MB/95 MB of archives."
      echo "After this operation, 310 MB of additional disk space will be used."
      echo "'http://deb.debian.org/one.deb' one.deb 90000000 MD5Sum:0"
      echo "'http://deb.debian.org/two.deb' two.deb 100000 MD5Sum:0"
      ;;
   *) echo "noise of $*" ;;
esac
case $* in *install*) exit "$APT_STATUS" ;; esac
"""


class Installing(unittest.TestCase):
    """What is said before and while packages are installed; apt-get is a script."""

    def install(self, status):
        with tempfile.TemporaryDirectory() as folder:
            scripts = {"apt-get": APT, "dpkg-query": '#!/bin/sh\n[ "$4" = cmake ] || echo installed\n',
                       "sudo": '#!/bin/sh\nexec "$@"\n'}
            for name, text in scripts.items():
                with open(f"{folder}/{name}", "w", encoding="ascii") as file:
                    file.write(text)
                os.chmod(f"{folder}/{name}", 0o755)
            result = run("./dev", "setup", env={"PATH": f"{folder}:/usr/bin:/bin", "TMPDIR": folder, "APT_STATUS": status})
            log = re.search(r"what apt-get says goes to (\S+)\n", result.stdout)[1]
            with open(log, encoding="ascii") as file:
                return result, file.read()

    def test_size_is_said_and_noise_is_not(self):
        result, log = self.install("0")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("set-up: these packages are missing: cmake\n", result.stdout)
        self.assertIn("7 packages, 90.1 MB to download, 310 MB on disk; about 16 s at 50 Mbit/s\n", result.stdout)
        self.assertNotIn("noise", result.stdout)
        self.assertRegex(log, "noise of .*update\nnoise of .*install cmake\n")

    def test_failure_is_shown(self):
        result, log = self.install("100")
        self.assertEqual(result.returncode, 1)
        self.assertIn("packages could not be installed", result.stdout)
        self.assertTrue(result.stdout.startswith("set-up: "), result.stdout)
        self.assertIn(log.splitlines()[-1], result.stdout)


if __name__ == "__main__":
    unittest.main()
