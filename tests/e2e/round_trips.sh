#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120 tsan
# What programs ask of buffers, memory and the GPU while they start is answered as natively, and mostly without the network; see
# round_trips.c.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/round_trips

native "$program" >"$VP_TEST_TMP/native" || fail "natively: $(cat "$VP_TEST_TMP/native")"
server_start
VENUS_DEBUG=stats remote "$program" >"$VP_TEST_TMP/remote" 2>"$VP_TEST_TMP/log" ||
   fail "$(cat "$VP_TEST_TMP/remote" "$VP_TEST_TMP/log")"
diff "$VP_TEST_TMP/native" "$VP_TEST_TMP/remote" || fail "the driver says something else"

# The greeting, two bursts, the device, and three allocations that the server might have no memory for; twice four
# questions about a format alone, and a burst for each of 4 and of 256 kinds of image of it. And one for each layout beyond
# the limits, of which each driver has its own.
trips=$(sed -n 's/.*blocking round trips: //p' "$VP_TEST_TMP/log")
layouts=$(sed -n 's/^venus: *\([0-9]*\) vkGetDescriptorSetLayoutSupport$/\1/p' "$VP_TEST_TMP/log")
((trips - ${layouts:-0} == 275 && ${layouts:-0} < 66)) || fail "not 275 round trips: $(cat "$VP_TEST_TMP/log")"
# The address of a memory that was allocated without waiting may be on its way.
grep -q 'being made: [01]$' "$VP_TEST_TMP/log" || fail "more than one wait for an address: $(cat "$VP_TEST_TMP/log")"
