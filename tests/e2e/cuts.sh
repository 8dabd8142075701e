#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=500
# The connection is cut again and again while programs draw, compute, change memory and show windows: each of them
# finishes with the right result, and says nothing but that. When nobody can be reached for longer than a session is
# kept, the device is lost. VP_CUTS=N: until there were so many cuts. VP_LONG_CUTS=N: so many of the longer ones.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/proxy.sh"
. "$(dirname "$0")/fault_lib.sh"

seed=${VP_SEED:-1}
cuts=0 # that a session has survived
scheme= # of the server's address

# Compares what two folders have.
same_pictures() {
   (($(find "$1" -type f | wc -l) > 0)) && diff -r "$1" "$2"
}

# survives NAME COMMAND...: the program ends well while its connection is cut about each $every ms.
survives() {
   local name=$1 log count
   shift
   log=$VP_TEST_TMP/$name.log
   proxy_start --cut-every "$every" --spare 2 --seed $((seed++)) "${cut_options[@]}"
   SERVER_ADDRESS=$scheme$PROXY_ADDRESS remote "$@" >"$log" 2>&1 || fail "$name: exit status $?: $(tail -n 40 "$log")"
   ! grep -E '^venus: ' "$log" | grep -vE '^venus: warn: the connection to .* is (lost; trying to resume|back after)' ||
      fail "$name: says something else"
   count=$(grep -c 'is back after' "$log" || true)
   cuts=$((cuts + count))
   echo "$name: $count cuts"
   server_stop "$PROXY_PID" || fail "the proxy does not end"
}

server_start --resume 30
direct=$SERVER_ADDRESS
frames=60
[[ -z $VP_SANITIZE ]] || frames=10
mkdir "$VP_TEST_TMP/right" "$VP_TEST_TMP/cut"
remote "$VP_TEST_APP" --phase 10 --frames $frames --out "$VP_TEST_TMP/right" >/dev/null || fail "phase 10 without cuts"
program=$VP_BUILD/tests/e2e/x11_window
[[ ! -x $program ]] || ! command -v Xvfb >/dev/null || x11_start 640 480

round() {
   survives graphics "$VP_TEST_APP" --phase 10 --frames $frames --out "$VP_TEST_TMP/cut"
   same_pictures "$VP_TEST_TMP/right" "$VP_TEST_TMP/cut" || fail "other pictures than without cuts"
   survives compute "$VP_TEST_APP" --phase 8 --phase 9 --out "$VP_TEST_TMP"
   survives memory "${stress[@]}" 5
   # Pictures that were delayed may follow each other too fast to be seen.
   [[ -z ${DISPLAY:-} ]] || survives window "$program" --late --frames $((3 * frames)) --size 321x243
}

# All but the heap of gigabytes, which is busy with itself.
stress=("$VP_BUILD/tests/e2e/memory_stress")
for part in chunks short-lived remap counters storage address texels commands linear-image host-signals fork faults; do
   stress+=(--part "$part")
done
every=150 cut_options=()
round
((cuts >= 10)) || fail "only $cuts cuts"
while ((cuts < ${VP_CUTS:-0})); do
   round
   echo "$cuts cuts"
done

# Each connection is one with TLS.
if [[ -x $VP_BUILD/client/venus-plus/venus-tls ]] && command -v openssl >/dev/null; then
   . "$(dirname "$0")/tls_lib.sh"
   key_line alice >"$VP_TEST_TMP/keys"
   export VENUS_KEY_FILE=$VP_TEST_TMP/keys
   server_start --resume 30 --keys "$VP_TEST_TMP/keys" --tls-only
   scheme=tls://alice@
   survives "graphics with TLS" "$VP_TEST_APP" --phase 10 --frames $frames --out "$VP_TEST_TMP/cut"
   same_pictures "$VP_TEST_TMP/right" "$VP_TEST_TMP/cut" || fail "other pictures than without cuts"
   survives "memory with TLS" "${stress[@]}" 5
   scheme=
fi

# Nobody listens for a moment; and for longer than the session is kept.
SERVER_ADDRESS=$direct
every=2000 cut_options=(--cuts 1 --refuse 300)
survives refused "${stress[@]}" 4
server_start --resume 1
direct=$SERVER_ADDRESS
for ((i = 0; i < ${VP_LONG_CUTS:-1}; i++)); do
   SERVER_ADDRESS=$direct
   proxy_start --refuse 20000
   SERVER_ADDRESS=$PROXY_ADDRESS
   clients_start fence call submit flood
   mapfile -t workers < <(workers_of "$SERVER_PID")
   ((${#workers[@]} == 4)) || fail "${#workers[@]} workers, not 4"
   kill -HUP "$PROXY_PID"
   clients_must_lose "cut for long" 15
   wait_until 20 all_gone "${workers[@]}" || fail "a session is kept for too long: $(cat "$SERVER_LOG")"
   server_stop "$PROXY_PID" || fail "the proxy does not end"
done

# VENUS_RESUME=0: at once.
server_start --resume 30
proxy_start
SERVER_ADDRESS=$PROXY_ADDRESS
VENUS_RESUME=0 clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
kill -HUP "$PROXY_PID"
clients_must_lose "cut without resuming" 5
! grep -q 'trying to resume' "${fault_logs[0]}.err" || fail "VENUS_RESUME=0 resumes"
wait_until 10 all_gone "${workers[@]}" || fail "a session is kept though nobody resumes: $(cat "$SERVER_LOG")"
