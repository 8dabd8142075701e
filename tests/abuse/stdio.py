#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: timeout=180 waits
"""A server whose one client is on standard input and output: pipes that break, stop, and end in every way."""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402
from processes import Process, is_gone, read_proc  # noqa: E402
from servers import SERVER, RefusalCase, environment, run  # noqa: E402
from wire import wait_for  # noqa: E402


class Pipe:
    """The client's end of two pipes, with what wire wants of a connection."""

    def __init__(self, process):
        self.process = process

    def sendall(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def recv(self, size):
        return self.process.stdout.read(size)


class Server(Process):
    def __init__(self, *options, **changes):
        super().__init__([SERVER, "--stdio", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(**changes))
        self.pipe = Pipe(self.process)

    def worker(self):
        return next(iter(self.workers()), None)

    def greet(self):
        self.pipe.sendall(wire.hello())
        kind, _, payload = wire.receive_frame(self.pipe)
        assert kind == wire.HELLO and payload, self.log()
        assert wait_for(self.worker), self.log()
        return self.worker()

    def processor_ticks(self):
        fields = read_proc(self.pid, "stat").rsplit(b")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


class Standard(RefusalCase):
    def test_a_client_that_leaves(self):
        with Server() as server:
            worker = server.greet()
            self.assertIn("client on standard input: connected (worker ", server.log())
            self.assertTrue(wait_for(lambda: f" of uid:{os.getuid()}" in server.log()), server.log())
            server.process.stdin.close()
            self.assertEqual(server.process.wait(10), 0, server.log())
            self.assertTrue(is_gone(worker))
            self.assertIn("client on standard input: disconnected after", server.log())

    def test_nobody_reads(self):
        with Server() as server:
            worker = server.greet()
            server.process.stdout.close()
            self.assertEqual(server.process.wait(10), 0, server.log())
            self.assertTrue(is_gone(worker))

    def test_says_nothing_at_all(self):
        with Server() as server:
            server.process.stdin.close()
            self.assertEqual(server.process.wait(20), 1, server.log())
            self.assertEqual(server.process.stdout.read(), b"")
            self.assertIn("no greeting", server.log())

    def test_talks_nonsense(self):
        with Server() as server:
            server.pipe.sendall(b"GET / HTTP/1.1\r\n\r\n" * 2)
            kind, _, payload = wire.receive_frame(server.pipe)
            self.assertEqual(kind, wire.ERROR)
            self.assertIn("protocol of Venus Plus", wire.error_text(payload))
            server.process.stdin.close()
            self.assertEqual(server.process.wait(10), 1, server.log())
            self.assertEqual(server.process.stdout.read(), b"")

    def test_much_at_once(self):
        """More than all buffers on the way hold, while nobody reads the answer; then the client goes."""
        with Server() as server:
            worker = server.greet()
            piece = wire.frame(wire.SKIPPABLE | 99, bytes(1 << 20))
            for _ in range(40):
                server.pipe.sendall(piece)
            self.assertEqual(server.worker(), worker)
            os.kill(worker, signal.SIGSTOP)
            os.set_blocking(server.process.stdin.fileno(), False)
            written = 0
            with contextlib.suppress(BlockingIOError):
                while written < 64 << 20:
                    written += os.write(server.process.stdin.fileno(), piece)
            self.assertLess(written, 4 << 20)
            before = server.processor_ticks()
            self.assertFalse(wait_for(lambda: server.process.poll() is not None, 1))
            self.assertLess(server.processor_ticks() - before, 20)
            os.kill(worker, signal.SIGCONT)
            server.process.stdin.close()
            # In the middle of a frame.
            self.assertEqual(server.process.wait(20), 0, server.log())

    def test_waits_quietly(self):
        with Server() as server:
            server.greet()
            before = server.processor_ticks()
            self.assertFalse(wait_for(lambda: server.process.poll() is not None, 2))
            self.assertLess(server.processor_ticks() - before, 10)

    def test_surroundings(self):
        """The pipes are the server's alone, and as they were."""
        with Server() as server:
            worker = server.greet()
            for end in (server.process.stdin, server.process.stdout):
                pipe = os.readlink(f"/proc/self/fd/{end.fileno()}")
                for pid, count in ((server.pid, 1), (worker, 0)):
                    files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
                    self.assertEqual(files.count(pipe), count)
                self.assertFalse(fcntl.fcntl(end, fcntl.F_GETFL) & os.O_NONBLOCK)
            self.assertEqual(os.readlink(f"/proc/{worker}/fd/0"), "/dev/null")

    def test_is_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Server() as server:
                worker = server.greet()
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(10), 0, server.log())
                self.assertTrue(is_gone(worker))
                self.assertIn("client on standard input: ended with the server", server.log())

    def test_a_worker_that_does_not_end(self):
        with Server() as server:
            worker = server.greet()
            os.kill(worker, signal.SIGSTOP)
            server.process.terminate()
            self.assertEqual(server.process.wait(10), 0, server.log())
            self.assertTrue(is_gone(worker))

    def test_is_killed(self):
        with Server() as server:
            worker = server.greet()
            server.process.kill()
            server.process.wait()
            self.assertTrue(wait_for(lambda: is_gone(worker), 10))

    def test_its_worker_is_killed(self):
        with Server() as server:
            worker = server.greet()
            os.kill(worker, signal.SIGKILL)
            self.assertEqual(server.process.wait(10), 1, server.log())
            self.assertEqual(wire.receive_frame(server.pipe), None)
            self.assertIn(f"its worker {worker} was ended by signal 9", server.log())

    def test_refusals(self):
        self.check_refusal(run("--stdio", "--port", "1"), 2, "--stdio", "leave out --port")
        self.check_refusal(run("--host", "::1", "--stdio"), 2, "--stdio", "leave out")
        self.check_refusal(run("--stdio", "--unix", "/x"), 2, "--stdio", "--unix")
        self.check_refusal(run("--stdio", VK_DRIVER_FILES="/nonexistent.json"), 1, "no Vulkan driver")
        self.check_refusal(run("--stdio", "--gpu", "99"), 1, '"99"')
        main, terminal = pty.openpty()
        with open(terminal, "rb") as file:
            result = subprocess.run([SERVER, "--stdio"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env=environment(), timeout=20 * wire.slowness(), check=False, text=True)
        os.close(main)
        self.check_refusal(result, 1, "not to a terminal", "exec:")


if __name__ == "__main__":
    unittest.main(verbosity=2)
