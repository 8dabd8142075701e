#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 tsan
# Windows of X11: what is drawn on the server is what the display shows, bit by bit and in order, also over a slow link;
# and windows may change their size, be hidden and destroyed at any time.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/e2e/proxy.sh
. "$(dirname "$0")/proxy.sh"

program=$VP_BUILD/tests/e2e/x11_window
[[ -x $program ]] || skip "this build has no X11"
x11_start 1280 720
server_start

frames=120 resizes=200
[[ -z $VP_SANITIZE ]] || frames=40 resizes=40 # which are slow
for mode in fifo relaxed mailbox immediate; do
   remote "$program" --mode "$mode" --frames $frames || fail "$mode; see above"
done
remote "$program" --frames 30 --size 200x150 --resizes $resizes || fail "a window that changes; see above"
remote "$program" --mode immediate --frames 30 --size 200x150 --resizes 20 || fail "a window that changes, immediate; see above"

direct=$SERVER_ADDRESS
proxy_start --rtt 10 --rate 100
SERVER_ADDRESS=$PROXY_ADDRESS
remote "$program" --frames $((frames / 2)) || fail "over a slow link; see above"
remote "$program" --mode mailbox --frames $((frames / 2)) --size 640x480 || fail "over a slow link, mailbox; see above"
SERVER_ADDRESS=$direct
server_stop || fail "the server ended with status $?"
