#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=200
# What a running batch writes is seen by a program that looks for it, in its order; see poll.c.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/poll
server_start
native "$program" || fail "the program fails on the driver itself"
remote "$program" || fail "wrong, or never seen"
