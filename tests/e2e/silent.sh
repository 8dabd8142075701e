#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 waits
# No answer: the worker is stopped, or nothing comes through the network any more. The driver gives up ten seconds after
# the last sign of life, and the time for which the server would keep its session. A client that is stopped itself finds
# everything as it was.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"
. "$(dirname "$0")/proxy.sh"

# From the fault to the end of the program: ten seconds, two between signs of life, three in which the driver tries to get
# the session back, and what a slow machine needs.
limit=23
if [[ -n $VP_SANITIZE ]]; then
   limit=33
fi

server_start --resume 3
proxy_start
SERVER_ADDRESS=$PROXY_ADDRESS
clients_start fence call submit flood
cable_pids=("${fault_pids[@]}") cable_logs=("${fault_logs[@]}")
mapfile -t frozen_workers < <(workers_of "$SERVER_PID")

server_start --resume 3
stopped_server=$SERVER_PID
clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")

server_start --resume 3
patient_server=$SERVER_PID
client_start "$VP_BUILD/tests/e2e/fault_client" submit >"$VP_TEST_TMP/patient.out" 2>"$VP_TEST_TMP/patient"
patient=$CLIENT_PID
is_ready_again() {
   (($(grep -c ready "$VP_TEST_TMP/patient.out") == 2)) || process_gone "$patient"
}
wait_until 20 is_ready "$VP_TEST_TMP/patient" "$patient" || fail "the patient client does not start"

one_gone() {
   local pid
   for pid in "${fault_pids[@]}" "${cable_pids[@]}"; do
      ! process_gone "$pid" || return 0
   done
   return 1
}
kill -USR1 "$PROXY_PID"
kill -STOP "${workers[@]}" "$patient"
start=$SECONDS
wait_until "$limit" one_gone || fail "no client gives up"
# The last sign of life came up to two seconds before, and the clock of bash has whole seconds.
((SECONDS - start >= 7)) || fail "a client has given up after $((SECONDS - start)) seconds"
clients_must_lose "worker stopped" 10
fault_pids=("${cable_pids[@]}") fault_logs=("${cable_logs[@]}")
clients_must_lose "cable pulled" 5

# A worker that comes back finds its client gone.
kill -CONT "${workers[@]}"
wait_until 12 no_workers "$stopped_server" || fail "a worker that was stopped does not end"
kill -USR2 "$PROXY_PID"
wait_until 12 all_gone "${frozen_workers[@]}" || fail "a worker behind the network does not end"

kill -USR1 "$patient"
kill -CONT "$patient"
wait_until 20 is_ready_again || fail "a client that was stopped does not go on"
! process_gone "$patient" || fail "a client that was stopped has lost its server: $(cat "$VP_TEST_TMP/patient")"
[[ ! -s $VP_TEST_TMP/patient ]] || fail "a client that was stopped says: $(cat "$VP_TEST_TMP/patient")"
kill -KILL "$patient"
wait "$patient" 2>/dev/null || true
wait_until 10 no_workers "$patient_server" || fail "the worker of a killed client does not end"
