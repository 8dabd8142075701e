#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=240
"""Who comes back to a session, or pretends to: the right one gets every byte once; everybody else hears that there is no
such session, and the session goes on."""

import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from servers import Server  # noqa: E402
from wire import wait_for  # noqa: E402

NO_SUCH_SESSION = "there is no such session any more; start a new one"
QUESTION_SIZE = 16 + 20 + 16
BYE = 24


def resume(session, received):
    return wire.frame(wire.RESUME, session + struct.pack("<Q", received))


class Session:
    """One that can be resumed: a connection after its greetings, and what has come over all of its connections."""

    def __init__(self, server):
        self.server, self.data, self.asked = server, bytearray(), 0
        self.connection = server.connect()
        self.connection.settimeout(20 * wire.slowness())
        self.connection.sendall(wire.hello(resume=struct.pack("<I", 3600)))
        kind, _, payload = wire.receive_frame(self.connection)
        assert kind == wire.HELLO
        said = wire.read_hello(payload)
        self.id, self.seconds = said["session"], struct.unpack("<I", said["resume"])[0]

    def ask(self):
        """Something to skip, and commands, though none, of which the server says that it has executed them."""
        self.asked += 1
        return wire.frame(wire.SKIPPABLE | 99, bytes(20)) + wire.frame(wire.COMMANDS, tag=self.asked)

    def take_replies(self):
        """Reads until all questions are answered; each answer must come once and in order."""
        while (numbers := self.replies()) != list(range(1, self.asked + 1)):
            assert numbers == list(range(1, len(numbers) + 1)), numbers
            piece = self.connection.recv(1 << 16)
            assert piece, "the connection has ended"
            self.data += piece

    def replies(self):
        numbers, at = [], 0
        while at + 16 <= len(self.data):
            kind, length, tag = wire.HEADER.unpack_from(self.data, at)
            if at + 16 + length > len(self.data):
                break
            assert kind in (wire.ALIVE, wire.EXECUTED), self.data[at:]
            at += 16 + length
            if tag:
                numbers.append(tag)
        return numbers

    def come_back(self, received=None):
        """Over another connection; gives how many bytes the server has received."""
        self.connection = self.server.connect()
        self.connection.settimeout(20 * wire.slowness())
        self.connection.sendall(resume(self.id, len(self.data) if received is None else received))
        kind, _, payload = wire.receive_frame(self.connection)
        assert kind == wire.RESUME and len(payload) == 8, (kind, payload)
        return struct.unpack("<Q", payload)[0]


