#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180
# Threads and the GPU change mapped memory in all allowed ways; see memory_stress.c. Natively first, since a program that
# does what Vulkan does not allow shows nothing.
. "$(dirname "$0")/../lib.sh"

stress=$VP_BUILD/tests/e2e/memory_stress
server_start
native "$stress" 2 || fail "the program fails on the driver itself"
remote "$stress" 10
