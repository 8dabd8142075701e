#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 no-asan
# The Khronos validation layer says about the ten phases and some programs what it says natively, whether it looks at
# what the program tells our driver or at what our server tells the GPU's driver.
. "$(dirname "$0")/../lib.sh"

layer=VK_LAYER_KHRONOS_validation
[[ -f /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json ]] ||
   skip "the validation layer is not installed"
server_start
plain_address=$SERVER_ADDRESS
server_start --validate
validated_address=$SERVER_ADDRESS validated_log=$SERVER_LOG

# Which rules are broken, one a line; what is broken differs in the numbers of objects.
rules() {
   { grep -oE '\[ (VUID|UNASSIGNED|SYNC)-[^ ]+ \]' "$1" || true; } | sort -u
}

# The phases connect several times.
worker_is_gone() {
   (($(grep -c ': connected' "$validated_log") == $(grep -c ': disconnected' "$validated_log")))
}

# natively COMMAND...: into $log.native, if that was not done before.
natively() {
   [[ -f $log.native ]] || native env VK_INSTANCE_LAYERS=$layer "$@" >"$log.native" 2>&1 || fail "$name: native: status $?"
}

# check SIDE COMMAND...: that the rules broken in $log.SIDE are broken natively too.
check() {
   local side=$1
   shift
   rules "$log.$side" >"$log.$side.rules"
   if [[ -s $log.$side.rules ]]; then
      natively "$@"
      rules "$log.native" | comm -13 - "$log.$side.rules" >"$log.$side.more"
      if [[ -s $log.$side.more ]]; then
         grep -m 10 -F -f "$log.$side.more" "$log.$side"
         fail "$name: validated by the $side, it breaks rules that it keeps natively"
      fi
   fi
   echo "$name: in the $side, $(wc -l <"$log.$side.rules") broken rules, none that is kept natively"
}

# compare NAME COMMAND...
compare() {
   local name=$1 log=$VP_TEST_TMP/$1 before
   shift
   SERVER_ADDRESS=$plain_address
   remote env VK_INSTANCE_LAYERS=$layer "$@" >"$log.client" 2>&1 || fail "$name: validated by the client: status $?"
   check client "$@"
   SERVER_ADDRESS=$validated_address
   before=$(stat -c %s "$validated_log")
   remote "$@" >"$log.output" 2>&1 || fail "$name: validated by the server: status $?"
   wait_until 10 worker_is_gone || fail "$name: the worker does not end"
   tail -c "+$((before + 1))" "$validated_log" >"$log.server"
   check server "$@"
}

compare control "$VP_BUILD/tests/e2e/rule_breaker"
for side in client server; do
   [[ -s $VP_TEST_TMP/control.$side.rules ]] || fail "the layer does not see a broken rule in the $side"
done
for phase in 1 2 3 4 5 6 7 8 9 10; do
   compare "phase $phase" "$VP_TEST_APP" --phase "$phase" --out "$VP_TEST_TMP"
done
if command -v ffmpeg >/dev/null; then
   compare ffmpeg ffmpeg -v error -nostdin -init_hw_device vulkan=gpu -filter_hw_device gpu \
      -f lavfi -i testsrc2=size=320x180:rate=25:duration=0.12 \
      -vf format=yuv420p,hwupload,avgblur_vulkan,hwdownload,format=yuv420p -f null -
fi
if command -v gst-launch-1.0 >/dev/null; then
   compare gstreamer gst-launch-1.0 -q videotestsrc num-buffers=5 ! video/x-raw,format=BGRA,width=320,height=180 \
      ! vulkanupload ! vulkanimageidentity ! vulkandownload ! fakesink
fi
