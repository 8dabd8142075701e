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

# The four clients have gone, in the log.
all_are_kept() {
   (($(grep -c 'is lost; its session is kept for 30 s' "$1") == 4))
}

server_start --resume 30
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
server_start --resume 30
clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
kill -KILL "$SERVER_PID"
server_is_dead
clients_must_lose "listener killed" 10
wait_until 5 all_gone "${workers[@]}" || fail "a worker has outlived its listener"

server_start --resume 30
clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
clients_kill
wait_until 10 all_are_kept "$SERVER_LOG" || fail "the sessions of killed clients are not kept: $(cat "$SERVER_LOG")"
all_gone "${workers[@]}" && fail "the workers of killed clients are gone at once"
server_stop "$SERVER_PID" || fail "the server does not end while it keeps sessions"
all_gone "${workers[@]}" || fail "a worker has outlived the server"

server_start --resume 0
clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
clients_kill
wait_until 5 all_gone "${workers[@]}" || fail "a worker has outlived its client: $(cat "$SERVER_LOG")"

server_start --resume 2
clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
clients_kill
wait_until 10 all_gone "${workers[@]}" || fail "a worker is kept for longer than it should: $(cat "$SERVER_LOG")"

# There is no room for one more, but for one that may never come back.
server_start --max-clients 1 --resume 30
clients_start fence
clients_kill
wait_until 10 grep -q 'is lost; its session is kept' "$SERVER_LOG" || fail "no word of a killed client"
clients_start fence
clients_kill
grep -q 'not waited for any more' "$SERVER_LOG" || fail "no word of the client that was not waited for"
echo "clients killed: their workers are gone"
