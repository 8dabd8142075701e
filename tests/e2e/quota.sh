#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=200
# Programs that take until a quota is used up are refused as Vulkan says, and go on; see quota.c. Nothing is told late.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/quota

# use QUOTA... -- MODE...: on a server with these options.
use() {
   local options=()
   while [[ $1 != -- ]]; do
      options+=("$1")
      shift
   done
   shift
   server_start ${options[@]+"${options[@]}"}
   remote "$program" "$@" >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/log" || fail "$*: $(cat "$VP_TEST_TMP/out" "$VP_TEST_TMP/log")"
   sed "s/^/$1: /" "$VP_TEST_TMP/out"
   ! grep 'vk\(Allocate\|Create\).* hears of it' "$VP_TEST_TMP/log" || fail "$*: that is said late"
   ! grep 'was ended\|failed with\|error: ' "$SERVER_LOG" || fail "$*: the session did not go on"
   server_stop || fail "the server ended with status $?"
}

# reported QUOTA WHOSE COUNT: the log of the server that was started last has so many lines about it.
reported() {
   local count
   count=$(grep -c "client .* (address:127.0.0.1): has used up $2 quota of $1: " "$SERVER_LOG") || true
   ((count == $3)) || fail "$count lines about $1: $(cat "$SERVER_LOG")"
}

# --- one client ---

use --quota device-memory=64M -- memory 64
reported device-memory its 1
use --quota allocations=600 -- tiny
reported allocations its 1
use --quota objects=2000 -- objects 2000 4
reported objects its 1
use --quota objects=15000 -- objects 15000
reported objects its 1
use --quota threads=8 -- threads
reported threads its 1
use --quota swapchains=3 -- swapchains 3
reported swapchains its 1
use -- pool

# --- a thousand threads that wait are none of the server's ---

server_start
client_start "$program" waits 1000 >"$VP_TEST_TMP/out"
wait_until 60 grep -q waiting "$VP_TEST_TMP/out" || fail "the threads do not wait"
worker=$(sed -n 's/.*connected (worker \([0-9]*\), client 1 .*/\1/p' "$SERVER_LOG")
threads=$(find "/proc/$worker/task" -mindepth 1 -maxdepth 1 | wc -l)
echo "waits: $threads threads of the worker"
((threads > 0 && threads < 200)) || fail "the worker has $threads threads"
wait "$CLIENT_PID" || fail "a wait went wrong: $(cat "$VP_TEST_TMP/out")"
server_stop || fail "the server ended with status $?"

# --- what the process has: sanitizers need more than any limit ---

if [[ -z $VP_SANITIZE ]]; then
   use --quota host-memory=256M -- host
   reported host-memory its 1
fi

# --- bytes in a second: 3 MiB and what comes with it at 2 MiB in a second ---

use --compress none --quota bandwidth=2M -- send 3
ms=$(sed -n 's/ ms$//p' "$VP_TEST_TMP/out")
((ms >= 1200)) || fail "3 MiB took $ms ms"

# --- two clients of one user; what one had that is killed is there for the other ---

server_start --resume 0 --user-quota device-memory=96M --quota device-memory=64M
client_start "$program" hold >"$VP_TEST_TMP/first"
first=$CLIENT_PID
wait_until 30 grep -q 'MiB' "$VP_TEST_TMP/first" || fail "the first does not say what it has"
client_start "$program" hold >"$VP_TEST_TMP/second"
second=$CLIENT_PID
wait_until 30 grep -q 'MiB' "$VP_TEST_TMP/second" || fail "the second does not say what it has"
one=$(sed 's/ .*//' "$VP_TEST_TMP/first") two=$(sed 's/ .*//' "$VP_TEST_TMP/second")
echo "two clients: $one MiB and $two MiB"
((one >= 60 && one < 64 && two >= 20 && one + two < 96)) || fail "these are not the quotas"
reported device-memory its 1
reported device-memory "its user's" 1

worker=$(sed -n 's/.*connected (worker \([0-9]*\), client 1 .*/\1/p' "$SERVER_LOG")
kill -KILL "$worker"
remote "$program" wait 50 || fail "what a killed worker had is not there"
kill -KILL "$first" "$second"
wait "$first" "$second" 2>/dev/null || true
remote "$program" wait 62 || fail "what killed clients had is not there"
server_stop || fail "the server ended with status $?"

# --- a tenth of the machine for one user is all for another ---

server_start --unix "$VP_TEST_TMP/socket" --port 0 --user-quota device-memory=64M
client_start "$program" hold >"$VP_TEST_TMP/first"
first=$CLIENT_PID
wait_until 30 grep -q 'MiB' "$VP_TEST_TMP/first" || fail "the first does not say what it has"
SERVER_ADDRESS=unix:$VP_TEST_TMP/socket
remote "$program" wait 60 || fail "another user is short of what the first has"
kill -KILL "$first"
wait "$first" 2>/dev/null || true
