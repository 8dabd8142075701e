#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=200 no-asan
# mpv draws a film with Vulkan (libplacebo) into an X11 window: the picture is the same as natively. The film is a still,
# since mpv may show a frame twice.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"

need mpv vulkaninfo
x11_start 640 360
server_start

# It takes a software GPU only by its name.
gpu_name() {
   "$1" vulkaninfo --summary 2>/dev/null | awk -F'= ' '/deviceName/ {print $2; exit}'
}
name=$(gpu_name native)
film=(--no-config --no-audio --gpu-api=vulkan --gpu-context=x11vk --no-border --geometry=640x360+0+0 --osd-level=0
   --no-osc --no-input-terminal --untimed --dither-depth=no av://lavfi:smptehdbars=size=640x360:rate=25:duration=60)
for output in gpu gpu-next; do
   display_settles "$VP_TEST_TMP/empty"
   frozen native 12 "$VP_TEST_TMP/native" mpv --vo=$output --vulkan-device="$name" "${film[@]}"
   frozen remote 12 "$VP_TEST_TMP/remote" mpv --vo=$output --vulkan-device="$(gpu_name remote)" "${film[@]}"
   ! cmp -s "$VP_TEST_TMP/empty" "$VP_TEST_TMP/native" || fail "$output: the native run shows nothing"
   cmp "$VP_TEST_TMP/native" "$VP_TEST_TMP/remote" || fail "$output: the pictures differ"
   echo "$output: the pictures are the same"
done
