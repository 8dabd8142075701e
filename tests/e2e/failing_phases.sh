#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300
# Phases 2 to 6 of the test application while allocations of the driver fail, one after another: an ordinary program,
# which the Vulkan loader gives the driver, gets errors or goes on; it never crashes or hangs, and when it goes on
# nothing is left. All of them take long, so that a run tries some, spread over all: VP_TRIES says how many.
. "$(dirname "$0")/../lib.sh"

tries=20
[[ -z $VP_SANITIZE ]] || tries=8 # which are slow
tries=${VP_TRIES:-$tries}
phases=(--phase 2 --phase 3 --phase 4 --phase 5 --phase 6)
log=$VP_TEST_TMP/log

cat >"$VP_TEST_TMP/failing.json" <<END
{"file_format_version": "1.0.0",
 "ICD": {"library_path": "$VP_BUILD/tests/e2e/libfailing_driver.so", "api_version": "1.3.0"}}
END
VP_ICD=$VP_TEST_TMP/failing.json

# run_phases: `status` is the program's; 124 is a limit of time.
run_phases() {
   status=0
   remote "$LIMIT" 60 "$VP_TEST_APP" "${phases[@]}" >"$log" 2>&1 || status=$?
}

server_start
run_phases
((status == 0)) || fail "without failures: status $status: $(cat "$log")"
count=$(sed -n 's/^allocations: //p' "$log")
((count > tries)) || fail "there were only $count allocations"

for ((try = 0; try < tries; try++)); do
   number=$((count * try / tries))
   VP_FAIL_AT=$number VP_FAIL_COUNT=$((try % 3 == 2 ? 20 : 1)) run_phases
   echo "allocation $number: status $status"
   # Status 1: a check of the program's has failed, which then has said so.
   ((status <= 1)) || fail "allocation $number: status $status: $(tail -n 40 "$log")"
   ((status == 0)) || grep -q 'failed: \|gave VK_ERROR_' "$log" || fail "allocation $number: no error: $(tail -n 40 "$log")"
done
run_phases
((status == 0)) || fail "afterwards: status $status: $(cat "$log")"
! grep 'error: ' "$SERVER_LOG" || fail "the server did not understand the client"
server_stop || fail "the server ended with status $?"
