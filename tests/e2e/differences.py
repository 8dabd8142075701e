# SPDX-License-Identifier: MIT
"""Compares what vulkaninfo says natively with what it says through our driver.

usage: vulkaninfo_differences.py text|json NATIVE REMOTE

Prints each difference with the reason for it, and ends with status 1 when there is one without a reason.
"""

import difflib
import json
import os
import re
import sys

IDENTITY = "the driver says what it is, and never that it is the GPU's own"
NOT_SUBMITTED = "no conformance results were submitted for this driver"
FILE_DESCRIPTOR = "a file descriptor means nothing on another machine"
HOST_POINTER = "the GPU cannot reach the memory of a process on another machine"
DISPLAY = "a display without a window system belongs to one machine"
WINDOWS = "windows are the client's, whatever the GPU has"
COUNT = "follows from the extensions in the list"

# Extensions that the GPU's own driver has and ours does not offer.
NOT_OFFERED = {
    "VK_EXT_external_memory_host": HOST_POINTER,
    "VK_KHR_external_memory_fd": FILE_DESCRIPTOR,
    "VK_KHR_external_semaphore_fd": FILE_DESCRIPTOR,
    "VK_KHR_external_fence_fd": FILE_DESCRIPTOR,
    "VK_EXT_external_memory_dma_buf": FILE_DESCRIPTOR,
    "VK_EXT_image_drm_format_modifier": FILE_DESCRIPTOR,
    "VK_KHR_display": DISPLAY,
    "VK_KHR_get_display_properties2": DISPLAY,
    "VK_EXT_acquire_drm_display": DISPLAY,
    "VK_EXT_acquire_xlib_display": DISPLAY,
    "VK_EXT_direct_mode_display": DISPLAY,
    "VK_EXT_display_surface_counter": DISPLAY,
}

# Structures that belong to one of them.
NOT_OFFERED_STRUCTURES = {"VkPhysicalDeviceExternalMemoryHostPropertiesEXT": HOST_POINTER}

# What ours offers and the GPU's own driver may not have.
ADDED = re.compile(r"VK_(KHR_present_(id|wait)|EXT_(swapchain|surface)_maintenance1|GOOGLE_display_timing|"
                   r"EXT_headless_surface|KHR_surface_protected_capabilities|KHR_incremental_present|"
                   r"KHR_swapchain(_mutable_format)?|EXT_present_mode_fifo_latest_ready|NV_low_latency2)")
ADDED_STRUCTURES = re.compile(r"VkPhysicalDevice(PresentId|PresentWait|SwapchainMaintenance1|PresentModeFifoLatestReady)Features")

HOST = os.uname().nodename
UUIDS = r"deviceUUID|driverUUID|pipelineCacheUUID"
DRIVER_SECTIONS = "VkPhysicalDeviceDriverProperties|VkPhysicalDeviceVulkan12Properties"


# --- text: sections of lines ---


