#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180
# Submissions that the GPU is busy with for too long: they cost their client the device, and nobody else anything. To wait
# for somebody is not to be busy, and by default computing may take any time; see endless.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"

endless=$VP_BUILD/tests/e2e/endless

# run MODE STATUS: what it must end with.
run() {
   local status=0
   remote "$LIMIT" 60 "$endless" "$1" >"$VP_TEST_TMP/$1.out" 2>"$VP_TEST_TMP/$1.err" || status=$?
   ((status == $2)) || fail "$1: status $status: $(cat "$VP_TEST_TMP/$1.out" "$VP_TEST_TMP/$1.err" "$SERVER_LOG")"
}

# lost MODE: one clear line for the user of the program, and one for that of the server.
lost() {
   run "$1" 42
   [[ $(wc -l <"$VP_TEST_TMP/$1.err") == 1 ]] || fail "$1: not one line: $(cat "$VP_TEST_TMP/$1.err")"
   grep -q 'has been executed for 1 s.*--submit-timeout' "$VP_TEST_TMP/$1.err" || fail "$1: $(cat "$VP_TEST_TMP/$1.err")"
   wait_until 10 said "client .*: session ended after .* has been executed for 1 s" ||
      fail "$1: the server does not say it in one line: $(cat "$SERVER_LOG")"
   wait_until 30 said 'the GPUs do what they are given again' || fail "$1: the GPU is not tried: $(cat "$SERVER_LOG")"
}

said() {
   grep -q "$1" "$SERVER_LOG"
}

one_worker() {
   (($(workers_of "$SERVER_PID" | wc -l) == 1))
}

server_start --submit-timeout graphics=1
clients_start submit
lost draw
wait_until 5 one_worker || fail "its worker is still there"
! process_gone "${fault_pids[0]}" || fail "another client has lost its device: $(cat "${fault_logs[0]}.err")"
run late 0
run long 0
clients_kill
server_stop || fail "the server ended with status $?"

server_start --submit-timeout compute=1
lost compute
server_stop || fail "the server ended with status $?"
