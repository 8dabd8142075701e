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
for mode in fifo mailbox immediate; do
   remote "$program" "$mode" $frames 320 240 || fail "$mode; see above"
done
remote "$program" fifo 30 200 150 $resizes || fail "a window that changes; see above"
remote "$program" immediate 30 200 150 20 || fail "a window that changes, immediate; see above"

# shows_lossy CODEC ARGUMENT...: lossy pictures are the right ones in the right order and become exact, and nothing else
# is said than what was asked for. (A line of figures comes each second.)
shows_lossy() {
   local codec=$1
   shift
   VENUS_PRESENT=fast VENUS_HUD=1 remote "$program" "$@" 0 lossy 2>"$VP_TEST_TMP/hud" || fail "$codec; see above"
   ! grep -v '^venus: [0-9.]* frames/s' "$VP_TEST_TMP/hud" || fail "$codec: standard error is the application's"
   grep -q " $codec, " "$VP_TEST_TMP/hud" || fail "$codec is not used: $(cat "$VP_TEST_TMP/hud")"
}

# A library that cannot be opened, in a folder that comes first.
mkdir "$VP_TEST_TMP/hidden"
library=$(ldconfig -p | grep -o 'libavcodec\.so\.[0-9]*' | head -n 1 || true)
: >"$VP_TEST_TMP/hidden/$library-"
if [[ -n $library ]] && grep -q '^VP_H264:BOOL=ON' "$VP_BUILD/CMakeCache.txt"; then
   shows_lossy h264 fifo 100 321 243
   mv "$VP_TEST_TMP/hidden/$library-" "$VP_TEST_TMP/hidden/$library"
   LD_LIBRARY_PATH=$VP_TEST_TMP/hidden shows_lossy jpeg fifo 100 321 243
fi

direct=$SERVER_ADDRESS
proxy_start --rtt 10 --rate 100
SERVER_ADDRESS=$PROXY_ADDRESS
remote "$program" fifo $((frames / 2)) 320 240 || fail "over a slow link; see above"
remote "$program" mailbox $((frames / 2)) 640 480 || fail "over a slow link, mailbox; see above"
[[ ! -f $VP_TEST_TMP/hidden/$library ]] || shows_lossy h264 fifo 100 321 243
SERVER_ADDRESS=$direct
server_stop || fail "the server ended with status $?"
