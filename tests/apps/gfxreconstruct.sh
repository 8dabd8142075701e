#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240 no-asan
# What gfxreconstruct captures of a window, of the test application and of GStreamer, natively and through our driver, it
# replays on both, and the pictures, or all that programs read back, are those of the original.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"

layers=/usr/share/vulkan/explicit_layer.d
need gfxrecon-replay
[[ -f $layers/VkLayer_gfxreconstruct.json ]] || skip "gfxreconstruct's layer is not installed"
captures=$VP_TEST_TMP/captures
mkdir "$captures"
layer_setup readback "$VP_BUILD/tests/apps/libreadback_layer.so"
readback=(VK_LAYER_PATH="$VP_TEST_TMP/layers:$layers" VK_INSTANCE_LAYERS=VK_LAYER_LUNARG_gfxreconstruct:VK_LAYER_VENUS_readback)
plain=(VK_INSTANCE_LAYERS=VK_LAYER_LUNARG_gfxreconstruct)

# captured SIDE NAME VARIABLE... COMMAND...: makes the capture NAME.SIDE.gfxr; what the program reads back goes to
# NAME.SIDE.sums where the layer is there.
captured() {
   local side=$1 file=$captures/$2.$1
   shift 2
   "$side" env GFXRECON_CAPTURE_FILE="$file.gfxr" GFXRECON_CAPTURE_FILE_TIMESTAMP=false GFXRECON_LOG_LEVEL=error \
      VP_READBACK_FILE="$file.sums" "$LIMIT" 60 env "$@" >"$file.log" 2>&1 ||
      fail "$file: status $?: $(tail -n 20 "$file.log")"
}

# replayed SIDE CAPTURE OPTION...: plays CAPTURE.gfxr; pictures go to the folder CAPTURE.on.SIDE, and what the program
# would read back to CAPTURE.on.SIDE.sums.
replayed() {
   local side=$1 file=$captures/$2 out=$captures/$2.on.$1
   shift 2
   mkdir "$out"
   "$side" env "${layer[@]}" VP_READBACK_FILE="$out.sums" "$LIMIT" 60 gfxrecon-replay --log-level error \
      --screenshot-dir "$out" "$@" "$file.gfxr" >"$out.log" 2>&1 || fail "$out: status $?: $(tail -n 20 "$out.log")"
}

# same_frames NAME FRAMES COUNT CAPTURE...: these frames of all captures, replayed natively and through the driver, are the
# same, and not all of them one.
same_frames() {
   local name=$1 frames=$2 count=$3 capture side picture first
   shift 3
   first=$captures/$1.on.native
   for capture; do
      for side in native remote; do
         replayed "$side" "$capture" --screenshots "$frames"
         for picture in "$first"/*.bmp; do
            cmp "$picture" "$captures/$capture.on.$side/${picture##*/}" || fail "$capture: replayed on $side"
         done
      done
   done
   (($(cat "$first"/*.bmp | wc -c) > count * 500 * 500 * 3)) || fail "$name: not $count pictures"
   (($(md5sum "$first"/*.bmp | cut -c 1-32 | sort -u | wc -l) == count)) || fail "$name: pictures are alike"
   echo "$name: captured and replayed on both sides, $count frames are the same"
}

# same_readback NAME LINES COMMAND...: what the program reads back is what its replays do, in the lines that match.
same_readback() {
   local name=$1 lines=$2 side other sums
   shift 2
   for side in native remote; do
      captured "$side" "$name" "${readback[@]}" GFXRECON_MEMORY_TRACKING_MODE=unassisted "$@"
      sums=$captures/$name.$side
      grep "$lines" "$sums.sums" >"$sums.wanted" || fail "$name: $side: nothing is read back"
      for other in native remote; do
         replayed "$other" "$name.$side"
         grep "$lines" "$sums.on.$other.sums" | diff "$sums.wanted" - || fail "$name: captured $side, replayed $other"
      done
   done
   echo "$name: captured and replayed on both sides, $(wc -l <"$sums.wanted") times something is read back that is the same"
}

x11_start 640 600
server_start

# Memory is tracked by gfxreconstruct as it likes best, beside each way in which our driver does that.
if command -v vkcube >/dev/null; then
   captured native cube "${plain[@]}" vkcube --c 12
   captured remote cube "${plain[@]}" vkcube --c 12
   for track in signal compare; do
      captured remote "cube_$track" "${plain[@]}" VENUS_TRACK="$track" vkcube --c 12
   done
   same_frames vkcube 5,12 2 cube.native cube.remote cube_{signal,compare}.remote
   captured native part "${plain[@]}" GFXRECON_CAPTURE_FRAMES=6-9 vkcube --c 12
   captured remote part "${plain[@]}" GFXRECON_CAPTURE_FRAMES=6-9 vkcube --c 12
   same_frames "vkcube's frames 6 to 9" 1,3 2 part.native_frames_6_through_9 part.remote_frames_6_through_9
fi

same_readback execution memory "$VP_TEST_APP" --phase 7
# Two frames are under way at a time; so only the last of each memory is sure.
same_readback graphics "last of" "$VP_TEST_APP" --phase 10 --frames 2 --out "$VP_TEST_TMP"
if gst-inspect-1.0 vulkancolorconvert >/dev/null 2>&1; then
   export GST_REGISTRY=$VP_TEST_TMP/registry
   same_readback gstreamer memory gst-launch-1.0 -q videotestsrc num-buffers=5 pattern=smpte ! \
      "video/x-raw,format=BGRA,width=640,height=360,framerate=25/1" ! vulkanupload ! vulkancolorconvert ! \
      "video/x-raw(memory:VulkanImage),format=RGBA" ! vulkandownload ! fakesink
fi
