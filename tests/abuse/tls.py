#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=240 waits
"""What somebody without a key, or with one, can do to a server that uses TLS, and a server to venus-tls."""

import contextlib
import hashlib
import hmac
import os
import shutil
import socket
import ssl
import stat
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from processes import name_of, open_files  # noqa: E402
from secure import TLS_PROGRAM, Credentials, venus_tls  # noqa: E402
from servers import SERVER, RefusalCase, Server, count_open, is_closed, own_address, receive_all, run  # noqa: E402
from wire import wait_for  # noqa: E402

SECONDS = 5  # until a connection that is not done is closed
SHARE = 10  # of one source
ALERT, HANDSHAKE, DATA = 21, 22, 23
CLIENT_HELLO = 1
KEY = bytes(range(32))


# --- the first message of a client, by hand ---

def expand_label(secret, label, context, size):
    label = b"tls13 " + label
    info = struct.pack(">HB", size, len(label)) + label + bytes((len(context),)) + context
    return hmac.new(secret, info + b"\1", "sha256").digest()[:size]


def binder_of(key, transcript):
    early = hmac.new(bytes(32), key, "sha256").digest()
    binder_key = expand_label(early, b"ext binder", hashlib.sha256().digest(), 32)
    finished = expand_label(binder_key, b"finished", b"", 32)
    return hmac.new(finished, hashlib.sha256(transcript).digest(), "sha256").digest()


def extension(kind, data):
    return struct.pack(">HH", kind, len(data)) + data


def record(kind, data):
    return struct.pack(">BHH", kind, 0x0303, len(data)) + data


def client_hello(identity, key, early_data=False, versions=(0x0304,), random=None):
    """One record that offers that key. What it is shared with has the same bytes each time, but for `random`."""
    share = hashlib.sha256(b"any point of the curve").digest()
    extensions = extension(43, bytes((2 * len(versions),)) + b"".join(struct.pack(">H", each) for each in versions))
    extensions += extension(10, struct.pack(">HH", 2, 0x1D)) + extension(13, struct.pack(">HH", 2, 0x0403))
    extensions += extension(51, struct.pack(">HHH", 36, 0x1D, 32) + share) + extension(45, b"\1\1")
    extensions += extension(42, b"") if early_data else b""
    identities = struct.pack(">H", len(identity)) + identity + bytes(4)
    identities = struct.pack(">H", len(identities)) + identities
    size = len(identities) + 2 + 33
    body = struct.pack(">H", 0x0303) + (random or bytes(32)) + b"\0" + struct.pack(">HH", 2, 0x1301) + b"\1\0"
    body += struct.pack(">H", len(extensions) + 4 + size) + extensions + struct.pack(">HH", 41, size) + identities
    message = struct.pack(">I", CLIENT_HELLO << 24 | len(body) + 35) + body
    return record(HANDSHAKE, message + struct.pack(">HB", 33, 32) + binder_of(key, message))


def records_of(data):
    """[(type, payload)] of whole records."""
    found = []
    while len(data) >= 5:
        kind, _, size = struct.unpack_from(">BHH", data)
        found.append((kind, data[5:5 + size]))
        data = data[5 + size:]
    return found


# --- keys and certificates ---

FILES = None


