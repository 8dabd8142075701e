#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 tsan
# Windows of X11: what is drawn on the server is what the display shows, bit by bit and in order, also over a slow link;
# windows may change their size, be hidden and destroyed at any time; and no wait outlives the server or the display.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/e2e/proxy.sh
. "$(dirname "$0")/proxy.sh"
# shellcheck source=tests/e2e/fault_lib.sh
. "$(dirname "$0")/fault_lib.sh"

program=$VP_BUILD/tests/e2e/x11_window
[[ -x $program ]] || skip "this build has no X11"
x11_start 1280 720
server_start

frames=120 resizes=200
[[ -z $VP_SANITIZE ]] || frames=40 resizes=40 # which are slow
for mode in fifo relaxed mailbox immediate latest; do
   remote_window "$program" --mode "$mode" --frames $frames || fail "$mode; see above"
done
remote_window "$program" --frames 30 --size 200x150 --resizes $resizes || fail "a window that changes; see above"
remote_window "$program" --mode immediate --frames 30 --size 200x150 --resizes 20 || fail "a window that changes, immediate; see above"

# shows_lossy CODEC: lossy pictures are the right ones in the right order and become exact, and nothing else
# is said than what was asked for. (A line of figures comes each second.)
shows_lossy() {
   local codec=$1
   VENUS_PRESENT=fast VENUS_HUD=1 remote "$program" --lossy --frames 100 --size 321x243 2>"$VP_TEST_TMP/hud" || fail "$codec; see above"
   ! grep -v '^venus: [0-9.]* frames/s' "$VP_TEST_TMP/hud" || fail "$codec: standard error is the application's"
   grep -q " $codec, " "$VP_TEST_TMP/hud" || fail "$codec is not used: $(cat "$VP_TEST_TMP/hud")"
}

# A library that cannot be opened, in a folder that comes first.
mkdir "$VP_TEST_TMP/hidden"
library=$(ldconfig -p | grep -o 'libavcodec\.so\.[0-9]*' | head -n 1 || true)
: >"$VP_TEST_TMP/hidden/$library-"
if [[ -n $library ]] && grep -q '^VP_H264:BOOL=ON' "$VP_BUILD/CMakeCache.txt"; then
   shows_lossy h264
   mv "$VP_TEST_TMP/hidden/$library-" "$VP_TEST_TMP/hidden/$library"
   LD_LIBRARY_PATH=$VP_TEST_TMP/hidden shows_lossy jpeg
fi

direct=$SERVER_ADDRESS
proxy_start --rtt 10 --rate 100
SERVER_ADDRESS=$PROXY_ADDRESS
remote_window "$program" --frames $((frames / 2)) || fail "over a slow link; see above"
remote_window "$program" --mode mailbox --frames $((frames / 2)) --size 640x480 || fail "over a slow link, mailbox; see above"
[[ ! -f $VP_TEST_TMP/hidden/$library ]] || shows_lossy h264
SERVER_ADDRESS=$direct

kill_workers() {
   local workers
   mapfile -t workers < <(workers_of "$SERVER_PID")
   kill -KILL "${workers[@]}"
}

# ends_without WHAT COMMAND...: a program that presents stops with an error soon after the command, which takes something
# away.
ends_without() {
   local what=$1 status=0
   shift
   cp "$DISPLAY_PICTURE" "$VP_TEST_TMP/before"
   client_start "$program" --seconds 60 --gpu >"$VP_TEST_TMP/ended" 2>&1
   wait_until 20 display_differs "$VP_TEST_TMP/before" || fail "it shows nothing: $(cat "$VP_TEST_TMP/ended")"
   process_gone "$CLIENT_PID" && fail "it has ended before: $(cat "$VP_TEST_TMP/ended")"
   "$@"
   wait_until 15 process_gone "$CLIENT_PID" || fail "without the $what it does not end"
   wait "$CLIENT_PID" || status=$?
   ((status == 1)) || fail "without the $what it ends with status $status: $(cat "$VP_TEST_TMP/ended")"
   grep -q 'draw_frame\|vkWaitForFences\|vkQueueSubmit' "$VP_TEST_TMP/ended" || fail "without the $what: $(cat "$VP_TEST_TMP/ended")"
   echo "without the $what a call fails"
}

# Such a program ends without waiting for its threads, which the thread sanitizer would report.
if [[ $VP_SANITIZE != thread ]]; then
   ends_without worker kill_workers
   ends_without display kill -KILL "${display_pids[0]}"
fi
server_stop || fail "the server ended with status $?"
