#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# Command buffers, commands and objects of hundreds of megabytes; see long_commands.c.
. "$(dirname "$0")/../lib.sh"

recording=600 object=100 # MiB; the first is more than fits into one frame
[[ -z $VP_SANITIZE ]] || recording=64 object=8
program=$VP_BUILD/tests/e2e/long_commands
server_start
native "$program" $recording $object >"$VP_TEST_TMP/native" || fail "natively: $(cat "$VP_TEST_TMP/native")"
remote "$program" $recording $object >"$VP_TEST_TMP/remote" || fail "$(cat "$VP_TEST_TMP/remote")"
cat "$VP_TEST_TMP/remote"
diff <(grep -v KiB "$VP_TEST_TMP/native") <(grep -v KiB "$VP_TEST_TMP/remote") || fail "not all was done"
[[ -n $VP_SANITIZE ]] || (($(sed -n 's/ KiB$//p' "$VP_TEST_TMP/remote") < recording * 512)) ||
   fail "the program needs too much memory for what it records"
