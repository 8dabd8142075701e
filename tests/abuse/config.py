#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=120
"""Configuration files of venus-server: what is in them, what is wrong with them, and what SIGHUP makes of them."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import SERVER, Server, environment, receive_all, run  # noqa: E402
from wire import wait_for  # noqa: E402

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOBODY = 65534


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


class Config(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "a.conf")

    def write(self, *lines):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("[server]\n" + "".join(line + "\n" for line in lines))

    def values(self, *options, status=0, **changes):
        """What --print-config says: for each name its value and where that is from."""
        result = run("--print-config", *options, **changes)
        self.assertEqual(result.returncode, status, result.stderr)
        return {match[1]: (match[2], match[3])
                for match in re.finditer(r"^(#?[\w-]+) = (.*)  ; (.*)$", result.stdout, re.MULTILINE)}

    def check(self, status, *words, options=()):
        result = run("--check-config", "--config", self.path, *options)
        self.assertEqual(result.returncode, status, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual(result.stderr.count("\n"), len(words), result.stderr)

    def test_example(self):
        """The file that is installed is what the program knows, and all of it can be said."""
        example = run("--example-config").stdout
        self.assertEqual(example, read("server", "server.conf"))
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(example)
        self.check(0)
        plain = self.values("--config", "/dev/null")
        settings = dict(re.findall(r"^#([\w-]+) = (.*)$", example, re.MULTILINE))
        self.assertEqual({name.strip("#"): value for name, (value, _) in plain.items()}, settings)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"^#([\w-]+ = (?!(?:FILE|PATH|GPU|NAME|DIR)$).*)$", r"\1", example, flags=re.MULTILINE))
        for name, (value, origin) in self.values("--config", self.path).items():
            if not name.startswith("#"):
                self.assertEqual(value, settings[name])
                self.assertTrue(origin.startswith(self.path + ":"), origin)

    def test_documents(self):
        """The manual page and --help have the same options."""
        shown = set(re.findall(r"^  (--[\w-]+)", run("--help").stdout, re.MULTILINE))
        page = subprocess.run([sys.executable, os.path.join(SOURCE, "tools", "manual.py"),
                               os.path.join(SOURCE, "docs", "man", "venus-server.8.scd")],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual(shown, set(re.findall(r"^\*(--[\w-]+)\*", page, re.MULTILINE)))
        self.assertGreater(len(shown), 30)

    def test_order(self):
        self.write("max-clients = 5", "log = warn ; so that it is quiet", "  gpu = 1", "gpu=llvm", "validate = on",
                   "submit-timeout = compute=7")
        values = self.values("--config", self.path, "--log", "debug", "--validate=off")
        self.assertEqual(values["max-clients"], ("5", f"{self.path}:2"))
        self.assertEqual(values["log"], ("debug", "command line"))
        self.assertEqual(values["validate"], ("off", "command line"))
        self.assertEqual(values["gpu"], ("1, llvm", f"{self.path}:5"))
        self.assertEqual(values["submit-timeout"], ("graphics=10,compute=7", f"{self.path}:7"))
        self.assertEqual(values["port"], ("5556", "built in"))
        # A list of a later place is not added to the one before.
        self.assertEqual(self.values("--config", self.path, "--gpu", "0")["gpu"], ("0", "command line"))

    def test_user(self):
        """Who is not root has a file of his own, unless another one is named."""
        path = os.path.join(self.folder, "venus-plus", "server.conf")
        os.mkdir(os.path.dirname(path))
        with open(path, "w", encoding="utf-8") as file:
            file.write("[server]\nready = 7\n")
        os.chmod(self.folder, 0o755)
        rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        for options, expected in (((), ("7", f"{path}:2")), (("--ready", "3"), ("3", "command line")),
                                  (("--config", "/dev/null"), ("2", "built in"))):
            try:
                result = subprocess.run([os.path.abspath(SERVER), "--print-config", *options], check=False,
                                        capture_output=True, text=True, cwd="/", timeout=60, **rights,
                                        env=environment(XDG_CONFIG_HOME=self.folder))
            except PermissionError:
                self.skipTest("others cannot start the program where it lies")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"ready = {expected[0]}  ; {expected[1]}\n", result.stdout)

    def test_faults(self):
        self.write("prot = 5", "port = banana", "nonsense", "[other]", "port = 1", "[server]", "keys = " + 300 * "x",
                   "tls-only = yes", "stdio = on", "worker-fd = 5", "quota = objects=few")
        self.check(6, f'{self.path}:2: there is no "prot"', f'{self.path}:3: port needs a number from 0 to 65535, not "banana"',
                   f"{self.path}:4: this is none of", f'{self.path}:6: "port" is in the section [other]',
                   f"{self.path}:8: this line is longer", f"{self.path}:9: tls-only needs on or off",
                   f'{self.path}:10: there is no "stdio"', f'{self.path}:11: there is no "worker-fd"',
                   f"{self.path}:12: quota needs a list")
        self.write("tls-only = on")
        self.check(6, "--tls-only lets nobody in without --keys")
        self.check(2, "unknown option", options=("--frobnicate",))
        os.remove(self.path)
        self.check(6, f"cannot read the configuration {self.path}: No such file")

    def test_nothing_starts(self):
        self.write("host = 127.0.0.1", "max-clients = 0")
        result = run("--port", "0", "--config", self.path)
        self.assertEqual((result.returncode, result.stdout), (6, ""))
        self.assertIn(f"{self.path}:3: max-clients needs a number from 1 to 4096", result.stderr)

    def test_reload(self):
        self.write("ready = 0", "max-clients = 1", "cache = none")
        with Server("--config", self.path, "--log", "info") as server:
            with server.greet():
                self.assertTrue(wait_for(lambda: len(server.workers()) == 1), server.log())
                with server.greet() as refused:
                    self.assertIn(b"maximum of 1 clients", receive_all(refused))
                self.write("ready = 1", "max-clients = 2", "cache = /nowhere", "idle-timeout = 1", "log = debug")
                server.process.send_signal(signal.SIGHUP)
                self.assertTrue(wait_for(lambda: "cache has changed" in server.log()), server.log())
                log = server.log()
                self.assertIn("info: configuration: ready is 1 now", log)
                self.assertIn("info: configuration: max-clients is 2 now", log)
                self.assertIn("info: configuration: idle-timeout is 1 now", log)
                self.assertIn("warn: configuration: cache has changed to /nowhere, for which the server must be", log)
                # The command line goes before it.
                self.assertNotIn("log is", log)
                server.wait_for_ready(1)
                with server.greet() as second:
                    # Who came before goes on as before; who comes now has the new end.
                    self.assertTrue(wait_for(lambda: len(server.workers()) == 2), server.log())
                    self.assertTrue(receive_all(second))
                    self.assertTrue(wait_for(lambda: len(server.workers()) == 1), server.log())
                self.write("max-clients = many")
                server.process.send_signal(signal.SIGHUP)
                self.assertTrue(wait_for(lambda: "the configuration stays as it was" in server.log()), server.log())
                self.assertIn(f"{self.path}:2: max-clients needs", server.log())
                # What is taken out is as it is by default.
                self.write("max-clients = 1")
                server.process.send_signal(signal.SIGHUP)
                self.assertTrue(wait_for(lambda: "max-clients is 1 now" in server.log()), server.log())
                self.assertIn("configuration: idle-timeout is off now", server.log())
                with server.greet() as refused:
                    self.assertIn(b"maximum of 1 clients", receive_all(refused))
            self.assertEqual(server.stop()[0], 0)

    def test_stdio(self):
        """What is for those that listen does not keep a command of ssh's from working."""
        self.write("port = 5", "tls-only = on", "keys = /nowhere")
        result = run("--stdio", "--config", self.path)
        self.assertNotIn("--stdio serves standard input", result.stderr)


if __name__ == "__main__":
    unittest.main()
