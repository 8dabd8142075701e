#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 no-asan
# The cubes of vulkan-tools, in C and C++, in windows of X11 and Wayland: what is to be seen after some frames is the
# same as natively, also over a slow link, and the validation layer has nothing to say that it does not say natively.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"
# shellcheck source=tests/e2e/proxy.sh
. "$(dirname "$0")/../e2e/proxy.sh"

need vkcube vkcubepp
x11_start 640 600
validation_start
for mode in 0 1 2; do
   same_picture vkcube xcb 40 vkcube --present_mode "$mode"
done
same_picture vkcubepp xcb 40 vkcubepp

# Lossy pictures become exact when they stand still.
export VENUS_PRESENT=fast
same_picture vkcube xcb 40 vkcube
unset VENUS_PRESENT

same_window_rules vkcube vkcube --c 40
same_window_rules vkcubepp vkcubepp --c 40

near=$SERVER_ADDRESS
proxy_start --rtt 10 --rate 100
SERVER_ADDRESS=$PROXY_ADDRESS
same_picture vkcube xcb 40 vkcube
SERVER_ADDRESS=$near

need vkcube-wayland weston
XDG_SESSION_TYPE=x11 wayland_start 640 600 --backend=x11-backend.so --use-pixman --shell=kiosk-shell.so
same_picture vkcube-wayland wayland 40 vkcube-wayland
same_window_rules vkcube-wayland vkcube-wayland --c 40

# A compositor that dies takes the program along, but nothing hangs.
ulimit -c 0
cp "$DISPLAY_PICTURE" "$VP_TEST_TMP/before"
client_start "$LIMIT" 60 vkcube-wayland >"$VP_TEST_TMP/orphan" 2>&1
wait_until 20 display_differs "$VP_TEST_TMP/before" || fail "vkcube-wayland shows nothing: $(cat "$VP_TEST_TMP/orphan")"
kill -KILL "${display_pids[-1]}"
wait_until 10 process_gone "$CLIENT_PID" || fail "vkcube-wayland goes on without a compositor: $(cat "$VP_TEST_TMP/orphan")"
wait "$CLIENT_PID" 2>/dev/null || true
! grep 'venus: error' "$VP_TEST_TMP/orphan" || fail "that is said when the compositor has died"
