#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=60
# Calibrated timestamps: the same clocks as natively, and times that are as exact as is said, near and far away; see
# clocks.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/proxy.sh"

program=$VP_BUILD/tests/e2e/clocks
status=0
expected=$(native "$program") || status=$?
((status != 77)) || skip "$(tail -n 1 <<<"$expected")"
((status == 0)) || fail "natively: $expected"
server_start
for place in near "far away"; do
   [[ $place == near ]] || {
      proxy_start --rtt 10
      SERVER_ADDRESS=$PROXY_ADDRESS
   }
   got=$(remote "$program") || fail "$place: $got"
   [[ $got == "$expected" ]] || fail "$place: $got; natively: $expected"
done
