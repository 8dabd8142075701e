#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# Children of fork(): they have a driver of their own and leave the parent's alone; see fork.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"

program=$VP_BUILD/tests/e2e/fork
native "$program" own || fail "wrong on the native driver"
native "$program" later || fail "wrong on the native driver"
# Neither other drivers nor the sanitizers promise anything of threads at the time of a fork.
threads=(threads)
[[ -z $VP_SANITIZE ]] || threads=()
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # a child has what the stacks of missing threads point to
server_start
# A name, since looking it up takes a thread that a child does not have.
SERVER_ADDRESS=localhost:$SERVER_PORT
for mechanism in async signal compare; do
   for case in own inherited; do
      VENUS_TRACK=$mechanism remote "$program" "$case" "${threads[@]}" || fail "wrong: $case, VENUS_TRACK=$mechanism"
   done
done
for case in later descriptors; do
   remote "$program" "$case" || fail "wrong: $case"
done
(
   ulimit -f 0 # memory without a file
   remote "$program" own "${threads[@]}"
) || fail "wrong without a file for mapped memory"

# A child that lives longer does not keep the parent's connection open: only its worker knows that the parent has ended.
remote "$program" orphan >"$VP_TEST_TMP/orphan" || fail "wrong: orphan"
wait_until 20 no_workers "$SERVER_PID" || fail "the worker of a program that has ended is still there"
kill "$(cat "$VP_TEST_TMP/orphan")" || fail "the child has not outlived its parent"
server_stop || fail "the server ended with status $?"
