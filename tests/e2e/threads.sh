#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240 tsan
# The phases of the test application that use many threads; under the thread sanitizer this is the test for races in
# the driver and in the worker.
. "$(dirname "$0")/../lib.sh"

server_start
remote "$VP_TEST_APP" --phase 5 --phase 6 --phase 7 --phase 8 --phase 10 --out "$VP_TEST_TMP" || fail "the application"
