#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 tsan
# The worker, the whole server, or the client is killed in the middle of work.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"

# The server was killed: nobody has to stop it.
server_is_dead() {
   wait "$SERVER_PID" 2>/dev/null || true
   # shellcheck disable=SC2034
   server_pids=()
}

server_start
clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
kill -KILL "${workers[@]}"
clients_must_lose "worker killed" 5

# The listener goes on.
remote "$VP_TEST_APP" --phase 3 --out "$VP_TEST_TMP" >/dev/null || fail "after killed workers: no new client"

clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
kill -KILL "$SERVER_PID" "${workers[@]}"
clients_must_lose "server killed" 5
server_is_dead

# A listener alone that dies takes its workers with it.
server_start
clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
kill -KILL "$SERVER_PID"
server_is_dead
clients_must_lose "listener killed" 10
wait_until 5 all_gone "${workers[@]}" || fail "a worker has outlived its listener"

server_start
clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
clients_kill
wait_until 5 all_gone "${workers[@]}" || fail "a worker has outlived its client: $(cat "$SERVER_LOG")"
echo "clients killed: their workers are gone"
