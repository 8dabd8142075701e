#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=240 waits
"""Sessions with TLS: how often each side waits for the other until the first answer is there; keys of a connection that
change in its middle, and keys and certificates that change in their files while there are sessions."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from resume import NO_SUCH_SESSION, Session, resume  # noqa: E402
from secure import TLS_PROGRAM, Credentials, venus_tls  # noqa: E402
from servers import CLIENT, Client, RefusalCase, Server  # noqa: E402
from wire import wait_for  # noqa: E402

KEYS = {"alice": "a1" * 32, "bob": "b0" * 32}
NEW_KEY = "c2" * 32
FLIGHTS = (0.2, 1, 5)  # seconds in which a side says all that it can say without an answer; on a busy machine more
GREETING = 300  # bytes that the server's has at least
FILES = None


def setUpModule():
    global FILES
    FILES = Credentials()
    FILES.authority("ca")
    FILES.certificate("server", "ca", "/CN=server", "subjectAltName=IP:127.0.0.1")
    for name in ("alice", "carol"):
        FILES.certificate(name, "ca", f"/CN={name}", "extendedKeyUsage=clientAuth")


def tearDownModule():
    FILES.finish()


def write_keys(**keys):
    FILES.write("keys", "".join(f"{identity}:{key}\n" for identity, key in keys.items()))


def by_key(identity, key=None):
    """Arguments of venus-tls."""
    own = FILES.write(f"own-{identity}", f"{identity}:{key or KEYS[identity]}\n")
    return f"--keys={own}", f"--identity={identity}"


def by_certificate(name):
    return f"--ca={FILES.path('ca.pem')}", f"--cert={FILES.path(name + '.pem')}", f"--key={FILES.path(name + '.key')}"


class SessionCase(RefusalCase):
    def setUp(self):
        write_keys(**KEYS)

    def server(self, *options):
        return Server(*FILES.options("keys", "certificates"), *options)

    def check_logged(self, server, *words):
        def found():
            return [line for line in server.log().splitlines() if all(word in line for word in words)]
        self.assertTrue(wait_for(found), server.log())


# --- flights ---

class LongWay(wire.Acceptor):
    """Between a client and a server, who cannot answer each other at once. Whatever a side says meanwhile comes along."""

    def __init__(self, server, flight):
        self.server = server
        self.flight = flight
        self.said = []  # (side, bytes) in order
        super().__init__(self.forward)

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def forward(self, client):
        with self.server.connect() as upstream:
            upstream.settimeout(None)
            back = threading.Thread(target=self.pump, args=("server", upstream, client))
            back.start()
            self.pump("client", client, upstream)
            back.join()

    def pump(self, side, source, target):
        with contextlib.suppress(OSError):
            while source.recv(1, socket.MSG_PEEK):
                time.sleep(self.flight)
                data = source.recv(1 << 20)
                self.said.append((side, data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def flights(self):
        """[(side, bytes)], of which no two that follow each other are of the same side."""
        return [(side, b"".join(data for _, data in group))
                for side, group in itertools.groupby(list(self.said), lambda each: each[0])]


class Flights(SessionCase):
    """Up to the server's first answer. With TLS there is one flight more there and one back than without, of which the
    client's last has its greeting in it."""

    PLAIN = ["client", "server"]

    def check_flights(self, expected, flights):
        """`flights` gets how long one lasts. A side that is late splits its flight in two, when it is given more time it
        does not."""
        for seconds in FLIGHTS:
            if (found := flights(seconds)) == expected:
                return
        self.assertEqual(found, expected)

    def until_answered(self, server, connect, question, kind, flight):
        with LongWay(server, flight) as way:
            process, connection = connect(way.port)
            with process, connection:
                connection.sendall(question)
                received = wire.receive_frame(connection)
                self.assertEqual(received and received[0], kind, server.log())
                flights = [side for side, _ in way.flights()]
                connection.close()
        return flights

    def check(self, question, kind):
        def plain(port):
            return contextlib.nullcontext(), socket.create_connection(("127.0.0.1", port), 20 * wire.slowness())

        with self.server() as server:
            self.check_flights(self.PLAIN, lambda flight: self.until_answered(server, plain, question, kind, flight))
            for arguments in (by_key("alice"), by_certificate("carol")):
                def secure(port, way=arguments):
                    return venus_tls(port, *way, seconds=60)

                with self.subTest(arguments):
                    self.check_flights(self.PLAIN + self.PLAIN, lambda flight, way=secure: self.until_answered(
                        server, way, question, kind, flight))

    def test_greeting(self):
        self.check(wire.hello(), wire.HELLO)

    def test_resuming(self):
        """The answer that a session is not there takes as long as that it is."""
        self.check(resume(bytes(16), 0), wire.ERROR)

    def test_driver(self):
        """A program's own: the driver sends its greeting as early as that."""
        with self.server() as server:
            for prefix, before, variables in (
                    ("", 0, {}), ("tls://alice@", 2, {"VENUS_KEY_FILE": by_key("alice")[0].partition("=")[2]}),
                    ("tls://", 2, {"VENUS_TLS_CA": FILES.path("ca.pem"), "VENUS_TLS_CERT": FILES.path("carol.pem"),
                                   "VENUS_TLS_KEY": FILES.path("carol.key")})):
                def sides(flight, prefix=prefix, before=before, variables=variables):
                    with LongWay(server, flight) as way, \
                            Client(prefix + way.address, CLIENT, "fence", VENUS_TIMEOUT="60", **variables) as client:
                        self.assertTrue(client.ready(60 + 40 * flight), client.log())
                        flights = way.flights()[:before + 2]
                    return [*(side for side, _ in flights), len(flights[-1][1]) > GREETING]

                with self.subTest(prefix):
                    self.check_flights([*(self.PLAIN + self.PLAIN)[:before + 2], True], sides)


