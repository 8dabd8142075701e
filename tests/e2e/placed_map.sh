#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=60
# Memory mapped where the application wants to have it; see placed_map.c. With each mechanism by which changes are found.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/placed_map
server_start
for mechanism in async signal compare; do
   status=0
   why=$(VENUS_TRACK=$mechanism remote "$program") || status=$?
   ((status != 77)) || skip "$why"
   ((status == 0)) || fail "wrong with VENUS_TRACK=$mechanism"
done
