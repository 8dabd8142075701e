# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For tests of ways to give the GPU work, after lib.sh: `work_test NAME [MAXIMUM]` runs build/tests/e2e/NAME natively and
# remote and wants the same output, and, remote, at most so many waits for the network.

work_test() {
   local program=$VP_BUILD/tests/e2e/$1 status=0 trips
   native "$program" >"$VP_TEST_TMP/native" || status=$?
   ((status != 77)) || skip "$(tail -n 1 "$VP_TEST_TMP/native")"
   ((status == 0)) || fail "natively: $(cat "$VP_TEST_TMP/native")"
   server_start
   VENUS_DEBUG=stats remote "$program" >"$VP_TEST_TMP/remote" 2>"$VP_TEST_TMP/log" ||
      fail "$(cat "$VP_TEST_TMP/remote" "$VP_TEST_TMP/log" "$SERVER_LOG")"
   diff "$VP_TEST_TMP/native" "$VP_TEST_TMP/remote" || fail "remote, something else comes out"
   trips=$(sed -n 's/.*blocking round trips: //p' "$VP_TEST_TMP/log" | awk '{ sum += $1 } END { print sum }')
   ((trips <= ${2:-trips})) || fail "not at most $2 round trips: $(cat "$VP_TEST_TMP/log")"
}
