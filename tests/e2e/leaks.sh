#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300
# Clients come and go, a hundred in sequence and eight at once; nothing of them stays in the server.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"

open_files() {
   find "/proc/$1/fd" -mindepth 1 | wc -l
}

resident_kib() {
   sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

# Nobody is served, and the processes for clients to come are there again.
is_idle() {
   no_workers "$SERVER_PID" && has_ready "$SERVER_PID" 2
}

# check_clean WHAT: no worker, no more open files, no more memory than a little.
check_clean() {
   local files memory
   wait_until 6 is_idle || fail "$1: workers are left: $(workers_of "$SERVER_PID")"
   files=$(open_files "$SERVER_PID") memory=$(resident_kib "$SERVER_PID")
   ((files == files_before)) || fail "$1: $files open files instead of $files_before: $(ls -l "/proc/$SERVER_PID/fd")"
   ((memory <= memory_before + growth)) || fail "$1: $memory KiB instead of $memory_before"
   echo "$1: $files open files, $memory KiB (before: $memory_before)"
}

# A sanitizer keeps what was freed for a while.
growth=256 clients=100
if [[ -n $VP_SANITIZE ]]; then
   growth=8192 clients=25
fi

server_start --resume 0
for _ in 1 2 3; do
   remote "$VP_TEST_APP" --phase 4 --out "$VP_TEST_TMP" >/dev/null || fail "the application"
done
wait_until 6 is_idle || fail "workers are left"
files_before=$(open_files "$SERVER_PID") memory_before=$(resident_kib "$SERVER_PID")

for ((i = 1; i <= clients; i++)); do
   remote "$VP_TEST_APP" --phase 4 --out "$VP_TEST_TMP" >"$VP_TEST_TMP/log" 2>&1 ||
      fail "client $i: $(cat "$VP_TEST_TMP/log")"
done
check_clean "$clients in sequence"

pids=()
for i in {1..8}; do
   client_start "$VP_TEST_APP" --phase 4 --phase 6 --phase 7 --phase 8 --out "$VP_TEST_TMP" >"$VP_TEST_TMP/log.$i" 2>&1
   pids+=("$CLIENT_PID")
done
for i in {1..8}; do
   wait "${pids[i - 1]}" || fail "client $i of 8 at once: $(cat "$VP_TEST_TMP/log.$i")"
done
check_clean "8 at once"

clients_start fence submit flood call fence submit flood call
clients_kill
check_clean "8 killed"
