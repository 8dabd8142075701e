#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=180 waits
"""venus-ctl and --metrics: what they say of a server, what they do to it, and who else tries to."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from processes import is_gone  # noqa: E402
from servers import BUILD, CLIENT, Client, RefusalCase, Server, environment, own_address, receive_all, run  # noqa: E402
from wire import wait_for  # noqa: E402

CTL = os.path.join(BUILD, "server", "venus-ctl")
TLS_PROGRAM = os.path.join(BUILD, "client", "venus-plus", "venus-tls")
NOBODY = 65534
REQUEST_SIZE = 8192
ROOM = 8  # callers at the same time
SECONDS = 5  # that one has
SAMPLE = re.compile(r'(venus_plus_[a-z_]+)(\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? (\S+)')


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ask(path, request):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(path)
        connection.sendall(request)
        return receive_all(connection)


class Control(RefusalCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "control")

    def server(self, *options, **more):
        return Server("--control", self.path, *options, **more)

    def run_ctl(self, *arguments):
        return subprocess.run([CTL, "--control", self.path, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=30 * wire.slowness(), check=False, text=True, env=environment())

    def ctl(self, *arguments, status=0):
        """What it prints."""
        done = self.run_ctl(*arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(bool(done.stderr), status != 0, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def sessions(self):
        return json.loads(self.ctl("--json", "sessions"))

    def program(self, server, mode="fence"):
        client = Client(f"127.0.0.1:{server.port}", CLIENT, mode)
        self.assertTrue(client.ready(), client.log())
        return client


class Sessions(Control):
    def test_who_sends_hears_why(self):
        """A program that is in the middle of sending has its connection broken under it, and hears the reason all the
        same."""
        for mode in ("flood", "submit") * 4:
            with self.subTest(mode), self.server() as server, Client(server.address, CLIENT, mode) as client:
                self.assertTrue(client.ready(), client.log())
                number = self.sessions()[0]["session"]
                self.ctl("kick", str(number), "tea time")
                client.wait(20)
                self.assertIn("the server's operator has ended this session: tea time", client.log())

    def test_a_client_is_shown_and_kicked(self):
        with self.server() as server:
            self.assertEqual(stat.filemode(os.lstat(self.path).st_mode), "srw-------")
            self.assertEqual(self.sessions(), [])
            with self.program(server) as client, self.program(server) as other:
                seen = {each["session"]: each for each in self.sessions()}
                self.assertEqual(sorted(seen), sorted(server.workers()))
                for each in seen.values():
                    self.assertEqual((each["program"], each["user"]), ("fault_client", "address:127.0.0.1"))
                    self.assertTrue(each["gpu"])
                    self.assertGreater(each["memory_bytes"], 0)
                    self.assertGreater(each["bytes_in"], 500)
                    self.assertEqual(each["state"], "here")
                table = self.ctl("sessions").splitlines()
                self.assertEqual(len(table), 3)
                self.assertEqual({line.index(" fault_client ") + 1 for line in table[1:]}, {table[0].index("PROGRAM")})

                number = min(seen)
                self.ctl("kick", str(number), "tea time")
                self.assertTrue(wait_for(lambda: client.process.poll() is not None or other.process.poll() is not None))
                kicked, left = (client, other) if client.process.poll() is not None else (other, client)
                self.assertEqual(kicked.wait(8), 42)
                self.assertIn("the server's operator has ended this session: tea time", kicked.log())
                self.assertTrue(wait_for(lambda: f"(worker {number}): the server's operator" in server.log()))
                self.assertIsNone(left.process.poll())
                self.assertEqual(len(self.sessions()), 1)
            self.assertIn("there is no session", self.ctl("kick", "1", status=1))
            self.assertIn("needs the number", self.ctl("kick", "1x", status=1))
            self.assertEqual(server.stop()[0], 0)
        self.assertFalse(os.path.lexists(self.path))

    def test_a_worker_that_does_not_end_is_killed(self):
        with self.server() as server:
            connection, worker = server.connect_worker()
            with connection:
                os.kill(worker, signal.SIGSTOP)
                self.ctl("kick", str(worker))
                self.assertEqual(self.sessions()[0]["state"], "ending")
                self.assertTrue(wait_for(lambda: is_gone(worker), 8))
            self.assertEqual(server.stop()[0], 0)

    def test_names_are_shown_as_they_are_not_meant(self):
        """Neither a terminal nor JSON nor the table takes harm."""
        with self.server("--metrics", f"unix:{self.folder}/metrics") as server:
            name = b'\x1b[2J"\\\t\n{}' + b"n" * 300
            with server.connect() as connection:
                connection.sendall(wire.hello(name=name))
                self.assertTrue(wait_for(lambda: self.sessions() and self.sessions()[0]["program"]))
                shown = self.sessions()[0]["program"]
                self.assertIn("[2J", shown)
                self.assertTrue(shown.isprintable() and shown.isascii())
                self.assertEqual(len(self.ctl("sessions").splitlines()), 2)

    def test_status_and_health(self):
        with self.server("--max-clients", "1") as server:
            start = time.monotonic()
            self.ctl("health")
            self.assertLess(time.monotonic() - start, wire.slowness())
            self.assertIn("accepting           yes", self.ctl("status"))
            first, _ = server.connect_worker()
            with first, server.greet() as second, server.connect() as third:
                receive_all(second)
                third.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(16))
                receive_all(third)
                status = json.loads(self.ctl("--json", "status"))
                self.assertEqual((status["sessions"], status["sessions-total"]), (1, 1))
                self.assertEqual((status["rejects-full"], status["rejects-strange"]), (1, 1))
                self.ctl("health")  # it is none of the clients
            os.kill(server.pid, signal.SIGSTOP)
            start = time.monotonic()
            self.assertIn("does not answer", self.ctl("health", status=1))
            self.assertLess(time.monotonic() - start, 1.5 * wire.slowness())
            os.kill(server.pid, signal.SIGCONT)
            self.assertEqual(server.stop()[0], 0)
        self.assertIn("no control socket", self.ctl("health", status=1))

    def test_drain(self):
        with self.server() as server:
            with self.program(server) as client:
                self.ctl("drain")
                with self.assertRaises(ConnectionError):
                    server.connect()
                self.assertIn("takes no new clients", self.ctl("health", status=1))
                self.assertEqual(len(self.sessions()), 1)
                self.ctl("drain")
                self.assertIsNone(client.process.poll())
                self.assertIsNone(server.process.poll())
            self.assertEqual(server.process.wait(10 * wire.slowness()), 0)
        with self.server() as server:
            self.ctl("drain")
            self.assertEqual(server.process.wait(10 * wire.slowness()), 0)

    def test_sigterm_while_draining(self):
        with self.server() as server:
            with self.program(server) as client:
                self.ctl("drain")
                self.assertEqual(server.stop()[0], 0)
                self.assertEqual(client.wait(8), 42)


class Strangers(Control):
    def test_another_user(self):
        os.chmod(self.folder, 0o755)
        with self.server() as server:
            os.chmod(self.path, 0o666)  # whatever the file lets them
            child = os.fork()
            if child == 0:
                status = 1
                with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                    connection.connect(self.path)
                    status = 0
                    connection.sendall(b"sessions\n")
                    status = 2 if receive_all(connection) else 0
                os._exit(status)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
            self.assertIn("refused", server.log())

    def test_nonsense(self):
        with self.server() as server:
            for request in (b"\n", b"what\n", b"kick\n", b"kick 0\n", b"kick 99999999999999999999\n", b"kick-user\n",
                            b"kick 5 " + b"r" * 4000 + b"\n", b"x" * REQUEST_SIZE, b"\xff\xfe\n", b"%s%n\n"):
                self.assertTrue(ask(self.path, request).startswith(b"error\t"), request[:40])
            self.assertEqual(ask(self.path, b"sessions\0\n"), b"")
            self.ctl("health")
            self.assertEqual(server.stop()[0], 0)

    def test_who_says_nothing_is_let_go(self):
        """And costs clients nothing meanwhile."""
        with self.server() as server, contextlib.ExitStack() as stack:
            silent = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(ROOM + 4)]
            for each in silent:
                each.connect(self.path)
            server.greet().close()
            self.assertTrue(wait_for(lambda: "connected" in server.log()))
            fds = server.fds()
            start = time.monotonic()
            for each in silent[:ROOM]:
                self.assertEqual(receive_all(each), b"")
            self.assertLess(time.monotonic() - start, (SECONDS + 3) * wire.slowness())
            self.assertTrue(wait_for(lambda: server.fds() < fds))
            for each in silent:
                each.close()
            self.ctl("health")


class Metrics(Control):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def metrics_server(self, *options):
        return self.server("--metrics", f"127.0.0.1:{self.port}", *options)

    def request(self, data, seconds=10):
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
            return receive_all(connection, seconds)

    def get(self, path, headers=b""):
        head, _, body = self.request(b"GET %s HTTP/1.0\r\n%s\r\n" % (path.encode(), headers)).partition(b"\r\n\r\n")
        self.assertIn(b"Content-Length: %d\r\n" % len(body), head + b"\r\n")
        return int(head.split()[1]), body.decode()

    def metrics(self):
        """{name and labels: value}, after a look at the format."""
        status, body = self.get("/metrics")
        self.assertEqual(status, 200)
        types, values = {}, {}
        for line in body.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertNotIn(name, types)
                types[name] = kind
            elif not line.startswith("# HELP "):
                match = SAMPLE.fullmatch(line)
                self.assertTrue(match, line)
                self.assertTrue(match[1] in types or re.sub("_(bucket|sum|count)$", "", match[1]) in types, line)
                self.assertNotIn(match[1] + (match[2] or ""), values)
                values[match[1] + (match[2] or "")] = float(match[3])
        return values

    def test_what_they_say(self):
        with self.metrics_server("--quota", "device-memory=1G") as server:
            before = self.metrics()
            self.assertEqual(before["venus_plus_sessions"], 0)
            self.assertEqual(before["venus_plus_vram_quota_bytes"], 1 << 30)
            self.assertEqual(sum(name.startswith("venus_plus_build_info{version=") for name in before), 1)
            with self.program(server, "present"):
                self.assertTrue(wait_for(lambda: self.frames(self.metrics()) > 3))
                during = self.metrics()
                self.assertEqual((during["venus_plus_sessions"], during["venus_plus_sessions_total"]), (1, 1))
                session = server.workers()[0]
                self.assertEqual(sum(f'session="{session}"' in name and value > 0 for name, value in during.items()), 1)
                for name in ('wire_bytes_total{dir="in"}', 'wire_bytes_total{dir="out"}', 'roundtrips_total',
                             'commands_total{class="record"}', 'commands_total{class="async"}', 'present_bytes_total',
                             'submit_seconds_count', 'submit_seconds_bucket{le="+Inf"}'):
                    self.assertGreater(during[f"venus_plus_{name}"], 0, name)
            self.assertTrue(wait_for(lambda: self.metrics()["venus_plus_sessions"] == 0))
            after = self.metrics()
            for name, value in during.items():
                if name.split("{")[0].endswith(("_total", "_count", "_bucket")):
                    self.assertGreaterEqual(after[name], value, name)

    @staticmethod
    def frames(values):
        return sum(value for name, value in values.items() if name.startswith("venus_plus_present_frames_total"))

    def test_health(self):
        with self.metrics_server("--max-clients", "1") as server:
            self.assertEqual((self.get("/healthz"), self.get("/readyz")), ((200, "ok\n"), (200, "ok\n")))
            connection, _ = server.connect_worker()
            with connection:
                self.assertEqual(self.get("/healthz")[0], 200)
                self.assertEqual(self.get("/readyz"), (503, "has no place for another client\n"))

    def test_abuse(self):
        with self.metrics_server() as server:
            for path in ("/", "//metrics", "/metrics/", "/metrics/..", "/../metrics", "/%6detrics", "/metrics?x=1",
                         "/metrics%00", "/etc/passwd", "/../../../etc/passwd"):
                self.assertEqual(self.get(path)[0], 404, path)
            for method in (b"POST", b"PUT", b"HEAD", b"OPTIONS", b"get", b"TRACE"):
                self.assertIn(b" 405 ", self.request(method + b" /metrics HTTP/1.0\r\n\r\n"))
            for line in (b"GET", b"GET /metrics", b"GET metrics HTTP/1.0", b"GET http://x/metrics HTTP/1.0", b"",
                         b"CONNECT x:1 HTTP/1.0", b"GET /metrics HTTP/2.0", b"GET  /metrics HTTP/1.0"):
                self.assertIn(b" 400 ", self.request(line + b"\r\n\r\n"), line)
            self.assertIn(b" 431 ", self.request(b"GET /metrics HTTP/1.0\r\nX: " + b"x" * (1 << 20)))
            self.assertIn(b" 431 ", self.request(b"x" * REQUEST_SIZE))
            self.assertEqual(self.request(b"GET /metrics\0 HTTP/1.0\r\n\r\n"), b"")
            for host in (b"localhost", b"127.0.0.1:%d" % self.port, b"[::1]:80", b" LocalHost:5 "):
                status = self.get("/healthz", b"Host: " + host.strip() + b"\r\n")[0]
                self.assertEqual(status, 200, host)
            for host in (b"evil.example", b"127.0.0.1.evil.example", b"localhost.evil.example", b""):
                self.assertEqual(self.get("/metrics", b"A: b\r\nhost: " + host + b"\r\n")[0], 403, host)
            self.assertEqual(self.get("/healthz")[0], 200)
            self.assertEqual(server.stop()[0], 0)

    def test_slow_ones(self):
        with self.metrics_server() as server, contextlib.ExitStack() as stack:
            slow = [stack.enter_context(socket.create_connection(("127.0.0.1", self.port))) for _ in range(ROOM)]
            for each in slow:
                each.sendall(b"GET /metrics HT")
            connection, _ = server.connect_worker()
            connection.close()
            self.ctl("health")
            start = time.monotonic()
            self.assertEqual(self.get("/healthz")[0], 200)  # when they are gone
            self.assertLess(time.monotonic() - start, (SECONDS + 3) * wire.slowness())

    def test_loopback_only(self):
        for host in filter(None, ("0.0.0.0", "[::]", own_address())):
            self.assert_refused(("--port", "0", "--control", "none", "--metrics", f"{host}:{self.port}"),
                                "is not a loopback address")
        for place in ("unix:", "unix:/" + "x" * 200, "127.0.0.1:99999", ":::", "unix:/nowhere/there"):
            self.assert_refused(("--port", "0", "--control", "none", "--metrics", place), "")

    def assert_refused(self, options, text):
        done = run(*options)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(text, done.stderr)

    def test_unix(self):
        path = os.path.join(self.folder, "metrics")
        with self.server("--metrics", f"unix:{path}") as server:
            self.assertEqual(stat.filemode(os.lstat(path).st_mode), "srw-------")
            self.assertTrue(ask(path, b"GET /healthz HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nok\n"))
            self.assertEqual(server.stop()[0], 0)
        self.assertFalse(os.path.lexists(path))


class Keys(Control):
    def setUp(self):
        super().setUp()
        self.keys = os.path.join(self.folder, "keys")

    def read(self):
        with open(self.keys, encoding="ascii") as file:
            return file.read()

    def test_without_a_server(self):
        os.umask(0)
        self.addCleanup(os.umask, 0o022)
        line = self.ctl("--keys", self.keys, "key", "add", "alice")
        self.assertRegex(line, r"\Aalice:[0-9a-f]{64}\n\Z")
        self.assertEqual(self.read(), line)
        self.assertEqual(stat.S_IMODE(os.stat(self.keys).st_mode), 0o600)
        with open(self.keys, "a", encoding="ascii") as file:
            file.write("# a remark\nbob:" + "ab" * 32)  # without a line's end
        again = self.ctl("--keys", self.keys, "key", "add", "alice.b")
        self.assertNotEqual(line[-65:], again[-65:])
        self.assertEqual(self.read(), line + "# a remark\nbob:" + "ab" * 32 + "\n" + again)
        self.assertEqual(self.ctl("--keys", self.keys, "key", "list"), "alice\nbob\nalice.b\n")
        self.assertIn("already", self.ctl("--keys", self.keys, "key", "add", "bob", status=1))
        self.ctl("--keys", self.keys, "key", "revoke", "alice")
        self.assertEqual(self.read(), "# a remark\nbob:" + "ab" * 32 + "\n" + again)
        self.assertIn("no key of alice", self.ctl("--keys", self.keys, "key", "revoke", "alice", status=1))
        for identity in ("", "a:b", "a,b", "a b", "#a", "a\n", "x" * 65, "\u00e9"):
            self.assertIn("identity", self.ctl("--keys", self.keys, "key", "add", identity, status=1))
        self.assertEqual(os.listdir(self.folder), ["keys"])

    def test_files_that_are_not_changed(self):
        for text, mode, words in (("nonsense\n", 0o600, "line 1"), ("a:" + "00" * 32 + "\n", 0o644, "chmod 600")):
            with open(self.keys, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(self.keys, mode)
            self.assertIn(words, self.ctl("--keys", self.keys, "key", "add", "b", status=1))
            self.assertEqual((self.read(), os.listdir(self.folder)), (text, ["keys"]))

    def test_a_link_stays_one(self):
        os.mkdir(os.path.join(self.folder, "real"))
        os.symlink("real/keys", self.keys)
        with open(self.keys, "w", encoding="ascii"):
            os.chmod(self.keys, 0o600)
        self.ctl("--keys", self.keys, "key", "add", "b")
        self.assertTrue(os.path.islink(self.keys))
        self.assertTrue(self.read().startswith("b:"))

    @unittest.skipIf(os.geteuid(), "only root changes files of others")
    def test_a_file_of_the_servers_user(self):
        os.chmod(self.folder, 0o755)
        self.ctl("--keys", self.keys, "key", "add", "alice")
        os.chown(self.keys, NOBODY, NOBODY)
        self.ctl("--keys", self.keys, "key", "add", "bob")
        self.assertEqual(self.ctl("--keys", self.keys, "key", "list"), "alice\nbob\n")
        self.ctl("--keys", self.keys, "key", "revoke", "alice")
        status = os.stat(self.keys)
        self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o777), (NOBODY, NOBODY, 0o600))
        # What that user cannot read, root does not read for it.
        os.chmod(self.folder, 0o700)
        self.assertIn("Permission denied", self.ctl("--keys", self.keys, "key", "list", status=1))

    @unittest.skipUnless(os.path.exists(TLS_PROGRAM), "a build without TLS")
    def test_with_a_server(self):
        self.ctl("--keys", self.keys, "key", "add", "alice")
        with self.server("--keys", self.keys) as server:
            own = os.path.join(self.folder, "bob")
            with open(own, "w", encoding="ascii") as file:
                os.chmod(own, 0o600)
                file.write(self.ctl("key", "add", "bob"))
            place = f"tls://bob@127.0.0.1:{server.port}"
            with self.tls_program(place, own) as client:
                self.assertTrue(client.ready(), client.log())
                self.assertEqual(self.sessions()[0]["user"], "key:bob")
                self.ctl("key", "revoke", "bob")
                with self.tls_program(place, own) as late:
                    self.assertEqual(late.wait(20), 1)
                self.assertIsNone(client.process.poll())
                self.assertEqual(self.ctl("key", "list"), "alice\n")
                with open(own, "w", encoding="ascii") as file:
                    file.write(self.ctl("key", "add", "bob"))
                self.assertEqual(self.ctl("--kick", "key", "revoke", "bob"), "1 sessions ended\n")
                self.assertEqual(client.wait(8), 42)
                self.assertIn("its key is not valid any more", client.log())
            with open(self.keys, "a", encoding="ascii") as file:
                file.write("nonsense\n")
            self.assertIn("goes on with the old ones", self.ctl("reload", status=1))
            self.assertEqual(server.stop()[0], 0)

    @staticmethod
    def tls_program(place, keys):
        return Client(place, CLIENT, "fence", VENUS_KEY_FILE=keys)

    def test_a_server_without_keys(self):
        with self.server():
            self.assertIn("--keys", self.ctl("key", "list", status=1))


class Usage(Control):
    def test_what_is_not_understood(self):
        for arguments in ((), ("what",), ("kick",), ("kick", "1", "a", "b"), ("key",), ("key", "add"), ("--what", "status"),
                          ("status", "more"), ("key", "list", "x")):
            done = self.run_ctl(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("usage: ", done.stderr)
        self.assertIn("more than a line", self.ctl("kick", "1", "a\nsessions", status=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
