#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# Threads that are cancelled inside a Vulkan call leave no lock behind; see cancel.c.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/cancel
native "$program" >"$VP_TEST_TMP/native" || fail "wrong on the native driver"
server_start
remote "$program" >"$VP_TEST_TMP/remote" || fail "wrong: $(cat "$VP_TEST_TMP/remote")"
diff "$VP_TEST_TMP/native" "$VP_TEST_TMP/remote" || fail "threads end otherwise than on the native driver"
server_stop || fail "the server ended with status $?"
