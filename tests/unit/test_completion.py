#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: no-asan no-tsan
"""What bash completes of the command lines of venus-run, venus-ctl and venus-server, without its own package for that."""

import os
import re
import subprocess
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(SOURCE, os.environ.get("VP_BUILD", "build"))
PATH = f"{BUILD}/client:{BUILD}/server:{os.environ['PATH']}"
SCRIPT = """
. "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
function=$(complete -p "$1"); function=${function#complete -F }; function=${function% *}
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words, **options):
    result = subprocess.run(["bash", "-c", SCRIPT, "bash", f"{SOURCE}/tools/completion.bash", *words],
                            env=dict(os.environ, PATH=PATH, VENUS_SERVER=""), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, check=False, timeout=60, **options)
    assert result.stderr == "", result.stderr
    return result.stdout.split()


def options_of(program):
    text = subprocess.run([program, "--help"], env=dict(os.environ, PATH=PATH), stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    return set(re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE))


class Completion(unittest.TestCase):
    def test_all_options(self):
        for program, least in (("venus-server", 30), ("venus-ctl", 5), ("venus-run", 15)):
            completed = complete(program, "--")
            self.assertGreaterEqual(set(completed), options_of(program) | {"--help", "--version"}, program)
            self.assertGreater(len(completed), least, program)

    def test_server_values(self):
        self.assertEqual(complete("venus-server", "--compress", ""), ["auto", "none", "lz4", "zstd"])
        self.assertEqual(complete("venus-server", "--log", "=", "w"), ["warn"])
        self.assertEqual(complete("venus-server", "--sandbox", ""), ["on", "off"])
        self.assertEqual(complete("venus-server", "--max-clients", ""), [])
        self.assertEqual(complete("venus-server", "--user", ""), [])
        self.assertEqual(complete("venus-server", "--tls", "--log-f")[:1], ["--log-format"])

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/keys", "w", encoding="ascii"):
                os.mkdir(f"{folder}/cache")
            self.assertEqual(complete("venus-server", "--keys", f"{folder}/k"), [f"{folder}/keys"])
            self.assertEqual(complete("venus-server", "--cache", f"{folder}/"), [f"{folder}/cache"])
            self.assertEqual(complete("venus-run", "--config", "=", f"{folder}/k"), [f"{folder}/keys"])

    def test_ctl(self):
        self.assertEqual(set(complete("venus-ctl", "")),
                         {"status", "sessions", "kick", "drain", "reload", "health", "key", "bench"})
        self.assertEqual(complete("venus-ctl", "--control", "/nowhere", "key", ""), ["add", "list", "revoke"])
        self.assertEqual(complete("venus-ctl", "re"), ["reload"])
        self.assertEqual(complete("venus-ctl", "--control", "/nowhere", "kick", ""), [])
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as keys:
            keys.write(f"alice:{'0' * 64}\nbob:{'1' * 64}\n")
            keys.flush()
            self.assertEqual(complete("venus-ctl", "--keys", keys.name, "key", "revoke", "b"), ["bob"])

    def test_run(self):
        self.assertEqual(complete("venus-run", "--present", ""), ["lossless", "auto", "fast"])
        self.assertEqual(complete("venus-run", "--tls-p"), ["--tls-pin"])
        self.assertEqual(complete("venus-run", "--track", "c"), ["compare"])
        self.assertIn("venus-server", complete("venus-run", "host", "--", "venus-s"))
        self.assertIn("venus-server", complete("venus-run", "--hud", "--gpu", "0", "venus-s"))
        self.assertIn("venus-server", complete("venus-run", "--spin", "venus-s"))
        self.assertEqual(complete("venus-run", "--gpu", "venus-s"), [])
        self.assertIn(f"{SOURCE}/dev", complete("venus-run", "cat", f"{SOURCE}/de"))


if __name__ == "__main__":
    unittest.main()
