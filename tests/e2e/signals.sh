#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=60
# No signal of the program reaches a thread of the driver; see signals.c.
. "$(dirname "$0")/../lib.sh"

server_start
for mechanism in async signal compare; do
   got=$(VENUS_TRACK=$mechanism remote "$VP_BUILD/tests/e2e/signals") || fail "VENUS_TRACK=$mechanism: $got"
done
