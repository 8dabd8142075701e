#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=240
"""A client that talks nonsense to its worker: it hears why the session ends, the worker ends, everybody else goes on."""

import os
import random
import socket
import struct
import sys
import time
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from servers import CLIENT, Client, Server  # noqa: E402
from wire import wait_for  # noqa: E402

LOST = 42  # what fault_client ends with after VK_ERROR_DEVICE_LOST
WITH_REPLY = 1

CREATE_INSTANCE, ENUMERATE_GPUS, CREATE_DEVICE, WAIT_FOR_FENCES = 0, 2, 11, 39
END_COMMAND_BUFFER, SET_LINE_WIDTH, EXECUTE_COMMANDS = 91, 96, 136
MAP_MEMORY, UNMAP_MEMORY = 0x10000, 0x1000A


def command(number, flags=0, arguments=b""):
    return struct.pack("<II", number, flags) + arguments


def commands(*parts):
    return wire.frame(wire.COMMANDS, b"".join(parts))


def recorded(*parts):
    return wire.frame(wire.RECORDED, b"".join(parts))


class Session(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--resume", "0")
        cls.bystander = Client(cls.server.address, CLIENT, "submit")
        assert cls.bystander.ready(), cls.bystander.log()
        cls.quiet = cls.server.workers()

    @classmethod
    def tearDownClass(cls):
        alone = wait_for(lambda: cls.server.workers() == cls.quiet, 5)
        lived = cls.bystander.process.poll() is None
        said = cls.bystander.log()
        cls.bystander.__exit__()
        cls.server.__exit__()
        assert lived and not said, f"another client was disturbed: {said}"
        assert alone, "a worker is left"
        assert cls.server.status == 0, cls.server.status

    def connect(self, greeting=None):
        connection = self.server.connect()
        connection.settimeout(10 * wire.slowness())
        connection.sendall(wire.hello() if greeting is None else greeting)
        return connection

    def read_error(self, connection):
        """The text of the ERROR frame, which must be the last one; None when there was none."""
        text = None
        while received := wire.receive_frame(connection):
            self.assertIsNone(text, "something comes after the error")
            if received[0] == wire.ERROR:
                text = wire.error_text(received[2])
        return text

    def check_ended(self, before):
        """The worker is gone, and the log says in one line that the session was ended, and why, rather than crashed."""
        self.assertTrue(wait_for(lambda: self.server.workers() == self.quiet, 6), "the worker is still there")
        failed = ": session ended after "
        wait_for(lambda: failed in self.server.log()[before:], 6)  # the listener says it after the worker's end
        news = self.server.log()[before:]
        self.assertIn(failed, news)
        return news

    def check_refused(self, data, *words, greeting=None):
        before = len(self.server.log())
        with self.connect(greeting) as connection:
            try:
                connection.sendall(data)
            except ConnectionError:
                pass
            text = self.read_error(connection)
        self.assertIsNotNone(text, "no reason was given")
        for word in words:
            self.assertIn(word, text)
        self.assertIn(text, self.check_ended(before))

    def check_strange(self, data):
        """The listener answers it, and no worker hears of it."""
        before = len(self.server.log())
        with self.connect(data) as connection:
            self.assertIn("does not speak the protocol of Venus Plus", self.read_error(connection) or "")
        self.assertEqual(self.server.workers(), self.quiet)
        self.assertNotIn("connected (", self.server.log()[before:])

    # --- greetings ---

    def test_another_version(self):
        self.check_refused(b"", "the client speaks version 77 ", "the server version 2;", greeting=wire.hello(protocol=77))
        self.check_refused(b"", "the client speaks version 78 ", "the server version 1;", greeting=wire.hello(wire_format=78))

    def greet(self, greeting):
        """What the server says of itself."""
        with self.connect(greeting) as connection:
            kind, _, payload = wire.receive_frame(connection)
            self.assertEqual(kind, wire.HELLO)
            said = wire.read_hello(payload)
        self.assertTrue(wait_for(lambda: self.server.workers() == self.quiet, 6), "the worker is still there")
        return said

    def test_greetings(self):
        """What a client says more, or leaves out, is no matter; of itself a server says something new each time."""
        registry = wire.field(b"registry", struct.pack("<I", wire.REGISTRY_VERSION))
        first = self.greet(wire.hello())
        second = self.greet(wire.hello(fields=registry))
        third = self.greet(wire.hello(fields=wire.field(b"colors", b"blue") + registry + wire.field(b"taste")))
        self.assertEqual((len(first["nonce"]), len(first["session"])), (32, 16))
        for name in ("nonce", "session"):
            self.assertEqual(len({said.pop(name) for said in (first, second, third)}), 3)
        self.assertEqual(first, second)
        self.assertEqual(first, third)
        self.assertIn(b"venus-server", first["name"])

    def test_bad_greetings(self):
        registry = wire.field(b"registry", struct.pack("<I", wire.REGISTRY_VERSION))
        color = wire.field(b"color", b"blue", required=True)
        name = wire.field(b"name", b"test")
        for fields, *words in ((color + registry, 'the client requires "color", which the server does not know'),
                               (registry + registry, "the client", "twice"), (registry + name, "not in order"),
                               (name + registry[:-1], "cut off"), (name + b"\0", "cut off"),
                               (wire.field(b"", b"x") + registry, "name"), (name, "does not say", "registry"),
                               (wire.field(b"registry", bytes(3)), "3 bytes of"), (b"", "registry"),
                               (bytes(65536 - 16), "name")):
            self.check_refused(b"", *words, greeting=wire.hello(fields=fields))
        self.check_strange(wire.frame(wire.HELLO, length=65537))
        self.check_strange(wire.frame(wire.COMMANDS, length=65537))
        self.check_strange(wire.frame(wire.SKIPPABLE | wire.HELLO) + wire.hello())

    def test_joining(self):
        """Whether there is that session or not."""
        with self.connect() as connection:
            session = wire.read_hello(wire.receive_frame(connection)[2])["session"]
            with self.connect(wire.hello(join=session)) as other:
                self.assertIn("does not let another connection join", self.read_error(other))
        self.assertTrue(wait_for(lambda: self.server.workers() == self.quiet, 6), "the worker is still there")
        self.check_refused(b"", "does not let another connection join", greeting=wire.hello(join=bytes(range(16))))
        self.check_refused(b"", "15 bytes of", greeting=wire.hello(join=bytes(15)))

    def test_another_build(self):
        """What goes wrong is explained by how the builds differ."""
        other = struct.pack("<I", 1 << 22 | 3 << 12 | 77)
        self.check_refused(wire.frame(wire.REPLY), "the server was built from Vulkan registry ", ", the client from 1.3.77",
                           greeting=wire.hello(registry=other))
        self.check_refused(b"", "different commands of Venus Plus's own", "the server has the own commands ",
                           "the client has 00000001", greeting=wire.hello(own_commands=struct.pack("<I", 1)))

    def test_no_greeting(self):
        self.check_strange(wire.frame(wire.COMMANDS, bytes(8)))
        self.check_strange(wire.frame(wire.HELLO, bytes(484)))
        self.check_strange(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def test_two_greetings(self):
        self.check_refused(wire.hello(), "frames of type 1")

    # --- frames ---

    def test_frames_of_servers(self):
        for kind in (wire.REPLY, wire.PROGRESS, wire.OBJECT_ERROR, wire.ALIVE, wire.EVENT, wire.QUERIES,
                     wire.STALE, wire.BATCH_ERROR, wire.RESERVE, wire.ADDRESS, wire.PRESENT, wire.EXECUTABLES,
                     wire.MEMORY_PART):
            self.check_refused(wire.frame(kind, bytes(16)), f"frames of type {kind}")

    def test_not_a_frame(self):
        self.check_refused(wire.frame(0))
        self.check_refused(wire.frame(99, bytes(10)))
        self.check_refused(wire.frame(wire.COMMANDS, length=0xFFFFFFFF))
        self.check_refused(wire.frame(wire.MEMORY, length=(512 << 20) + 1))

    def test_skipped(self):
        """What may be skipped if it is not known is, whatever it is."""
        skipped = wire.frame(wire.SKIPPABLE | 99, bytes(100000), 7) + wire.frame(wire.SKIPPABLE | wire.COMMANDS, bytes(9)) + \
            wire.frame(0xFFFFFFFF)
        self.check_refused(skipped + wire.frame(wire.REPLY), "frames of type 3")
        self.check_refused(skipped + wire.frame(99), "the client sent data that is not of this protocol")
        self.check_refused(wire.frame(wire.SKIPPABLE | 99, length=(512 << 20) + 1), "not of this protocol")
        with wire.Middle(self.server) as middle, Client(middle.address, CLIENT, "submit") as client:
            self.assertTrue(client.ready(), client.log())
            middle.inject_to_server(skipped)
            time.sleep(0.5)
            self.assertIsNone(client.process.poll(), client.log())

    def test_reserved(self):
        data, text = wire.frame(wire.AUTH, b"secret"), "does not ask for authentication"
        self.check_refused(data, text)
        self.check_refused(b"", text, greeting=data)
        self.check_refused(wire.frame(wire.AUTH, length=65537), "not of this protocol")

    def test_probes(self):
        most = 1 << 20
        with self.connect() as connection:
            kind, _, payload = wire.receive_frame(connection)
            self.assertEqual((kind, wire.read_hello(payload)["probe"]), (wire.HELLO, struct.pack("<I", most)))
            for sent, wanted in ((0, 0), (1, 1), (most - 4, 7), (0, most)):
                connection.sendall(wire.frame(wire.PROBE, struct.pack("<I", wanted) + bytes(sent), tag=sent + 5))
                while (received := wire.receive_frame(connection))[0] == wire.ALIVE:
                    pass
                kind, tag, payload = received
                self.assertEqual((kind, tag, len(payload)), (wire.PROBE, sent + 5, wanted))
            self.assertGreater(len(zlib.compress(payload)), most * 0.99)
        for data in (b"", bytes(3), bytes(most + 1), struct.pack("<I", most + 1), b"\xff" * 4):
            self.check_refused(wire.frame(wire.PROBE, data), "a probe of")

    def test_client_gives_up(self):
        before = len(self.server.log())
        with self.connect() as connection:
            connection.sendall(wire.frame(wire.ERROR, bytes(12) + b"I am out of paper"))
            self.read_error(connection)
        self.assertIn("I am out of paper", self.check_ended(before))

    def test_memory_of_nobody(self):
        self.check_refused(wire.frame(wire.MEMORY, struct.pack("<QQ", 0, 8) + bytes(8), 77), "no object", "0x4d")

    def test_promises_are_not_believed(self):
        """A header that promises half a gigabyte costs nothing until that arrives."""
        with self.connect() as connection:
            self.assertEqual(wire.receive_frame(connection)[0], wire.HELLO)
            worker = (set(self.server.workers()) - set(self.quiet)).pop()
            connection.sendall(wire.frame(wire.COMMANDS, bytes(1000), length=512 << 20))
            time.sleep(0.3)
            with open(f"/proc/{worker}/status", encoding="ascii") as file:
                resident = int(next(line for line in file if line.startswith("VmRSS")).split()[1])
            self.assertLess(resident, 400 << 10)
        self.assertTrue(wait_for(lambda: self.server.workers() == self.quiet, 6), "the worker is still there")

    # --- commands ---

    def test_unknown_commands(self):
        for number in (0xDEADBEEF, 0xFFFF, 0x10000 + 999):
            self.check_refused(commands(command(number)), str(number), "same release")

    def test_commands_of_clients(self):
        self.check_refused(commands(command(WAIT_FOR_FENCES)), "answered by the client")

    def test_unknown_flags(self):
        self.check_refused(commands(command(CREATE_INSTANCE, 0x80)), "flags 0x80")

    def test_cut_commands(self):
        for data in (b"\0", bytes(4), bytes(7), command(CREATE_INSTANCE, WITH_REPLY),
                     command(CREATE_INSTANCE, WITH_REPLY, struct.pack("<Q", 1)),
                     command(CREATE_DEVICE, 0, bytes(4))):
            self.check_refused(commands(data))

    def test_objects_of_nobody(self):
        query = struct.pack("<QQIQ", 77, 1, 0, 0)  # instance, pPhysicalDeviceCount, *, pPhysicalDevices
        self.check_refused(commands(command(ENUMERATE_GPUS, WITH_REPLY, query)))

    def test_noise(self):
        noise = random.Random(5)
        for size in (1, 8, 100, 3000, 70000):
            self.check_refused(commands(noise.randbytes(size)))
        for number in range(0, 280, 7):
            self.check_refused(commands(command(number, WITH_REPLY, noise.randbytes(200))))

    def test_recordings(self):
        """A frame of recorded commands with something else in it, or for a command buffer that is not there."""
        width = command(SET_LINE_WIDTH, 0, struct.pack("<Qf", 77, 1))
        self.check_refused(recorded(command(CREATE_INSTANCE, 0, bytes(16))), "cannot be among commands")
        self.check_refused(recorded(command(EXECUTE_COMMANDS, 0, struct.pack("<QIQ", 77, 0, 0))), "cannot be among")
        self.check_refused(recorded(command(END_COMMAND_BUFFER, WITH_REPLY, struct.pack("<Q", 77))), "cannot be among")
        self.check_refused(recorded(command(0xDEADBEEF, 0, bytes(8))), "same release")
        self.check_refused(recorded(width, width), "no object", "0x4d")
        for size in (4, 12, 19):
            self.check_refused(recorded(width[:size]))
        for size in (100, 70000):
            self.check_refused(recorded(random.Random(7).randbytes(size)))
        self.check_live(recorded(width), "no object", mode="submit")

    # --- in the middle of real work ---

    def check_live(self, data, *words, mode="submit"):
        """The reason reaches the person in front of the program."""
        before = len(self.server.log())
        with wire.Middle(self.server) as middle, Client(middle.address, CLIENT, mode) as client:
            self.assertTrue(client.ready(), client.log())
            middle.inject_to_server(data(middle) if callable(data) else data)
            self.assertEqual(client.wait(10), LOST, client.log())
            lines = client.log().splitlines()
            self.assertEqual(len(lines), 1, lines)
            for word in words:
                self.assertIn(word, lines[0])
        self.check_ended(before)

    def test_noise_in_real_work(self):
        for mode in ("submit", "call", "flood", "fence"):
            self.check_live(commands(command(0xDEADBEEF)), "same release", mode=mode)
        self.check_live(wire.frame(wire.COMMANDS, random.Random(6).randbytes(500)))
        self.check_live(wire.frame(99))

    def test_memory_that_is_nothing(self):
        """Unmapping and mapping of what is no memory."""
        self.check_refused(commands(command(MAP_MEMORY, 0, struct.pack("<QQI", 77, 78, 0))), "no object", "0x4d")
        self.check_refused(commands(command(UNMAP_MEMORY, 0, struct.pack("<QQ", 77, 78))), "no object", "0x4d")

    def test_memory_that_cannot_be_unpacked(self):
        for data in (b"", bytes(7), struct.pack("<II", 0, 8) + bytes(8), struct.pack("<II", 1, 8) + bytes(8),
                     struct.pack("<II", 1, 0xFFFFFFFF) + bytes(8), struct.pack("<II", 2, 64) + b"nonsense",
                     struct.pack("<II", 77, 8) + bytes(8)):
            self.check_live(lambda middle, data=data: wire.frame(wire.PACKED, data, middle.tags[wire.MEMORY]),
                            "cannot be unpacked", mode="flood")

    def test_commands_that_cannot_be_unpacked(self):
        stored = bytes((0x28, 0xB5, 0x2F, 0xFD, 0, 0x50, 0x40, 0, 0)) + bytes(8)  # zstd: a window, 8 bytes as they are
        for data in (b"", bytes(3), struct.pack("<I", 0) + stored, struct.pack("<I", 7) + stored,
                     struct.pack("<I", 9) + stored, struct.pack("<I", 0xFFFFFFFF) + stored,
                     struct.pack("<I", 8) + stored[:-1], struct.pack("<I", 64) + b"nonsense"):
            self.check_refused(wire.frame(wire.PACKED_COMMANDS, data), "packed commands cannot be unpacked")
        self.check_refused(wire.frame(wire.PACKED_COMMANDS, struct.pack("<I", 8) + stored))  # unpacked, and no command

    def test_memory_out_of_bounds(self):
        for run in (struct.pack("<QQ", 1 << 40, 8) + bytes(8), struct.pack("<QQ", 0, 1 << 62) + bytes(8),
                    struct.pack("<QQ", (1 << 64) - 8, 16) + bytes(16), struct.pack("<QQ", 0, 64 | 1 << 63) + bytes(4),
                    struct.pack("<QQ", 0, 64), bytes(15)):
            self.check_live(lambda middle, run=run: wire.frame(wire.MEMORY, run, middle.tags[wire.MEMORY]),
                            "do not fit", mode="flood")

    # --- clients that do not go on ---

    def test_stays_silent_after_its_greeting(self):
        with self.connect() as connection:
            self.assertEqual(wire.receive_frame(connection)[0], wire.HELLO)
            self.assertEqual(wire.receive_frame(connection)[0], wire.ALIVE)
        self.assertTrue(wait_for(lambda: self.server.workers() == self.quiet, 6), "the worker is still there")

    def test_does_not_listen(self):
        """A client that asks and never reads: its worker waits for it, and ends with it."""
        with wire.Middle(self.server) as middle, Client(middle.address, CLIENT, "flood") as client:
            self.assertTrue(client.ready(), client.log())
            with middle.to_client:  # nothing gets to the client any more
                time.sleep(2)
                client.process.kill()
                middle.upstream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                middle.cut()
            self.assertTrue(wait_for(lambda: self.server.workers() == self.quiet, 6), "the worker is still there")


if __name__ == "__main__":
    unittest.main()
