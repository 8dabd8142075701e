# SPDX-License-Identifier: MIT
"""What the benchmarks of tools/bench share: servers and links that are there for a while, programs that run on our
driver or on the native one, and how results are shown."""

import contextlib
import functools
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.realpath(os.path.join(SOURCE, os.environ.get("VP_BUILD", "build")))
OUR_ICD = os.path.join(BUILD, "client", f"venus_icd.{platform.machine()}.json")
START_SECONDS = 20
RUN_SECONDS = 300


@functools.cache
def native_icd():
    search = subprocess.run([os.path.join(SOURCE, "tools", "native_driver")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, check=False)
    if search.returncode != 0:
        sys.exit(f"bench: {search.stderr.strip()}")
    return search.stdout.strip()


def program(*path):
    name = os.path.join(BUILD, *path)
    if not os.path.exists(name):
        sys.exit(f"bench: there is no {name}; build it with ./dev build (a build with a sanitizer has none)")
    return name


def environment(**values):
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith("VENUS_") and k not in ("VK_ICD_FILENAMES", "DISPLAY", "WAYLAND_DISPLAY")}
    values = {k: str(v) for k, v in values.items()}
    return dict(clean, **values)


@contextlib.contextmanager
def started(command, **values):
    """Runs a program that says where it listens; gives the address and its process's id."""
    with tempfile.NamedTemporaryFile("r", prefix="venus-bench-") as log:
        with open(log.name, "w", encoding="utf-8") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment(**values))
        try:
            deadline = time.monotonic() + START_SECONDS
            found = None
            while not found and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
                log.seek(0)
                found = re.search(r"listening on (\S+:\d+)", log.read())
            if not found:
                log.seek(0)
                sys.exit(f"bench: {os.path.basename(command[0])} does not listen; it said: {log.read().strip()}")
            yield found.group(1), process.pid
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def listener(command, **values):
    """The same; gives the address."""
    with started(command, **values) as (address, _):
        yield address


def server_command(*options):
    return [program("server", "venus-server"), "--port", "0", *options]


def server():
    return listener(server_command(), VK_DRIVER_FILES=native_icd())


def tcp_end():
    return listener([program("tools", "venus-bench"), "tcp", "listen"])


def slow_link(address, rtt, rate=None):
    limit = ["--rate", str(rate)] if rate else []
    return listener([program("tools", "venus-proxy"), "--listen", "0", "--connect", address, "--rtt", str(rtt), *limit])


def run(command, address=None, limit=RUN_SECONDS, **values):
    """Output of a program on our driver, or without an address on the native one: (stdout, stderr). Values are
    environment variables."""
    icd = {"VK_DRIVER_FILES": OUR_ICD, "VENUS_SERVER": address} if address else {"VK_DRIVER_FILES": native_icd()}
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=limit,
                            env=environment(**icd, **values), check=False)
    if result.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} failed on {'our' if address else 'the native'} driver: "
                 f"{(result.stderr or result.stdout).strip()[-1000:]}")
    return result.stdout, result.stderr


def measure(*what, address=None):
    return json.loads(run([program("tools", "venus-bench"), *what], address)[0])


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        print("  ".join(str(cell).ljust(w) if i == 0 else str(cell).rjust(w)
                        for i, (cell, w) in enumerate(zip(row, widths))))


def save(what, data):
    path = os.path.join(BUILD, f"bench-{what}.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=3)
        file.write("\n")
    print(f"written to {path}")


def cell(value, form):
    return "-" if value is None else format(value, form)


def waits(log):
    """How often the driver says at its end that it has waited for the server."""
    found = re.findall(r"blocking round trips: (\d+)", log)
    if not found:
        sys.exit(f"bench: the driver printed no statistics; it said: {log.strip()[-500:]}")
    return sum(int(n) for n in found)


LINKS = {"loopback": None, "lan": (0.2, 1000), "wan": (10, 100)}
MIB = 1 << 20


def parse_link(text):
    """(RTT in ms, rate in Mbit/s), or None for loopback."""
    if text in LINKS:
        return LINKS[text]
    number = r"(\d+(?:\.\d+)?)"
    match = re.fullmatch(f"{number},{number}", text)
    if not match or float(match[2]) == 0:
        sys.exit(f"bench: \"{text}\" is no link: loopback, lan, wan or RTT,RATE")
    return float(match[1]), float(match[2])


def link_text(name):
    link = parse_link(name)
    return f"{name} (round trip {link[0]} ms, {link[1]} Mbit/s)" if link else name


def through(link, address):
    return slow_link(address, *link) if link else contextlib.nullcontext(address)
