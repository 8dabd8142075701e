#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 no-asan
# Rows of ./dev bench gpu, each once: what they measure works on both drivers. The numbers mean nothing here.
. "$(dirname "$0")/../lib.sh"

table=$VP_TEST_TMP/table
"$VP_SOURCE/tools/bench_gpu" --rounds 1 --seconds 0 submissions picture buffers ahead flushes queries start clients \
   >"$table" || fail "$(cat "$table")"
cat "$table"
! grep -q 'failed:' "$table" || fail "a row failed"
(($(grep -c '^|' "$table") == 12)) || fail "rows are missing"
