#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 no-asan
# One giant command makes a worker large for as long as it takes, not for the rest of the session. VP_GIANT is its size in
# MiB. (Sanitizers keep what is freed.)
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"

mib=${VP_GIANT:-128}
available=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
((available > (mib * 10) << 10)) || skip "there is too little memory for $((mib * 10)) MiB"
more=48

# rss VmRSS|VmHWM: of the worker, in MiB.
rss() {
   local kib
   kib=$(sed -n "s/^$1:\s*\([0-9]*\) kB/\1/p" "/proc/$worker/status")
   echo $((kib >> 10))
}

is_small_again() {
   (($(rss VmRSS) < before + more))
}

said() {
   grep -q "$1" "$VP_TEST_TMP/out"
}

server_start --ready 0
mkfifo "$VP_TEST_TMP/in"
exec 3<>"$VP_TEST_TMP/in"
client_start "$VP_BUILD/tests/e2e/giant" "$mib" "$VP_TEST_TMP/in" >"$VP_TEST_TMP/out"
wait_until 30 said ready || fail "the program does not start: $(cat "$VP_TEST_TMP/out")"
worker=$(workers_of "$SERVER_PID")
before=$(rss VmRSS)
echo >&3
wait_until 120 said 'done' || fail "the program does not go on: $(cat "$VP_TEST_TMP/out" "$SERVER_LOG")"
(($(rss VmHWM) > before + mib)) || fail "the command cost nothing: from $before to $(rss VmHWM) MiB"
wait_until 10 is_small_again || fail "the worker had $before MiB, and has $(rss VmRSS) MiB after a command of $mib MiB"
echo "the worker had $before MiB, at most $(rss VmHWM) MiB, and has $(rss VmRSS) MiB"
echo >&3
wait "$CLIENT_PID" || fail "the program ended with status $?"
server_stop || fail "the server ended with status $?"
