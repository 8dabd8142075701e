#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=120 waits
"""Who asks a server how busy it is, before a greeting: what is answered, and what comes of too many questions."""

import contextlib
import os
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from servers import RefusalCase, Server, is_closed, own_address, receive_all  # noqa: E402
from wire import wait_for  # noqa: E402

QUESTION = wire.frame(wire.LOAD)
ANSWER = struct.Struct("<IIIIQQ")


class Load(RefusalCase):
    def ask(self, connection):
        """(sessions, places, GPUs, memory, memory that is taken)"""
        connection.sendall(QUESTION)
        kind, tag, payload = wire.receive_frame(connection)
        self.assertEqual((kind, tag, len(payload)), (wire.LOAD, 0, ANSWER.size))
        sessions, places, gpus, nothing, memory, taken = ANSWER.unpack(payload)
        self.assertEqual(nothing, 0)
        return sessions, places, gpus, memory, taken

    def check_served(self, connection):
        connection.sendall(wire.hello())
        self.assertEqual((wire.receive_frame(connection) or (None,))[0], wire.HELLO)

    def check_strange(self, server, data):
        with server.connect() as connection:
            connection.sendall(data)
            received = receive_all(connection)
            if received[:4] == struct.pack("<I", wire.LOAD):
                received = received[wire.HEADER.size + ANSWER.size:]
            self.assertIn(b"does not speak the protocol of Venus Plus", received)

    def test_answer(self):
        with Server("--max-clients", "7", "--ready", "1") as server:
            with server.connect() as connection:
                self.assertEqual(self.ask(connection)[:2], (0, 7))
                self.assertEqual(server.workers(), [])
                self.check_served(connection)
                with server.connect() as other:
                    self.assertEqual(self.ask(other)[:2], (1, 7))
            self.assertTrue(wait_for(lambda: not server.workers()))

            def knows_gpus():
                with server.connect() as connection:
                    _, _, gpus, memory, taken = self.ask(connection)
                    self.assertEqual(taken, 0)
                    return gpus > 0 and memory > 1 << 20
            self.assertTrue(wait_for(knows_gpus, 20), "no GPU is known")
            self.assertEqual(server.log().count(": connected ("), 1, server.log())
            self.assertEqual(server.stop()[0], 0)

    def test_full(self):
        """The question is answered where a greeting is refused."""
        with Server("--max-clients", "1") as server:
            first, _ = server.connect_worker()
            with first, server.connect() as connection:
                self.assertEqual(self.ask(connection)[:2], (1, 1))
                connection.sendall(wire.hello())
                self.assertIn("maximum of 1 clients", self.read_refusal(connection))

    def test_in_pieces(self):
        with Server() as server, server.connect() as connection:
            for byte in QUESTION[:-1]:
                connection.sendall(bytes((byte,)))
            connection.sendall(QUESTION[-1:] + wire.hello()[:20])
            self.assertEqual(wire.receive_frame(connection)[0], wire.LOAD)
            connection.sendall(wire.hello()[20:])
            self.assertEqual(wire.receive_frame(connection)[0], wire.HELLO)

    def test_both_at_once(self):
        with Server() as server, server.connect() as connection:
            connection.sendall(QUESTION + wire.hello())
            self.assertEqual([wire.receive_frame(connection)[0] for _ in range(2)], [wire.LOAD, wire.HELLO])

    def test_nonsense(self):
        with Server() as server:
            for data in (QUESTION * 2, QUESTION * 1000, wire.frame(wire.LOAD, b"x"), wire.frame(wire.LOAD, length=65536),
                         QUESTION + b"GET / HTTP/1.1\r\n\r\n", QUESTION + wire.frame(wire.COMMANDS)):
                with self.subTest(data[:40]):
                    self.check_strange(server, data)
            with server.connect() as connection:
                self.ask(connection)
                connection.sendall(QUESTION)
                self.assertIn("does not speak the protocol", self.read_refusal(connection))
            self.assertEqual(server.workers(), [])
            self.assertNotIn("connected (", server.log())

    def test_in_a_session(self):
        with Server() as server, server.connect() as connection:
            self.check_served(connection)
            connection.sendall(QUESTION)
            self.assertIn("does not send frames of type 25", self.read_last_error(connection))

    def read_last_error(self, connection):
        text = None
        while received := wire.receive_frame(connection):
            text = wire.error_text(received[2]) if received[0] == wire.ERROR else text
        return text

    def test_questions_are_no_greeting(self):
        """Who asks and says nothing more is closed like anybody else, and no longer kept than others."""
        with Server() as server, server.connect() as connection:
            self.ask(connection)
            self.assertFalse(is_closed(connection))
            self.assertTrue(wait_for(lambda: is_closed(connection), 7))

    def test_a_thousand_times(self):
        with Server("--ready", "1") as server:
            server.wait_for_ready(1)
            with server.connect() as connection:
                self.ask(connection)
            files, ready = server.fds(), server.ready()
            for _ in range(1000):
                with server.connect() as connection:
                    self.ask(connection)
            self.assertTrue(wait_for(lambda: server.fds() <= files))
            self.assertEqual(server.ready(), ready)
            with server.connect() as connection:
                self.check_served(connection)

    def test_without_reading(self):
        """The answer has room in the socket, whether it is read or not."""
        with Server() as server, contextlib.ExitStack() as stack:
            for _ in range(10):
                stack.enter_context(server.connect()).sendall(QUESTION)
            with server.greet("127.0.0.2") as good:
                self.assertEqual(wire.receive_frame(good)[0], wire.HELLO)

    def test_plain_where_tls_is_wanted(self):
        if not own_address():
            self.skipTest("no network here")
        with tempfile.TemporaryDirectory() as folder:
            keys = os.path.join(folder, "keys")
            with open(os.open(keys, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
                file.write("alice:000102030405060708090a0b0c0d0e0f\n")
            with Server("--keys", keys, "--tls-only") as server, server.connect() as connection:
                connection.sendall(QUESTION)
                self.assertIn("wants TLS", self.read_refusal(connection))

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            with Server("--max-clients", "3", place=("--unix", os.path.join(folder, "venus"))) as server:
                with server.connect() as connection:
                    self.assertEqual(self.ask(connection)[:2], (0, 3))
                    self.check_served(connection)
                with server.connect() as connection:
                    self.ask(connection)
                    connection.sendall(QUESTION)
                    self.assertIn("does not speak the protocol", self.read_last_error(connection))


if __name__ == "__main__":
    unittest.main(verbosity=2)
