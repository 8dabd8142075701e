# SPDX-License-Identifier: MIT
"""The frames of docs/PROTOCOL.md, for tests that speak the protocol wrongly on purpose."""

import os
import socket
import struct
import sys
import threading
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(SOURCE, "tests"))
from slow import Limit, slowness

HELLO, COMMANDS, REPLY, MEMORY, PROGRESS, OBJECT_ERROR, ERROR, ALIVE, EVENT, QUERIES, STALE, \
    PACKED, BATCH_ERROR, RESERVE, ADDRESS, PRESENT, EXECUTABLES, EXECUTED, PACKED_COMMANDS, MEMORY_PART, \
    RECORDED, AUTH, RESUME, BYE, LOAD, PROBE = range(1, 27)
SKIPPABLE = 1 << 31

MAGIC = b"VENUSPLS"
PROTOCOL_VERSION = 2
WIRE_FORMAT_VERSION = 1
REGISTRY_VERSION = 1 << 22 | 3 << 12 | 239
HEADER = struct.Struct("<IIQ")


def frame(kind, payload=b"", tag=0, length=None):
    return HEADER.pack(kind, len(payload) if length is None else length, tag) + payload


def field(name, value=b"", required=False):
    return struct.pack("<BBH", required, len(name), len(value)) + name + value


def hello(protocol=PROTOCOL_VERSION, wire_format=WIRE_FORMAT_VERSION, fields=None, **changes):
    """A greeting with the usual fields, of which some are changed, added or (None) left out; or with other `fields`.
    Every extension is known: bit 0 says that the mask is valid."""
    values = dict(extensions=b"\xff" * 128, name=b"test", registry=struct.pack("<I", REGISTRY_VERSION))
    values.update(changes)
    if fields is None:
        fields = b"".join(field(name.replace("_", "-").encode(), value)
                          for name, value in sorted(values.items()) if value is not None)
    return frame(HELLO, MAGIC + struct.pack("<II", protocol, wire_format) + fields)


def read_hello(payload):
    """{name: value} of a greeting that is as it should be."""
    assert payload.startswith(MAGIC + struct.pack("<II", PROTOCOL_VERSION, WIRE_FORMAT_VERSION)), payload
    said, at, last = {}, 16, b""
    while at < len(payload):
        _, name_size, size = struct.unpack_from("<BBH", payload, at)
        name = payload[at + 4:at + 4 + name_size]
        at += 4 + name_size + size
        assert at <= len(payload) and name > last, payload
        said[name.decode()], last = payload[at - size:at], name
    return said


def error_text(payload):
    return payload[12:].decode()


def receive_exactly(connection, size):
    """Fewer bytes at the end of the stream."""
    data = bytearray()
    while len(data) < size:
        try:
            piece = connection.recv(size - len(data))
        except ConnectionError:
            break
        if not piece:
            break
        data += piece
    return bytes(data)


def receive_frame(connection):
    """(type, tag, payload), or None at the end of the stream."""
    header = receive_exactly(connection, HEADER.size)
    if len(header) < HEADER.size:
        return None
    kind, length, tag = HEADER.unpack(header)
    payload = receive_exactly(connection, length)
    return (kind, tag, payload) if len(payload) == length else None


def wait_for(condition, seconds=10):
    limit = Limit(seconds)
    while not limit.is_over():
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def stays(condition, seconds):
    """Whether it is true for so long, which is the same on each machine."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            return False
        time.sleep(0.02)
    return True


class Acceptor:
    """Listens on a free port and hands each connection to `serve`, in a thread of its own."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:
                pass


class Middle(Acceptor):
    """Between a client and a server: every frame goes through, but for what `change` makes of one from the server. The
    two injections add something between frames."""

    def __init__(self, server, change=None):
        self.server = server
        self.change = change
        self.client = self.upstream = None
        self.tags = {}  # the last tag from either side by type of frame
        self.to_client, self.to_server = threading.Lock(), threading.Lock()
        super().__init__(self.forward)

    def forward(self, client):
        with self.server.connect() as upstream:
            upstream.settimeout(None)
            self.client, self.upstream = client, upstream
            back = threading.Thread(target=self.pump, args=(upstream, client, self.to_client, self.change), daemon=True)
            back.start()
            self.pump(client, upstream, self.to_server, None)
            back.join()

    def pump(self, source, target, lock, change):
        try:
            while received := receive_frame(source):
                kind, tag, payload = received
                self.tags[kind] = tag
                if change:
                    payload = change(kind, payload)
                with lock:
                    target.sendall(frame(kind, payload, tag))
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self.cut()

    def inject_to_client(self, data):
        with self.to_client:
            self.client.sendall(data)

    def inject_to_server(self, data):
        with self.to_server:
            self.upstream.sendall(data)

    def cut(self):
        for side in (self.client, self.upstream):
            try:
                if side:
                    side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
