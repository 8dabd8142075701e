#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120 no-asan
# Programs that give up descriptors, system calls or the size of files, or have closed their standard streams, go on as
# they do natively; see taken_away.c. (The address sanitizer needs what they give up.)
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/taken_away
cd "$VP_TEST_TMP"
server_start

# run native|remote CASE: its output, what it reports, and how it ends. Output may be limited to no bytes: so pipes.
run() {
   {
      local status=0
      "$1" "$program" "$2" 2>&1 9>&1 || status=$?
      echo "exit status $status"
   } | cat
}

# closed_streams native|remote: with each combination of standard streams closed.
closed_streams() {
   "$1" "$program" 9>&1 >&- 2>&1 || echo "exit status $?"
   "$1" "$program" 9>&1 2>&- || echo "exit status $?"
   "$1" "$program" 9>&1 <&- >&- 2>&- || echo "exit status $?"
   "$1" "$program" 9>&1 <&- 2>&1 || echo "exit status $?"
}

for mechanism in async compare; do
   export VENUS_TRACK=$mechanism
   for case in nothing early-files files descriptors calls-fail calls-kill more-calls closed; do
      run native "$case" >"native-$case"
      run remote "$case" >"remote-$case"
      grep -q 'copies are right' "native-$case" || fail "wrong natively: $case: $(cat "native-$case")"
      diff "native-$case" "remote-$case" || fail "not as it is natively: $case, VENUS_TRACK=$mechanism"
   done
done
[[ ! -s own-file || -z $(tr -d '\0' <own-file) ]] || fail "the driver has written to a file of the program's"
closed_streams native >native-streams
closed_streams remote >remote-streams
diff native-streams remote-streams || fail "not as it is natively with closed standard streams"
server_stop || fail "the server ended with status $?"
