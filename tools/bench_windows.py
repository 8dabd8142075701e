# SPDX-License-Identifier: MIT
"""./dev bench windows: what windows show, natively and over a link."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from bench_runs import RUN_SECONDS, cell, link_text, parse_link, program, run, save, server, table, through, waits

# What is measured; each row may be run natively and over a link. `window` is our own program, which reads back from the
# display what is to be seen of each frame, and so knows delays; of others the frames that they present are counted.
# Without --rate it presents as many as it can. Xvfb shows pictures at once, so the native driver never waits for a
# display there.
WINDOW_ROWS = [
    {"name": "window 320x240, 50/s", "window": ["--size", "320x240", "--rate", "50"]},
    {"name": "window 1280x720, 50/s", "window": ["--size", "1280x720", "--rate", "50"]},
    {"name": "window 1280x720, fifo", "window": ["--size", "1280x720"]},
    {"name": "window 1280x720, mailbox", "window": ["--size", "1280x720", "--mode", "mailbox"]},
    {"name": "vkcube 1280x720, fifo", "command": ["vkcube", "--width", "1280", "--height", "720"]},
    {"name": "vkcube 1280x720, mailbox",
     "command": ["vkcube", "--width", "1280", "--height", "720", "--present_mode", "1"]},
]


@contextlib.contextmanager
def display():
    """An X server that draws into memory; gives its name."""
    if not shutil.which("Xvfb"):
        sys.exit("bench: Xvfb is not installed")
    readable, writable = os.pipe()
    process = subprocess.Popen(["Xvfb", "-noreset", "-br", "-displayfd", str(writable), "-screen", "0", "1280x720x24",
                                "-nolisten", "tcp"], pass_fds=[writable], stderr=subprocess.DEVNULL)
    os.close(writable)
    try:
        with os.fdopen(readable) as number:
            name = number.readline().strip()
        if not name:
            sys.exit("bench: Xvfb does not start")
        yield f":{name}"
    finally:
        process.terminate()
        process.wait()


def layer_folder(folder):
    """Makes the layer that counts frames known to the Vulkan loader."""
    layer = {"name": "VK_LAYER_VENUS_freeze", "type": "GLOBAL", "api_version": "1.3.0", "implementation_version": "1",
             "library_path": program("tests", "apps", "libfreeze_layer.so"), "description": "for measurements",
             "functions": {"vkGetInstanceProcAddr": "freeze_get_instance_proc_addr",
                           "vkGetDeviceProcAddr": "freeze_get_device_proc_addr"}}
    with open(os.path.join(folder, "freeze.json"), "w", encoding="utf-8") as file:
        json.dump({"file_format_version": "1.1.0", "layer": layer}, file)
    return folder


def our_window(row, seconds, address, lossy, **values):
    """({figure: value} of the program's line, log)"""
    command = [program("tests", "e2e", "x11_window"), "--gpu", "--seconds", str(seconds), *row["window"]]
    out, log = run(command + (["--lossy"] if lossy else []), address, RUN_SECONDS + seconds, **values)
    figures = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)\b(?!x)", out)}
    return {"fps": figures["seen_fps"], "presented_fps": figures["fps"],
            "delay_ms": figures["median"], "first_ms": figures["first"], "last_ms": figures["last"]}, log


def other_window(row, seconds, address, **values):
    with tempfile.TemporaryDirectory(prefix="venus-bench-") as folder:
        count = os.path.join(folder, "count")
        log = run(row["command"], address, RUN_SECONDS + seconds, VK_LAYER_PATH=layer_folder(folder),
                  VK_INSTANCE_LAYERS="VK_LAYER_VENUS_freeze", VP_FREEZE_SECONDS=seconds, VP_FREEZE_FILE=count,
                  **values)[1]
        if not os.path.exists(count):
            sys.exit(f"bench: {' '.join(row['command'])} ended before its time; it said: {log.strip()[-500:]}")
        with open(count, encoding="utf-8") as file:
            frames, measured = file.read().split()
    return {"fps": int(frames) / float(measured), "presented_fps": int(frames) / float(measured)}, log


