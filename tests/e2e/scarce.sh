#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120 tsan
# What the driver refuses, it refuses through us too, at the same call, and nothing else is lost; see scarce.c. Where it
# refuses nothing, nobody waits.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/scarce
layer_setup scarce "$VP_BUILD/tests/e2e/libscarce_layer.so"

# with VARIABLE=VALUE... -- COMMAND...: runs a command, which may be a function, with these variables.
with() (
   while [[ $1 != -- ]]; do
      export "${1?}"
      shift
   done
   shift
   "$@"
)

# same MODE VARIABLE=VALUE...: the program prints the same natively and through the driver.
same() {
   local mode=$1 name=$VP_TEST_TMP/$1
   shift
   with "${layer[@]}" "$@" -- native "$program" "$mode" >"$name.native" 2>&1 || fail "native $mode: $(cat "$name.native")"
   server_start_with "${layer[@]}" "$@"
   remote "$program" "$mode" >"$name.remote" 2>"$name.log" || fail "$mode: $(cat "$name.remote" "$name.log")"
   diff "$name.native" "$name.remote" || fail "$mode: the driver says something else: $(cat "$name.log")"
   server_stop
}

same full VP_MEMORY_LIMIT=$((100 * 1024 + 512))
same wrong
same refused

# The process of the driver has no room; sanitizers need more than any limit.
if [[ -z $VP_SANITIZE ]]; then
   room=$(ulimit -S -v)
   ulimit -S -v $((6 << 20)) # KiB
   server_start
   ulimit -S -v "$room"
   remote "$program" mapped 2>"$VP_TEST_TMP/mapped" || fail "mapped: $(cat "$VP_TEST_TMP/mapped")"
   server_stop
fi

# trips N: sets `result` to the blocking round trips with N things of each kind.
trips() {
   VENUS_DEBUG=stats remote "$program" plenty "$1" 2>"$VP_TEST_TMP/stats" || fail "plenty: $(cat "$VP_TEST_TMP/stats")"
   result=$(sed -n 's/.*blocking round trips: \([0-9]*\)$/\1/p' "$VP_TEST_TMP/stats")
   [[ -n $result ]] || fail "there are no counters: $(cat "$VP_TEST_TMP/stats")"
   echo "$result blocking round trips: $1 of each kind"
}

server_start
trips 2
few=$result
trips 100
((result == few)) || fail "somebody waits: $(cat "$VP_TEST_TMP/stats")"
