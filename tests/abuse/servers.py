# SPDX-License-Identifier: MIT
"""venus-server and its clients, as tests start them."""

import contextlib
import os
import re
import select
import signal
import socket
import struct
import subprocess
import time
import unittest

import wire
from processes import Process, open_files

BUILD = os.path.realpath(os.path.join(wire.SOURCE, os.environ.get("VP_BUILD", "build")))
SERVER = os.path.join(BUILD, "server", "venus-server")
CLIENT = os.path.join(BUILD, "tests", "e2e", "fault_client")
ICD = os.path.join(BUILD, "client", f"venus_icd.{os.uname().machine}.json")
NATIVE_ICD = subprocess.run([os.path.join(wire.SOURCE, "tools", "native_driver")], stdout=subprocess.PIPE, check=True,
                            text=True).stdout.strip()
NO_COMMAND = 0xFFFFFFFF


def environment(**changes):
    """A server's. A client may ask the driver for much memory."""
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":allocator_may_return_null=1"
    values = dict(os.environ, VK_DRIVER_FILES=NATIVE_ICD, VENUS_SERVER="192.0.2.1:9", ASAN_OPTIONS=sanitizer)
    values.update(changes)
    return values


def own_address():
    """One of this machine that others may reach, or an empty text. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with contextlib.suppress(OSError):
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
    return ""


def has_ipv6():
    with contextlib.suppress(OSError):
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    return False


def receive_all(connection, seconds=10):
    """Everything until the other side closes or resets."""
    connection.settimeout(seconds * wire.slowness())
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            data += piece
    return data


def is_closed(connection):
    """Whether the other side has closed it, without an answer."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    with contextlib.suppress(ConnectionError):
        return connection.recv(1, socket.MSG_PEEK) == b""
    return True


def count_open(connections):
    return sum(not is_closed(connection) for connection in connections)


class Server(Process):
    """One that listens, on a port of its own choice unless its place is another."""

    def __init__(self, *options, place=("--port", "0"), pass_fds=()):
        super().__init__([SERVER, *place, *options], stdout=subprocess.PIPE, env=environment(), pass_fds=pass_fds)
        self.line = self.process.stdout.readline().decode()
        match = re.fullmatch(r"venus-server: listening on ((unix|.*):(\d+|/.*))\n", self.line)
        if not match:
            self.process.wait(10)
            raise AssertionError(f"the server does not listen: {self.line!r}, {self.log()}")
        self.address = match[1]
        self.host = match[2].strip("[]")
        self.port = match[3] if self.host == "unix" else int(match[3])

    def __exit__(self, *arguments):
        self.process.terminate()
        self.status = self.wait(10)
        super().__exit__(*arguments)

    def connect(self, source=""):
        """From this address, if there is one. It says nothing."""
        if self.host != "unix":
            connection = socket.create_connection((self.host, self.port), 10 * wire.slowness(), (source, 0) if source else None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5 * wire.slowness())
        connection.connect(self.port)
        return connection

    def greet(self, source=""):
        connection = self.connect(source)
        connection.sendall(wire.hello())
        return connection

    def ready(self):
        """Those that wait for one."""
        return self.children("venus-ready")

    def wait_for_ready(self, count=2):
        if not wire.wait_for(lambda: len(self.ready()) == count):
            raise AssertionError(f"{len(self.ready())} workers are ready, not {count}: {self.log()}")
        return self.ready()

    def connect_worker(self):
        """A connection and the id of the worker that serves it, once that has it."""
        before = set(self.workers())
        connection = self.greet()
        found = []

        def started():
            found[:] = [pid for pid in self.workers() if pid not in before]
            return found

        if not wire.wait_for(started):
            raise AssertionError(f"no worker was started: {self.log()}")
        return connection, found[0]

    def open_files(self):
        return open_files(self.pid)

    def next_fd(self):
        """The number that the next file gets."""
        used = {int(fd) for fd in os.listdir(f"/proc/{self.pid}/fd")}
        return min(set(range(len(used) + 1)) - used)

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Sends the signal. Returns the exit status and the seconds that it took."""
        start = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(seconds * wire.slowness()), time.monotonic() - start


def run(*options, **changes):
    return subprocess.run([SERVER, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment(**changes), timeout=60 * wire.slowness(), check=False, text=True)


class Client(Process):
    """A Vulkan program on a server."""

    def __init__(self, address, *arguments, **changes):
        command = list(arguments)
        values = dict(os.environ, VK_DRIVER_FILES=ICD, VENUS_SERVER=address, **changes)
        if not command[0].startswith(BUILD) and os.environ.get("VP_PRELOAD"):
            values["LD_PRELOAD"] = os.environ["VP_PRELOAD"]
            values["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        super().__init__(command, env=values)

    def ready(self, seconds=20):
        return wire.wait_for(lambda: "ready" in self.output() or self.process.poll() is not None, seconds) and \
            self.process.poll() is None


class RefusalCase(unittest.TestCase):
    """Tests of a server that does not start, or refuses a client, in one sentence."""

    def check_refusal(self, result, status, *words):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stdout, "")
        lines = [line for line in result.stderr.splitlines() if re.match(r"(\S+ )?venus-server: error: ", line)]
        self.assertEqual(len(lines), 1, result.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def read_refusal(self, connection):
        data = receive_all(connection)
        self.assertGreater(len(data), wire.HEADER.size + 12, data)
        kind, length, tag = wire.HEADER.unpack_from(data)
        self.assertEqual((kind, length, tag), (wire.ERROR, len(data) - wire.HEADER.size, 0))
        self.assertEqual(struct.unpack_from("<IQ", data, wire.HEADER.size), (NO_COMMAND, 0))
        return data[wire.HEADER.size + 12:].decode()
