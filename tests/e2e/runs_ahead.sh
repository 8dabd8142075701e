#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=60
# Where the driver is slow the client does not run ahead of the server so far that the next wait looks like a hang; see
# runs_ahead.c. A round trip is no reason for the server to have nothing to do.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/proxy.sh"

layer_setup scarce "$VP_BUILD/tests/e2e/libscarce_layer.so"
server_start_with "${layer[@]}" VP_ALLOCATION_US=1000

# run ARGUMENT...: the program; sets `done_count`, `took` and `waited`.
run() {
   VENUS_EARLY_WAITS=0 remote "$VP_BUILD/tests/e2e/runs_ahead" "$@" >"$VP_TEST_TMP/out" || fail "$(cat "$VP_TEST_TMP/out")"
   cat "$VP_TEST_TMP/out"
   read -r done_count took waited < <(sed -n 's/^\([0-9]*\) allocations, \([0-9]*\) ms, then \([0-9]*\) ms$/\1 \2 \3/p' "$VP_TEST_TMP/out")
}

run 300 0
((waited < 1000)) || fail "the wait took $waited ms"

proxy_start --rtt 100
SERVER_ADDRESS=$PROXY_ADDRESS
run 20000 1000
# One at a time they would take 100 seconds.
((done_count == 1000 && took < 10000)) || fail "$done_count allocations took $took ms"
((waited < 2000)) || fail "far away the wait took $waited ms"
