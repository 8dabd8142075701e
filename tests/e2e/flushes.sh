#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=60 tsan
# Flushing the same memory again and again costs nothing while the first flush has not begun; see flushes.c. Each that
# looked at the memory on its own would take minutes in all.
. "$(dirname "$0")/../lib.sh"

server_start
VENUS_TRACK=compare remote "$VP_BUILD/tests/e2e/flushes" || fail "the GPU has not seen what was written"
