#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# What vulkaninfo says through our driver is what it says without, but for the differences that
# differences.py lists.
. "$(dirname "$0")/../lib.sh"

need vulkaninfo python3
differences() {
   /usr/bin/python3 "$VP_SOURCE/tests/e2e/differences.py" "$@"
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

# summary: a GPU is described, and with it what vulkaninfo will try, before it asks.
summary() {
   VENUS_DEBUG=stats remote vulkaninfo --summary >"$VP_TEST_TMP/summary" 2>"$VP_TEST_TMP/log" || fail "$(cat "$VP_TEST_TMP/log")"
   grep -q 'blocking round trips: 5$' "$VP_TEST_TMP/log" || fail "not 5 round trips$1: $(cat "$VP_TEST_TMP/log")"
}
summary ""
server_stop
layer_setup played "$VP_BUILD/tests/e2e/libplayed_layer.so"
server_start_with "${layer[@]}"
summary ", with sparse binding"
