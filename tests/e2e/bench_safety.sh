#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 no-asan
# Two rows of ./dev bench safety, each once: the four servers are there and answer. The numbers mean nothing here.
. "$(dirname "$0")/../lib.sh"
need openssl Xvfb
[[ -x $VP_BUILD/client/venus-plus/venus-tls ]] || skip "this build has no TLS"

table=$VP_TEST_TMP/table
"$VP_SOURCE/tools/bench" safety --rounds 1 --rows first >"$table" || fail "$(cat "$table")"
cat "$table"
number='[0-9]+\.[0-9]{3}'
ratio="$number +[0-9]+\.[0-9]{2}"
(($(grep -cE "first (answer|result) +$number +$ratio +$ratio +$ratio$" "$table") == 4)) || fail "rows are missing"
