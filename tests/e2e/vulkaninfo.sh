#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# What vulkaninfo says through our driver is what it says without, but for the differences that
# vulkaninfo_differences.py lists.
. "$(dirname "$0")/../lib.sh"

need vulkaninfo python3
differences() {
   /usr/bin/python3 "$VP_SOURCE/tests/e2e/vulkaninfo_differences.py" "$@"
}

mkdir "$VP_TEST_TMP/native" "$VP_TEST_TMP/remote"
server_start

native vulkaninfo --show-formats >"$VP_TEST_TMP/native/text" 2>/dev/null
remote vulkaninfo --show-formats >"$VP_TEST_TMP/remote/text" 2>/dev/null
differences text "$VP_TEST_TMP/native/text" "$VP_TEST_TMP/remote/text"

# It writes its file where it is started, under a name that depends on the GPU.
(cd "$VP_TEST_TMP/native" && native vulkaninfo --json >/dev/null && mv ./*.json json)
(cd "$VP_TEST_TMP/remote" && remote vulkaninfo --json >/dev/null && mv ./*.json json)
differences json "$VP_TEST_TMP/native/json" "$VP_TEST_TMP/remote/json"
