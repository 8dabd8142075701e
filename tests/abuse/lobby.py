#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=180 waits
"""Connections to venus-server that have not said their greeting: they cost no worker, and few of them are kept, not for long."""

import collections
import contextlib
import os
import re
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from processes import processor_time, read_proc  # noqa: E402
from servers import RefusalCase, Server, count_open, has_ipv6, is_closed, receive_all  # noqa: E402
from wire import wait_for  # noqa: E402

class Lobby(RefusalCase):
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
                self.assertLess(time.monotonic() - start, 1 * wire.slowness())
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
            self.assertTrue(self.SECONDS - 0.5 < time.monotonic() - start < self.SECONDS + 1.5 * wire.slowness())
            self.assertFalse(server.workers())
            self.check_reported(server, "127.0.0.1", 1)

    def test_share(self):
        with Server("--ready", "0") as server:
            fds = server.fds()
            silent = [server.connect() for _ in range(self.SHARE)]
            with server.connect() as one_more:
                self.assertTrue(wait_for(lambda: is_closed(one_more), 1))
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

    def test_a_thousand_times(self):
        """What is refused leaves nothing behind, and the log has one line of each address."""
        nonsense = (b"GET / HTTP/1.1\r\n", bytes(16), os.urandom(5000), wire.frame(wire.HELLO, length=0xFFFFFFFF),
                    wire.frame(wire.HELLO, length=0), wire.frame(wire.COMMANDS, bytes(8)))
        sources = [f"127.0.0.{number}" for number in range(2, 12)]

        def refuse(server, times):
            for i in range(times):
                with server.connect(sources[i % len(sources)]) as connection:
                    connection.sendall(nonsense[i % len(nonsense)])
                    with contextlib.suppress(ConnectionError):
                        receive_all(connection)

        def resident(server):
            return int(re.search(rb"VmRSS:\s+(\d+)", read_proc(server.pid, "status")).group(1))

        with Server("--ready", "0") as server:
            refuse(server, 200)
            fds, before = server.fds(), resident(server)
            refuse(server, 1000)
            self.assertTrue(wait_for(lambda: server.fds() <= fds))
            if not os.environ.get("VP_SANITIZE"):  # sanitizers keep what was freed
                self.assertLess(resident(server) - before, 128)  # KiB
            self.assertEqual(server.workers(), [])
            self.assertEqual(server.stop()[0], 0)
            lines = [line for line in server.log().splitlines() if "without a greeting" in line]
            self.assertEqual(len(lines), len(sources), server.log())
            for source in sources:
                self.assertEqual(len([line for line in lines if f"client {source}: " in line]), 1, lines)

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
            self.assertTrue(wait_for(lambda: server.fds() == fds, 1))
            self.close(waiting)
            self.assertEqual(server.stop()[0], 0)
            self.assertNotIn("without a greeting", server.log())

    def check_patience(self, nonsense):
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
                    connection.sendall(nonsense)
                    self.read_refusal(connection)
            self.assertTrue(wait_for(lambda: server.fds() == fds))
            self.assertEqual(open_of_three(), 1)
            with server.greet() as connection:
                self.check_served(connection)
                server.wait_for_ready()
                self.assertEqual(open_of_three(), 3)
            self.assertEqual(server.stop()[0], 0)

    def test_patience(self):
        """Who talks nonsense several times has a smaller share, until it has said a greeting."""
        self.check_patience(b"nonsense")

    def test_patience_with_wrong_sessions(self):
        """Who tries the ids of sessions, likewise."""
        self.check_patience(wire.frame(wire.RESUME, bytes(24)))

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
