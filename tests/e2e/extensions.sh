#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180
# Extensions that few GPUs have: what a program sees of them is what it sees natively; see extensions.c. On any GPU with a
# layer that plays some of them, and on the GPU itself with those that it has. VP_FAULT=1 also brings a device to its end.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/extensions
layer_setup played "$VP_BUILD/tests/e2e/libplayed_layer.so"
gpu=(cooperative_matrix2 cooperative_vector copy_memory_indirect image_view_handle descriptor_pool_overallocation
   memory_decompression extended_sparse_address_space multiview_per_view_attributes dedicated_allocation_image_aliasing
   pipeline_binary diagnostic_checkpoints device_fault diagnostics_config ray_tracing optical_flow binary_import
   video_decode_h264)
windows=(fifo_latest_ready low_latency2 present_wait2) # are the client's: the GPU's own driver need not have them
played=(device_fault diagnostic_checkpoints pipeline_binary cooperative_vector binary_import video_decode_h264 video_sets)

# One that has them all is not played.
play() {
   export VP_PLAYED=1
   # What a played GPU was given it says on stderr, which is the server's log, too.
   (export "${layer[@]}" && native "$program" "${played[@]}") >"$VP_TEST_TMP/played.native" 2>"$VP_TEST_TMP/played.given" ||
      fail "played, natively: $(cat "$VP_TEST_TMP/played.native" "$VP_TEST_TMP/played.given")"
   server_start_with "${layer[@]}"
   remote "$program" "${played[@]}" >"$VP_TEST_TMP/played.remote" 2>"$VP_TEST_TMP/played.log" ||
      fail "played: $(cat "$VP_TEST_TMP/played.remote" "$VP_TEST_TMP/played.log")"
   diff <(sed '/skipped/d' "$VP_TEST_TMP/played.native") <(sed '/skipped/d' "$VP_TEST_TMP/played.remote") ||
      fail "played: natively and through us it differs"
   diff <(grep '^played:' "$VP_TEST_TMP/played.given") <(grep -o 'played: .*' "$SERVER_LOG") ||
      fail "played: the GPU was given something else"
   grep -q '^played: launched' "$VP_TEST_TMP/played.given" || fail "nothing was played"
   (($(grep -c ':$' "$VP_TEST_TMP/played.remote") == ${#played[@]})) || echo "not all is in these headers"
   server_stop
   unset VP_PLAYED
}
status=0
native "$program" device_fault >"$VP_TEST_TMP/own" 2>&1 || status=$?
((status != 77)) || play

# shellcheck disable=SC2119
server_start
status=0
remote "$program" "${windows[@]}" || status=$?
((status == 0 || status == 77)) || fail "what is about windows; see above"
wrong=() missing=()
# compare PART: what the GPU itself makes of it.
compare() {
   local name=$VP_TEST_TMP/$1 status=0
   native "$program" "$1" >"$name.native" 2>&1 || status=$?
   if ((status == 77)); then
      missing+=("$1")
   elif ((status != 0)); then
      wrong+=("$1 natively")
      cat "$name.native"
   elif ! remote "$program" "$1" >"$name.remote" 2>"$name.log" || ! diff "$name.native" "$name.remote"; then
      wrong+=("$1")
      cat "$name.remote" "$name.log"
   else
      cat "$name.remote"
   fi
}
for part in "${gpu[@]}"; do
   compare "$part"
done
((${#missing[@]} == 0)) || echo "the GPU itself, or the headers, have no ${missing[*]}"
((${#wrong[@]} == 0)) || fail "wrong: ${wrong[*]}"
server_stop || fail "the server ended with status $?"
