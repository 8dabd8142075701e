#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=120 waits
"""The server under a service manager: what it tells it, the sockets it gets from it, how it ends, and its units."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from processes import Process, freeze, read_proc  # noqa: E402
from servers import BUILD, SERVER, Server, environment, run  # noqa: E402
from wire import wait_for  # noqa: E402

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What execs a program with LISTEN_PID of itself, and the descriptor `sys.argv[1]` and those after it at 3.
START = ("import os, sys; n = int(sys.argv[1]); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(n)); "
         "os.execv(sys.argv[2], sys.argv[2:])")


class Manager(Process):
    """A service manager with a socket for news, and a server that it has started."""

    def __init__(self, *options, sockets=(), abstract=False, **variables):
        self.folder = tempfile.mkdtemp()
        path = "\0venus-test-%d" % os.getpid() if abstract else os.path.join(self.folder, "notify")
        self.news = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.news.bind(path)
        command = [os.path.abspath(SERVER), *(() if sockets else ("--port", "0")), *options]
        if sockets:
            command = [sys.executable, "-c", START, str(len(sockets)), *command]

        def place():
            copies = [os.dup(each.fileno()) for each in sockets]
            high = [os.dup2(copy, 100 + i) for i, copy in enumerate(copies)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)

        super().__init__(command, stdout=subprocess.PIPE, close_fds=not sockets, preexec_fn=place if sockets else None,
                         env=environment(NOTIFY_SOCKET=path.replace("\0", "@"), **variables))
        self.seen = []

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self.news.close()
        shutil.rmtree(self.folder)

    def hear(self, wanted, seconds=20):
        """The first news that has a line like this; those before it are in `seen`."""
        deadline = time.monotonic() + seconds
        while select.select([self.news], [], [], max(0, deadline - time.monotonic()))[0]:
            text = self.news.recv(4096).decode()
            self.seen.append(text)
            if re.search(wanted, text, re.MULTILINE):
                return text
        raise AssertionError(f"no {wanted}: {self.seen}, {self.log()}")

    def line(self):
        return self.process.stdout.readline().decode()

    def connect(self):
        return socket.create_connection(("127.0.0.1", int(self.line().rsplit(":", 1)[1])), 5)

    def greet(self, connection=None):
        connection = connection or self.connect()
        connection.sendall(wire.hello())
        return connection


class News(unittest.TestCase):
    def test_life(self):
        for abstract in (False, True):
            with self.subTest(abstract=abstract), Manager(abstract=abstract) as manager:
                manager.hear("^READY=1$")
                self.assertEqual(len(manager.seen), 1)
                manager.hear("^STATUS=0 of at most 64 clients$")
                with manager.greet():
                    manager.hear("^STATUS=1 of at most 64 clients$")
                    # Nobody else is to tell the manager anything.
                    self.assertTrue(wait_for(manager.workers), manager.log())
                    self.assertNotIn(b"NOTIFY_SOCKET", read_proc(manager.workers()[0], "environ"))
                manager.hear("^STATUS=0 of at most 64 clients$")
                before = time.monotonic_ns() // 1000
                manager.process.send_signal(signal.SIGHUP)
                text = manager.hear("^RELOADING=1$")
                self.assertGreaterEqual(int(re.search(r"^MONOTONIC_USEC=(\d+)$", text, re.MULTILINE)[1]), before)
                manager.hear("^READY=1$")
                manager.process.terminate()
                manager.hear("^STOPPING=1$")
                self.assertEqual(manager.process.wait(10), 0, manager.log())

    def test_not_ready(self):
        with Manager("--gpu", "99") as manager:
            self.assertEqual(manager.process.wait(20), 1)
            self.assertFalse(select.select([manager.news], [], [], 0)[0])

    def test_watchdog(self):
        with Manager(WATCHDOG_USEC="400000") as manager:
            manager.hear("^READY=1$")
            start = time.monotonic()
            for _ in range(4):
                manager.hear("^WATCHDOG=1$", 0.4 * wire.slowness())
            self.assertGreater(time.monotonic() - start, 0.6)
            # One that hangs gives none.
            freeze(manager.pid)
            with contextlib.suppress(BlockingIOError):
                while manager.news.recv(4096, socket.MSG_DONTWAIT):
                    pass
            self.assertFalse(select.select([manager.news], [], [], 0.6)[0])
            os.kill(manager.pid, signal.SIGCONT)
            manager.hear("^WATCHDOG=1$")

    def test_not_its_watchdog(self):
        with Manager(WATCHDOG_USEC="100000", WATCHDOG_PID="1") as manager:
            manager.hear("^STATUS=")
            self.assertFalse(select.select([manager.news], [], [], 0.3)[0])

    def test_nobody_listens(self):
        for path in ("/nonexistent/socket", "", "relative", "/" + 200 * "x"):
            with Server() as server:
                self.assertEqual(server.stop()[0], 0)
            result = run("--port", "0", "--gpu", "99", NOTIFY_SOCKET=path)
            self.assertEqual(result.returncode, 1)


class Sockets(unittest.TestCase):
    def test_passed(self):
        path = os.path.join(tempfile.mkdtemp(), "s")
        with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.2", 0)) as second, \
                socket.socket(socket.AF_UNIX) as third:
            third.bind(path)
            third.listen()
            # Who comes before the server does is served, too.
            early = socket.create_connection(first.getsockname(), 5)
            early.sendall(wire.hello())
            with early, Manager(sockets=(first, second, third)) as manager:
                self.assertEqual(manager.line(), "venus-server: listening on 127.0.0.1:%d\n" % first.getsockname()[1])
                self.assertEqual(manager.line(), "venus-server: listening on 127.0.0.2:%d\n" % second.getsockname()[1])
                self.assertEqual(manager.line(), f"venus-server: listening on unix:{path}\n")
                manager.hear("^STATUS=1 of")
                with socket.create_connection(second.getsockname(), 5) as other, socket.socket(socket.AF_UNIX) as local:
                    manager.greet(other)
                    manager.hear("^STATUS=2 of")
                    local.connect(path)
                    manager.greet(local)
                    manager.hear("^STATUS=3 of")
                manager.process.terminate()
                self.assertEqual(manager.process.wait(10), 0, manager.log())
            # They are the manager's.
            self.assertTrue(os.path.exists(path))
            socket.create_connection(first.getsockname(), 5).close()
        shutil.rmtree(os.path.dirname(path))

    def refused(self, *words, sockets):
        with Manager(sockets=sockets) as manager:
            self.assertEqual(manager.process.wait(20), 1, manager.log())
            for word in words:
                self.assertIn(word, manager.log())

    def test_wrong(self):
        with socket.socket() as no_listener, socket.socket(type=socket.SOCK_DGRAM) as datagrams, \
                socket.create_server(("0.0.0.0", 0)) as everywhere, open(os.devnull, encoding="utf-8") as file:
            for each in (no_listener, datagrams, file):
                self.refused("descriptor 3 is no TCP or Unix socket that listens", sockets=(each,))
            self.refused("0.0.0.0:", "is not a loopback address", sockets=(everywhere,))
            self.refused("passes 6 sockets", sockets=6 * (everywhere,))

    def test_others(self):
        """What is meant for another process is not taken."""
        with Server(place=("--port", "0")) as server:
            self.assertEqual(server.host, "127.0.0.1")
        result = run("--port", "0", "--gpu", "99", LISTEN_PID="1", LISTEN_FDS="3")
        self.assertIn("no GPU", result.stderr)


class Draining(unittest.TestCase):
    def test_clients_go_on(self):
        with Manager("--drain-timeout", "30") as manager:
            with manager.greet():
                manager.hear("^STATUS=1 of")
                manager.process.terminate()
                manager.hear("^STOPPING=1$")
                self.assertGreaterEqual(int(manager.hear("^EXTEND_TIMEOUT_USEC=").split("=")[1]), 30000000)
                manager.hear("^STATUS=Ending: 1 of")
                self.assertIn("they may go on for 30 s", manager.log())
                time.sleep(0.3)
                self.assertIsNone(manager.process.poll())
            # The last one has left.
            self.assertEqual(manager.process.wait(10), 0, manager.log())
            self.assertIn("session ended after", manager.log())

    def test_time_is_over(self):
        with Manager("--drain-timeout", "1") as manager, manager.greet():
            manager.hear("^STATUS=1 of")
            start = time.monotonic()
            manager.process.terminate()
            self.assertEqual(manager.process.wait(10), 0, manager.log())
            self.assertGreater(time.monotonic() - start, 0.9)
            self.assertIn("ended with the server", manager.log())

    def test_second_signal(self):
        with Manager("--drain-timeout", "1000") as manager, manager.greet():
            manager.hear("^STATUS=1 of")
            manager.process.terminate()
            manager.hear("^STATUS=Ending")
            manager.process.terminate()
            self.assertEqual(manager.process.wait(10), 0, manager.log())


class Log(unittest.TestCase):
    """Of all processes, and of who is concerned."""

    def log_of(self, *options, journal=False):
        with tempfile.TemporaryFile("w+b") as file:
            status = os.fstat(file.fileno())
            stream = f"{status.st_dev}:{status.st_ino}" if journal else "1:2"
            process = subprocess.Popen([SERVER, "--port", "0", "--log", "debug", *options], stderr=file,
                                       stdout=subprocess.PIPE, env=environment(JOURNAL_STREAM=stream))
            try:
                port = int(process.stdout.readline().rsplit(b":", 1)[1])
                with socket.create_connection(("127.0.0.1", port), 5) as client:
                    client.sendall(wire.hello())
                    self.assertTrue(wait_for(
                        lambda: b"serving" in os.pread(file.fileno(), 1 << 20, 0)), os.pread(file.fileno(), 1 << 20, 0))
                process.terminate()
                self.assertEqual(process.wait(10), 0)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
            return [line for line in os.pread(file.fileno(), 1 << 20, 0).decode().splitlines() if "venus-" in line]

    def test_json(self):
        lines = [json.loads(line) for line in self.log_of("--log-format", "json", journal=True)]
        for line in lines:
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$")
        for process, words in (("venus-server", "connected (worker"), (r"venus-worker\[\d+\]", "serving")):
            found = [line for line in lines if words in line["message"]]
            self.assertEqual(len(found), 1, lines)
            self.assertRegex(found[0]["process"], process)
            self.assertEqual((found[0]["level"], found[0]["user"]), ("info", "address:127.0.0.1"))
            self.assertRegex(found[0]["peer"], r"^127\.0\.0\.1:\d+$")

    def test_journal(self):
        for line in self.log_of(journal=True):
            self.assertRegex(line, r"^<[3467]>venus-[a-z]+(\[\d+\])?: [a-z]+: ")

    def test_text(self):
        """The variable is inherited by those whose messages go elsewhere."""
        for line in self.log_of():
            self.assertRegex(line, r"^\d{4}-\S+ venus-[a-z]+(\[\d+\])?: [a-z]+: ")
        for line in self.log_of("--log-format", "plain"):
            self.assertRegex(line, r"^venus-[a-z]+(\[\d+\])?: [a-z]+: ")


class Units(unittest.TestCase):
    def setUp(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed (Debian's package systemd)")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.service = os.path.join(folder.name, "venus-server.service")
        with open(os.path.join(BUILD, "server", "venus-server.service"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("/bin/venus-server ", text)
        with open(self.service, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(Exec\w+=)\S*/bin/venus-server", rf"\g<1>{os.path.abspath(SERVER)}", text))
        shutil.copy(os.path.join(SOURCE, "server", "venus-server.socket"), folder.name)

    def analyze(self, *words):
        return subprocess.run(["systemd-analyze", *words], check=False, capture_output=True, text=True, timeout=60)

    def test_verify(self):
        for path in (self.service, self.service.replace(".service", ".socket")):
            result = self.analyze("verify", "--man=no", path)
            self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))

    def test_security(self):
        """On its scale from 0 to 10 it is 10 for a service without any of that."""
        result = self.analyze("security", "--offline=yes", "--no-pager", "--threshold=30", self.service)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
