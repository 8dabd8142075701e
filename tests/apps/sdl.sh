#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=100 no-asan
# The Vulkan test of SDL 2, which changes the colour of its window with time: it runs on an Xlib surface, the colour
# changes, it ends, and the validation layer says what it says natively.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"

program=/usr/libexec/installed-tests/SDL2/testvulkan
[[ -x $program ]] || skip "libsdl2-tests is not installed"
x11_start 640 480
validation_start
remote "$LIMIT" 30 "$program" >"$VP_TEST_TMP/log" 2>&1 &
pid=$!
cp "$DISPLAY_PICTURE" "$VP_TEST_TMP/empty"
wait_until 20 display_differs "$VP_TEST_TMP/empty" || fail "nothing is to be seen: $(cat "$VP_TEST_TMP/log")"
sleep 0.5
cp "$DISPLAY_PICTURE" "$VP_TEST_TMP/one"
wait_until 5 display_differs "$VP_TEST_TMP/one" || fail "the picture does not change: $(cat "$VP_TEST_TMP/log")"
kill -TERM "$pid"
wait "$pid" || true
! grep -iE 'error|fail' "$VP_TEST_TMP/log" || fail "that is what it says"

frozen remote 10 "$VP_TEST_TMP/frozen" "$program"
[[ $(<"$VP_TEST_TMP/frozen.frozen") == xlib ]] || fail "its surface is of $(<"$VP_TEST_TMP/frozen.frozen")"
same_window_rules testvulkan timeout --preserve-status 2 "$program"
