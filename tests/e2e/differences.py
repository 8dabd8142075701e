# SPDX-License-Identifier: MIT
"""Compares what a GPU says natively with what it says through our driver: the home of all differences that there may be.

usage: differences.py text|json|features NATIVE REMOTE

text, json: of vulkaninfo; features: of the program of that name. Prints each difference with the reason for it, and ends
with status 1 when there is one without a reason.
"""

import difflib
import json
import os
import re
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(SOURCE, "protocol", "gen"))

import table  # noqa: E402
from registry import Registry  # noqa: E402

IDENTITY = "the driver says what it is, and never that it is the GPU's own"
NOT_SUBMITTED = "no conformance results were submitted for this driver"
DISPLAY = "a display without a window system belongs to one machine"
WINDOWS = "windows are the client's, whatever the GPU has"
COUNT = "follows from the extensions in the list"
REVISION = "of two revisions, the one that both know"
VERSION = "Vulkan's version is one that driver and server know"
UNWRITTEN = "the GPU's own driver leaves it as it was"
MOMENT = "changes from one moment to the next"
BAR = "memory that is the GPU's own is not mapped where other memory can be (VENUS_BAR_MEMORY)"
CAPTURE = "what is captured is given back behind a pointer, and nothing beside it says how long it is"
PRIVILEGES = "workers have given up the rights that higher priorities need"
UNKNOWN = "the registry that the driver was built from does not know it"

# Extensions that the GPU's own driver has and ours does not offer: those that the protocol's table hides say why there.
NOT_OFFERED = {
    "VK_KHR_display": DISPLAY,
    "VK_KHR_get_display_properties2": DISPLAY,
    "VK_EXT_acquire_drm_display": DISPLAY,
    "VK_EXT_acquire_xlib_display": DISPLAY,
    "VK_EXT_direct_mode_display": DISPLAY,
    "VK_EXT_display_surface_counter": DISPLAY,
    "VK_EXT_display_control": DISPLAY,
    "VK_KHR_display_swapchain": DISPLAY,
}
EXTENSIONS = table.read(os.path.join(SOURCE, "protocol"))[1]
NOT_OFFERED.update((row.name, row.reason) for row in EXTENSIONS.values() if row.kind == "hide")

# What ours offers and the GPU's own driver may not have.
ADDED = {row.name for row in EXTENSIONS.values() if row.kind == "local"}
ADDED_STRUCTURES = re.compile(r"VkPhysicalDevice(PresentId2?|PresentWait2?|SwapchainMaintenance1|PresentModeFifoLatestReady)Features")

HOST_ACCESS = {"HOST_VISIBLE": 2, "HOST_COHERENT": 4, "HOST_CACHED": 8}
DEVICE_LOCAL = 1

# Features that the GPU has and ours must not say.
OFF = {
    "accelerationStructureHostCommands": "the host would build what is in the server's memory",
    "descriptorBufferCaptureReplay": CAPTURE,
    "rayTracingPipelineShaderGroupHandleCaptureReplay": CAPTURE,
    "rayTracingPipelineShaderGroupHandleCaptureReplayMixed": CAPTURE,
    "memoryMapRangePlaced": "a memory is watched in one piece",
}

HOST = os.uname().nodename
UUIDS = r"deviceUUID|driverUUID|pipelineCacheUUID"
DRIVER_SECTIONS = "VkPhysicalDeviceDriverProperties|VkPhysicalDeviceVulkan12Properties"


def build_registry():
    """The registry of the build that is tested."""
    with open(os.path.join(os.environ.get("VP_BUILD", "build"), "CMakeCache.txt"), encoding="utf-8") as file:
        path = re.search(r"^VP_REGISTRY:\w+=(.*)$", file.read(), re.M).group(1)
    return Registry(path, os.path.join(SOURCE, "protocol", "private.xml"))


def structures_of(registry):
    """{structure: names of the extensions that bring it}, for those that no version of Vulkan has."""
    core = {registry.resolve(name) for feature in registry.features for name, _ in feature.types}
    found = {}
    for extension in registry.extensions.values():
        for name, _ in extension.types:
            if registry.resolve(name) not in core:
                found.setdefault(name, set()).add(extension.name)
    return found


REGISTRY = build_registry()
STRUCTURES = structures_of(REGISTRY)


def extension_reason(name):
    """Why an extension of the GPU's is not offered."""
    return NOT_OFFERED.get(name) or (None if name in REGISTRY.extensions else UNKNOWN)


def structure_reason(name):
    """Why a structure is missing: none of the extensions that bring it is offered."""
    reasons = [NOT_OFFERED.get(extension) for extension in sorted(STRUCTURES.get(name, []))]
    return reasons[0] if reasons and all(reasons) else None


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


def value_line_reason(section, text, remote_side):
    """Why the value in a line may be another one."""
    name = re.match(r"\w*", text).group(0)
    if name in OFF:
        return OFF[name] if not remote_side or re.search(r"= (false|0)$", text) else None
    if section == "memoryTypes" and (name == "propertyFlags" or not remote_side and "_HOST_" in name):
        return BAR
    if name in ("heapBudget", "heapUsage", "budget", "usage"):
        return MOMENT
    if section.startswith("VkQueueFamilyGlobalPriority"):
        return PRIVILEGES
    return VERSION if name == "apiVersion" else None


