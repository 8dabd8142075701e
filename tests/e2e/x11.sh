#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240
# Windows of X11: what is drawn on the server is what the display shows, bit by bit and in order, also over a slow link;
# and windows may change their size, be hidden and destroyed at any time.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/e2e/proxy.sh
. "$(dirname "$0")/proxy.sh"

program=$VP_BUILD/tests/e2e/x11_window
[[ -x $program ]] || skip "this build has no X11"
x11_start 1280 720
server_start

for mode in fifo mailbox immediate; do
   remote "$program" "$mode" 120 320 240 || fail "$mode; see above"
done
remote "$program" fifo 30 200 150 200 || fail "a window that changes; see above"
remote "$program" immediate 30 200 150 20 || fail "a window that changes, immediate; see above"

direct=$SERVER_ADDRESS
proxy_start --rtt 10 --rate 100
SERVER_ADDRESS=$PROXY_ADDRESS
remote "$program" fifo 60 320 240 || fail "over a slow link; see above"
remote "$program" mailbox 60 640 480 || fail "over a slow link, mailbox; see above"
SERVER_ADDRESS=$direct
server_stop || fail "the server ended with status $?"
