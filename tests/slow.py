#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How many times longer than usual things take now: a whole number, 1 or more, that limits of time in tests are
multiplied with when they have passed, not when they begin, since a machine may become busy meanwhile.

usage: tests/slow.py                       print it
       tests/slow.py SECONDS COMMAND...    run the command, which is ended after so many seconds, or as many times that as
                                           it then is; a signal to end goes to it. Who does not end then is
                                           killed. The exit status is as timeout's: 124, or the command's

It is VP_SLOW (default 1), of a machine that is slow by itself or because of sanitizers, times what others do to it: how
many processes want each processor.
"""

import os
import signal
import subprocess
import sys
import time

LOAD = "/proc/loadavg"
MOST_BUSY = 10
TIMED_OUT = 124
GRACE = 2  # seconds that the command may take to end


def busy():
    """What others do to this machine. The load is an average of a minute, and remembers who has just ended; those who
    want a processor now include who has just begun."""
    with open(LOAD, encoding="ascii") as file:
        fields = file.read().split()
    want = max(float(fields[0]), int(fields[3].split("/")[0]))
    # What the tests themselves do to a machine is what limits are made for.
    return min(max(round(want / len(os.sched_getaffinity(0)) - 1), 1), MOST_BUSY)


def slowness():
    said = os.environ.get("VP_SLOW") or "1"
    if not said.isdigit() or int(said) < 1:
        sys.exit(f"VP_SLOW is \"{said}\"; it must be a whole number, 1 or more")
    return int(said) * busy()


class Limit:
    """A limit of time for a machine that does nothing else."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.start = time.monotonic()
        self.end = self.start + seconds

    def is_over(self):
        if time.monotonic() < self.end:
            return False
        self.end = self.start + self.seconds * slowness()
        return time.monotonic() >= self.end


def run(seconds, command):
    child, limit, asked = None, Limit(seconds), False

    def end(number, _=None):
        nonlocal limit, asked
        if child:
            child.send_signal(signal.SIGKILL if asked else number)
        limit, asked = Limit(GRACE), True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    child = subprocess.Popen(command, close_fds=False)
    if asked:
        child.terminate()
    timed_out = False
    while True:
        try:
            # Not longer at once, since a signal changes the limit.
            status = child.wait(min(max(limit.end - time.monotonic(), 0), 1))
            break
        except subprocess.TimeoutExpired:
            if limit.is_over():
                timed_out = timed_out or not asked
                end(signal.SIGTERM)
    if timed_out:
        return TIMED_OUT
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(__doc__)
    if len(sys.argv) == 1:
        print(slowness())
    else:
        sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
