#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# Each member of each struct in which a GPU says what it can do is natively and through us the same, but for the
# differences that differences.py lists; see features.c. On the GPU as it is, and with what a layer plays.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/features
layer_setup played "$VP_BUILD/tests/e2e/libplayed_layer.so"

# compare NAME: what both have said of that GPU.
compare() {
   local log=$VP_TEST_TMP/$1.log
   remote "$program" >"$VP_TEST_TMP/$1.remote" || fail "$1: $(tail -n 3 "$VP_TEST_TMP/$1.remote")"
   /usr/bin/python3 "$VP_SOURCE/tests/e2e/differences.py" features "$VP_TEST_TMP/$1.native" "$VP_TEST_TMP/$1.remote" \
      >"$log" || fail "$1: $(grep -B 1 'NOBODY KNOWS' "$log" || cat "$log")"
   tail -n 1 "$log"
}

native "$program" >"$VP_TEST_TMP/own.native" || fail "natively: $(tail -n 3 "$VP_TEST_TMP/own.native")"
server_start
compare own
server_stop

(export "${layer[@]}" && native "$program") >"$VP_TEST_TMP/played.native" || fail "natively: the layer fails"
grep -q '/VkQueueFamilyGlobalPriorityProperties.*/priorityCount": 3' "$VP_TEST_TMP/played.native" || fail "nothing was played"
server_start_with "${layer[@]}"
compare played
