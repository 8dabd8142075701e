#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240 no-asan
# A program that gives the GPU's driver shaders that are none, pipeline caches of somebody else's, and shaders that reach
# for what is not theirs; see hostile.c. Its own worker may end by that, which the log says in a line, and nobody else
# notices: what another client has in its memory is not to be seen, and stays as it is.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/hostile
server_start
mkfifo "$VP_TEST_TMP/end"
exec 6<>"$VP_TEST_TMP/end" # so that nobody waits for the other end to be opened
exec 5>"$VP_TEST_TMP/end"
client_start "$program" keep <"$VP_TEST_TMP/end" >"$VP_TEST_TMP/keep" 2>&1 5>&- 6>&-
exec 6>&-
keeper=$CLIENT_PID
wait_until 20 grep -q ready "$VP_TEST_TMP/keep" || fail "the other client does not come up: $(cat "$VP_TEST_TMP/keep")"

# attack ARGUMENT...: whatever becomes of it, the process ends by itself.
attack() {
   local status=0
   remote "$LIMIT" 60 "$program" "$@" >"$VP_TEST_TMP/out" 2>&1 5>&- || status=$?
   ((status < 124)) || fail "hostile $*: status $status: $(cat "$VP_TEST_TMP/out")"
   return "$status"
}

# worker_ends: how many workers the log says to have failed or crashed.
worker_ends() {
   grep -cE 'failed with exit code|ended by signal|killed by signal' "$SERVER_LOG" || true
}

lost=0
for seed in {0..24}; do
   attack shaders "$seed" || true
   grep -q survived "$VP_TEST_TMP/out" || lost=$((lost + 1))
done
all_are_said() {
   (($(worker_ends) == lost))
}
wait_until 10 all_are_said ||
   fail "$lost sessions were lost, and the log has $(worker_ends) lines about that: $(cat "$SERVER_LOG")"
echo "$lost of 25 sessions were lost to shaders"
attack caches || fail "a pipeline cache did harm: $(cat "$VP_TEST_TMP/out")"
attack reach || fail "a shader reached another client's memory, or nothing at all: $(cat "$VP_TEST_TMP/out")"
cat "$VP_TEST_TMP/out"

exec 5>&-
wait "$keeper" || fail "another client was disturbed: $(cat "$VP_TEST_TMP/keep")"
server_stop || fail "the server does not end well: $(cat "$SERVER_LOG")"