def parse_text(path):
    """A list of (heading, lines). A heading is underlined or counts what follows; the count is no part of its name."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    sections = [("", [])]
    for i, line in enumerate(lines):
        underlined = i + 1 < len(lines) and re.fullmatch(r"\s*(=+|-+)", lines[i + 1]) and line.strip()
        if underlined or re.fullmatch(r"\S.*: count = \d+", line):
            sections.append((re.sub(r": count = \d+$|:$", "", line.strip()), [line]))
        elif not re.fullmatch(r"\s*(=+|-+)", line):
            sections[-1][1].append(line)
    return sections


def line_reason(section, line, remote_side):
    """Why this line is on one side only, or None."""
    text = line.strip()
    if not text:
        return COUNT
    if "Venus Plus (" in text if remote_side else re.search(r"deviceName|GPU id|\(ID: \d+\)", text):
        return IDENTITY
    if re.match(rf"({UUIDS})\s", text):
        return IDENTITY
    if re.fullmatch(DRIVER_SECTIONS, section):
        if re.match(r"(driverID|driverName|driverInfo)\s", text):
            return IDENTITY
        if re.match(r"(major|minor|subminor|patch)\s*=", text):
            return NOT_SUBMITTED
    if re.match(r"(Instance|Device) Extensions: count = \d+", text):
        return COUNT
    match = re.match(r"(VK_\w+)\s*: extension revision", text)
    if remote_side and (ADDED_STRUCTURES.search(section) or (match and ADDED.fullmatch(match.group(1)))):
        return WINDOWS
    if not remote_side:
        if section in NOT_OFFERED_STRUCTURES:
            return NOT_OFFERED_STRUCTURES[section]
        if match and section in ("Instance Extensions", "Device Extensions"):
            return NOT_OFFERED.get(match.group(1))
    return None


def compare_text(native_path, remote_path):
    native, remote = parse_text(native_path), parse_text(remote_path)
    lines = [[(section, line) for section, content in side for line in content] for side in (native, remote)]
    matcher = difflib.SequenceMatcher(None, *lines, autojunk=False)
    differences = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        for side, sign, first, last in ((0, "-", a, b), (1, "+", c, d)):
            for section, line in lines[side][first:last]:
                if line.strip():
                    differences.append((f"{sign} [{section}] {line.strip()}", line_reason(section, line, side == 1)))
    return differences, len(lines[0])


# --- json: paths and values ---


def flatten(value, path=""):
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flatten(item, f"{path}/{key}")
    else:
        yield path, value


def load_json(path):
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    # The name of the one profile is made of the GPU's name, and so is its label; its history has the date.
    (profile,) = content["profiles"].values()
    profile.pop("label")
    profile.pop("history")
    content["profiles"] = profile
    return dict(flatten(content))


def changed_reason(path, native, remote, all_native):
    """Why a value is another one, or None. Where it follows from the native value, it must be just that."""
    folder, name = path.rsplit("/", 1)
    if name == "deviceName":
        return IDENTITY if remote == f"Venus Plus ({native})" else None
    if name == "driverName":
        return IDENTITY if remote == "venus-plus" else None
    if name == "driverInfo":
        return IDENTITY if remote == f"{all_native[folder + '/driverName']}, {native}, on {HOST}" else None
    if name == "driverID" or re.fullmatch(UUIDS, name):
        return IDENTITY
    if name in ("deviceLUID", "deviceLUIDValid", "deviceNodeMask"):
        return IDENTITY if not remote or not any(remote) else None
    if folder.endswith("/conformanceVersion"):
        return NOT_SUBMITTED if remote == 0 else None
    return None


def missing_reason(path):
    match = re.search(r"/extensions/(VK_\w+)$", path)
    if match:
        return NOT_OFFERED.get(match.group(1))
    return next((reason for name, reason in NOT_OFFERED_STRUCTURES.items() if f"/{name}/" in path), None)


def added_reason(path):
    match = re.search(r"/extensions/(VK_\w+)$", path)
    added = ADDED.fullmatch(match.group(1)) if match else ADDED_STRUCTURES.search(path)
    return WINDOWS if added else None


def compare_json(native_path, remote_path):
    native, remote = load_json(native_path), load_json(remote_path)
    differences = []
    for path in sorted(native.keys() | remote.keys()):
        if path not in remote:
            differences.append((f"- {path} = {native[path]}", missing_reason(path)))
        elif path not in native:
            differences.append((f"+ {path} = {remote[path]}", added_reason(path)))
        elif native[path] != remote[path]:
            differences.append((f"! {path}: {native[path]} -> {remote[path]}",
                                changed_reason(path, native[path], remote[path], native)))
    return differences, len(native)


def main():
    kind, native, remote = sys.argv[1:]
    differences, size = {"text": compare_text, "json": compare_json}[kind](native, remote)
    if not differences or size < 100:
        print(f"FAIL: {size} values and {len(differences)} differences: was the same driver used twice, or none?")
        return 1
    unexplained = 0
    for what, reason in differences:
        print(f"{what}\n     {reason or 'NOBODY KNOWS WHY'}")
        unexplained += reason is None
    print(f"{kind}: {size} values, {len(differences)} differ, {unexplained} of them for no known reason")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
