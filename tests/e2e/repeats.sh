#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=60 tsan
# Commands that repeat are packed on the way to the server: when that is wanted, and where the network is slow; see
# repeats.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/proxy.sh"

# run NAME VENUS_COMPRESS TIMES: the program; sets `unpacked` and `packed`, bytes of its commands.
run() {
   VENUS_DEBUG=stats VENUS_COMPRESS=$2 remote "$VP_BUILD/tests/e2e/repeats" "$3" >"$VP_TEST_TMP/$1" 2>&1 ||
      fail "$1: $(cat "$VP_TEST_TMP/$1")"
   unpacked=$(sed -n 's/.*packed: \([0-9]*\) bytes of commands into [0-9]*$/\1/p' "$VP_TEST_TMP/$1")
   packed=$(sed -n 's/.*packed: [0-9]* bytes of commands into \([0-9]*\)$/\1/p' "$VP_TEST_TMP/$1")
   echo "$1: ${unpacked:=0} bytes of commands were packed into ${packed:=0}"
}

server_start
run never none 2
((unpacked == 0)) || fail "commands are packed though nobody wants it"
run always zstd 20
((packed > 0 && packed * 5 < unpacked)) || fail "commands that repeat take too much"

proxy_start --rate 50 --rtt 1
SERVER_ADDRESS=$PROXY_ADDRESS
run slow auto 20
((packed > 0 && packed * 5 < unpacked)) || fail "on a slow network commands that repeat take too much"
