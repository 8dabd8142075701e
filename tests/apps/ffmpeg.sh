#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240 no-asan
# FFmpeg's Vulkan filters and libplacebo: the checksums of all frames are those of the native driver. It imports whole pages
# of its heap as device memory; what lies beside its own data there the address sanitizer forbids to read.
. "$(dirname "$0")/../lib.sh"

need ffmpeg
ffmpeg -v error -filters | grep avgblur_vulkan >/dev/null || skip "this ffmpeg has no Vulkan filters"
server_start

# run SIDE FILE FILTERS
run() {
   "$1" ffmpeg -y -v error -nostdin -init_hw_device vulkan=gpu -filter_hw_device gpu \
      -f lavfi -i testsrc2=size=322x182:rate=25:duration=0.4 -vf "$3" -f framemd5 "$2"
}

# filters NAME FILTERS: between upload and download of the named pixel format.
filters() {
   local name=$1 side
   for side in native remote; do
      run "$side" "$VP_TEST_TMP/$name.$side" "$2" || fail "$name: $side: status $?"
   done
   (($(grep -c '^0,' "$VP_TEST_TMP/$name.native") == 10)) || fail "$name: not 10 frames"
   diff "$VP_TEST_TMP/$name.native" "$VP_TEST_TMP/$name.remote" || fail "$name: the frames differ"
   echo "$name: 10 frames are equal"
}

rgba() {
   filters "$1" "format=rgba,hwupload,$2,hwdownload,format=rgba"
}

yuv() {
   filters "$1" "format=yuv420p,hwupload,$2,hwdownload,format=yuv420p"
}

filters transfer format=yuv420p,hwupload,hwdownload,format=yuv420p
yuv scale scale_vulkan=w=160:h=90
yuv average avgblur_vulkan
rgba gauss gblur_vulkan
rgba chroma chromaber_vulkan=dist_x=0.01
rgba flip hflip_vulkan,vflip_vulkan,flip_vulkan
rgba transpose transpose_vulkan
filters blend "format=rgba,split[a][b];[a]hwupload[x];[b]hflip,hwupload[y];\
[x][y]blend_vulkan=all_mode=multiply,hwdownload,format=rgba"
filters overlay "format=rgba,split[a][b];[a]hwupload[x];[b]scale=64:64,hwupload[y];\
[x][y]overlay_vulkan=x=10:y=10,hwdownload,format=rgba"
yuv placebo libplacebo=w=480:h=270:format=yuv420p
