# SPDX-License-Identifier: MIT
"""What tests/run says while tests run: a line for each that has ended, how many are done, and how long the rest will
take, by what each of them took the last time. On a terminal a line at the bottom, which is written again and again, says
that and what is running; elsewhere there are only lines of tests that have ended."""

import json
import os
import shutil
import sys
import time


def minutes(seconds):
    """In words, no more exact than a forecast is."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"{round(seconds / 10) * 10} s"
    return f"{round(seconds / 60)} min"


class Durations:
    """How long the tests of a build folder took the last time they ran there."""

    def __init__(self, build):
        self.path = os.path.join(build, "test-durations.json")
        self.seconds = {}
        try:
            with open(self.path, encoding="utf-8") as file:
                self.seconds = {str(name): float(value) for name, value in json.load(file).items()}
        except (OSError, ValueError, AttributeError, TypeError):
            pass  # there was no run, or somebody has written something else there

    def forecast(self, names, lanes, running=()):
        """Seconds until so many lanes are through with these tests, or None if too little is known. `running` are pairs
        of a name, which is among them, and the seconds that it has been running."""
        known = [self.seconds[name] for name in names if name in self.seconds]
        if 2 * len(known) < len(names):
            return None
        usual = sum(known) / max(len(known), 1)
        spent = dict(running)
        left = [max(self.seconds.get(name, usual) - spent.get(name, 0), 0) for name in names]
        return max([sum(left) / lanes, *left])

    def save(self):
        try:
            with open(self.path + ".new", "w", encoding="utf-8") as file:
                json.dump(self.seconds, file, indent=0, sort_keys=True)
            os.replace(self.path + ".new", self.path)
        except OSError as error:
            print(f"tests/run: cannot keep how long tests take: {error}", file=sys.stderr)


class Progress:
    def __init__(self, names, lanes, durations, log, clock=time.monotonic, out=sys.stdout):
        self.left = list(names)  # of tests that have not ended
        self.lanes = lanes  # how many run at once
        self.total = len(self.left)
        self.done = 0
        self.durations = durations
        self.log = log  # a file that gets all lines, too
        self.clock = clock
        self.out = out
        self.running = {}  # when they began
        self.is_terminal = out.isatty()
        self.says_line = False

    def say(self, text):
        """Above the line at the bottom."""
        if self.says_line:
            self.out.write("\r\033[K")
            self.says_line = False
        for file in (self.out, self.log):
            file.write(text + "\n")
            file.flush()
        self.show()

    def forecast(self):
        now = self.clock()
        return self.durations.forecast(self.left, self.lanes, [(name, now - start) for name, start in self.running.items()])

    def begin(self):
        seconds = self.forecast()
        usual = f"about {minutes(seconds)}" if seconds is not None else "how long is not known before they have run here"
        self.say(f"{self.total} tests, {usual}")

    def again(self, names):
        """These, which have ended, are to be run once more, one after another."""
        self.left, self.lanes, self.total, self.done = names, 1, len(names), 0
        self.say(f"{self.total} once more, alone")

    def start(self, name):
        self.running[name] = self.clock()
        self.show()

    def end(self, name, text, ran):
        """A test has ended; `text` says how, and `ran` that it was not skipped."""
        seconds = self.clock() - self.running.pop(name)
        self.left.remove(name)
        self.done += 1
        if ran:
            self.durations.seconds[name] = round(seconds, 2)
        width = len(str(self.total))
        self.say(f"[{self.done:{width}}/{self.total}] {text}")

    def show(self):
        """The line at the bottom."""
        if not self.is_terminal or self.done == self.total:
            return
        now = self.clock()
        running = ", ".join(f"{name} {now - start:.0f} s" for name, start in self.running.items())
        seconds = self.forecast()
        left = f", about {minutes(seconds)} left" if seconds is not None else ""
        line = f"[{self.done}/{self.total}{left}] {running}"
        columns = shutil.get_terminal_size().columns
        self.out.write(f"\r\033[K{line[:columns - 1]}")
        self.out.flush()
        self.says_line = True

    def finish(self):
        if self.says_line:
            self.out.write("\r\033[K")
            self.out.flush()
            self.says_line = False
        self.is_terminal = False
        self.durations.save()
