#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=200 no-asan
# mpv draws a film with Vulkan (libplacebo) into an X11 window: the picture is the same as natively, and the validation
# layer says the same. The film is a still, since mpv may show a frame twice.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"

need mpv vulkaninfo
x11_start 640 360
validation_start

# It takes a software GPU only by its name.
# shellcheck disable=SC2016
player=(bash -c 'name=$(vulkaninfo --summary 2>/dev/null | sed -n "s/.*deviceName *= //p" | head -n 1)
   exec mpv --vulkan-device="$name" "$@"' mpv --no-config --no-audio --gpu-api=vulkan --gpu-context=x11vk --no-border
   --geometry=640x360+0+0 --osd-level=0 --no-osc --no-input-terminal --untimed --dither-depth=no
   av://lavfi:smptehdbars=size=640x360:rate=25:duration=60)
for output in gpu gpu-next; do
   same_picture $output xlib 12 "${player[@]}" --vo=$output
   same_window_rules $output "${player[@]}" --vo=$output --frames=12
done