class Resume(unittest.TestCase):
    def setUp(self):
        self.server = Server("--resume", "30")
        self.addCleanup(self.end)
        self.session = Session(self.server)
        self.addCleanup(lambda: self.session.connection.close())

    def end(self):
        self.server.__exit__()
        self.assertEqual(self.server.status, 0)

    def refusal(self, data):
        with self.server.connect() as connection:
            connection.settimeout(20 * wire.slowness())
            connection.sendall(data)
            kind, _, payload = wire.receive_frame(connection)
            self.assertEqual(kind, wire.ERROR)
            self.assertIsNone(wire.receive_frame(connection))
            return wire.error_text(payload)

    def check_alive(self):
        self.session.connection.sendall(self.session.ask())
        self.session.take_replies()

    def test_goes_on(self):
        """Half a question before the cut, the other half after it; and what was not read comes again."""
        self.assertEqual(self.session.seconds, 30)
        self.check_alive()
        sent = QUESTION_SIZE
        for part in (1, 15, 16, 20, 36, 37, QUESTION_SIZE - 1):
            question = self.session.ask()
            self.session.connection.sendall(question[:part])
            self.session.connection.close()
            has = self.session.come_back()
            self.assertTrue(sent <= has <= sent + part, (sent, has, part))
            self.session.connection.sendall(question[has - sent:])
            self.session.take_replies()
            sent += len(question)
        # An answer that nobody has read.
        before = len(self.session.data)
        self.check_alive()
        del self.session.data[before + 5:]
        self.assertEqual(self.session.come_back(), sent + QUESTION_SIZE)
        self.session.take_replies()

    def test_takes_over(self):
        """While the first connection is still there: it ends."""
        self.check_alive()
        old = self.session.connection
        self.session.come_back()
        self.assertEqual(old.recv(1), b"")
        old.close()
        self.check_alive()

    def test_wrong_session(self):
        self.check_alive()
        for i in range(12):
            wrong = bytearray(self.session.id)
            wrong[i] ^= 1
            self.assertEqual(self.refusal(resume(bytes(wrong), len(self.session.data))), NO_SUCH_SESSION)
        for data in (resume(bytes(16), 0), wire.frame(wire.RESUME), wire.frame(wire.RESUME, self.session.id),
                     wire.frame(wire.RESUME, self.session.id + bytes(9)), wire.frame(wire.RESUME, bytes(60000))):
            self.assertEqual(self.refusal(data), NO_SUCH_SESSION)
        self.check_alive()

    def test_wrong_numbers(self):
        """More than was sent; the session goes on when its client comes with the right number."""
        self.check_alive()
        for received in (len(self.session.data) + 1000, 1 << 63, (1 << 64) - 1):
            self.assertIn("can be sent again", self.refusal(resume(self.session.id, received)))
        self.check_alive()

    def test_replayed(self):
        """An old RESUME gets what it says it lacks, and the client comes back."""
        self.check_alive()
        self.session.connection.close()
        old = len(self.session.data)
        self.session.come_back()
        self.check_alive()
        with self.server.connect() as thief:
            thief.settimeout(20 * wire.slowness())
            thief.sendall(resume(self.session.id, old))
            self.assertEqual(wire.receive_frame(thief)[0], wire.RESUME)
            self.session.connection.close()
            self.session.come_back()
        self.check_alive()

    def test_two_sessions(self):
        """Each has its own state, whoever comes first."""
        other = Session(self.server)
        self.check_alive()
        other.connection.sendall(other.ask() + other.ask())
        other.take_replies()
        self.session.connection.close()
        other.connection.close()
        self.assertEqual(other.come_back(), 2 * QUESTION_SIZE)
        self.assertEqual(self.session.come_back(), QUESTION_SIZE)
        other.connection.sendall(other.ask())
        other.take_replies()
        other.connection.close()
        self.check_alive()

    def test_twice_and_inside(self):
        """RESUME is for the beginning of a connection; inside a session it is nonsense."""
        self.check_alive()
        self.session.come_back()
        self.session.connection.sendall(resume(self.session.id, 0))
        while received := wire.receive_frame(self.session.connection):
            text = wire.error_text(received[2]) if received[0] == wire.ERROR else None
        self.assertIn("no session here", text)
        self.assertTrue(wait_for(lambda: not self.server.workers(), 10))
        self.assertEqual(self.refusal(resume(self.session.id, 0)), NO_SUCH_SESSION)

    def test_bye(self):
        """Who says so is not waited for."""
        self.check_alive()
        self.session.connection.sendall(wire.frame(BYE))
        self.session.connection.close()
        self.assertTrue(wait_for(lambda: not self.server.workers(), 10))
        self.assertEqual(self.refusal(resume(self.session.id, 0)), NO_SUCH_SESSION)

    def test_not_asked_for(self):
        """A client that does not say that it resumes is not kept, and cannot."""
        with self.server.connect() as connection:
            connection.settimeout(20 * wire.slowness())
            connection.sendall(wire.hello())
            said = wire.read_hello(wire.receive_frame(connection)[2])
            self.assertNotIn("resume", said)
            self.assertIn("cannot be", self.refusal(resume(said["session"], 0)))
        self.assertTrue(wait_for(lambda: len(self.server.workers()) == 1, 10))

    def test_flood(self):
        """A client that comes back again and again, each time before it has heard anything."""
        for _ in range(50):
            with self.server.connect() as connection:
                connection.sendall(resume(self.session.id, 0))
        self.session.come_back()
        self.check_alive()


if __name__ == "__main__":
    unittest.main(verbosity=2)
