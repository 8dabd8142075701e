#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=200
# The driver when its allocations fail, one after another; see short_of_memory.c. All of them take a minute, so that a run
# tries some: VP_EVERY=1 tries each.
. "$(dirname "$0")/../lib.sh"

server_start
remote "$VP_BUILD/tests/e2e/short_of_memory" "${VP_EVERY:-9}" >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/log" ||
   fail "status $?: $(tail -n 20 "$VP_TEST_TMP/out") $(grep -v ' lost the server at ' "$VP_TEST_TMP/log" | tail -n 40)"
cat "$VP_TEST_TMP/out"
! grep 'makes no sense\|longer than expected' "$VP_TEST_TMP/log" || fail "the client did not understand the server"
! grep 'error: ' "$SERVER_LOG" || fail "the server did not understand the client"
server_stop || fail "the server ended with status $?"
