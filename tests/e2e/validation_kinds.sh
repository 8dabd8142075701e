#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240 no-asan
# The other kinds of checks that the Khronos validation layer has, of what shaders do on the GPU, of synchronisation and of
# good practice, between a program and our driver: it says the same as natively, and finds what is there to be found.
. "$(dirname "$0")/../lib.sh"

[[ -f /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json ]] || skip "the validation layer is not installed"
server_start

# says SIDE KIND COMMAND...: what the layer says of the program when it does this kind of checks, too, by its names for
# that: one a line, with how often; and how the program ends, which is not always well where its last words are in the
# layer. Older layers know the kinds by other names than newer ones.
says() {
   local side=$1 kind=$2 new status=0
   shift 2
   case $kind in
   GPU_ASSISTED) new=gpuav_enable ;;
   SYNCHRONIZATION_VALIDATION) new=validate_sync ;;
   BEST_PRACTICES) new=validate_best_practices ;;
   esac
   cat >"$VP_TEST_TMP/settings" <<END
khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_${kind}_EXT
khronos_validation.$new = true
khronos_validation.report_flags = error,warn,perf
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = stdout
END
   "$side" env VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VK_LAYER_SETTINGS_PATH="$VP_TEST_TMP/settings" \
      "$LIMIT" 100 "$@" >"$VP_TEST_TMP/log" 2>&1 || status=$?
   { grep -oE '\[ [A-Za-z]+-[^ ]+ \]' "$VP_TEST_TMP/log" || true; } | sort | uniq -c
   ((status == 0)) || echo "status $status"
}

# same KIND WORD COMMAND...: both sides say the same, with this word in it.
same() {
   local kind=$1 word=$2 side
   shift 2
   for side in native remote; do
      says "$side" "$kind" "$@" >"$VP_TEST_TMP/$side"
   done
   diff "$VP_TEST_TMP/native" "$VP_TEST_TMP/remote" ||
      fail "$kind: $*: the layer does not say what it says natively: $(tail -n 20 "$VP_TEST_TMP/log")"
   [[ -z $word ]] || grep -q -e "$word" "$VP_TEST_TMP/remote" ||
      fail "$kind: $*: nothing about $word: $(cat "$VP_TEST_TMP/remote")"
   echo "$kind, ${1##*/}: $(wc -l <"$VP_TEST_TMP/remote") different messages, the same on both sides"
}

mkdir "$VP_TEST_TMP/out"
# A shader that reads and writes behind the end of a buffer, which only the GPU can tell.
same GPU_ASSISTED vkCmdDispatch "$VP_BUILD/tests/e2e/hostile" reach
same GPU_ASSISTED '' "$VP_TEST_APP" --phase 7
same SYNCHRONIZATION_VALIDATION '' "$VP_TEST_APP" --phase 7
same BEST_PRACTICES BestPractices "$VP_TEST_APP" --phase 7 --phase 10 --frames 2 --out "$VP_TEST_TMP/out"
