# SPDX-License-Identifier: MIT
"""./dev bench safety: what the sandbox and TLS cost, beside a server without either."""

import contextlib
import functools
import json
import os
import platform
import shutil
import socket
import statistics
import sys
import tempfile
import time

from bench_runs import SOURCE, link_text, native_icd, parse_link, program, run, save, server_command, started, table, \
    through
from bench_windows import display, our_window

sys.path.insert(0, os.path.join(SOURCE, "tests", "abuse"))
import wire  # noqa: E402
from secure import TLS_PROGRAM, Credentials, venus_tls  # noqa: E402

# What is kept of a session that can be resumed costs something, too. Clients of the same machine do without, if nobody
# says otherwise, but those that are measured stand for others.
RESUME = ["--resume", "30"]
# Until what a server does of its own accord, such as loading the driver for the next client, is over.
QUIET_SECONDS = 0.3
MOST_QUIET_SECONDS = 15
WINDOW_SECONDS = 4
ANSWERS = 3
# Each wait is one for the server, also where the driver can know better.
DRIVER = {"VENUS_EARLY_WAITS": "0"}


class Way:
    """A server, and how clients come to it."""

    def __init__(self, name, options, prefix="", arguments=(), **environment):
        self.name, self.options, self.prefix, self.arguments = name, options, prefix, arguments
        self.environment = dict(DRIVER, **environment)
        self.address = self.pid = None

    @property
    def server(self):
        """What VENUS_SERVER is to be."""
        return self.prefix + self.address

    def run(self, *what):
        return run([program("tools", "venus-bench"), *what], self.server, **self.environment)[0]


def all_ways(files):
    """The first is the one with which the others are compared."""
    certificate, key, ca = (files.path(name) for name in ("carol.pem", "carol.key", "ca.pem"))
    keys = files.path("keys")
    return [
        Way("plain, --sandbox off", ["--sandbox", "off"]),
        Way("sandbox", []),
        Way("TLS, shared key", [*files.options("keys"), "--tls-only"], "tls://alice@",
            (f"--keys={keys}", "--identity=alice"), VENUS_KEY_FILE=keys),
        Way("TLS, certificates", [*files.options("certificates"), "--tls-only"], "tls://",
            (f"--ca={ca}", f"--cert={certificate}", f"--key={key}"), VENUS_TLS_CA=ca, VENUS_TLS_CERT=certificate,
            VENUS_TLS_KEY=key),
    ]


@contextlib.contextmanager
def credentials():
    if not os.access(TLS_PROGRAM, os.X_OK) or not shutil.which("openssl"):
        sys.exit("bench: safety needs a build with TLS, and the program openssl")
    files = Credentials()
    try:
        files.write("keys", f"alice:{os.urandom(32).hex()}\n")
        files.authority("ca")
        files.certificate("server", "ca", "/CN=server", "subjectAltName=IP:127.0.0.1")
        files.certificate("carol", "ca", "/CN=carol", "extendedKeyUsage=clientAuth")
        yield files
    finally:
        files.finish()


# --- a server at rest ---

def cpu_ticks(pid):
    """Of a server's processes that are there."""
    ticks = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            ticks = sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:13])
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            ticks += sum(cpu_ticks(child) for child in file.read().split())
    return ticks


def rest(way):
    deadline = time.monotonic() + MOST_QUIET_SECONDS
    before = None
    while before != (before := cpu_ticks(way.pid)) and time.monotonic() < deadline:
        time.sleep(QUIET_SECONDS)


# --- the rows: milliseconds of one run ---

def first_answer(way):
    """From nothing to the server's greeting, with all that the driver starts for that, as it does."""
    host, port = way.address.rsplit(":", 1)
    begin = time.monotonic()
    if way.arguments:
        process, connection = venus_tls(port, *way.arguments)
    else:
        process, connection = contextlib.nullcontext(), socket.create_connection((host, int(port)), 20)
    with process, connection:
        connection.sendall(wire.hello())
        received = wire.receive_frame(connection)
        milliseconds = (time.monotonic() - begin) * 1e3
        if not received or received[0] != wire.HELLO:
            sys.exit(f"bench: the server does not greet a client ({way.name})")
        connection.close()
    return milliseconds