def setUpModule():
    global FILES
    FILES = Credentials()
    FILES.write("keys", f"alice:{KEY.hex()}\nlong.identity.of.somebody@example.org:{KEY[:16].hex()}\n")
    FILES.authority("ca")
    FILES.authority("other")
    FILES.certificate("server", "ca", "/CN=server", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    FILES.certificate("carol", "ca", "/CN=carol", "extendedKeyUsage=clientAuth")
    FILES.certificate("dave", "ca", "/O=here", "subjectAltName=email:dave@example.org")
    FILES.certificate("nobody", "ca", "/O=here", "extendedKeyUsage=clientAuth")
    FILES.certificate("expired", "ca", "/CN=carol", "extendedKeyUsage=clientAuth", days="-1")
    FILES.certificate("foreign", "other", "/CN=carol", "extendedKeyUsage=clientAuth")
    FILES.certificate("wrong_use", "ca", "/CN=carol", "extendedKeyUsage=serverAuth")
    FILES.certificate("old_server", "ca", "/CN=server", "subjectAltName=IP:127.0.0.1", days="-1")
    FILES.certificate("strange_server", "ca", "/CN=server", "subjectAltName=DNS:elsewhere.example.org")


def tearDownModule():
    FILES.finish()


class TlsCase(RefusalCase):
    def server(self, *options, which=("keys",)):
        return Server(*FILES.options(*which), *options)

    def talk(self, server, data, source=""):
        """Says it, and hears all until the server closes."""
        with server.connect(source) as connection:
            connection.sendall(data)
            return receive_all(connection, 20)

    def check_in(self, server, *arguments):
        """A client gets in within a second or so."""
        start = time.monotonic()
        process, connection = venus_tls(server.port, *(arguments or (f"--keys={FILES.path('keys')}", "--identity=alice")))
        with process, connection:
            connection.sendall(wire.hello())
            received = wire.receive_frame(connection)
            self.assertEqual(received and received[0], wire.HELLO, (received, server.log()))
            self.assertLess(time.monotonic() - start, 1 * wire.slowness())
            connection.close()
            process.wait(20)

    def check_logged(self, server, *words):
        def found():
            return [line for line in server.log().splitlines() if all(word in line for word in words)]
        self.assertTrue(wait_for(found), server.log())

    def check_end(self, server, connected=0):
        self.assertEqual(server.stop()[0], 0)
        self.assertEqual(server.log().count(": connected ("), connected, server.log())


class WithoutKey(TlsCase):
    def test_wrong_key_and_unknown_identity(self):
        """Nobody can tell the one from the other, and so find out who has a key."""
        with self.server() as server:
            self.check_in(server)
            answers = [self.talk(server, client_hello(identity, bytes(32)))
                       for identity in (b"alice", b"bobby", b"long.identity.of.somebody@example.org", b"x" * 5000, b"",
                                        b"alice\0", b"alice\0bobby")]
            self.assertEqual(len(set(answers)), 1, answers)
            self.assertEqual([kind for kind, _ in records_of(answers[0])], [ALERT])
            for identity in ("alice", "bobby"):
                self.check_logged(server, "127.0.0.1", f"refused by TLS, as {identity}: unknown identity or wrong key")
            self.check_end(server, 1)

    def test_right_key(self):
        """What is made by hand above is right."""
        with self.server() as server:
            for identity, key in ((b"alice", KEY), (b"long.identity.of.somebody@example.org", KEY[:16])):
                with server.connect() as connection:
                    connection.sendall(client_hello(identity, key))
                    connection.settimeout(20 * wire.slowness())
                    self.assertEqual(connection.recv(3), b"\x16\x03\x03")
            self.check_end(server)

    def test_names_in_the_log(self):
        with self.server() as server:
            self.talk(server, client_hello(b"\x1b[2J\nvenus-server: error: \xff\xfe" + b"A" * 300, KEY))
            self.check_logged(server, "as ?[2J?venus-server: error: ??AAAA", "unknown identity")
            self.assertNotIn("\nvenus-server: error", server.log())
            self.assertNotIn("\x1b", server.log())

    def test_few_lines(self):
        with self.server() as server:
            for _ in range(20):
                self.talk(server, client_hello(b"mallory", KEY))
            self.check_end(server)
            self.assertEqual(server.log().count("as mallory"), 5, server.log())
            self.assertIn("20 connections without a greeting", server.log())

    def test_old_versions(self):
        with self.server() as server:
            for versions in ((0x0303,), (0x0302, 0x0301)):
                answer = records_of(self.talk(server, client_hello(b"alice", KEY, versions=versions)))
                self.assertEqual([(kind, payload) for kind, payload in answer], [(ALERT, b"\2\x46")])
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with server.connect() as connection, self.assertRaises(ssl.SSLError):
                context.wrap_socket(connection)
            self.check_logged(server, "refused by TLS", "unsupported protocol")
            self.check_end(server)

    def test_plain(self):
        with self.server("--tls-only") as server:
            with server.greet() as connection:
                self.assertIn("wants TLS: set VENUS_SERVER to tls://", self.read_refusal(connection))
            self.check_logged(server, "warn: client 127.0.0.1", "refused: it does not use TLS")
            self.check_end(server)
        with self.server() as server, server.greet() as connection:
            self.assertEqual(wire.receive_frame(connection)[0], wire.HELLO)
            self.assertTrue(wait_for(lambda: "client 127.0.0.1:" in server.log()))

    def test_plain_from_elsewhere(self):
        if not own_address():
            self.skipTest("no network here")
        with self.server("--host", "0.0.0.0") as server:
            with socket.create_connection((own_address(), server.port), 5) as connection:
                connection.sendall(wire.hello())
                self.assertIn("wants TLS", self.read_refusal(connection))
            self.check_in(server)
            self.check_end(server, 1)

    def test_plain_server(self):
        """Who speaks TLS to a server without it hears that, in the server's own words."""
        with Server() as server, server.connect() as connection:
            connection.sendall(client_hello(b"alice", KEY))
            self.assertIn("does not speak the protocol", self.read_refusal(connection))

    def test_certificate_instead(self):
        with self.server(which=("keys",)) as server, server.connect() as connection:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.load_cert_chain(FILES.path("carol.pem"), FILES.path("carol.key"))
            with self.assertRaises(ssl.SSLError):
                context.wrap_socket(connection)
            self.check_end(server)


class Replay(TlsCase):
    def record(self, server):
        """What a client says, up to its greeting, and what it hears."""
        said, heard = bytearray(), bytearray()
        done = threading.Event()

        def pump(source, target, log):
            with contextlib.suppress(OSError):
                while piece := source.recv(65536):
                    log += piece
                    target.sendall(piece)
                target.shutdown(socket.SHUT_WR)

        def serve(client):
            with server.connect() as upstream:
                upstream.settimeout(None)
                back = threading.Thread(target=pump, args=(upstream, client, heard))
                back.start()
                pump(client, upstream, said)
                back.join()
            done.set()

        with wire.Acceptor(serve) as middle:
            port = middle.address.rsplit(":", 1)[1]
            process, connection = venus_tls(port, f"--keys={FILES.path('keys')}", "--identity=alice")
            with process, connection:
                connection.sendall(wire.hello())
                self.assertEqual(wire.receive_frame(connection)[0], wire.HELLO)
                connection.close()
            self.assertTrue(done.wait(20))
        return bytes(said), bytes(heard)

    def test_recorded_handshake(self):
        with self.server() as server:
            said, heard = self.record(server)
            self.assertTrue(wait_for(lambda: "connected (" in server.log()))
            # No ticket: before the greeting of the server there are its handshake, and nothing else.
            kinds = [(kind, len(payload)) for kind, payload in records_of(heard)]
            self.assertEqual([kind for kind, _ in kinds[:4]], [HANDSHAKE, 20, DATA, DATA], kinds)
            self.assertLess(max(size for kind, size in kinds[2:4]), 100, kinds)
            greeting = [size for kind, size in kinds[4:] if kind == DATA]
            self.assertGreater(greeting[0], 300, kinds)
            # Sent again it gets as far as its first message, which anybody can send again.
            for data in (said, said[:-5]):
                answer = records_of(self.talk(server, data))
                self.assertEqual(answer[0][0], HANDSHAKE)
                self.assertLess(sum(len(payload) for _, payload in answer), 400)
            self.check_logged(server, "refused by TLS, as alice", "bad record mac")
            self.check_end(server, 1)

    def test_early_data(self):
        """Is not taken, and ends the connection."""
        with self.server() as server:
            answer = records_of(self.talk(server, client_hello(b"alice", KEY, early_data=True) +
                                          record(DATA, bytes(600))))
            # Its extensions are encrypted; one more would make them longer.
            with server.connect() as connection:
                connection.sendall(client_hello(b"alice", KEY))
                time.sleep(0.5)
                without = records_of(connection.recv(65536))
            self.assertEqual([(kind, len(data)) for kind, data in answer[:3]],
                             [(kind, len(data)) for kind, data in without[:3]])
            self.check_logged(server, "refused by TLS, as alice")
            self.check_end(server)


class Slow(TlsCase):
    def test_a_byte_now_and_then(self):
        with self.server() as server, server.connect() as slow:
            start = time.monotonic()
            for byte in client_hello(b"alice", KEY):
                with contextlib.suppress(ConnectionError):
                    slow.sendall(bytes((byte,)))
                if wait_for(lambda: is_closed(slow), 0.2):
                    break
            self.assertTrue(SECONDS - 0.5 < time.monotonic() - start < SECONDS + 1.5 * wire.slowness())
            self.check_end(server)

    def test_stops_after_its_first_message(self):
        with self.server() as server, server.connect() as slow:
            start = time.monotonic()
            slow.sendall(client_hello(b"alice", KEY))
            receive_all(slow, 20)
            self.assertTrue(SECONDS - 0.5 < time.monotonic() - start < SECONDS + 1.5 * wire.slowness())
            self.check_end(server)
            self.assertIn("1 connection without a greeting", server.log())

    def test_handshake_without_greeting(self):
        with self.server("--log", "debug") as server:
            start = time.monotonic()
            process, connection = venus_tls(server.port, f"--keys={FILES.path('keys')}", "--identity=alice")
            with process, connection:
                self.assertEqual(receive_all(connection, 20), b"")
                self.assertTrue(SECONDS - 0.5 < time.monotonic() - start < SECONDS + 1.5 * wire.slowness())
            self.check_logged(server, "client alice at 127.0.0.1", "none came")
            self.check_end(server)

    def test_too_much(self):
        """Of a message that says that it is long, no more is read than of any other that is not known yet."""
        with self.server() as server:
            message = struct.pack(">I", CLIENT_HELLO << 24 | 120000) + bytes(120000)
            pieces = [record(HANDSHAKE, message[at:at + 16000]) for at in range(0, len(message), 16000)]
            self.talk(server, b"".join(pieces))
            self.check_logged(server, "refused by TLS: it has said too much")
            self.check_end(server)

    def test_many(self):
        """Two hundred that stop in the middle shut nobody else out, and cost no process each."""
        with self.server() as server:
            before = len(server.children("venus-gate"))
            stalled = [server.connect("127.0.0.2") for _ in range(200)]
            for connection in stalled:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(client_hello(b"alice", KEY))
            self.check_in(server)
            self.assertTrue(wait_for(lambda: count_open([each for each in stalled if not self.has_answer(each)]) == 0))
            self.assertEqual(len(server.children("venus-gate")), before)
            self.assertLessEqual(sum(self.is_alive(each) for each in stalled), SHARE)
            self.assertTrue(wait_for(lambda: not any(self.is_alive(each) for each in stalled), SECONDS + 2))
            self.check_in(server)
            for connection in stalled:
                connection.close()
            self.check_end(server, 2)

    @staticmethod
    def has_answer(connection):
        connection.setblocking(False)
        try:
            return bool(connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    @staticmethod
    def is_alive(connection):
        """Whatever it has said, it is not closed."""
        connection.setblocking(False)
        try:
            while data := connection.recv(65536):
                pass
            return bool(data)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def test_penalty(self):
        """Who fails again and again has one place left."""
        with self.server("--host", "127.0.0.1") as server:
            for _ in range(SHARE):
                self.talk(server, client_hello(b"mallory", KEY), "127.0.0.3")
            stalled = [server.connect("127.0.0.3") for _ in range(3)]
            self.assertTrue(wait_for(lambda: count_open(stalled) == 1))
            self.check_in(server)
            for connection in stalled:
                connection.close()
            self.check_end(server, 1)


class Certificates(TlsCase):
    def attempt(self, server, name):
        """What the server says to a client with that certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(FILES.path("ca.pem"))
        if name:
            context.load_cert_chain(FILES.path(f"{name}.pem"), FILES.path(f"{name}.key"))
        with server.connect() as connection, context.wrap_socket(connection, server_hostname="localhost") as tls:
            tls.settimeout(20 * wire.slowness())
            tls.sendall(wire.hello())
            return tls.recv(65536)

    def test_good(self):
        with self.server(which=("certificates",)) as server:
            for name, user in (("carol", "carol"), ("dave", "dave@example.org")):
                self.assertIn(wire.MAGIC, self.attempt(server, name))
                self.check_logged(server, f"client {user} at 127.0.0.1:", "connected (")
            self.check_end(server, 2)

    def test_bad(self):
        with self.server(which=("certificates",)) as server:
            for name, word in ((None, "peer did not return a certificate"), ("expired", "certificate has expired"),
                               ("foreign", "unable to get local issuer certificate"),
                               ("wrong_use", "unsuitable certificate purpose"), ("nobody", "names nobody")):
                with self.subTest(name):
                    with contextlib.suppress(OSError):
                        self.assertEqual(self.attempt(server, name), b"")
                    self.check_logged(server, "warn: client 127.0.0.1", "refused by TLS", word)
            self.check_end(server)

    def test_revoked(self):
        """A list of revoked certificates in the file of signers counts."""
        FILES.write("index", "")
        FILES.write("serial", "01\n")
        FILES.write("ca.conf", "[ca]\ndefault_ca=c\n[c]\ndatabase=index\ncrlnumber=serial\ndefault_md=sha256\n"
                               "default_crl_days=30\n")
        signer = ("-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key")
        FILES.openssl("ca", *signer, "-revoke", "carol.pem")
        FILES.openssl("ca", *signer, "-gencrl", "-out", "revoked.pem")
        with open(FILES.path("ca.pem"), encoding="ascii") as one, open(FILES.path("revoked.pem"), encoding="ascii") as two:
            both = FILES.write("both.pem", one.read() + two.read())
        options = FILES.options("certificates")
        options[-1] = both
        with Server(*options) as server:
            self.assertIn(wire.MAGIC, self.attempt(server, "dave"))
            with contextlib.suppress(OSError):
                self.assertEqual(self.attempt(server, "carol"), b"")
            self.check_logged(server, "refused by TLS", "certificate revoked")
            self.check_end(server, 1)


class Sources(TlsCase):
    """Who has been let in still comes from somewhere, and what is bounded there is bounded for him."""

    @contextlib.contextmanager
    def connect(self, server, source, data):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(FILES.path("ca.pem"))
        context.load_cert_chain(FILES.path("carol.pem"), FILES.path("carol.key"))
        with server.connect(source) as connection, context.wrap_socket(connection, server_hostname="localhost") as tls:
            tls.settimeout(20 * wire.slowness())
            tls.sendall(data)
            yield tls

    def check_answer(self, server, source, data, kind):
        with self.connect(server, source, data) as tls:
            frame = wire.receive_frame(tls)
            self.assertEqual(frame and frame[0], kind, (frame, server.log()))

    def test_lines(self):
        with self.server("--max-clients", "1", "--ready", "0", which=("certificates",)) as server:
            with self.connect(server, "127.0.0.2", wire.hello()) as first:
                self.assertEqual(wire.receive_frame(first)[0], wire.HELLO)
                start = time.monotonic()
                for _ in range(620):
                    self.check_answer(server, "127.0.0.3", wire.hello(), wire.ERROR)
                if time.monotonic() - start > 55:
                    self.skipTest("lines are counted for a minute, and this took longer")
                self.check_answer(server, "127.0.0.4", wire.hello(), wire.ERROR)
                self.check_logged(server, "client carol at 127.0.0.4", ": refused: the Venus server already serves")
            self.assertEqual(server.stop()[0], 0)
            self.assertEqual(server.log().count("client carol at 127.0.0.3"), 600, server.log()[-2000:])
            self.check_logged(server, "client 127.0.0.3: 20 more lines were left out here")

    def test_wrong_sessions(self):
        """Each costs its source a place, as it does without TLS."""
        with self.server(which=("certificates",)) as server:
            for _ in range(SHARE):
                self.check_answer(server, "127.0.0.3", wire.frame(wire.RESUME, os.urandom(16) + bytes(8)), wire.ERROR)
            stalled = [server.connect("127.0.0.3") for _ in range(3)]
            others = [server.connect("127.0.0.4") for _ in range(3)]
            self.assertTrue(wait_for(lambda: count_open(stalled) == 1), server.log())
            self.assertEqual(count_open(others), 3)
            for connection in stalled + others:
                connection.close()
            self.check_answer(server, "127.0.0.3", wire.hello(), wire.HELLO)
            self.check_end(server, 1)
            self.check_logged(server, "client 127.0.0.3:", "connections without a greeting")


class Client(TlsCase):
    """venus-tls and servers that are not the right one."""

    CERTIFICATE = property(lambda self: (f"--cert={FILES.path('carol.pem')}", f"--key={FILES.path('carol.key')}"))

    def check_refuses(self, serve, arguments, *words, seconds=5):
        with wire.Acceptor(serve) as server:
            start = time.monotonic()
            process, connection = venus_tls(server.address.rsplit(":", 1)[1], *arguments, seconds=seconds)
            with process, connection:
                connection.sendall(wire.hello())
                kind, _, payload = wire.receive_frame(connection)
                self.assertEqual((kind, payload[:4]), (wire.ERROR, b"\xfe\xff\xff\xff"))
                for word in (server.address, *words):
                    self.assertIn(word, payload[12:].decode())
                self.assertLess(time.monotonic() - start, (seconds + 1) * wire.slowness())
                self.assertEqual(process.wait(20), 1)

    def with_certificate(self, name, maximum=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(FILES.path(f"{name}.pem"), FILES.path(f"{name}.key"))
        context.maximum_version = maximum
        self.heard = b""

        def serve(connection):
            connection.settimeout(20 * wire.slowness())
            with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as tls:
                self.heard = tls.recv(1000)
        return serve

    def test_certificates(self):
        known = (f"--ca={FILES.path('ca.pem')}", *self.CERTIFICATE)
        for name, word in (("old_server", "certificate has expired"), ("strange_server", "IP address mismatch"),
                           ("foreign", "unable to get local issuer certificate"),
                           ("carol", "unsuitable certificate purpose")):
            with self.subTest(name):
                self.check_refuses(self.with_certificate(name), known, "VENUS_TLS_CA", word)
                self.assertEqual(self.heard, b"")
        self.check_refuses(self.with_certificate("server"), ("--pin=sha256:" + 64 * "5", *self.CERTIFICATE),
                           "its public key is not that of VENUS_TLS_PIN: it is sha256:")
        self.check_refuses(self.with_certificate("server", ssl.TLSVersion.TLSv1_2), known, "TLS 1.3")

    def test_shared_key(self):
        """Of a server that has none, a certificate is not taken, whoever has signed it."""
        mine = (f"--keys={FILES.path('keys')}", "--identity=alice")
        self.check_refuses(self.with_certificate("server"), mine, "it has no shared keys, but a certificate")
        self.assertEqual(self.heard, b"")

    def test_no_tls(self):
        mine = (f"--keys={FILES.path('keys')}", "--identity=alice")
        self.check_refuses(lambda connection: connection.sendall(wire.hello()) or connection.recv(1000), mine,
                           "it does not speak TLS")
        self.check_refuses(lambda connection: connection.recv(1), mine, "closed without a word")
        self.check_refuses(lambda connection: time.sleep(5), mine, "within 1000 ms", seconds=1)
        self.check_refuses(lambda connection: connection.sendall(record(ALERT, b"\2\x50")) or connection.recv(1000),
                           mine, "internal error")


class Processes(TlsCase):
    """The gate, and what it forks for a client, have given up what they do not need."""

    def status(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    def check_confined(self, pid, uid):
        status = self.status(pid)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb") + (("CapBnd",) if os.geteuid() == 0 else ()):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual(set(status["Uid"].split() + status["Gid"].split()), {str(uid)})
        self.assertEqual(status["Groups"].split(), [] if uid != os.getuid() else status["Groups"].split())

    def check(self, uid, *options):
        with self.server(*options) as server:
            gate, = server.children("venus-gate")
            process, connection = venus_tls(server.port, f"--keys={FILES.path('keys')}", "--identity=alice")
            with process, connection:
                connection.sendall(wire.hello())
                self.assertEqual(wire.receive_frame(connection)[0], wire.HELLO)
                with open(f"/proc/{gate}/task/{gate}/children", encoding="ascii") as file:
                    relay, = file.read().split()
                self.assertEqual(name_of(relay), "venus-relay")
                self.check_confined(gate, uid)
                self.check_confined(relay, uid)
                if os.geteuid() == 0:
                    # TCP and the way to the worker; what counts lines has a file of its own.
                    files = [name for name in open_files(relay) if ".profraw" not in name]
                    self.assertEqual([name.split(":")[0] for name in files], ["socket", "socket"])
                    files = [name for name in open_files(gate) if ".profraw" not in name]
                    self.assertEqual([name.split(":")[0] for name in files], ["socket"])
                connection.close()
            self.assertEqual(server.stop()[0], 0)

    def test_own_user(self):
        self.check(os.getuid())

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_another_user(self):
        """Who could not read the keys."""
        self.check(65534, "--user", "nobody", "--cache", "none")


class KeyFiles(TlsCase):
    """A server with a file that would not keep a secret does not start."""

    def check_refused(self, path, *words):
        result = run("--port", "0", "--keys", path)
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        lines = [line for line in result.stderr.splitlines() if "error: " in line]
        self.assertEqual(len(lines), 1, result.stderr)
        for word in (path, *words):
            self.assertIn(word, lines[0])

    def test_who_may_read_it(self):
        good = f"alice:{KEY.hex()}\n"
        for mode in (0o644, 0o640, 0o604, 0o620, 0o660, 0o610, 0o666):
            self.check_refused(FILES.write("bad", good, mode), f"mode is {mode:04o}", "chmod 600")
        if os.geteuid() == 0:
            os.chown(FILES.write("bad", good), 65534, 65534)
            self.assertEqual(run("--port", "0", "--keys", FILES.path("bad")).returncode, 1)
            os.chown(FILES.path("bad"), 0, 0)
        self.check_refused(FILES.path("none"), "No such file")
        self.check_refused(FILES.folder, "no regular file")
        os.mkfifo(FILES.path("pipe"))
        self.check_refused(FILES.path("pipe"), "no regular file")
        os.symlink("bad", FILES.path("link"))
        FILES.write("bad", good, 0o644)
        self.check_refused(FILES.path("link"), "mode is 0644")
        FILES.write("bad", good)
        with Server("--keys", FILES.path("link")) as server:
            self.assertEqual(stat.S_IMODE(os.stat(FILES.path("link")).st_mode), 0o600)
            self.check_end(server)

    def test_what_is_in_it(self):
        key = KEY.hex()
        for text, *words in (("", "no key"), ("# nothing\n\n", "no key"), (f"alice:{key}\nbob\n", "line 2", "identity:hexkey"),
                             (f"alice:{key}\nbob:{key[:30]}\n", "line 2", "shorter than 16 bytes"),
                             (f"alice:{key}x\n", "line 1"), (f"alice:{key[:-1]}g\n", "line 1", "not hexadecimal"),
                             (f"alice:{key}\r\n", "line 1"), (f"alice:{key}\nalice:{key}\n", "line 2", "already"),
                             (f":{key}\n", "line 1", "identity"), (f"{'a' * 65}:{key}\n", "line 1", "identity"),
                             (f"a b:{key}\n", "line 1", "identity"), (f"ö:{key}\n", "line 1", "identity"),
                             (f"alice:{key * 2}00\n", "line 1", "64 bytes"), (f"alice:{key * 9}\n", "line 1", "longer"),
                             ("a" * 100000 + "\n", "line 1", "longer"), (f"alice:{key}\0\n", "line 1", "zero byte"),
                             (f"\0:{key}\n", "line 1", "zero byte"), (f"alice:{key}\n" * 5000, "larger than")):
            with self.subTest(text[:40]):
                self.check_refused(FILES.write("bad", text), *words)
                self.assertNotIn(key, run("--port", "0", "--keys", FILES.path("bad")).stderr)

    def test_private_key(self):
        options = FILES.options("certificates")
        for name, *words in (("carol.key", "is not the key of the certificate"), ("keys", "no private key in PEM"),
                             ("none", "No such file")):
            changed = [FILES.path(name) if option.endswith("server.key") else option for option in options]
            result = run("--port", "0", *changed)
            self.assertEqual(result.returncode, 1)
            for word in (name, *words):
                self.assertIn(word, result.stderr)
        os.chmod(FILES.path("server.key"), 0o644)
        self.assertIn("mode is 0644", run("--port", "0", *options).stderr)
        os.chmod(FILES.path("server.key"), 0o600)

    def test_options(self):
        keys, certificates = FILES.options("keys"), FILES.options("certificates")
        self.check_refusal(run("--tls-only"), 2, "--keys")
        self.check_refusal(run(*keys, "--insecure"), 2, "--insecure")
        self.check_refusal(run(*certificates[:4]), 2, "--tls-client-ca")
        self.check_refusal(run(*certificates[2:]), 2, "--tls-cert")
        self.check_refusal(run(*keys, "--unix", FILES.path("socket")), 2, "--port")
        self.check_refusal(run(*keys, "--stdio"), 2, "--keys")


if __name__ == "__main__":
    if not os.access(SERVER, os.X_OK):
        sys.exit(f"{SERVER} is not built")
    if not os.access(TLS_PROGRAM, os.X_OK) or not shutil.which("openssl"):
        print("SKIP: this build has no TLS" if shutil.which("openssl") else "SKIP: openssl is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
