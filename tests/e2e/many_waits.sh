#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=60 no-asan
# What waits for the network or the GPU takes no more memory of the program than it must; see many_waits.c.
. "$(dirname "$0")/../lib.sh"

server_start
remote "$VP_BUILD/tests/e2e/many_waits" >"$VP_TEST_TMP/out" || fail "$(cat "$VP_TEST_TMP/out")"
cat "$VP_TEST_TMP/out"
(($(sed -n 's/ bytes for each submission$//p' "$VP_TEST_TMP/out") < 1500)) || fail "that is too much"
