#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes anew what fuzz targets start from beside what they make up themselves: tests/fuzz/corpus.

usage: tests/fuzz/record.py [BUILD [PROGRAMS]]

BUILD (build-asan) has the fuzz targets, and what ./dev fuzz has found with them: run that for long before. PROGRAMS
(the same) is the build whose test application and server are recorded, on the driver that VP_NATIVE_ICD names: what the
client sends in each session of the test application and of vulkaninfo. Of all that, and of what was there, those inputs
are kept that reach something which the others do not."""

import glob
import os
import shutil
import struct
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json"
PHASES = (1, 2, 3, 4, 5, 6, 8, 10, 11)  # others say nothing new, or much

# Of a recording: it goes on without the changes of memory that are longer, and ends after so much.
MEMORY, LONG_CHANGE, LONGEST = 4, 1024, 60000

# How many bytes of each target are kept, of recordings first and then the shortest.
KEPT = {"session": 450000, "executor": 300000, "reply": 30000, "parsers": 15000, "news": 30000}


def cut(data):
    """The frames of a recording that are worth it."""
    kept, at = b"", 0
    while at + 16 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        frame = data[at:at + 16 + length]
        at += len(frame)
        if len(kept) + len(frame) > LONGEST:
            break
        if kind != MEMORY or length <= LONG_CHANGE:
            kept += frame
    return kept


def record(programs, folder):
    """Writes the recordings of programs into a folder."""
    driver = os.environ.get("VP_NATIVE_ICD", LAVAPIPE)
    server = f"env -u VENUS_SERVER VK_DRIVER_FILES={driver} {programs}/server/venus-server"
    machine = os.uname().machine
    environment = {**os.environ, "VK_DRIVER_FILES": f"{programs}/client/venus_icd.{machine}.json",
                   "VENUS_SERVER": f"exec:tee {folder}/$$ | {server} --log error --stdio"}
    app = [f"{programs}/test-app/venus-test-app", "--out", folder]
    for command in [app + ["--phase", str(phase)] for phase in PHASES] + [["vulkaninfo"]]:
        result = subprocess.run(command, env=environment, capture_output=True, check=False)
        if result.returncode:
            sys.exit(f"record.py: {' '.join(command)}: {(result.stdout + result.stderr).decode(errors='replace')}")
    for path in glob.glob(f"{folder}/*"):
        if path.endswith(".png"):
            os.remove(path)
            continue
        with open(path, "rb") as file:
            data = cut(file.read())
        with open(path, "wb") as file:
            file.write(data)


def keep(build, name, recorded):
    """Replaces the inputs of a target. Returns how many there are and their bytes."""
    target, kept = f"{build}/tests/fuzz/{name}", f"{SOURCE}/tests/fuzz/corpus/{name}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "VP_FUZZ_SEEDS": folder, "VP_SOURCE": SOURCE}
        subprocess.run([target], env=environment, stdout=subprocess.DEVNULL, check=True)
        old = [kept, f"{build}/fuzz/{name}/corpus"]
        new, known = [], set(os.listdir(folder))
        for source in [recorded] + old if recorded else old:
            if os.path.isdir(source):
                merge = [target, "-merge=1", f"-max_len={LONGEST}", folder, source]
                subprocess.run(merge, stderr=subprocess.DEVNULL, check=True)
                found = [f"{folder}/{file}" for file in os.listdir(folder) if file not in known]
                new += sorted(found, key=lambda path: (os.path.getsize(path), path))
                known = set(os.listdir(folder))
        shutil.rmtree(kept, ignore_errors=True)
        os.makedirs(kept)
        count = total = 0
        for path in new:
            if total + os.path.getsize(path) <= KEPT[name]:
                shutil.copy(path, kept)
                count, total = count + 1, total + os.path.getsize(path)
    return count, total


def main():
    if len(sys.argv) > 3:
        sys.exit(__doc__.strip())
    build = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else f"{SOURCE}/build-asan")
    programs = os.path.realpath(sys.argv[2]) if len(sys.argv) > 2 else build
    with tempfile.TemporaryDirectory() as recorded:
        record(programs, recorded)
        for name in KEPT:
            count, total = keep(build, name, recorded if name == "session" else None)
            print(f"{name}: {count} inputs, {total} bytes")


if __name__ == "__main__":
    main()
