#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 no-asan
# Two programs with windows on one server at once: each gets its share of the server and of a link that is too slow for
# both, and no frames queue. Then the same for one whose pictures are much larger.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/e2e/proxy.sh
. "$(dirname "$0")/proxy.sh"

program=$VP_BUILD/tests/e2e/x11_window
[[ -x $program ]] || skip "this build has no X11"

# figure FILE NAME: of the line that x11_window prints.
figure() {
   sed -n "s/.* $2=\([0-9.]*\).*/\1/p" "$1" | head -n 1
}

# share WHAT SECONDS LEAST SIZE SIZE: runs two windows of these sizes at once, so long. The slower one must have so many
# percent of the other one's rate, and in the last quarter of the run a frame must be seen before six more are presented.
share() {
   local what=$1 seconds=$2 least=$3 sizes=("$4" "$5") pids=() i out
   for i in 0 1; do
      client_start "$program" --gpu --seconds "$seconds" --size "${sizes[i]}" --at $((i * 640)) >"$VP_TEST_TMP/window$i"
      pids+=("$CLIENT_PID")
   done
   for i in 0 1; do
      wait "${pids[i]}" || fail "$what: window $i: $(cat "$VP_TEST_TMP/window$i")"
   done
   cat "$VP_TEST_TMP"/window[01]
   for i in 0 1; do
      out=$VP_TEST_TMP/window$i
      awk -v fps="$(figure "$out" fps)" -v last="$(figure "$out" last)" 'BEGIN {exit last * fps / 1000 > 6}' ||
         fail "$what: the frames of window $i queue"
   done
   awk -v a="$(figure "$VP_TEST_TMP/window0" fps)" -v b="$(figure "$VP_TEST_TMP/window1" fps)" -v least="$least" \
      'BEGIN {exit (a < b ? a / b : b / a) * 100 < least}' || fail "$what: the shares differ too much"
   echo "$what: fair"
}

x11_start 1280 480
server_start
share "loopback" 5 60 320x240 320x240
direct=$SERVER_ADDRESS
proxy_start --rtt 10 --rate 20
SERVER_ADDRESS=$PROXY_ADDRESS
# Some seconds pass until both have found out how much they may have under way, and in which codec.
share "slow link" 12 40 320x240 320x240
share "slow link, different sizes" 12 20 320x240 640x480
SERVER_ADDRESS=$direct
server_stop || fail "the server ended with status $?"