# --- keys that change in the middle of a connection ---

class KeyUpdates(SessionCase):
    """The other side is OpenSSL's own program, which changes its key at a line "k", and at "K" wants that of the other
    side to be changed, too."""

    def openssl(self, *arguments):
        self.messages = FILES.path("messages")
        process = subprocess.Popen(
            ["openssl", *arguments, "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-psk_identity", "alice", "-psk",
             KEYS["alice"], "-msg", "-msgfile", self.messages],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def count(self, direction):
        """Of changes that it has sent (">>>") or received ("<<<")."""
        with open(self.messages, encoding="ascii") as file:
            return sum(line.startswith(direction) and "KeyUpdate" in line for line in file)

    def command(self, process, letter):
        """Alone in what it reads, or it would be data."""
        sent = self.count(">>>")
        process.stdin.write(letter + b"\n")
        self.assertTrue(wait_for(lambda: self.count(">>>") == sent + 1), "OpenSSL does not change its key")

    def test_session(self):
        """A session goes on, over keys that its client changes and wants to be changed."""
        with self.server() as server:
            client = self.openssl("s_client", "-brief", "-connect", f"127.0.0.1:{server.port}")
            client.stdin.write(wire.hello())
            kind, _, payload = self.receive(client)
            self.assertEqual(kind, wire.HELLO)
            self.assertIn("session", wire.read_hello(payload))
            for i, letter in enumerate((b"k", b"K", b"K", b"k", b"K"), 1):
                self.command(client, letter)
                client.stdin.write(wire.frame(wire.COMMANDS, tag=i))
                while (received := self.receive(client)) and received[0] == wire.ALIVE:
                    pass
                self.assertEqual(received and received[:2], (wire.EXECUTED, i))
            self.assertEqual((self.count(">>>"), self.count("<<<")), (5, 3))
            self.assertEqual(len(server.workers()), 1)
            client.stdin.close()
            client.wait(20)
            self.assertEqual(server.stop()[0], 0)
            self.assertNotIn("warn: client", server.log())

    @staticmethod
    def receive(process):
        header = process.stdout.read(wire.HEADER.size)
        while 0 < len(header) < wire.HEADER.size:
            header += process.stdout.read(wire.HEADER.size - len(header))
        if not header:
            return None
        kind, length, tag = wire.HEADER.unpack(header)
        payload = b""
        while len(payload) < length:
            payload += process.stdout.read(length - len(payload))
        return kind, tag, payload

    def test_client(self):
        """What the driver's program copies is right, over keys that the server changes and wants to be changed."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        server = self.openssl("s_server", "-accept", f"127.0.0.1:{port}", "-nocert")
        self.assertTrue(wait_for(lambda: self.listens(port)), "OpenSSL does not listen")
        process, connection = venus_tls(port, *by_key("alice"))
        with process, connection:
            heard = b""
            for i, letter in enumerate((b"k", b"K", b"k", b"K")):
                question, answer = b"question %d\n" % i, b"answer %d\n" % i
                connection.sendall(question)
                while question not in heard:
                    self.assertTrue(piece := os.read(server.stdout.fileno(), 65536), heard)
                    heard += piece
                self.command(server, letter)
                server.stdin.write(answer)
                self.assertEqual(wire.receive_exactly(connection, len(answer)), answer)
            connection.sendall(b"good bye\n")
            self.assertTrue(wait_for(lambda: self.count("<<<") == 2))
            connection.close()
            process.wait(20)

    @staticmethod
    def listens(port):
        with open("/proc/net/tcp", encoding="ascii") as file:
            return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in file.readlines()[1:])


# --- keys and certificates that change in their files ---

class Door:
    """How sessions come to a server: through venus-tls, or with None without TLS."""

    def __init__(self, case, server, arguments):
        self.case, self.server, self.arguments = case, server, arguments

    def connect(self):
        if self.arguments is None:
            return self.server.connect()
        process, connection = venus_tls(self.server.port, *self.arguments)
        self.case.addCleanup(process.wait, 20)
        self.case.addCleanup(connection.close)
        return connection


class Files(SessionCase):
    def setUp(self):
        super().setUp()
        self.running = self.server("--resume", "60")
        self.addCleanup(self.running.__exit__)

    def reload(self):
        done = self.running.log().count("keys and certificates were read anew")
        self.running.process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: self.running.log().count("keys and certificates were read anew") > done),
                        self.running.log())

    def session(self, arguments):
        session = Session(Door(self, self.running, arguments))
        self.check_alive(session)
        return session

    def check_alive(self, session):
        session.connection.sendall(session.ask())
        session.take_replies()

    def come_back(self, session, arguments=None):
        session.connection.close()
        session.server.arguments = arguments or session.server.arguments
        session.come_back()
        self.check_alive(session)

    def refusal(self, session, arguments):
        """What somebody hears who wants to have the session."""
        with Door(self, self.running, arguments).connect() as connection:
            connection.settimeout(20 * wire.slowness())
            connection.sendall(resume(session.id, len(session.data)))
            kind, _, payload = wire.receive_frame(connection)
            self.assertEqual(kind, wire.ERROR)
            return wire.error_text(payload)

    def test_new_key(self):
        """Who has it goes on, in the connection and over another one; the old one is none any more."""
        session = self.session(by_key("alice"))
        write_keys(alice=NEW_KEY)
        self.reload()
        self.check_alive(session)
        session.connection.close()
        self.assertIn("does not know the identity, or has another key", self.refusal(session, by_key("alice")))
        self.check_logged(self.running, "refused by TLS, as alice", "wrong key")
        self.come_back(session, by_key("alice", NEW_KEY))

    def test_revoked_key(self):
        """The session goes on as long as its connection does. Nobody comes back to it, until the key is one again."""
        session = self.session(by_key("alice"))
        write_keys(bob=KEYS["bob"])
        self.reload()
        self.check_alive(session)
        session.connection.close()
        self.assertIn("does not know the identity, or has another key", self.refusal(session, by_key("alice")))
        for others in (by_key("bob"), by_certificate("carol"), by_certificate("alice"), None):
            with self.subTest(others):
                self.assertEqual(self.refusal(session, others), NO_SUCH_SESSION)
        write_keys(**KEYS)
        self.reload()
        self.come_back(session)

    def test_files_that_cannot_be_used(self):
        """Nothing changes, for nobody."""
        session, other = self.session(by_key("alice")), self.session(by_certificate("carol"))
        write_keys(alice="too short")
        self.running.process.send_signal(signal.SIGHUP)
        self.check_logged(self.running, "TLS: the keys and certificates stay as they were")
        self.come_back(session)
        self.come_back(other)

    def serial(self):
        """Of the server's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(FILES.path("ca.pem"))
        context.load_cert_chain(FILES.path("carol.pem"), FILES.path("carol.key"))
        with self.running.connect() as connection, context.wrap_socket(connection, server_hostname="127.0.0.1") as tls:
            return tls.getpeercert()["serialNumber"]

    def test_new_server_certificate(self):
        """With another key. Whoever comes sees it, whoever is in stays in."""
        session, old = self.session(by_certificate("carol")), self.serial()
        FILES.certificate("server", "ca", "/CN=server", "subjectAltName=IP:127.0.0.1")
        self.assertEqual(self.serial(), old)
        self.reload()
        self.assertNotEqual(self.serial(), old)
        self.check_alive(session)
        self.come_back(session)

    def test_new_authority(self):
        """For clients. Whose certificate the old one has signed is not let in again, and then has another one."""
        session = self.session(by_certificate("carol"))
        for name in ("ca.pem", "carol.pem", "carol.key"):
            shutil.copy(FILES.path(name), FILES.path("old-" + name))
            self.addCleanup(os.rename, FILES.path("old-" + name), FILES.path(name))
        FILES.authority("next")
        shutil.copy(FILES.path("next.pem"), FILES.path("ca.pem"))
        self.reload()
        self.check_alive(session)
        session.connection.close()
        arguments = [each.replace("ca.pem", "old-ca.pem") for each in by_certificate("carol")]
        self.assertIn("does not take the certificate", self.refusal(session, arguments))
        FILES.certificate("carol", "next", "/CN=carol", "extendedKeyUsage=clientAuth")
        self.come_back(session, arguments)


if __name__ == "__main__":
    if not os.access(TLS_PROGRAM, os.X_OK) or not shutil.which("openssl"):
        print("SKIP: this build has no TLS" if shutil.which("openssl") else "SKIP: openssl is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
