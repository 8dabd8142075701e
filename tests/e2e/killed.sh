#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 tsan
# The worker, the whole server, or the client is killed in the middle of work.
. "$(dirname "$0")/../lib.sh"
. "$VP_SOURCE/tests/e2e/fault_lib.sh"

server_start
clients_start fence call submit flood
kill -KILL $(workers_of "$SERVER_PID")
clients_must_lose "worker killed" 5

# The listener goes on.
remote "$VP_TEST_APP" --phase 3 --out "$VP_TEST_TMP" >/dev/null || fail "after killed workers: no new client"

clients_start fence call submit flood
workers=$(workers_of "$SERVER_PID")
kill -KILL "$SERVER_PID" $workers
clients_must_lose "server killed" 5
wait "$SERVER_PID" 2>/dev/null || true
server_pids=()

# A listener alone that dies takes its workers with it.
server_start
clients_start fence call submit flood
workers=$(workers_of "$SERVER_PID")
kill -KILL "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null || true
server_pids=()
clients_must_lose "listener killed" 10
wait_until 5 all_gone $workers || fail "a worker has outlived its listener"

server_start
clients_start fence call submit flood
workers=$(workers_of "$SERVER_PID")
clients_kill
wait_until 5 all_gone $workers || fail "a worker has outlived its client: $(cat "$SERVER_LOG")"
echo "clients killed: their workers are gone"
