#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=200 no-asan
# Windows of programs are resized often, hidden, shown, and taken away, by somebody else: vkcube shows the native picture
# afterwards, and whatever happens, each program ends as it does natively, and nothing of it stays in the server.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"
# shellcheck source=tests/e2e/fault_lib.sh
. "$(dirname "$0")/../e2e/fault_lib.sh"

meddle=$VP_BUILD/tests/apps/meddle
[[ -x $meddle ]] || skip "this build has no X11"
need vkcube
ulimit -c 0 # vkcube aborts when it loses its window
x11_start 640 600
server_start --resume 0 --ready 0

# same_files: the server has as many files open as before its first client.
open_files() {
   find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l
}
files_before=$(open_files)
same_files() {
   (($(open_files) == files_before))
}

# Natively it has its last size from the start. Through the driver it is held before frame 380 until it was resized.
export VP_HOLD_FILE=$VP_TEST_TMP/go
resized=$VP_TEST_TMP/resized
display_settles "$resized.empty"
frozen native 400 "$resized.native" vkcube --width 333 --height 277
{
   "$meddle" resize 333 277 150 && "$meddle" hide && sleep 0.3 && "$meddle" show && touch "$VP_HOLD_FILE"
} &
meddler=$!
VP_HOLD_AT=380 frozen remote 400 "$resized.remote" vkcube
wait "$meddler" || fail "the window cannot be resized"
! cmp -s "$resized.empty" "$resized.native" || fail "the native run shows nothing"
has_colours "$resized.native"
cmp "$resized.native" "$resized.remote" || fail "after resizing, the pictures differ"
wait_until 6 no_workers "$SERVER_PID" || fail "the worker does not end"
echo "vkcube: after 150 changes of its size, the picture is the same"

# changed SIDE END COMMAND...: starts a program whose window is resized, hidden, shown, and then END; sets status.
changed() {
   local side=$1 end=$2
   shift 2
   client_start_on "$side" "$LIMIT" 30 "$@" >"$VP_TEST_TMP/$side.log" 2>&1
   "$meddle" resize 200 150 20 || fail "$side $*: no window: $(cat "$VP_TEST_TMP/$side.log")"
   "$meddle" hide
   sleep 0.2
   "$meddle" show
   sleep 0.1
   "$meddle" "$end"
   wait_until 10 process_gone "$CLIENT_PID" || fail "$side $*: after $end it does not end"
   status=0
   wait "$CLIENT_PID" 2>/dev/null || status=$?
}

# same_ends ENDS COMMAND... Which call hears first of a connection that breaks is chance, natively too (SDL can end with
# 1 or by SIGPIPE), so both may try again.
same_ends() {
   local end ends native status attempt
   read -r -a ends <<<"$1"
   shift
   for end in "${ends[@]}"; do
      for ((attempt = 0; attempt < 4; attempt++)); do
         changed native "$end" "$@"
         native=$status
         changed remote "$end" "$@"
         ((status != native)) || break
      done
      ((status == native)) || fail "$*: after $end, status $status, natively $native: $(tail -n 5 "$VP_TEST_TMP/remote.log")"
      wait_until 6 no_workers "$SERVER_PID" || fail "$*: after $end, the worker does not end"
      echo "$1: $end: status $status"
   done
}

same_ends "close destroy kill" vkcube
program=/usr/libexec/installed-tests/SDL2/testvulkan
if [[ -x $program ]]; then
   same_ends "close destroy kill" "$program"
fi
program=/usr/lib/qt6/bin/qml
if [[ -x $program ]]; then
   export QSG_RHI_BACKEND=vulkan QT_QPA_PLATFORM=xcb
   same_ends close "$program" "$VP_SOURCE/tests/apps/scene.qml"
fi
client_start vkcube >/dev/null 2>&1
"$meddle" resize 200 150 10
kill -KILL "$CLIENT_PID"
wait "$CLIENT_PID" 2>/dev/null || true
wait_until 6 no_workers "$SERVER_PID" || fail "a killed program leaves its worker"
wait_until 6 same_files || fail "the server has not $files_before files open: $(ls -l "/proc/$SERVER_PID/fd")"
server_stop || fail "the server ended with status $?"
