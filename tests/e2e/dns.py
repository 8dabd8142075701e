# SPDX-License-Identifier: MIT
"""A name server for tests/e2e/service.sh, on 127.0.0.1:53: `dns.py ZONE`.

ZONE is a file, read for each question. Its lines:

    NAME srv PRIORITY WEIGHT PORT TARGET
    NAME a ADDRESS
    NAME alias NAME
    NAME code NUMBER          an error
    NAME mute                 no answer
    NAME raw HEXADECIMAL      of the answer, all behind the question
Answers of more than 512 bytes are only to be had through TCP.
"""

import socket
import struct
import sys
import threading

A, CNAME, AAAA, SRV = 1, 5, 28, 33
QUESTION_NAME = b"\xc0\x0c"


def pack_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_question(message):
    """(name, type, where it ends)"""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels).lower(), struct.unpack_from(">H", message, at + 1)[0], at + 5


def record(owner, kind, data):
    return owner + struct.pack(">HHIH", kind, 1, 1, len(data)) + data


def answer(message):
    """None: there is none."""
    name, kind, end = read_question(message)
    records, code, raw, known = [], 0, None, False
    owner = QUESTION_NAME
    with open(sys.argv[1], encoding="utf-8") as zone:
        lines = [line.split() for line in zone if line.strip()]
    for words in lines:
        if words[0].lower() != name:
            continue
        known = True
        if words[1] == "mute":
            return None
        if words[1] == "code":
            code = int(words[2])
        elif words[1] == "raw":
            raw = bytes.fromhex(words[2])
        elif words[1] == "alias":
            records.append(record(owner, CNAME, pack_name(words[2])))
            owner, name = pack_name(words[2]), words[2].lower()
        elif words[1] == "srv" and kind == SRV:
            records.append(record(owner, SRV, struct.pack(">HHH", *map(int, words[2:5])) + pack_name(words[5])))
        elif words[1] == "a" and kind == A:
            records.append(record(owner, A, socket.inet_aton(words[2])))
    if not known:
        code = 3
    count = 1 if raw is not None else len(records)
    header = message[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, count, 0, 0)
    return header + message[12:end] + (raw if raw is not None else b"".join(records))


def serve_udp(listener):
    while True:
        message, peer = listener.recvfrom(4096)
        said = answer(message)
        if said is not None and len(said) > 512:
            said = said[:2] + struct.pack(">H", 0x8380) + said[4:6] + bytes(6) + said[12:read_question(message)[2]]
        if said is not None:
            listener.sendto(said, peer)


def serve_tcp(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            while size := connection.recv(2, socket.MSG_WAITALL):
                message = connection.recv(struct.unpack(">H", size)[0], socket.MSG_WAITALL)
                said = answer(message)
                if said is None:
                    break
                connection.sendall(struct.pack(">H", len(said)) + said)


def main():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 53))
    threading.Thread(target=serve_tcp, args=(socket.create_server(("127.0.0.1", 53)),), daemon=True).start()
    print("ready", flush=True)
    serve_udp(udp)


if __name__ == "__main__":
    main()
