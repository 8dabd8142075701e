#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# In a program whose locale has a decimal comma, numbers have a point all the same: those that the driver is given, and
# those that it writes.
. "$(dirname "$0")/../lib.sh"

need localedef
locale=de_DE.UTF-8
localedef -i de_DE -f UTF-8 "$VP_TEST_TMP/$locale" 2>/dev/null || skip "the sources of locales are not installed"
export LOCPATH=$VP_TEST_TMP
{ export LC_ALL=$locale; } 2>/dev/null # the shell itself does not find it
[[ $(env printf '%.1f' 2,5) == 2,5 ]] || fail "the locale has no decimal comma"
server_start
said=$VP_TEST_TMP/said
VENUS_TIMEOUT=20.5 VENUS_DEBUG=stats VENUS_HUD=1 remote "$VP_BUILD/tests/e2e/swapchain" 2>"$said" || fail "see above"
grep VENUS_TIMEOUT "$said" && fail "a number is not understood"
grep -Eq '[0-9]\.[0-9]+ ms gpu$' "$said" || fail "there are no times: $(cat "$said")"
grep -E '[0-9],[0-9]' "$said" && fail "these numbers have a comma"
server_stop || fail "the server ended with status $?"
