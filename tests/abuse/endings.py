#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=240 waits
"""Sessions that end because the client takes nothing, says nothing, or vanishes in the middle of something; and what the
log says of that and of clients that want to write into it."""

import os
import re
import signal
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from processes import open_files  # noqa: E402
from servers import CLIENT, Client, Server  # noqa: E402
from wire import wait_for  # noqa: E402

INSTANCE = 1 << 32 | 1
CREATE_INSTANCE = struct.pack("<IIQIQIQIQIQQQQ", 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, INSTANCE)
COUNT_GPUS = struct.pack("<IIQQIQ", 2, 1, INSTANCE, 1, 0, 0)

LOST = 42  # what fault_client ends with after VK_ERROR_DEVICE_LOST


def reset(connection):
    """Closes it as a machine does that knows nothing of the connection any more."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class EndingCase(unittest.TestCase):
    def lines(self, server, *words):
        return [line for line in server.log().splitlines() if all(word in line for word in words)]

    def check_line(self, server, *words):
        """One line says it, of this client."""
        self.assertTrue(wait_for(lambda: self.lines(server, *words), 30), server.log())
        self.assertEqual(len(self.lines(server, *words)), 1, server.log())
        self.assertRegex(self.lines(server, *words)[0], r"^\S+ venus-server: [a-z]+: client 127\.0\.0\.1:\d+: ")

    def check_no_workers(self, server, seconds):
        self.assertTrue(wait_for(lambda: not server.workers(), seconds), "the worker is still there")


class Patience(EndingCase):
    def test_takes_nothing(self):
        """The server does not wait for ever for room to say something, and nobody else waits at all."""
        with Server("--resume", "0", "--stall-timeout", "2") as server, Client(server.address, CLIENT, "submit") as other:
            self.assertTrue(other.ready(), other.log())
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect(("127.0.0.1", server.port))
                connection.sendall(wire.hello() + wire.frame(wire.COMMANDS, CREATE_INSTANCE + 20000 * COUNT_GPUS))
                self.check_line(server, "session ended after", "has taken nothing", "--stall-timeout")
                self.assertTrue(wait_for(lambda: len(server.workers()) == 1, 5), "the worker is still there")
            self.assertIsNone(other.process.poll(), other.log())

    def test_a_stopped_client(self):
        """It is not sent anything that it must take, so it may stay stopped for longer than that."""
        with Server("--resume", "0", "--stall-timeout", "1") as server, Client(server.address, CLIENT, "submit") as client:
            self.assertTrue(client.ready(), client.log())
            os.kill(client.pid, signal.SIGSTOP)
            self.assertTrue(wire.stays(server.workers, 4), server.log())
            os.kill(client.pid, signal.SIGCONT)
            os.kill(client.pid, signal.SIGUSR1)
            self.assertTrue(wait_for(lambda: client.output().count("ready") == 2, 20), client.log())

    def test_says_nothing(self):
        with Server("--resume", "0", "--idle-timeout", "1") as server:
            with server.connect() as connection:
                connection.sendall(wire.hello())
                frames = []
                while received := wire.receive_frame(connection):
                    frames.append(received)
            self.assertEqual(frames[-1][0], wire.ERROR)
            self.assertIn("has said nothing for 1 s", wire.error_text(frames[-1][2]))
            self.check_line(server, "session ended after", "has said nothing for 1 s", "--idle-timeout")
            with Client(server.address, CLIENT, "fence") as client:  # waits, for what the GPU waits for
                self.assertTrue(client.ready(), client.log())
                self.assertTrue(wire.stays(server.workers, 3), server.log())


class Vanishing(EndingCase):
    """Whatever a client was about, nothing is left of it a moment later."""

    HEADER = wire.HEADER.size

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--resume", "0", "--ready", "0")
        cls.files = open_files(cls.server.pid)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        assert cls.server.status == 0, cls.server.status

    def check_nothing_left(self):
        self.check_no_workers(self.server, 5)
        self.assertTrue(wait_for(lambda: open_files(self.server.pid) == self.files, 2), open_files(self.server.pid))

    def vanish_by(self, how, mode, data):
        """In the middle of `data`, which a working client is sending."""
        with wire.Middle(self.server) as middle, Client(middle.address, *mode) as client:
            self.assertTrue(client.ready(), client.log())
            with middle.to_server, middle.to_client:  # nothing of the client's comes after the data
                middle.upstream.sendall(data(middle) if callable(data) else data)
                if how == "reset":
                    reset(middle.upstream)
                else:
                    middle.upstream.shutdown(socket.SHUT_RDWR)
            self.check_nothing_left()
            middle.cut()
            self.assertIsNotNone(client.wait(20))

    def test_in_a_frame(self):
        for how in ("reset", "end"):
            for size in (3, self.HEADER, self.HEADER + 1000):
                self.vanish_by(how, (CLIENT, "submit"), wire.frame(wire.COMMANDS, bytes(5000))[:size])

    def test_in_an_upload(self):
        for how in ("reset", "end"):
            self.vanish_by(how, (CLIENT, "flood"), lambda middle: wire.frame(
                wire.MEMORY, struct.pack("<QQ", 0, 1 << 20) + bytes(1 << 20), middle.tags[wire.MEMORY])[:500000])

    def test_in_a_present(self):
        for how in ("reset", "end"):
            self.vanish_by(how, (CLIENT, "present"), wire.frame(wire.COMMANDS, bytes(5000))[:2000])

    def test_killed_while_stopped(self):
        for mode in ("submit", "flood", "fence", "present"):
            with Client(self.server.address, CLIENT, mode) as client:
                self.assertTrue(client.ready(), client.log())
                os.kill(client.pid, signal.SIGSTOP)
                os.kill(client.pid, signal.SIGKILL)
                client.wait(5)
                self.check_nothing_left()


class Log(EndingCase):
    EVIL = b"evil\nvenus-server: error: all is lost\x1b[2J\x7f\xc3\xbc\x00rest"

    def test_injection(self):
        """Whatever a client calls itself, or says at the end: one line of ASCII."""
        with Server("--resume", "0", "--log", "debug") as server:
            with server.connect() as connection:
                connection.sendall(wire.hello(name=self.EVIL) + wire.frame(wire.ERROR, bytes(12) + self.EVIL))
                while wire.receive_frame(connection):
                    pass
            self.check_line(server, "session ended after", "the client gave up: evil\\nvenus-server: error: all is lost\\x1b[2J\\x7f")
            text = server.log()
            self.assertTrue(text.isascii(), text)
            for line in text.splitlines():
                self.assertTrue(line.isprintable(), line)
                self.assertFalse(re.match(r"venus-server: error: ", line), line)

    def test_flood(self):
        """Who comes again and again does not fill the log."""
        with Server("--resume", "0", "--max-clients", "1", "--ready", "0") as server:
            with server.connect() as first:
                first.sendall(wire.hello())
                self.assertTrue(wait_for(server.workers, 10), server.log())
                for _ in range(650):
                    with server.connect() as connection:
                        connection.sendall(wire.hello())
                        self.assertEqual(wire.receive_frame(connection)[0], wire.ERROR)
            self.assertEqual(len(self.lines(server, ": refused: ")), 599)  # and one that the first was connected
            server.process.terminate()
            self.assertEqual(server.wait(20), 0)
            self.assertTrue(self.lines(server, "client 127.0.0.1: ", " more lines were left out here"), server.log())

    def test_injection_into_clients(self):
        def serve(connection):
            connection.settimeout(20 * wire.slowness())
            connection.sendall(wire.frame(wire.ERROR, bytes(12) + self.EVIL))
            while connection.recv(1 << 20):
                pass

        with wire.Acceptor(serve) as server, Client(server.address, CLIENT, "submit",
                                                         VENUS_TIMEOUT="2") as client:
            self.assertEqual(client.wait(20), 1, client.log())
            lines = [line for line in client.log().splitlines() if line.startswith("ven")]
            self.assertEqual(len(lines), 1, client.log())
            self.assertIn("evil\\nvenus-server", lines[0])
            self.assertTrue(lines[0].isprintable() and lines[0].isascii(), lines)


if __name__ == "__main__":
    unittest.main()