def line_reason(section, line, remote_side):
    """Why this line is on one side only, or None."""
    text = line.strip()
    if not text:
        return COUNT
    if "Venus Plus (" in text if remote_side else re.search(r"deviceName|GPU id|\(ID: \d+\)", text):
        return IDENTITY
    # vulkaninfo writes driverVersion as the driver with that name does.
    if re.match(rf"({UUIDS}|driverVersion|deviceNodeMask)\s", text):
        return IDENTITY
    if re.fullmatch(DRIVER_SECTIONS, section):
        if re.match(r"(driverID|driverName|driverInfo)\s", text):
            return IDENTITY
        if re.match(r"(major|minor|subminor|patch)\s*=", text):
            return NOT_SUBMITTED
    if re.match(r"(Instance|Device) Extensions: count = \d+", text):
        return COUNT
    reason = value_line_reason(section, text, remote_side)
    if reason:
        return reason
    match = re.match(r"(VK_\w+)\s*: extension revision", text)
    if remote_side and (ADDED_STRUCTURES.search(section) or (match and match.group(1) in ADDED)):
        return WINDOWS
    if not remote_side:
        return extension_reason(match.group(1)) if match else structure_reason(section)
    return None


def is_lower_revision(native, remote):
    """Whether two lines, natively and ours, are of one extension, ours of an earlier revision."""
    ours, theirs = (re.fullmatch(r"\s*(VK_\w+)\s*: extension revision\s*(\d+)", line) for line in (remote, native))
    return ours and theirs and ours.group(1) == theirs.group(1) and int(ours.group(2)) < int(theirs.group(2))


def compare_text(native_path, remote_path):
    native, remote = parse_text(native_path), parse_text(remote_path)
    lines = [[(section, line) for section, content in side for line in content] for side in (native, remote)]
    matcher = difflib.SequenceMatcher(None, *lines, autojunk=False)
    differences = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        changed = lines[0][a:b], lines[1][c:d]
        for side, sign in ((0, "-"), (1, "+")):
            for section, line in changed[side]:
                lower = any(is_lower_revision(*((other, line) if side else (line, other))) for _, other in changed[not side])
                if line.strip():
                    differences.append((f"{sign} [{section}] {line.strip()}",
                                        REVISION if lower else line_reason(section, line, side == 1)))
    return differences, len(lines[0])


# --- json: paths and values ---


def flatten(value, path=""):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = dict(enumerate(value))
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


def leaves_out_host_access(native, remote):
    """Whether the flags of a memory are those of the GPU's own memory, without what says that it can be mapped."""
    if isinstance(native, int):
        return native & DEVICE_LOCAL and remote == native & ~sum(HOST_ACCESS.values())
    kept = [flag for flag in native if not any(name in flag for name in HOST_ACCESS)]
    return any("DEVICE_LOCAL" in flag for flag in native) and remote == kept


def identity_reason(path, native, remote, all_native):
    """What is said of the driver, and where it follows from the native value."""
    folder, name = path.rsplit("/", 1)
    expected = {
        "deviceName": f"Venus Plus ({native})", "driverName": "venus-plus",
        "driverInfo": f"{all_native.get(folder + '/driverName')}, {native}, on {HOST}",
    }
    if name in expected:
        return IDENTITY if remote == expected[name] else None
    if name == "driverID" or re.fullmatch(UUIDS, name):
        return IDENTITY
    if name in ("deviceLUID", "deviceLUIDValid", "deviceNodeMask"):
        return IDENTITY if not remote or isinstance(remote, list) and not any(remote) else None
    if folder.endswith("/conformanceVersion"):
        return NOT_SUBMITTED if remote == 0 else None
    return None


def changed_reason(path, native, remote, all_native):
    """Why a value is another one, or None. Where it follows from the native value, it must be just that."""
    name = path.rsplit("/", 1)[1]
    if isinstance(native, list) and None in native and isinstance(remote, list) and len(native) == len(remote):
        same = all(a is None or a == b for a, b in zip(native, remote))
        return UNWRITTEN if same else changed_reason(path, [n or 0 for n in native], remote, all_native)
    if "/extensions/" in path:
        return REVISION if remote < native else None
    if name == "apiVersion" and isinstance(native, int):
        return VERSION if remote >> 12 < native >> 12 else None
    if name in OFF:
        return OFF[name] if not remote else None
    if name == "propertyFlags" and "/memoryTypes/" in path:
        return BAR if leaves_out_host_access(native, remote) else None
    if name in ("heapBudget", "heapUsage"):
        return MOMENT
    if name == "priorityCount" and "GlobalPriority" in path:
        return PRIVILEGES if remote < native else None
    if name == "priorities" and "GlobalPriority" in path:
        return PRIVILEGES if {p for p in remote if p} <= {p for p in native if p} else None
    return identity_reason(path, native, remote, all_native)


def missing_reason(path):
    match = re.search(r"/extensions/(VK_\w+)$", path)
    if match:
        return extension_reason(match.group(1))
    return next((reason for reason in map(structure_reason, path.split("/")) if reason), None)


def added_reason(path):
    match = re.search(r"/extensions/(VK_\w+)$", path)
    added = match.group(1) in ADDED if match else ADDED_STRUCTURES.search(path)
    return WINDOWS if added else None


def load_features(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def compare_json(native_path, remote_path, load=load_json):
    native, remote = load(native_path), load(remote_path)
    differences = []
    for path in sorted(native.keys() | remote.keys()):
        if path not in remote:
            differences.append((f"- {path} = {native[path]}", missing_reason(path)))
        elif path not in native:
            differences.append((f"+ {path} = {remote[path]}", added_reason(path)))
        elif native[path] != remote[path] and native[path] is not None:  # which the GPU's own driver leaves as it was
            differences.append((f"! {path}: {native[path]} -> {remote[path]}",
                                changed_reason(path, native[path], remote[path], native)))
    return differences, len(native)


def main():
    kind, native, remote = sys.argv[1:]
    if kind == "features":
        differences, size = compare_json(native, remote, load_features)
    else:
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
