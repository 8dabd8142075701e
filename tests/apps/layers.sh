#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240 no-asan
# Tools that are layers, between vkcube and our driver: what vkBasalt and MangoHud make of its picture is the same as
# natively, and not what it is without them. What RenderDoc captures is the same picture on both sides, and so is what it
# replays of it, where it can do that on the native driver.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"

layers=/usr/share/vulkan/implicit_layer.d
need vkcube
x11_start 640 600
server_start
export HOME=$VP_TEST_TMP/home # for what the tools keep there
mkdir "$HOME"
tools=0

# has_layer NAME FILE...: whether the layer is installed, under one of these names.
has_layer() {
   local name=$1 file
   shift
   for file; do
      [[ ! -f $layers/$file ]] || return 0
   done
   echo "$name is not installed"
   return 1
}

# changed NAME: what vkcube shows with the tool of that name is the same on both sides, and not what it shows without.
changed() {
   same_picture "$1" xcb 12 vkcube
   ! cmp -s "$VP_TEST_TMP/plain.native" "$VP_TEST_TMP/$1.native" || fail "$1: changes nothing"
   tools=$((tools + 1))
}

same_picture plain xcb 12 vkcube

if has_layer vkBasalt vkBasalt.json; then
   export VKBASALT_LOG_LEVEL=error VKBASALT_CONFIG_FILE=$VP_TEST_TMP/vkBasalt.conf
   for effect in cas fxaa smaa; do
      echo "effects = $effect" >"$VKBASALT_CONFIG_FILE"
      ENABLE_VKBASALT=1 changed "$effect"
   done
fi

# With nothing in it that is measured.
if has_layer MangoHud MangoHud.json "MangoHud.$(uname -m).json"; then
   export MANGOHUD=1
   export MANGOHUD_CONFIG=legacy_layout=0,fps=0,frame_timing=0,cpu_stats=0,gpu_stats=0,version,custom_text=Venus
   changed mangohud
   if [[ ${VKBASALT_CONFIG_FILE:-} ]]; then
      ENABLE_VKBASALT=1 changed both
   fi
   unset MANGOHUD
fi

# rendered SIDE: captures frame 6.
rendered() {
   VP_RENDERDOC_AT=5 TMPDIR=$VP_TEST_TMP "$1" "$LIMIT" 60 env "${layer[@]}" ENABLE_VULKAN_RENDERDOC_CAPTURE=1 \
      renderdoccmd capture -w -c "$VP_TEST_TMP/$1" vkcube --c 12 >"$VP_TEST_TMP/$1.renderdoc" 2>&1 || fail "RenderDoc: $1"
   [[ -f $VP_TEST_TMP/$1_frame5.rdc ]] || fail "RenderDoc captures nothing $1: $(cat "$VP_TEST_TMP/$1.renderdoc")"
   renderdoccmd thumb -f bmp -o "$VP_TEST_TMP/$1.bmp" "$VP_TEST_TMP/$1_frame5.rdc" >/dev/null || fail "RenderDoc: thumb"
}

if has_layer RenderDoc renderdoc_capture.json && command -v renderdoccmd >/dev/null; then
   layer_setup freeze "$VP_BUILD/tests/apps/libfreeze_layer.so"
   for side in native remote; do
      rendered "$side"
   done
   cmp "$VP_TEST_TMP/native.bmp" "$VP_TEST_TMP/remote.bmp" || fail "RenderDoc's pictures differ"
   (($(od -An -v -w3 -tx1 "$VP_TEST_TMP/native.bmp" | sort -u | wc -l) > 100)) || fail "RenderDoc's picture is not vkcube's"
   echo "RenderDoc: the captured pictures are the same"
   tools=$((tools + 1))
   export TMPDIR=$VP_TEST_TMP
   replay=(renderdoccmd replay -w 500 -h 500 -l 3)
   if native "$LIMIT" 60 "${replay[@]}" "$VP_TEST_TMP/native_frame5.rdc" >"$VP_TEST_TMP/replay" 2>&1; then
      for side in native remote; do
         same_picture "replay of $side" xcb 3 "${replay[@]}" "$VP_TEST_TMP/${side}_frame5.rdc"
      done
      cmp "$VP_TEST_TMP/replay of native.native" "$VP_TEST_TMP/replay of remote.native" || fail "the replays differ"
   else
      echo "RenderDoc cannot replay on the native driver; so it is not tried on ours"
   fi
fi

((tools > 0)) || skip "no tool is installed"