def answer(way):
    times = []
    for _ in range(ANSWERS):
        rest(way)
        times.append(first_answer(way))
    return statistics.median(times)


def result(way):
    rest(way)
    said = dict(line.split(" ", 1) for line in way.run("gpu", "start").splitlines())
    return float(said["result_ns"]) / 1e6


def submit(way):
    return json.loads(way.run("latency"))["results"][0]["ns"] / 1e6


def transfer(direction, way):
    runs = json.loads(way.run("memory", f"{direction}, 64 MiB", "3"))["results"]
    return statistics.median(each["ns"] for each in runs) / 1e6


def window(screen, options, figure, way):
    row = {"window": ["--size", "1280x720", *options]}
    return figure(our_window(row, WINDOW_SECONDS, way.server, False, DISPLAY=screen, VENUS_PRESENT="lossless",
                             **way.environment)[0])


def all_rows(screen):
    frames = functools.partial(window, screen)
    return {
        "connection to the first answer": answer,
        "program's start to its first result": result,
        "empty submission, waited for": submit,
        "64 MiB up": functools.partial(transfer, "upload"),
        "64 MiB down": functools.partial(transfer, "download"),
        "1280x720, 50 frames/s: delay of one":
            functools.partial(frames, ["--mode", "mailbox", "--rate", "50"], lambda seen: seen["delay_ms"]),
        "1280x720, as many frames as can be: each that is seen":
            functools.partial(frames, ["--mode", "mailbox"], lambda seen: 1e3 / seen["fps"]),
    }


# --- all of them ---

def measure_link(link_name, ways, rows, rounds, options):
    """{row: [[ms of each way] of each round]}"""
    link, values = parse_link(link_name), {name: [] for name in rows}
    with contextlib.ExitStack() as stack:
        for way in ways:
            address, way.pid = stack.enter_context(
                started(server_command(*options, *way.options), VK_DRIVER_FILES=native_icd()))
            way.address = stack.enter_context(through(link, address))
        for name, row in rows.items():
            print(f"{link_name}: {name} ...", file=sys.stderr)
            for way in ways:  # as nobody's first time
                row(way)
            for i in range(rounds):
                order = ways[i % len(ways):] + ways[:i % len(ways)]
                seen = {way: row(way) for way in order}
                values[name].append([seen[way] for way in ways])
    return values


def median_ratio(rounds, i):
    """Of each round's own: what else the machine does changes in the meantime."""
    return statistics.median(each[i] / each[0] for each in rounds)


def show(link_name, ways, values):
    print(f"\nLink: {link_text(link_name)}.\n")
    cells = [[name] + [f"{statistics.median(each[i] for each in rounds):.3f}" +
                       (f"  {median_ratio(rounds, i):.2f}" if i else "") for i in range(len(ways))]
             for name, rounds in values.items()]
    table(["ms, ratio"] + [way.name for way in ways], cells)


def safety(link_name="", rounds="5", word=""):
    if not rounds.isdigit() or int(rounds) < 1:
        sys.exit(f"bench: {rounds} rounds cannot be")
    links, measured, load = [link_name] if link_name else ["loopback", "lan"], {}, [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory(prefix="venus-bench-") as cache, credentials() as files, display() as screen:
        ways = all_ways(files)
        rows = {name: row for name, row in all_rows(screen).items() if word in name}
        for each in links:
            measured[each] = measure_link(each, ways, rows, int(rounds), [*RESUME, "--cache", cache])
            load.append(os.getloadavg()[0])
    print(f"Milliseconds, medians of {rounds} rounds in which the servers take turns, and medians of the rounds' own\n"
          f"ratios to the first. {os.cpu_count()} processor cores ({platform.machine()}, Linux {platform.release()}); load at "
          f"the\nstart and after each table: {', '.join(f'{each:.1f}' for each in load)}.")
    for each, values in measured.items():
        show(each, ways, values)
    print()
    save("safety", {"ways": [way.name for way in ways], "load": load, "links": measured})