def window_run(row, seconds, address, present, screen):
    values = {"DISPLAY": screen}
    if address:
        values.update(VENUS_DEBUG="stats", VENUS_HUD=1, VENUS_PRESENT=present)
    if "window" in row:
        return our_window(row, seconds, address, bool(address) and present != "lossless", **values)
    return other_window(row, seconds, address, **values)


def picture_counters(log):
    """What the driver says at its end of frames: sums over its connections."""
    found = re.findall(r"presented: (\d+) frames, (\d+) shown, (\d+) bytes", log)
    if not found:
        sys.exit(f"bench: the driver printed no statistics of frames; it said: {log.strip()[-500:]}")
    presented, shown, size = (sum(int(numbers[i]) for numbers in found) for i in range(3))
    stages = {name: float(ms) for ms, name in re.findall(r"([\d.]+) ms (\w+)", log)}
    codecs = re.findall(r"not shown, (\w+),", log)
    return {"presented": presented, "shown": shown, "bytes": size, "stages_ms": stages,
            "codec": max(set(codecs), key=codecs.count) if codecs else "-", "round_trips": waits(log)}


def window_row(row, seconds, address, present, screen):
    """A short run first: what a program waits for at its start is no frame's."""
    before = picture_counters(window_run(row, 1, address, present, screen)[1])
    native = window_run(row, seconds, None, present, screen)[0]
    remote, log = window_run(row, seconds, address, present, screen)
    counted = picture_counters(log)
    frames = counted["presented"] - before["presented"]
    added = remote["delay_ms"] - native["delay_ms"] if "delay_ms" in remote else None
    return {"name": row["name"], "native": native, "remote": remote, "ratio": remote["fps"] / native["fps"],
            "added_delay_ms": added, "kib_per_frame": counted["bytes"] / max(counted["shown"], 1) / 1024,
            "codec": counted["codec"], "not_shown": counted["presented"] - counted["shown"],
            "stages_ms": counted["stages_ms"], "driver_ms": sum(counted["stages_ms"].values()),
            "round_trips_per_present": (counted["round_trips"] - before["round_trips"]) / max(frames, 1)}


def windows(link_name="loopback", seconds="10", word="", present="auto", commands=()):
    link = parse_link(link_name)
    if not seconds.isdigit() or present not in ("lossless", "auto", "fast"):
        sys.exit(f"bench: {seconds} seconds with VENUS_PRESENT={present} cannot be")
    rows = [row for row in WINDOW_ROWS if word in row["name"]]
    rows += [{"name": command, "command": shlex.split(command)} for command in commands]
    results = []
    with server() as address, through(link, address) as far, display() as screen:
        for row in rows:
            if "command" in row and not shutil.which(row["command"][0]):
                print(f"{row['name']}: not installed", file=sys.stderr)
                continue
            print(f"{row['name']} ...", file=sys.stderr)
            results.append(window_row(row, int(seconds), far, present, screen))
    print(f"Link: {link_text(link_name)}; VENUS_PRESENT={present}.\n"
          "Frames in a second that were seen on the display (of vkcube and others: that were presented). Delay: from\n"
          "the call that presents to the display, median, natively and remotely; then the remote one in the first and\n"
          "the last quarter of the run, and, of the driver's own counting, that of all stages together.\n")
    table(["", "native fps", "remote fps", "ratio", "delay ms", "remote", "added", "first", "last", "stages", "KiB/frame",
           "codec", "not shown", "round trips/present"],
          [[r["name"], f"{r['native']['fps']:.1f}", f"{r['remote']['fps']:.1f}", f"{r['ratio']:.2f}",
            cell(r["native"].get("delay_ms"), ".1f"), cell(r["remote"].get("delay_ms"), ".1f"),
            cell(r["added_delay_ms"], ".1f"), cell(r["remote"].get("first_ms"), ".1f"),
            cell(r["remote"].get("last_ms"), ".1f"), f"{r['driver_ms']:.1f}", f"{r['kib_per_frame']:.1f}", r["codec"],
            r["not_shown"], f"{r['round_trips_per_present']:.3f}"] for r in results])
    save(f"windows-{link_name}", {"link": link_name, "rtt_ms_rate_mbit": link, "present": present, "rows": results})
