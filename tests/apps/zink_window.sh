#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 no-asan
# OpenGL in an X11 window on Vulkan (Mesa's Zink): the scenes that glmark2 can check are right, and the validation layer
# says what it says natively.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"

need glmark2 glxinfo
# With GALLIUM_DRIVER alone, Mesa's windows would stay black: Zink would draw, and nothing would be presented.
export MESA_SHADER_CACHE_DISABLE=true MESA_LOADER_DRIVER_OVERRIDE=zink LIBGL_KOPPER_DRI2=1
[[ $VP_NATIVE_ICD != *lvp_icd* ]] || export LIBGL_ALWAYS_SOFTWARE=1
x11_start 640 480
validation_start
validate() {
   "$1" glxinfo -B >"$VP_TEST_TMP/info" 2>&1 || fail "$1 glxinfo: $(cat "$VP_TEST_TMP/info")"
   grep -q 'renderer string: zink' "$VP_TEST_TMP/info" || skip "$1: OpenGL does not use Zink here"
   "$1" "$LIMIT" 120 glmark2 --validate -s 320x240 -b build:use-vbo=true -b texture -b shading:shading=phong \
      -b bump:bump-render=normals -b desktop -b buffer:update-method=map >"$VP_TEST_TMP/$1" 2>&1 ||
      fail "$1 glmark2: $(tail "$VP_TEST_TMP/$1")"
   grep -E 'Validation:' "$VP_TEST_TMP/$1" | sed 's/.*\(\[.*\).*Validation/\1Validation/' >"$VP_TEST_TMP/$1.results"
}
validate native
validate remote
grep -q 'zink (Venus Plus' "$VP_TEST_TMP/info" || fail "that was not our driver: $(cat "$VP_TEST_TMP/info")"
diff "$VP_TEST_TMP/native.results" "$VP_TEST_TMP/remote.results" || fail "the results differ"
(($(wc -l <"$VP_TEST_TMP/remote.results") >= 5)) || fail "not all scenes were drawn: $(cat "$VP_TEST_TMP/remote")"
cat "$VP_TEST_TMP/remote.results"

# To check, it reads its pictures back and presents none.
benchmark=(glmark2 -s 320x240 -b build:use-vbo=true:duration=1 -b texture:duration=1 -b buffer:update-method=map:duration=1)
same_window_rules glmark2 "$LIMIT" 60 "${benchmark[@]}"

# As with a GPU that is no software one.
unset LIBGL_ALWAYS_SOFTWARE
export VP_HIDE_CPU=1
if command -v mpv >/dev/null; then
   player=(mpv --no-config --no-audio --vo=gpu --gpu-api=opengl --gpu-context=x11egl --no-border
      --geometry=640x360+0+0 --osd-level=0 --no-osc --no-input-terminal --untimed --dither-depth=no
      av://lavfi:smptehdbars=size=640x360:rate=25:duration=60)
   same_picture mpv xcb 12 "${player[@]}"
fi
if [[ -x /usr/lib/qt6/bin/qml ]]; then
   export QSG_RHI_BACKEND=opengl QT_QPA_PLATFORM=xcb XDG_CACHE_HOME=$VP_TEST_TMP/cache QML_DISABLE_DISK_CACHE=1
   same_picture qt xcb 90 /usr/lib/qt6/bin/qml "$VP_SOURCE/tests/apps/scene.qml"
fi
