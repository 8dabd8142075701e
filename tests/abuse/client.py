#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=240 waits
"""A server that talks nonsense, from its first word or later: the program that uses the driver ends as it wants to."""

import os
import random
import shutil
import signal
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from servers import CLIENT, Client, Server  # noqa: E402

LOST = 42  # what fault_client ends with after VK_ERROR_DEVICE_LOST
NO_GPU = 1


def reply_to_everything(connection, make_reply):
    """Answers each frame of commands with a REPLY; as if each had one command in it."""
    number = 0
    while received := wire.receive_frame(connection):
        if received[0] == wire.COMMANDS:
            connection.sendall(wire.frame(wire.REPLY, make_reply(number), number))
            number += 1


def say(connection, data):
    """Says it, and listens for as long as there is something to hear."""
    connection.sendall(data)
    while connection.recv(1 << 20):
        pass


class FromTheFirstWord(unittest.TestCase):
    """No GPU, one clear line, in time."""

    def check(self, serve, *words, seconds=4.0):
        def run(connection):
            connection.settimeout(20 * wire.slowness())
            serve(connection)

        with wire.Acceptor(run) as server, Client(server.address, CLIENT, "submit",
                                                       VENUS_TIMEOUT="2") as client:
            start = time.monotonic()
            self.assertEqual(client.wait(20), NO_GPU, client.log())
            self.assertLess(time.monotonic() - start, seconds * wire.slowness())
            lines = [line for line in client.log().splitlines() if line.startswith("venus: ")]
            self.assertEqual(len(lines), 1, client.log())
            self.assertIn(server.address, lines[0])
            for word in words:
                self.assertIn(word, lines[0])

    def test_says_nothing(self):
        self.check(lambda connection: connection.recv(1 << 20) and time.sleep(10), "VENUS_SERVER")

    def test_says_something_slowly(self):
        def serve(connection):
            for byte in wire.hello():
                connection.sendall(bytes((byte,)))
                time.sleep(0.5)

        self.check(serve, "VENUS_SERVER")

    def test_stops_in_its_greeting(self):
        for size in (7, 16, 40):
            self.check(lambda connection, size=size: say(connection, wire.hello()[:size]), "VENUS_SERVER")

    def test_closes_at_once(self):
        self.check(lambda connection: None)

    def test_another_protocol(self):
        self.check(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "VENUS_SERVER")

    def test_not_a_greeting(self):
        self.check(lambda connection: connection.sendall(wire.frame(wire.HELLO, bytes(484))))
        self.check(lambda connection: connection.sendall(wire.frame(wire.ALIVE)))
        self.check(lambda connection: connection.sendall(wire.frame(wire.HELLO, wire.MAGIC)))
        self.check(lambda connection: connection.sendall(wire.frame(wire.HELLO, length=0xFFFFFFFF)))

    def test_refusal(self):
        text = b"we are closed today"
        self.check(lambda connection: connection.sendall(wire.frame(wire.ERROR, bytes(12) + text)), text.decode())

    def test_another_version(self):
        self.check(lambda connection: connection.sendall(wire.hello(protocol=77)),
                   "the client speaks version 2 ", "the server version 77;")
        self.check(lambda connection: connection.sendall(wire.hello(wire_format=78)),
                   "the client speaks version 1 ", "the server version 78;")

    def test_another_build(self):
        """What goes wrong is explained by how the builds differ."""
        other = struct.pack("<I", 1 << 22 | 3 << 12 | 77)
        self.check(lambda connection: say(connection, wire.hello(registry=other) + wire.frame(99)),
                   "the server was built from Vulkan registry 1.3.77, the client from ")
        self.check(lambda connection: connection.sendall(wire.hello(own_commands=struct.pack("<I", 1))),
                   "different commands of Venus Plus's own", "the server has the own commands 00000001")

    def test_bad_greetings(self):
        registry = wire.field(b"registry", struct.pack("<I", wire.REGISTRY_VERSION))
        color = wire.field(b"color", b"blue", required=True)
        for fields, *words in ((color + registry, 'the server requires "color", which the client does not know'),
                               (registry + registry, "the server", "twice"),
                               (wire.field(b"name") + registry[:-1], "cut off"), (b"", "does not say", "registry")):
            self.check(lambda connection, fields=fields: connection.sendall(wire.hello(fields=fields)), *words)
        self.check(lambda connection: connection.sendall(wire.frame(wire.HELLO, length=65537)))
        self.check(lambda connection: connection.sendall(wire.frame(wire.SKIPPABLE | 99) + wire.hello()))

    def test_wants_to_know_who_it_is(self):
        self.check(lambda connection: say(connection, wire.hello() + wire.frame(wire.AUTH, b"who?")),
                   "asks for authentication")

    def test_greets_and_closes(self):
        self.check(lambda connection: connection.sendall(wire.hello()))

    def test_greets_and_goes_mad(self):
        noise = random.Random(3)
        for _ in range(3):
            self.check(lambda connection: connection.sendall(wire.hello() + noise.randbytes(5000)))

    def test_empty_reply(self):
        self.check(lambda connection: connection.sendall(wire.hello()) or
                   reply_to_everything(connection, lambda _: b""))

    def test_random_replies(self):
        noise = random.Random(4)
        for size in (4, 8, 100, 5000):
            self.check(lambda connection, size=size: connection.sendall(wire.hello()) or
                       reply_to_everything(connection, lambda _: noise.randbytes(size)))


