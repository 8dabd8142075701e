#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180
# Extensions that few GPUs have: what a program sees of them is what it sees natively; see extensions.c. On any GPU with a
# layer that plays some of them, and on the GPU itself with those that it has. VP_FAULT=1 also brings a device to its end.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/extensions
layer_setup played "$VP_BUILD/tests/e2e/libplayed_layer.so"
windows=(fifo_latest_ready low_latency2) # are the client's: the GPU's own driver need not have them
played=(device_fault diagnostic_checkpoints pipeline_binary cooperative_vector binary_import)

# same NAME: both have printed the same.
same() {
   local name=$VP_TEST_TMP/$1 status=0
   diff <(sed '/skipped/d' "$name.native") <(sed '/skipped/d' "$name.remote") >"$name.diff" || status=$?
   ((status == 0)) || fail "${name##*/}: natively and through us: $(cat "$name.diff" "$name.log")"
}

# What a played GPU was given it says on stderr, which is the server's log, too.
export VP_PLAYED=1
env "${layer[@]}" VK_DRIVER_FILES="$VP_NATIVE_ICD" "$program" "${played[@]}" >"$VP_TEST_TMP/played.native" \
   2>"$VP_TEST_TMP/played.given" || fail "played, natively: $(cat "$VP_TEST_TMP/played.native" "$VP_TEST_TMP/played.given")"
server_start_with "${layer[@]}"
remote "$program" "${played[@]}" >"$VP_TEST_TMP/played.remote" 2>"$VP_TEST_TMP/played.log" ||
   fail "played: $(cat "$VP_TEST_TMP/played.remote" "$VP_TEST_TMP/played.log")"
same played
diff <(grep '^played:' "$VP_TEST_TMP/played.given") <(grep -o 'played: .*' "$SERVER_LOG") ||
   fail "played: the GPU was given something else"
grep -q '^played: launched' "$VP_TEST_TMP/played.given" || fail "nothing was played"
(($(grep -c ':$' "$VP_TEST_TMP/played.remote") == ${#played[@]})) || echo "not all is in these headers"
server_stop
unset VP_PLAYED

# shellcheck disable=SC2119
server_start
remote "$program" "${windows[@]}" || fail "what is about windows; see above"
status=0
native "$program" >"$VP_TEST_TMP/gpu.native" 2>&1 || status=$?
if ((status == 77)); then
   echo "the GPU has none of the extensions itself"
elif ((status == 0)); then
   mapfile -t parts < <(sed -n 's/^\([a-z_0-9]*\):$/\1/p' "$VP_TEST_TMP/gpu.native")
   remote "$program" "${parts[@]}" >"$VP_TEST_TMP/gpu.remote" 2>"$VP_TEST_TMP/gpu.log" ||
      fail "$(cat "$VP_TEST_TMP/gpu.remote" "$VP_TEST_TMP/gpu.log")"
   same gpu
   cat "$VP_TEST_TMP/gpu.remote"
else
   fail "natively: $(cat "$VP_TEST_TMP/gpu.native")"
fi
server_stop || fail "the server ended with status $?"
