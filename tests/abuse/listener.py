#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=180 waits
"""Everything that a person, a network or a crash can do to the listener of venus-server.

No Vulkan client is needed: a connection that has said its greeting and nothing else keeps its worker for as long as
these tests take.
"""

import collections
import contextlib
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402

BUILD = os.environ.get("VP_BUILD", "build")
SERVER = os.path.join(BUILD, "server", "venus-server")
BENCH = os.path.join(BUILD, "tools", "venus-bench")
OUR_ICD = os.path.join(BUILD, "client", f"venus_icd.{os.uname().machine}.json")
NATIVE_ICD = os.environ.get("VP_NATIVE_ICD", "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json")

FRAME_HEADER = struct.Struct("<IIQ")
FRAME_ERROR = 7
NO_COMMAND = 0xFFFFFFFF


def environment(**changes):
    values = dict(os.environ, VK_DRIVER_FILES=NATIVE_ICD, VENUS_SERVER="192.0.2.1:9")
    values.update(changes)
    return values


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def read_proc(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def name_of(pid):
    """What the kernel calls a process; it may have ended meanwhile."""
    try:
        return read_proc(pid, "comm").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


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


def is_gone(pid):
    try:
        return read_proc(pid, "stat").rsplit(b")", 1)[1].split()[0] in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return True


def is_gone_entirely(pid):
    """The last thread too: until then, what it had open is."""
    return is_gone(pid) and (not os.path.exists(f"/proc/{pid}") or len(os.listdir(f"/proc/{pid}/task")) == 1)


def is_asleep(pid):
    return read_proc(pid, "stat").rsplit(b")", 1)[1].split()[0] == b"S"


def open_files(pid):
    """What the files of a process are, but for standard input, output and error."""
    files = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            files.append((int(fd), os.readlink(f"/proc/{pid}/fd/{fd}")))
        except FileNotFoundError:
            pass  # closed since it was listed
    return [name for fd, name in files if fd > 2]


def freeze(pid):
    """Stops a process and waits until it is, since signals that come in meanwhile may overtake."""
    os.kill(pid, signal.SIGSTOP)
    if not wait_for(lambda: read_proc(pid, "stat").rsplit(b")", 1)[1].split()[0] == b"T"):
        raise AssertionError(f"process {pid} does not stop")


def receive_all(connection, seconds=10):
    """Everything until the other side closes or resets."""
    connection.settimeout(seconds)
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            data += piece
    return data


def processor_time(pid):
    return sum(int(field) for field in read_proc(pid, "stat").rsplit(b")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def is_closed(connection):
    """Whether the other side has closed it, without an answer."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    with contextlib.suppress(ConnectionError):
        return connection.recv(1, socket.MSG_PEEK) == b""
    return True


def count_open(connections):
    return sum(not is_closed(connection) for connection in connections)


class Server:
    """A running venus-server. Its log goes to a file."""

    def __init__(self, *options, place=("--port", "0"), pass_fds=()):
        self.log_file = tempfile.TemporaryFile("w+b")
        self.process = subprocess.Popen([SERVER, *place, *options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log_file, env=environment(),
                                        pass_fds=pass_fds)
        self.pid = self.process.pid
        self.line = self.process.stdout.readline().decode()
        match = re.fullmatch(r"venus-server: listening on (unix|.*):(\d+|/.*)\n", self.line)
        if not match:
            self.process.wait(10)
            raise AssertionError(f"the server does not listen: {self.line!r}, {self.log()}")
        self.host = match[1].strip("[]")
        self.port = match[2] if self.host == "unix" else int(match[2])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log_file.close()

    def log(self):
        return os.pread(self.log_file.fileno(), 1 << 20, 0).decode(errors="replace")

    def connect(self, source=""):
        """From this address, if there is one. It says nothing."""
        if self.host != "unix":
            return socket.create_connection((self.host, self.port), 5, (source, 0) if source else None)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5)
        connection.connect(self.port)
        return connection

    def greet(self, source=""):
        connection = self.connect(source)
        connection.sendall(wire.hello())
        return connection

    def children(self, name):
        children = [int(pid) for pid in read_proc(self.pid, f"task/{self.pid}/children").split()]
        return [pid for pid in children if name_of(pid) == name and not is_gone(pid)]

    def workers(self):
        """Those that have a client."""
        return self.children("venus-worker")

    def ready(self):
        """Those that wait for one."""
        return self.children("venus-ready")

    def wait_for_ready(self, count=2):
        if not wait_for(lambda: len(self.ready()) == count):
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

        if not wait_for(started):
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
        return self.process.wait(seconds), time.monotonic() - start


def run(*options, **changes):
    return subprocess.run([SERVER, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment(**changes), timeout=60, check=False, text=True)


class RefusalCase(unittest.TestCase):
    """Tests of a server that does not start, or refuses a client, in one sentence."""

    def check_refusal(self, result, status, *words):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stdout, "")
        lines = [line for line in result.stderr.splitlines() if line.startswith("venus-server: error: ")]
        self.assertEqual(len(lines), 1, result.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def read_refusal(self, connection):
        data = receive_all(connection)
        self.assertGreater(len(data), FRAME_HEADER.size + 12, data)
        kind, length, tag = FRAME_HEADER.unpack_from(data)
        self.assertEqual((kind, length, tag), (FRAME_ERROR, len(data) - FRAME_HEADER.size, 0))
        self.assertEqual(struct.unpack_from("<IQ", data, FRAME_HEADER.size), (NO_COMMAND, 0))
        return data[FRAME_HEADER.size + 12:].decode()


class CommandLine(RefusalCase):
    def test_wrong_options(self):
        self.check_refusal(run("--frobnicate"), 2, "--frobnicate", "--help")
        self.check_refusal(run("--port", "banana"), 2, "--port", "banana")
        self.check_refusal(run("--max-clients", "0"), 2, "--max-clients")
        self.check_refusal(run("extra"), 2, "extra")

    def test_information(self):
        for option in ("--help", "--version"):
            result = run(option)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("venus-server", result.stdout)

    def test_list(self):
        result = run("--list")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertRegex(lines[0], "^index +name +type +driver +Vulkan$")
        self.assertRegex(lines[1], r"^ +0  .* +\d+\.\d+\.\d+$")

    def test_no_driver(self):
        for options in (("--list",), ("--port", "0")):
            self.check_refusal(run(*options, VK_DRIVER_FILES="/nonexistent.json"), 1, "no Vulkan driver")

    def test_no_such_gpu(self):
        for gpu in ("99", "no such name"):
            self.check_refusal(run("--port", "0", "--gpu", gpu), 1, f'"{gpu}"', "--list")

    def test_port_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            self.check_refusal(run("--port", port), 1, f"port {port}", "is taken")

    def test_not_our_address(self):
        self.check_refusal(run("--port", "0", "--host", "203.0.113.7"), 1, "203.0.113.7")
        self.check_refusal(run("--port", "0", "--host", "nothing.invalid"), 1, "nothing.invalid")

    def test_others_reach_it(self):
        """Only when it is spelled out, and never on all networks at once."""
        for host in ("0.0.0.0", "0", "::", "::ffff:0.0.0.0", own_address()):
            with self.subTest(host):
                if ":" in host and not has_ipv6():
                    self.skipTest("no IPv6 here")
                if not host:
                    self.skipTest("no network here")
                self.check_refusal(run("--port", "0", "--host", host), 1, host, "not a loopback address", "ssh tunnel",
                                   "--insecure")
                if host != own_address():
                    self.check_refusal(run("--port", "0", "--insecure", "--host", host), 1, host, "all networks",
                                       "the one address")


ROOT_WARNING = "warn: workers keep root's files; give them a user of their own with --user NAME"


class Listening(unittest.TestCase):
    def test_one_line_and_clean_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Server() as server:
                self.assertEqual(server.host, "127.0.0.1")
                self.assertNotIn("warn", server.log().replace(ROOT_WARNING, ""))
                connection, _ = server.connect_worker()
                with connection:
                    status, _ = server.stop(number)
                    self.assertEqual(status, 0, server.log())
                    receive_all(connection)
                self.assertEqual(server.process.stdout.read(), b"")
                with self.assertRaises(ConnectionError):
                    server.connect()

    def test_address_forms(self):
        if address := own_address():
            with Server("--insecure", "--host", address) as server:
                self.assertIn(f"listening on {address}:", server.line)
                self.assertEqual(server.log().replace(ROOT_WARNING, "").count("warn"), 1)
                self.assertIn("--insecure: everyone who can reach", server.log())
                server.connect().close()
                self.assertEqual(server.stop()[0], 0)
        with Server("--insecure") as server:
            self.assertEqual(server.host, "127.0.0.1")
            self.assertNotIn("--insecure", server.log())
            self.assertEqual(server.stop()[0], 0)
        if not has_ipv6():
            self.skipTest("no IPv6 here")
        with Server("--host", "::1") as server:
            self.assertIn("listening on [::1]:", server.line)
            self.assertNotIn("--insecure", server.log())
            server.greet().close()
            self.assertTrue(wait_for(lambda: "client [::1]:" in server.log()))
            self.assertEqual(server.stop()[0], 0)

    def test_closed_standard_input(self):
        """The listening socket must not become file 0 and be taken for standard input by a worker."""
        script = f'exec "{SERVER}" --port 0 <&-'
        with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=environment()) as process:
            self.assertIn(b"listening", process.stdout.readline())
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/0"), "/dev/null")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 0)


class Workers(unittest.TestCase):
    def test_surroundings(self):
        # A file that the server inherits open must not reach a worker.
        with tempfile.TemporaryFile() as secret, Server(pass_fds=(secret.fileno(),)) as server:
            secret_link = os.readlink(f"/proc/self/fd/{secret.fileno()}")
            self.assertIn(secret_link, server.open_files())
            server.wait_for_ready()
            sockets = {name for name in server.open_files() if name.startswith("socket:")}
            self.assertEqual(len(sockets), 3)  # it listens, and two workers wait

            connection, worker = server.connect_worker()
            with connection:
                files = open_files(worker)
                self.assertNotIn(secret_link, files)
                self.assertFalse(sockets & set(files))
                self.assertTrue([name for name in files if name.startswith("socket:")])

                variables = read_proc(worker, "environ").split(b"\0")
                self.assertIn(b"VENUS_DISABLE=1", variables)
                self.assertFalse([name for name in variables if name.startswith(b"VENUS_SERVER=")])
                self.assertGreater(int(read_proc(worker, "oom_score_adj")),
                                   int(read_proc(server.pid, "oom_score_adj")))
                self.assertNotEqual(os.getpgid(worker), os.getpgid(server.pid))
            self.assertEqual(server.stop()[0], 0)

    def test_a_dead_worker_harms_nobody(self):
        with Server() as server:
            first, first_pid = server.connect_worker()
            second, second_pid = server.connect_worker()
            with first, second:
                os.kill(first_pid, signal.SIGKILL)
                receive_all(first)
                self.assertTrue(wait_for(lambda: "signal 9" in server.log()), server.log())
                peer = "{}:{}".format(*first.getsockname())
                self.assertIn(f"client {peer}: its worker {first_pid} was ended by signal 9", server.log())
                self.assertFalse(is_gone(second_pid))
                third, third_pid = server.connect_worker()
                third.close()
                self.assertTrue(wait_for(lambda: is_gone(third_pid)))
            self.assertEqual(server.stop()[0], 0)

    def test_a_client_that_leaves_ends_its_worker(self):
        with Server() as server:
            connection, pid = server.connect_worker()
            connection.close()
            self.assertTrue(wait_for(lambda: is_gone(pid), 5))
            self.assertTrue(wait_for(lambda: f"worker {pid}" in server.log().split("connected (", 1)[1]))

    def test_workers_do_not_outlive_a_killed_listener(self):
        with Server() as server:
            connections = [server.connect_worker() for _ in range(3)]
            server.process.kill()
            server.process.wait()
            for connection, pid in connections:
                self.assertTrue(wait_for(lambda pid=pid: is_gone(pid), 5), pid)
                connection.close()


class Ready(unittest.TestCase):
    """Workers that wait for clients to come."""

    def test_has_loaded_the_driver(self):
        with open(NATIVE_ICD, encoding="utf-8") as file:
            library = os.path.basename(json.load(file)["ICD"]["library_path"]).encode()
        with Server() as server:
            for pid in server.wait_for_ready():
                self.assertTrue(wait_for(lambda pid=pid: library in read_proc(pid, "maps")))
                self.assertEqual(len([name for name in open_files(pid) if name.startswith("socket:")]), 1)
            self.assertEqual(server.stop()[0], 0)
            self.assertNotIn("connected (", server.log())

    def test_clients_get_them_in_their_order(self):
        with Server() as server:
            older, younger = sorted(server.wait_for_ready())
            connections = []
            for pid in (older, younger):
                connection, worker = server.connect_worker()
                connections.append(connection)
                self.assertEqual(worker, pid)
            self.assertFalse({older, younger} & set(server.wait_for_ready()))
            for connection in connections:
                connection.close()
            self.assertEqual(server.stop()[0], 0)

    def test_more_clients_than_there_are(self):
        with Server("--max-clients", "7") as server:
            server.wait_for_ready()
            connections = [server.greet() for _ in range(6)]
            self.assertTrue(wait_for(lambda: len(server.workers()) == 6), server.log())
            # There is room for one client more.
            server.wait_for_ready(1)
            for connection in connections:
                connection.close()
            self.assertTrue(wait_for(lambda: not server.workers()))
            server.wait_for_ready(2)
            self.assertEqual(server.stop()[0], 0)

    def test_none(self):
        with Server("--ready", "0") as server:
            connections = [server.connect_worker()[0] for _ in range(3)]
            time.sleep(0.3)
            self.assertFalse(server.ready())
            for connection in connections:
                connection.close()
            self.assertTrue(wait_for(lambda: not server.workers()))
            self.assertFalse(server.ready())
            self.assertEqual(server.stop()[0], 0)

    def test_killed(self):
        """They are replaced, later and later, and the log has a line about the first of them alone."""
        with Server() as server:
            client, _ = server.connect_worker()
            with client:
                first = server.wait_for_ready()
                for pid in first:
                    os.kill(pid, signal.SIGKILL)
                start = time.monotonic()
                started = set()
                while time.monotonic() < start + 3:
                    for pid in server.ready():
                        started.add(pid)
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                    time.sleep(0.02)
                self.assertLessEqual(len(started - set(first)), 2)
                self.assertEqual(server.log().count("without a client yet"), 1, server.log())
                server.wait_for_ready()
                self.assertEqual(len(server.workers()), 1)
            self.assertEqual(server.stop()[0], 0)

    def test_a_client_of_one_that_has_just_died(self):
        with Server() as server:
            ready = server.wait_for_ready()
            freeze(server.pid)
            for pid in ready:
                os.kill(pid, signal.SIGKILL)
                self.assertTrue(wait_for(lambda pid=pid: is_gone_entirely(pid)))
            with server.greet() as connection:
                os.kill(server.pid, signal.SIGCONT)
                self.assertTrue(wait_for(lambda: len(server.workers()) == 1), server.log())
                self.assertEqual(wire.receive_frame(connection)[0], wire.HELLO)
            self.assertEqual(server.stop()[0], 0)

    def test_hang_up_replaces_them(self):
        with Server() as server:
            connection, worker = server.connect_worker()
            with connection:
                before = server.wait_for_ready()
                server.process.send_signal(signal.SIGHUP)
                for pid in before:
                    self.assertTrue(wait_for(lambda pid=pid: is_gone(pid)))
                self.assertFalse(set(before) & set(server.wait_for_ready()))
                self.assertEqual(server.workers(), [worker])
                self.assertNotIn("without a client yet", server.log())
            self.assertEqual(server.stop()[0], 0)

    @unittest.skipUnless(os.path.exists(BENCH), "a build with a sanitizer has no venus-bench")
    def test_much_was_compiled(self):
        """They are replaced, since a driver may read what was compiled only while it is loaded; not for nothing."""
        def run(server, *arguments):
            values = environment(VENUS_SERVER=f"{server.host}:{server.port}", VK_DRIVER_FILES=OUR_ICD)
            return subprocess.Popen([BENCH, "gpu", *arguments], stdout=subprocess.DEVNULL, env=values)

        with Server("--log", "debug") as server:
            before = set(server.wait_for_ready())
            self.assertEqual(run(server, "submissions", "0.1").wait(60), 0)
            self.assertTrue(wait_for(lambda: not server.workers()))
            self.assertEqual(len(before & set(server.wait_for_ready())), 1)
            before = set(server.ready())
            self.assertEqual(run(server, "compute-pipelines", "5").wait(60), 0)
            self.assertTrue(wait_for(lambda: not before & set(server.ready())), server.log())
            server.wait_for_ready()
            self.assertEqual(server.stop()[0], 0)
            self.assertNotIn("without a client yet", server.log())

    def test_they_end_with_the_listener(self):
        for number, status in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
            with Server() as server:
                ready = server.wait_for_ready()
                self.assertEqual(server.stop(number)[0], status)
                for pid in ready:
                    self.assertTrue(wait_for(lambda pid=pid: is_gone(pid), 5), pid)
                self.assertNotIn("without a client yet", server.log())


class Shutdown(unittest.TestCase):
    def test_worker_that_does_not_end(self):
        with Server() as server:
            connection, pid = server.connect_worker()
            with connection:
                freeze(pid)
                status, seconds = server.stop()
                self.assertEqual(status, 0)
                self.assertTrue(4.5 < seconds < 8, seconds)
                self.assertTrue(is_gone(pid))
                self.assertIn("killing 1 worker", server.log())

    def test_second_signal(self):
        with Server() as server:
            connection, pid = server.connect_worker()
            with connection:
                freeze(pid)
                server.process.send_signal(signal.SIGTERM)
                self.assertTrue(wait_for(lambda: "shutting down" in server.log()))
                self.assertIsNone(server.process.poll())
                status, seconds = server.stop(signal.SIGINT)
                self.assertEqual(status, 0)
                self.assertLess(seconds, 2)
                self.assertTrue(is_gone(pid))


class Lobby(RefusalCase):
    """Connections that have not said their greeting: they cost no worker, and few of them are kept, not for long."""

    SECONDS = 5
    SHARE = 10
    ROOM = 100

    def check_served(self, connection):
        self.assertEqual((wire.receive_frame(connection) or (None,))[0], wire.HELLO)

    def check_reported(self, server, who, count):
        """All of them in one line."""
        self.assertEqual(server.stop()[0], 0)
        lines = [line for line in server.log().splitlines() if "without a greeting" in line]
        self.assertEqual(len(lines), 1, server.log())
        self.assertIn(f"client {who}: {count} connection", lines[0])

    def close(self, connections):
        for connection in connections:
            connection.close()

    def test_silence(self):
        with Server() as server:
            silent = [server.connect() for _ in range(64)]
            start = time.monotonic()
            with server.greet("127.0.0.2") as good:
                self.check_served(good)
                self.assertLess(time.monotonic() - start, 1 * wire.SLOW)
                self.assertEqual(len(server.workers()), 1)
                self.assertTrue(wait_for(lambda: count_open(silent) == self.SHARE))
                self.assertTrue(wait_for(lambda: count_open(silent) == 0, self.SECONDS + 2))
                self.assertGreater(time.monotonic() - start, self.SECONDS - 1)
                with server.greet() as other:
                    self.check_served(other)
            self.close(silent)
            self.check_reported(server, "127.0.0.1", 64)

    def test_a_byte_each_second(self):
        with Server() as server, server.connect() as slow:
            start = time.monotonic()
            for byte in wire.hello():
                with contextlib.suppress(ConnectionError):
                    slow.sendall(bytes((byte,)))
                if wait_for(lambda: is_closed(slow), 1):
                    break
            self.assertTrue(self.SECONDS - 0.5 < time.monotonic() - start < self.SECONDS + 1.5)
            self.assertFalse(server.workers())
            self.check_reported(server, "127.0.0.1", 1)

    def test_share(self):
        with Server("--ready", "0") as server:
            fds = server.fds()
            silent = [server.connect() for _ in range(self.SHARE)]
            with server.connect() as one_more:
                self.assertTrue(wait_for(lambda: is_closed(one_more), 1 * wire.SLOW))
            self.assertEqual(count_open(silent), self.SHARE)
            with server.connect("127.0.0.2") as other:
                self.assertTrue(wait_for(lambda: server.fds() == fds + self.SHARE + 1))
                silent.pop().close()
                self.assertTrue(wait_for(lambda: server.fds() == fds + self.SHARE))
                silent.append(server.connect())
                time.sleep(0.3)
                self.assertEqual(count_open(silent + [other]), self.SHARE + 1)
            self.close(silent)
            self.check_reported(server, "127.0.0.1", 1)

    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_share_of_a_network(self):
        with Server("--host", "::1") as server:
            silent = [server.connect() for _ in range(self.SHARE + 3)]
            self.assertTrue(wait_for(lambda: count_open(silent) == self.SHARE))
            silent[0].sendall(wire.hello())
            self.check_served(silent[0])
            self.close(silent)
            self.check_reported(server, "::/64", 3)

    def test_room(self):
        """Of many sources: some are let in, fewer than there is room for; and all is over soon."""
        with Server() as server:
            server.wait_for_ready()
            fds = server.fds()
            silent = [server.connect(f"127.0.1.{i % 100 + 1}") for i in range(300)]
            self.assertTrue(wait_for(lambda: count_open(silent) == server.fds() - fds))
            self.assertTrue(self.SHARE < count_open(silent) <= self.ROOM, count_open(silent))
            self.assertTrue(wait_for(lambda: count_open(silent) == 0, self.SECONDS + 2))
            with server.greet() as good:
                self.check_served(good)
            self.close(silent)
            self.assertEqual(server.stop()[0], 0)

    def test_flood(self):
        with Server() as server:
            server.wait_for_ready()
            fds = server.fds()
            kept, made = collections.deque(maxlen=500), [0]

            def flood():
                for _ in range(2000):
                    with contextlib.suppress(OSError):
                        kept.append(server.connect())
                    made[0] += 1

            thread = threading.Thread(target=flood)
            thread.start()
            self.assertTrue(wait_for(lambda: made[0] > 100))
            for _ in range(3):
                with server.greet("127.0.0.2") as good:
                    self.check_served(good)
            self.assertLess(server.fds(), fds + self.SHARE + 10)
            thread.join()
            with server.greet("127.0.0.2") as good:
                self.check_served(good)
            self.close(kept)
            self.assertEqual(server.stop()[0], 0)
            self.assertEqual(server.log().count("without a greeting"), 1)

    def test_nonsense(self):
        """It is answered as soon as it cannot be a greeting any more, and no worker hears of it."""
        start = wire.frame(wire.HELLO, length=500)
        with Server("--ready", "0") as server:
            nonsense = (b"GET ", b"SSH-2.0-x", bytes(16), os.urandom(5000), wire.frame(wire.HELLO, length=65537)[:8],
                        wire.frame(wire.HELLO, length=15), start + b"VENUSPLUS", wire.frame(wire.ERROR, bytes(12)))
            for data in nonsense:
                with self.subTest(data[:30]), server.connect() as connection:
                    connection.sendall(data)
                    self.assertIn("does not speak the protocol", self.read_refusal(connection))
            with server.connect() as connection:
                for piece in (start[:2], start[2:9], start[9:], b"VENUS", b"???"):
                    time.sleep(0.05)
                    connection.sendall(piece)
                self.assertIn("does not speak the protocol", self.read_refusal(connection))
            self.assertNotIn("connected", server.log())
            self.check_reported(server, "127.0.0.1", len(nonsense) + 1)

    def test_greeting_in_pieces(self):
        greetings = [(wire.hello(), at) for at in (1, 4, 7, 8, 15, 16, 23, 24, 25, len(wire.hello()) - 1)]
        colors = wire.hello(colors=b"blue" * 15000)
        greetings += [(colors, 10), (colors, 40000)]
        with Server() as server:
            for greeting, at in greetings:
                with self.subTest(at), server.connect() as connection:
                    connection.sendall(greeting[:at])
                    time.sleep(0.1)
                    self.assertFalse(server.workers())
                    connection.sendall(greeting[at:])
                    self.check_served(connection)
                self.assertTrue(wait_for(lambda: not server.workers()))
            with server.greet() as connection:
                connection.shutdown(socket.SHUT_WR)
                self.check_served(connection)
            self.assertEqual(server.stop()[0], 0)
            self.assertNotIn("without a greeting", server.log())

    def test_hang_up(self):
        """It is noticed at once, and is no offence; what is there of a greeting keeps the server busy no more than
        nothing does."""
        with Server("--ready", "0") as server:
            fds = server.fds()
            waiting = [server.connect() for _ in range(self.SHARE)]
            for i, connection in enumerate(waiting):
                connection.sendall(wire.hello()[:4 * i])
            self.assertTrue(wait_for(lambda: server.fds() == fds + self.SHARE))
            used = processor_time(server.pid)
            time.sleep(1)
            self.assertLess(processor_time(server.pid) - used, 0.1)
            self.assertEqual(count_open(waiting), self.SHARE)
            for i, connection in enumerate(waiting):
                if i % 2:
                    connection.shutdown(socket.SHUT_WR)
                else:
                    connection.close()
            self.assertTrue(wait_for(lambda: server.fds() == fds, 1 * wire.SLOW))
            self.close(waiting)
            self.assertEqual(server.stop()[0], 0)
            self.assertNotIn("without a greeting", server.log())

    def test_patience(self):
        """Who talks nonsense several times has a smaller share, until it has said a greeting."""
        with Server() as server:
            def open_of_three():
                silent = [server.connect() for _ in range(3)]
                time.sleep(0.3)
                count = count_open(silent)
                fds = server.fds()
                self.close(silent)
                self.assertTrue(wait_for(lambda: server.fds() == fds - count))
                return count

            server.wait_for_ready()
            fds = server.fds()
            self.assertEqual(open_of_three(), 3)
            for _ in range(20):
                with server.connect() as connection:
                    connection.sendall(b"nonsense")
                    self.read_refusal(connection)
            self.assertTrue(wait_for(lambda: server.fds() == fds))
            self.assertEqual(open_of_three(), 1)
            with server.greet() as connection:
                self.check_served(connection)
                server.wait_for_ready()
                self.assertEqual(open_of_three(), 3)
            self.assertEqual(server.stop()[0], 0)

    def test_they_are_no_clients(self):
        with Server("--max-clients", "1") as server:
            silent = [server.connect() for _ in range(5)]
            with server.greet("127.0.0.2") as first:
                self.check_served(first)
                silent[0].sendall(wire.hello())
                self.assertIn("maximum of 1 clients", self.read_refusal(silent[0]))
                self.assertEqual(count_open(silent[1:]), 4)
            self.assertTrue(wait_for(lambda: not server.workers()))
            silent[1].sendall(wire.hello())
            self.check_served(silent[1])
            self.close(silent)
            self.assertEqual(server.stop()[0], 0)

    def test_end(self):
        with Server() as server:
            silent = [server.connect() for _ in range(5)]
            self.assertEqual(server.stop()[0], 0)
            self.assertEqual(count_open(silent), 0)
            self.close(silent)


class Abuse(RefusalCase):
    def test_too_many_clients(self):
        with Server("--max-clients", "2") as server:
            first, first_pid = server.connect_worker()
            second, _ = server.connect_worker()
            with first, second:
                with server.greet() as third:
                    # What the client has sent already must not cost it the answer.
                    with contextlib.suppress(ConnectionError):
                        third.sendall(b"x" * 300000)
                    self.assertIn("maximum of 2 clients", self.read_refusal(third))
                self.assertEqual(len(server.workers()), 2)

                first.close()
                self.assertTrue(wait_for(lambda: is_gone(first_pid)))
                self.assertTrue(wait_for(lambda: f"(worker {first_pid})" in server.log()))
                self.assertEqual(len(server.workers()), 1)
                fourth, _ = server.connect_worker()
                fourth.close()
            self.assertEqual(server.stop()[0], 0)

    def test_refused_clients_that_stay(self):
        with Server("--max-clients", "1") as server:
            first, pid = server.connect_worker()
            fds = server.fds()
            with first:
                stubborn = [server.greet() for _ in range(40)]
                self.assertTrue(wait_for(lambda: server.log().count("refused") == 40), server.log())
                self.assertTrue(wait_for(lambda: server.fds() == fds, 8), "refused connections stay open")
                self.assertFalse(is_gone(pid))
                for connection in stubborn:
                    connection.close()
            self.assertEqual(server.stop()[0], 0)

    def test_garbage_and_silence_block_nobody(self):
        with Server() as server:
            silent = [server.connect() for _ in range(5)]
            for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(1000), os.urandom(5000), b"\xff" * 40, b"x"):
                with server.connect() as connection:
                    with contextlib.suppress(ConnectionError):
                        connection.sendall(garbage)
                        connection.shutdown(socket.SHUT_WR)
                    receive_all(connection)
            connection, pid = server.connect_worker()
            self.assertFalse(is_gone(pid))
            connection.close()
            for connection in silent:
                connection.close()
            self.assertTrue(wait_for(lambda: not server.workers()), server.log())
            self.assertEqual(server.stop()[0], 0)

    def test_storm(self):
        with Server("--max-clients", "8", "--log", "error") as server:
            server.wait_for_ready()
            fds = server.fds()
            for _ in range(5):
                storm = [server.connect() for _ in range(30)]
                for connection in storm[::2]:
                    with contextlib.suppress(ConnectionError):
                        connection.sendall(wire.hello())
                self.assertLessEqual(len(server.workers()), 8)
                for connection in storm:
                    connection.close()
            self.assertTrue(wait_for(lambda: not server.workers(), 20), server.log())
            self.assertTrue(wait_for(lambda: server.fds() == fds, 8))
            self.assertEqual(server.stop()[0], 0)

    def test_one_after_another_leaves_nothing(self):
        with Server() as server:
            server.wait_for_ready()
            fds = server.fds()
            for _ in range(30):
                connection, pid = server.connect_worker()
                connection.close()
                self.assertTrue(wait_for(lambda pid=pid: is_gone(pid)))
            self.assertTrue(wait_for(lambda: not server.workers()))
            self.assertTrue(wait_for(lambda: server.fds() == fds))
            self.assertEqual(server.stop()[0], 0)

    def test_out_of_files(self):
        """A listener that cannot accept waits, without using up the processor, and goes on later."""
        with Server("--max-clients", "1") as server:
            first, pid = server.connect_worker()
            with first:
                # It has still to close what the worker has got.
                self.assertTrue(wait_for(lambda: "connected (" in server.log() and is_asleep(server.pid)))
                subprocess.run(["prlimit", f"--pid={server.pid}", f"--nofile={server.next_fd()}:"], check=True)
                before = server.greet()
                self.assertTrue(wait_for(lambda: "cannot accept" in server.log()), server.log())
                used = processor_time(server.pid)
                time.sleep(1)
                self.assertLess(processor_time(server.pid) - used, 0.2)
                subprocess.run(["prlimit", f"--pid={server.pid}", "--nofile=256:"], check=True)
                self.assertIn("maximum", self.read_refusal(before))
                before.close()
                self.assertFalse(is_gone(pid))
            self.assertEqual(server.stop()[0], 0)


if __name__ == "__main__":
    if not os.access(SERVER, os.X_OK):
        sys.exit(f"{SERVER} is not built")
    unittest.main(verbosity=2)