class Later(unittest.TestCase):
    """The device is lost, in one clear line."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("--resume", "0")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        assert cls.server.status == 0, cls.server.status

    def start(self, middle, mode="submit"):
        client = Client(middle.address, CLIENT, mode)
        self.assertTrue(client.ready(), client.log())
        return client

    def check_lost(self, data, *words, mode="submit"):
        with wire.Middle(self.server) as middle, self.start(middle, mode) as client:
            middle.inject_to_client(data(middle) if callable(data) else data)
            self.assertEqual(client.wait(5), LOST, client.log())
            lines = client.log().splitlines()
            self.assertEqual(len(lines), 1, lines)
            self.assertIn(middle.address, lines[0])
            for word in words:
                self.assertIn(word, lines[0])

    def check_ignored(self, data):
        with wire.Middle(self.server) as middle, self.start(middle) as client:
            middle.inject_to_client(data(middle) if callable(data) else data)
            time.sleep(0.5)
            self.assertIsNone(client.process.poll(), client.log())
            self.assertEqual(client.log(), "")

    def test_not_a_frame(self):
        self.check_lost(wire.frame(99), "the server sent data that is not of this protocol")
        self.check_lost(wire.frame(0))
        self.check_lost(wire.frame(wire.MEMORY, length=(512 << 20) + 1))
        self.check_lost(wire.frame(wire.REPLY, length=0xFFFFFFFF))

    def test_skipped(self):
        """What may be skipped if it is not known is, whatever it is."""
        self.check_ignored(wire.frame(wire.SKIPPABLE | 99, bytes(100000), 7) +
                           wire.frame(wire.SKIPPABLE | wire.REPLY, bytes(9)) + wire.frame(0xFFFFFFFF))
        self.check_lost(wire.frame(wire.SKIPPABLE | 99, length=(512 << 20) + 1))

    def test_not_for_clients(self):
        self.check_lost(wire.hello())
        self.check_lost(wire.frame(wire.COMMANDS, bytes(8)))

    def test_unasked_reply(self):
        self.check_lost(wire.frame(wire.REPLY, bytes(64), 1 << 40))
        self.check_lost(wire.frame(wire.REPLY, bytes(64), 1 << 40), mode="call")
        self.check_lost(lambda middle: wire.frame(wire.REPLY, b"", middle.tags[wire.REPLY] + 1), mode="call")
        self.check_lost(lambda middle: wire.frame(wire.REPLY, bytes(64), middle.tags[wire.REPLY] + 1), mode="call")

    def test_bad_sizes(self):
        for kind in (wire.PROGRESS, wire.OBJECT_ERROR, wire.BATCH_ERROR, wire.RESERVE, wire.ADDRESS):
            self.check_lost(wire.frame(kind, bytes(3), 1))

    def test_memory_out_of_bounds(self):
        runs = (
            struct.pack("<QQ", 1 << 40, 8) + bytes(8),
            struct.pack("<QQ", 0, 1 << 62) + bytes(8),
            struct.pack("<QQ", (1 << 64) - 8, 16) + bytes(16),
            struct.pack("<QQ", 0, 64 | 1 << 63) + b"\xff" * 8,
            struct.pack("<QQ", 0, 64),
            bytes(15),
        )
        for run in runs:
            self.check_lost(lambda middle, run=run: wire.frame(wire.MEMORY, run, middle.tags[wire.MEMORY]))

    def test_ends_the_session(self):
        self.check_lost(wire.frame(wire.ERROR, bytes(12) + b"out of paper\n\x1b[2J"), "out of paper")
        self.check_lost(wire.frame(wire.ERROR, b"x"))

    def test_device_lost(self):
        # A result that is an error says so without ending the session: no line.
        with wire.Middle(self.server) as middle, self.start(middle) as client:
            middle.inject_to_client(wire.frame(wire.PROGRESS, struct.pack("<Qi", 1, -4), middle.tags[wire.PROGRESS]))
            self.assertEqual(client.wait(5), 1, client.log())

    def test_unknown_objects(self):
        # They may be gone by now, so that nothing is wrong with these.
        for kind, payload in ((wire.MEMORY, struct.pack("<QQ", 0, 8) + bytes(8)), (wire.PROGRESS, bytes(12)),
                              (wire.EVENT, bytes(16)), (wire.QUERIES, bytes(16))):
            self.check_ignored(wire.frame(kind, payload, 0xFFFF))
            self.check_ignored(wire.frame(kind, payload, 1 << 63 | 1))
        self.check_ignored(wire.frame(wire.ALIVE))

    def test_progress_of_the_future(self):
        # A server that lies about progress harms only the program's results.
        self.check_ignored(lambda middle: wire.frame(wire.PROGRESS, struct.pack("<Qi", 1 << 60, 0),
                                                     middle.tags[wire.PROGRESS]))

    def test_cut_in_a_frame(self):
        with wire.Middle(self.server) as middle, self.start(middle, "fence") as client:
            middle.inject_to_client(wire.frame(wire.MEMORY, bytes(10), length=1000))
            middle.cut()
            self.assertEqual(client.wait(15), LOST, client.log())


class DamagedReplies(unittest.TestCase):
    """Bits that fall over on the way: a program may get wrong answers, but it does not crash in the driver."""

    ROUNDS = 10

    def run_program(self, server, seed, *command):
        noise = random.Random(seed)
        # The greeting stays as it is; then every so many bytes one is another one.
        distance = noise.choice((64, 512, 4096))

        def damage(kind, payload):
            if kind == wire.HELLO or not payload:
                return payload
            payload = bytearray(payload)
            for _ in range((len(payload) + noise.randrange(distance)) // distance):
                payload[noise.randrange(len(payload))] = noise.choice((0, 1, 0x7F, 0x80, 0xFF, noise.randrange(256)))
            return bytes(payload)

        with wire.Middle(server, damage) as middle, Client(middle.address, *command) as client:
            stop = threading.Timer(1, middle.cut)
            stop.start()
            status = client.wait(20)
            stop.cancel()
            self.assertIsNotNone(status, f"seed {seed}: {command} hangs: {client.log()}")
            # vulkaninfo has an assertion that fails when it stops at an error in the middle of its output.
            if status == -signal.SIGABRT and "outputprinter.h" in client.log():
                return
            self.assertGreaterEqual(status, 0, f"seed {seed}: {command} was ended by signal {-status}")

    def test_fault_client(self):
        with Server("--resume", "0") as server:
            for seed in range(self.ROUNDS):
                self.run_program(server, seed, CLIENT, "submit")

    @unittest.skipUnless(shutil.which("vulkaninfo"), "vulkaninfo is not installed")
    def test_vulkaninfo(self):
        with Server("--resume", "0") as server:
            for seed in range(self.ROUNDS):
                self.run_program(server, 1000 + seed, shutil.which("vulkaninfo"))


if __name__ == "__main__":
    unittest.main()
