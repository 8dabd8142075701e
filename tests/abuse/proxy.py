#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=120
"""venus-proxy does to a connection what it says: the measurements that rest on it are only as good."""

import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402

BUILD = os.environ.get("VP_BUILD", "build")
PROXY = os.path.join(BUILD, "tools", "venus-proxy")


class Echo:
    """A server that sends back what it gets, and closes when the client has."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def serve(connection):
        with connection:
            try:
                while data := connection.recv(1 << 20):
                    connection.sendall(data)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Proxy:
    def __init__(self, port, *options):
        self.process = subprocess.Popen([PROXY, "--listen", "0", "--connect", f"127.0.0.1:{port}", *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        self.port = int(re.fullmatch(r"venus-proxy: listening on 127\.0\.0\.1:(\d+)\n", line)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.status = self.process.wait(10)
        self.process.stdout.close()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), 10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def signal(self, number):
        self.process.send_signal(number)
        time.sleep(0.1)


def receive(connection, size):
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            break
        data += piece
    return bytes(data)


def round_trip(connection):
    start = time.monotonic()
    connection.sendall(b"?")
    assert receive(connection, 1) == b"?"
    return (time.monotonic() - start) * 1000


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.echo = Echo()
        self.addCleanup(self.echo.close)

    def echo_through(self, connection, data):
        """Sends and receives at the same time. Returns the seconds that it took."""
        start = time.monotonic()
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        received = receive(connection, len(data))
        sender.join()
        self.assertEqual(hashlib.sha256(received).digest(), hashlib.sha256(data).digest())
        return time.monotonic() - start

    def test_data_and_end_arrive(self):
        data = random.Random(1).randbytes(30 << 20)
        with Proxy(self.echo.port) as proxy, proxy.connect() as connection:
            self.echo_through(connection, data)
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(connection.recv(1), b"")
        self.assertEqual(proxy.status, 0)

    def test_round_trip_time(self):
        for milliseconds in (0, 3, 50):
            with Proxy(self.echo.port, "--rtt", str(milliseconds)) as proxy, proxy.connect() as connection:
                times = sorted(round_trip(connection) for _ in range(20))
                self.assertGreaterEqual(times[0], milliseconds)
                self.assertLess(times[10], milliseconds + 5 * wire.slowness())

    def test_rate(self):
        with Proxy(self.echo.port, "--rate", "80", "--rtt", "10") as proxy, proxy.connect() as connection:
            seconds = self.echo_through(connection, random.Random(2).randbytes(10_000_000))
            self.assertGreater(seconds, 1.0)  # 80 Mbit/s are 10 MB a second
            self.assertLess(seconds, 1 + 0.3 * wire.slowness())

    def test_connections_share_the_link(self):
        with Proxy(self.echo.port, "--rate", "80") as proxy:
            connections = [proxy.connect() for _ in range(4)]
            start = time.monotonic()
            threads = [threading.Thread(target=self.echo_through, args=(connection, bytes(2_500_000)))
                       for connection in connections]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertTrue(1.0 < time.monotonic() - start < 1 + 0.4 * wire.slowness())
            for connection in connections:
                connection.close()

    def test_freeze_and_go_on(self):
        with Proxy(self.echo.port) as proxy, proxy.connect() as connection:
            round_trip(connection)
            proxy.signal(signal.SIGUSR1)
            connection.sendall(b"abc")
            connection.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                connection.recv(1)
            proxy.signal(signal.SIGUSR2)
            connection.settimeout(5 * wire.slowness())
            self.assertEqual(receive(connection, 3), b"abc")

    def test_freeze_after(self):
        with Proxy(self.echo.port, "--freeze-after", "0.5") as proxy, proxy.connect() as connection:
            round_trip(connection)
            time.sleep(0.6)
            connection.sendall(b"abc")
            connection.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                connection.recv(1)
            proxy.signal(signal.SIGUSR2)
            connection.settimeout(5 * wire.slowness())
            self.assertEqual(receive(connection, 3), b"abc")

    def test_a_vanished_client_is_passed_on(self):
        gone = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as server:
            with Proxy(server.getsockname()[1], "--rtt", "20") as proxy:
                connection = proxy.connect()
                accepted, _ = server.accept()
                with accepted:
                    accepted.settimeout(5 * wire.slowness())
                    connection.close()
                    if accepted.recv(1) == b"":
                        gone.set()
        self.assertTrue(gone.is_set())

    def test_no_server_behind(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with Proxy(port) as proxy, proxy.connect() as connection:
            self.assertEqual(connection.recv(1), b"")
            self.assertIsNone(proxy.process.poll())

    def test_cut_every(self):
        with Proxy(self.echo.port, "--cut-every", "200", "--cuts", "3", "--seed", "7") as proxy:
            for _ in range(3):
                with proxy.connect() as connection:
                    round_trip(connection)
                    connection.settimeout(20 * wire.slowness())
                    try:
                        self.assertEqual(connection.recv(1), b"")
                    except ConnectionResetError:
                        pass
            with proxy.connect() as connection:  # that was all
                round_trip(connection)
                connection.settimeout(0.6)
                with self.assertRaises(TimeoutError):
                    connection.recv(1)

    def cut_after(self, *options):
        """How many bytes come through, and whether the end is clean."""
        with Proxy(self.echo.port, "--cut-after", "40", *options) as proxy, proxy.connect() as connection:
            count = 0
            try:
                while True:
                    connection.sendall(bytes(500))
                    piece = receive(connection, 500)
                    count += len(piece)
                    if len(piece) < 500:
                        return count, True
            except (ConnectionResetError, BrokenPipeError):
                return count, False

    def test_cut_after(self):
        count, clean = self.cut_after("--cut-with", "fin", "--seed", "3")
        self.assertTrue(10_000 <= count <= 31_000, count)
        self.assertTrue(clean)
        self.assertEqual(self.cut_after("--cut-with", "fin", "--seed", "3")[0], count)
        self.assertNotEqual(self.cut_after("--cut-with", "fin", "--seed", "4")[0], count)
        self.assertFalse(self.cut_after("--cut-with", "rst")[1])
        self.assertGreaterEqual(self.cut_after("--spare", "50")[0], 50 << 10)

    def test_refuse_after_a_cut(self):
        with Proxy(self.echo.port, "--cut-with", "fin", "--refuse", "1500") as proxy:
            with proxy.connect() as connection:
                round_trip(connection)
                proxy.signal(signal.SIGHUP)
                self.assertEqual(connection.recv(1), b"")
            with self.assertRaises(ConnectionRefusedError):
                proxy.connect()
            deadline = time.monotonic() + 20 * wire.slowness()
            while True:
                try:
                    with proxy.connect() as connection:
                        round_trip(connection)
                    break
                except ConnectionRefusedError:
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.1)

    def test_wrong_options(self):
        for options in ([], ["--listen", "0"], ["--listen", "70000", "--connect", "x:1"], ["--rtt"], ["--rate", "-1"],
                        ["--listen", "0", "--connect", "x:1", "--rtt", "abc"], ["--cut-with", "scissors"], ["--what", "1"]):
            result = subprocess.run([PROXY, *options], capture_output=True, check=False, timeout=10 * wire.slowness())
            self.assertEqual(result.returncode, 2, options)
            self.assertEqual(len(result.stderr.splitlines()), 1)


if __name__ == "__main__":
    if not os.access(PROXY, os.X_OK):
        sys.exit(f"{PROXY} is not built")
    unittest.main(verbosity=2)
