#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=60
# Memory of the application's own as device memory; see host_memory.c. With each mechanism by which changes are found.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/host_memory
native "$program" || skip "the native driver cannot import host memory"
server_start
for mechanism in async signal compare; do
   VENUS_TRACK=$mechanism remote "$program" || fail "wrong with VENUS_TRACK=$mechanism"
done
