#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=180 waits
"""Everything that a person, a network or a crash can do to the listener of venus-server.

No Vulkan client is needed: a connection that has said its greeting and nothing else keeps its worker for as long as
these tests take.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from processes import freeze, is_asleep, is_gone, is_gone_entirely, open_files, processor_time, read_proc  # noqa: E402
from servers import BUILD, ICD, NATIVE_ICD, SERVER, RefusalCase, Server, environment, has_ipv6, own_address, \
    receive_all, run  # noqa: E402
from wire import wait_for  # noqa: E402

BENCH = os.path.join(BUILD, "tools", "venus-bench")


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
        self.assertRegex(lines[1], r"^ +0  .* +\d+\.\d+\.\d+( +pci:\S+)?$")

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
                self.check_refusal(run("--port", "0", "--host", host), 1, host, "not a loopback address", "--keys", "ssh tunnel",
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
        with tempfile.TemporaryFile() as secret, Server("--control", "none", pass_fds=(secret.fileno(),)) as server:
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
                self.assertTrue(wait_for(lambda: " of address:127.0.0.1" in server.log()), server.log())
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
            values = environment(VENUS_SERVER=f"{server.host}:{server.port}", VK_DRIVER_FILES=ICD)
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
