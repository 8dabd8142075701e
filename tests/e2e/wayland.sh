#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120 waits
# Windows of Wayland that are minimised, destroyed with frames under way, and that lose their compositor: no call waits
# for ever.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/wayland_window
[[ -x $program ]] || skip "this build has no Wayland"
# shellcheck disable=SC2119
server_start
wayland_start 640 480 --backend=headless-backend.so --use-pixman
compositor=${display_pids[-1]}
remote_window "$program" mailbox || fail "mailbox; see above"

status=0
client_start "$LIMIT" 60 "$program" fifo "$VP_TEST_TMP/ready"
wait_until 50 test -f "$VP_TEST_TMP/ready" || fail "it does not come to its last part"
sleep 0.5
kill -KILL "$compositor"
wait "$CLIENT_PID" || status=$?
((status == 0)) || fail "fifo ended with status $status; see above"
server_stop || fail "the server ended with status $?"
