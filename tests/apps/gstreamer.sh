#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# GStreamer's Vulkan elements: the frames that come back through our driver are those of the native driver, byte by byte.
. "$(dirname "$0")/../lib.sh"

need gst-launch-1.0 gst-inspect-1.0
export GST_REGISTRY=$VP_TEST_TMP/registry GST_DEBUG_NO_COLOR=1
for element in vulkanupload vulkanimageidentity vulkancolorconvert vulkandownload videotestsrc; do
   gst-inspect-1.0 "$element" >/dev/null 2>&1 || skip "the GStreamer element $element is not installed"
done
server_start

# frames NAME PIPELINE...: runs it natively and through us, compares what both write.
frames() {
   local name=$1 side
   shift
   for side in native remote; do
      "$side" gst-launch-1.0 -q "$@" ! filesink location="$VP_TEST_TMP/$name.$side" || fail "$name: $side: status $?"
   done
   [[ -s $VP_TEST_TMP/$name.native ]] || fail "$name: no frames"
   cmp "$VP_TEST_TMP/$name.native" "$VP_TEST_TMP/$name.remote" || fail "$name: the frames differ"
   echo "$name: $(stat -c %s "$VP_TEST_TMP/$name.native") bytes are equal"
}

source=(videotestsrc num-buffers=30 pattern=smpte ! "video/x-raw,format=BGRA,width=640,height=360,framerate=25/1")
frames identity "${source[@]}" ! vulkanupload ! vulkanimageidentity ! vulkandownload
frames convert "${source[@]}" ! vulkanupload ! vulkancolorconvert ! "video/x-raw(memory:VulkanImage),format=RGBA" \
   ! vulkandownload
# Odd sizes, so that lines and planes end anywhere.
source=(videotestsrc num-buffers=5 pattern=ball ! "video/x-raw,format=RGBA,width=333,height=77,framerate=25/1")
frames odd "${source[@]}" ! vulkanupload ! vulkancolorconvert ! "video/x-raw(memory:VulkanImage),format=BGRA" \
   ! vulkandownload

# The native driver gives the identity; so it has really been computed.
gst-launch-1.0 -q videotestsrc num-buffers=30 pattern=smpte ! \
   "video/x-raw,format=BGRA,width=640,height=360,framerate=25/1" ! filesink location="$VP_TEST_TMP/source"
cmp "$VP_TEST_TMP/source" "$VP_TEST_TMP/identity.remote" || fail "the identity filter changes the frames"
