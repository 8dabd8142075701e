#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240 no-asan waits
# Many programs of one machine that start at once, a long way from the server: it lets a few in at a time, and all of
# them get in, with TLS and without.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/proxy.sh"
. "$(dirname "$0")/tls_lib.sh"

programs=24
cd "$VP_TEST_TMP"
key_line alice >keys
server_start --keys keys --log debug
proxy_start --rtt 200

# crowd NAME SERVER: all are there, and some had been sent away before.
crowd() {
   local i pids=() left
   for ((i = 0; i < programs; i++)); do
      VENUS_KEY_FILE=$VP_TEST_TMP/keys VENUS_TIMEOUT=$((20 * $(slowness))) SERVER_ADDRESS=$2 remote "$VP_TEST_APP" --list \
         >"$1.$i" 2>&1 &
      pids+=($!)
   done
   for ((i = 0; i < programs; i++)); do
      wait "${pids[i]}" || fail "$1, $i: $(cat "$1.$i")"
   done
   left=$(grep -c 'closed without a greeting: as many from there wait already' "$SERVER_LOG" || true)
   echo "$1: $programs programs, $left connections sent away"
   ((left > 0)) || fail "nobody had to wait, so this shows nothing"
   : >"$SERVER_LOG"
}

crowd plain "$PROXY_ADDRESS"
crowd tls "tls://alice@$PROXY_ADDRESS"
server_stop || fail "the server ended with status $?"
