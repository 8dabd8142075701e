#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240
# FFmpeg decodes videos of H.264 and H.265 with the GPU: each frame is the one that the native driver makes, and that the
# software decoder makes. Skipped where the GPU decodes no videos, or FFmpeg cannot with Vulkan (6.1 is the first).
. "$(dirname "$0")/../lib.sh"

need ffmpeg
version=$(ffmpeg -version | sed -n '1s/^ffmpeg version n\{0,1\}\([0-9]*\.[0-9]*\).*/\1/p')
awk "BEGIN { exit !(${version:-0} >= 6.1) }" || skip "FFmpeg ${version:-of an unknown version} does not decode with Vulkan; 6.1 does"
ffmpeg -v error -hwaccels | grep -x vulkan >/dev/null || skip "this ffmpeg has no Vulkan"
server_start

# encode NAME SIZE FRAMES ENCODER OPTION...
encode() {
   local name=$1 size=$2 frames=$3 encoder=$4
   shift 4
   ffmpeg -v error -encoders | grep " $encoder " >/dev/null || return 1
   ffmpeg -y -v error -nostdin -f lavfi -i "testsrc2=size=$size:rate=30" -frames:v "$frames" -pix_fmt yuv420p \
      -c:v "$encoder" "$@" "$VP_TEST_TMP/$name" || fail "$encoder cannot encode"
}

# decode SIDE NAME OUTPUT: on the GPU. What it decodes by itself instead cannot be downloaded.
decode() {
   "$1" ffmpeg -y -v error -nostdin -init_hw_device vulkan=gpu -hwaccel vulkan -hwaccel_device gpu \
      -hwaccel_output_format vulkan -i "$VP_TEST_TMP/$2" -vf hwdownload,format=nv12 -f framemd5 "$3" 2>"$VP_TEST_TMP/log"
}

compared=0
# compare NAME: skipped as a whole where not even the native driver can.
compare() {
   local name=$1 out=$VP_TEST_TMP/$1
   if ! decode native "$name" "$out.native"; then
      echo "$name: not decoded natively: $(tail -n 1 "$VP_TEST_TMP/log")"
      return
   fi
   decode remote "$name" "$out.remote" || fail "$name: $(tail -n 5 "$VP_TEST_TMP/log")"
   ffmpeg -y -v error -nostdin -i "$out" -pix_fmt nv12 -f framemd5 "$out.software" || fail "$name: by software"
   diff "$out.native" "$out.remote" || fail "$name: natively and through us it differs"
   diff <(grep -v '^#' "$out.native") <(grep -v '^#' "$out.software") || fail "$name: the software decodes something else"
   echo "$name: $(grep -c '^0,' "$out.native") frames are equal"
   compared=$((compared + 1))
}

if encode small.h264 640x360 60 libx264 -bf 3 -refs 3 -g 30; then compare small.h264; fi
if encode large.h264 1920x1080 30 libx264 -preset fast -bf 2; then compare large.h264; fi
if encode small.hevc 640x360 60 libx265 -x265-params bframes=3:keyint=30:log-level=error; then compare small.hevc; fi
((compared > 0)) || skip "this GPU decodes no videos"
server_stop || fail "the server ended with status $?"
