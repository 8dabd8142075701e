#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 no-asan
# The Khronos validation layer says about the phases of the test application and some programs what it says natively, whether it looks at
# what the program tells our driver or at what our server tells the GPU's driver.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/e2e/validation_lib.sh
. "$(dirname "$0")/validation_lib.sh"

validation_start
same_rules control "$VP_BUILD/tests/e2e/rule_breaker"
for side in client server; do
   [[ -s $VP_TEST_TMP/control.rules.$side.rules ]] || fail "the layer does not see a broken rule in the $side"
done
for phase in 1 2 3 4 5 6 7 8 9 10 11; do
   same_rules "phase $phase" "$VP_TEST_APP" --phase "$phase" --out "$VP_TEST_TMP"
done
if command -v ffmpeg >/dev/null; then
   same_rules ffmpeg ffmpeg -v error -nostdin -init_hw_device vulkan=gpu -filter_hw_device gpu \
      -f lavfi -i testsrc2=size=320x180:rate=25:duration=0.12 \
      -vf format=yuv420p,hwupload,avgblur_vulkan,hwdownload,format=yuv420p -f null -
fi
if command -v gst-launch-1.0 >/dev/null; then
   same_rules gstreamer gst-launch-1.0 -q videotestsrc num-buffers=5 ! video/x-raw,format=BGRA,width=320,height=180 \
      ! vulkanupload ! vulkanimageidentity ! vulkandownload ! fakesink
fi
