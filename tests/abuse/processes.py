# SPDX-License-Identifier: MIT
"""Processes that tests start, and what /proc says of them."""

import contextlib
import os
import signal
import subprocess
import tempfile

import wire


def read_proc(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def name_of(pid):
    """What the kernel calls a process; it may have ended meanwhile."""
    try:
        return read_proc(pid, "comm").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def state_of(pid):
    """A letter, as proc(5) has it."""
    return read_proc(pid, "stat").rsplit(b")", 1)[1].split()[0]


def is_gone(pid):
    try:
        return state_of(pid) in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return True


def is_gone_entirely(pid):
    """The last thread too: until then, what it had open is."""
    return is_gone(pid) and (not os.path.exists(f"/proc/{pid}") or len(os.listdir(f"/proc/{pid}/task")) == 1)


def is_asleep(pid):
    return state_of(pid) == b"S"


def freeze(pid):
    """Stops a process and waits until it is, since signals that come in meanwhile may overtake."""
    os.kill(pid, signal.SIGSTOP)
    if not wire.wait_for(lambda: state_of(pid) == b"T"):
        raise AssertionError(f"process {pid} does not stop")


def processor_time(pid):
    return sum(int(field) for field in read_proc(pid, "stat").rsplit(b")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def open_files(pid):
    """What the files of a process are, but for standard input, output and error."""
    files = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            files.append((int(fd), os.readlink(f"/proc/{pid}/fd/{fd}")))
    return sorted(name for fd, name in files if fd > 2)


class Process:
    """A program. What it writes goes to files, unless a test reads it from a pipe."""

    def __init__(self, command, stdin=subprocess.DEVNULL, stdout=None, **options):
        self.out_file, self.log_file = tempfile.TemporaryFile("w+b"), tempfile.TemporaryFile("w+b")
        self.process = subprocess.Popen(command, stdin=stdin, stdout=stdout or self.out_file, stderr=self.log_file, **options)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe:
                    pipe.close()
        self.out_file.close()
        self.log_file.close()

    def output(self):
        return os.pread(self.out_file.fileno(), 1 << 20, 0).decode(errors="replace")

    def log(self):
        """What it has written to its standard error."""
        return os.pread(self.log_file.fileno(), 1 << 20, 0).decode(errors="replace")

    def wait(self, seconds):
        """The exit status, or None when it is still there."""
        try:
            return self.process.wait(seconds * wire.slowness())
        except subprocess.TimeoutExpired:
            return None

    def children(self, name):
        children = [int(pid) for pid in read_proc(self.pid, f"task/{self.pid}/children").split()]
        return [pid for pid in children if name_of(pid) == name and not is_gone(pid)]

    def workers(self):
        """Of a server: those that have a client."""
        return self.children("venus-worker")
