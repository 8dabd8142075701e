#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=180 waits
"""A server on a Unix socket: whom it lets in, and which files it replaces and removes."""

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from servers import SERVER, RefusalCase, Server, environment, receive_all, run  # noqa: E402
from wire import wait_for  # noqa: E402

NOBODY = 65534


def as_nobody(server):
    """Connects as another user. Returns an exit status (0: connected), what the server said, and the process's id."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with server.connect() as connection:
                os.write(writer, receive_all(connection))
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        answer = file.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), answer, child


class UnixSocket(RefusalCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "venus")

    def tearDown(self):
        self.folder.cleanup()

    def server(self, *options):
        return Server(*options, place=("--unix", self.path))

    def leave_behind(self):
        """A socket of a server that was killed; a process that it was just starting has let go of it, too."""
        with self.server() as server:
            server.stop(signal.SIGKILL)
        self.assertTrue(wait_for(self.refuses))

    def refuses(self):
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(self.path) == errno.ECONNREFUSED

    def test_life(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.server() as server:
                self.assertEqual(server.line, f"venus-server: listening on unix:{self.path}\n")
                self.assertEqual(stat.filemode(os.lstat(self.path).st_mode), "srw-------")
                connection, worker = server.connect_worker()
                with connection:
                    who = f"client uid {os.getuid()}, pid {os.getpid()}: "
                    self.assertTrue(wait_for(lambda: f"{who}connected (worker {worker}" in server.log()), server.log())
                    self.assertTrue(wait_for(lambda: f" of uid:{os.getuid()}" in server.log()), server.log())
                    self.assertEqual(server.stop(number)[0], 0)
                    receive_all(connection)
                self.assertIn(f"{who}ended with the server", server.log())
                self.assertFalse(os.path.lexists(self.path))

    def test_mode_does_not_depend_on_the_umask(self):
        before = os.umask(0)
        try:
            with self.server() as server:
                self.assertEqual(stat.filemode(os.lstat(self.path).st_mode), "srw-------")
                self.assertEqual(server.stop()[0], 0)
        finally:
            os.umask(before)

    def test_the_mode_is_right_before_anybody_can_connect(self):
        """Whenever somebody gets in, the file is private."""
        os.umask(0)
        stop, modes = threading.Event(), []

        def knock():
            while not stop.is_set():
                with socket.socket(socket.AF_UNIX) as connection:
                    try:
                        modes.append(stat.S_IMODE(os.lstat(self.path).st_mode))
                        connection.connect(self.path)
                    except OSError:
                        continue

        thread = threading.Thread(target=knock)
        thread.start()
        try:
            with self.server("--ready", "0") as server:
                self.assertTrue(wait_for(lambda: modes))
                server.stop(signal.SIGKILL)
        finally:
            stop.set()
            thread.join()
            os.umask(0o022)
        self.assertEqual(set(modes), {0o600})

    def test_tcp_only_when_it_is_asked_for(self):
        with self.server() as server:
            with open(f"/proc/{server.pid}/net/tcp", encoding="ascii") as file:
                listening = {line.split()[9] for line in file if line.split()[3] == "0A"}
            inodes = {name[8:-1] for name in server.open_files() if name.startswith("socket:")}
            self.assertFalse(listening & inodes)
            self.assertEqual(server.stop()[0], 0)
        with Server("--unix", self.path) as server:
            self.assertEqual(server.host, "127.0.0.1")
            self.assertEqual(server.process.stdout.readline().decode(),
                             f"venus-server: listening on unix:{self.path}\n")
            with server.connect_worker()[0], socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self.path)
                self.assertTrue(wait_for(lambda: len(server.workers()) == 2), server.log())
            self.assertEqual(server.stop()[0], 0)

    def test_probe(self):
        """Who connects and leaves without a word has no line, and at `debug` one."""
        for level, most in (("info", 0), ("debug", 1)):
            with self.server("--log", level) as server:
                before = server.log().count(" client ")
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(self.path)
                time.sleep(0.5 * wire.slowness())
                self.assertEqual(server.stop()[0], 0)
                lines = [line for line in server.log().splitlines() if " client " in line][before:]
                self.assertEqual(len(lines), most, server.log())
                self.assertTrue(all(": debug: " in line for line in lines), lines)

    def test_left_behind(self):
        self.leave_behind()
        with self.server() as server:
            server.connect_worker()[0].close()
            self.assertTrue(os.path.lexists(self.path))
            self.assertEqual(server.stop()[0], 0)
        self.assertFalse(os.path.lexists(self.path))

    def test_somebody_listens(self):
        with self.server() as server:
            file = os.lstat(self.path).st_ino
            self.check_refusal(run("--unix", self.path), 1, self.path, "another program listens")
            self.assertEqual(os.lstat(self.path).st_ino, file)
            server.connect_worker()[0].close()
            self.assertEqual(server.stop()[0], 0)
        with socket.socket(socket.AF_UNIX) as full:
            full.bind(self.path)
            full.listen(0)
            waiting = []
            for _ in range(2):
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(self.path)
            self.check_refusal(run("--unix", self.path), 1, self.path, "another program listens")
            for connection in waiting:
                connection.close()

    def test_two_at_once(self):
        """One of them listens, and its socket is the one that is there."""
        for _ in range(5):
            with open(os.path.join(self.folder.name, "log"), "w+b") as log:
                self.leave_behind()
                processes = [self.start(log) for _ in range(2)]
                self.assertTrue(wait_for(lambda both=processes: any(p.poll() is not None for p in both)))
                left = [process for process in processes if process.poll() is None]
                self.assertEqual(len(left), 1)
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(self.path)
                left[0].terminate()
                for process in processes:
                    process.wait(20)

    def start(self, log):
        return subprocess.Popen([SERVER, "--unix", self.path, "--ready", "0"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=log, env=environment())

    def test_other_files(self):
        def make_file():
            with open(self.path, "w", encoding="ascii") as file:
                file.write("mine")

        def make_link():
            make_file()
            os.rename(self.path, self.path + ".target")
            os.symlink(self.path + ".target", self.path)

        for make in (make_file, make_link, lambda: os.mkfifo(self.path), lambda: os.mkdir(self.path),
                     lambda: os.symlink("/nonexistent", self.path)):
            make()
            before = os.lstat(self.path)
            self.check_refusal(run("--unix", self.path), 1, self.path, "is no socket")
            self.assertEqual(os.lstat(self.path).st_ino, before.st_ino)
            if stat.S_ISDIR(before.st_mode):
                os.rmdir(self.path)
            else:
                os.unlink(self.path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(self.path)
            self.check_refusal(run("--unix", self.path), 1, self.path, "whether somebody listens")
            self.assertTrue(os.path.lexists(self.path))

    def test_bad_paths(self):
        self.check_refusal(run("--unix", "/nonexistent/venus"), 1, "/nonexistent/venus", "cannot make the socket")
        self.check_refusal(run("--unix", "/tmp/" + "x" * 103), 2, "at most 107 bytes")

    def test_removes_only_its_own(self):
        with self.server() as server:
            os.unlink(self.path)
            with open(self.path, "w", encoding="ascii"):
                pass
            self.assertEqual(server.stop()[0], 0)
        self.assertTrue(os.path.lexists(self.path))

    def test_no_driver(self):
        self.check_refusal(run("--unix", self.path, VK_DRIVER_FILES="/nonexistent.json"), 1, "no Vulkan driver")
        self.assertFalse(os.path.lexists(self.path))

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_strangers(self):
        """Even where the file has been opened to them."""
        with self.server() as server:
            os.chmod(self.folder.name, 0o755)
            status, _, _ = as_nobody(server)
            self.assertEqual(status, 1)
            os.chmod(self.path, 0o666)
            status, answer, child = as_nobody(server)
            self.assertEqual(status, 0)
            self.assertIn(b"serves only its own user and root", answer)
            self.assertIn(f"client uid {NOBODY}, pid {child}: refused: ", server.log())
            self.assertFalse(server.workers())
            self.assertEqual(server.stop()[0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
