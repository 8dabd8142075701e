#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# What a surface can do is what it can natively on the same display: formats (those of 32 bits), modes, sizes, numbers of
# images. That a mode of ours is not known there, or has no name, is no difference (FIFO_LATEST_READY).
. "$(dirname "$0")/../lib.sh"

need vulkaninfo

# surface_report SIDE: what vulkaninfo says of surfaces, but for the GPU's name, structs of extensions, and the largest
# number of images, which there is. Pixels of 16 bits are not offered.
surface_report() {
   "$1" vulkaninfo 2>/dev/null | sed -n '/^Presentable Surfaces/,/VkSurfaceP/p' |
      sed -e '/^GPU id/d; /VkSurfaceP/d; /maxImageCount/d; /SurfaceFormat\[/d; /Formats: count/d' \
         -e '/FIFO_LATEST_READY/d; /UNKNOWN_VkPresentMode/d; /PresentModes: count/d; /Present Modes: count/d' -e '/R5G6B5/,+1d'
}

compare_surfaces() {
   surface_report native >"$VP_TEST_TMP/native"
   surface_report remote >"$VP_TEST_TMP/remote"
   grep -q "$2" "$VP_TEST_TMP/native" || fail "$1: natively there is no $2"
   diff "$VP_TEST_TMP/native" "$VP_TEST_TMP/remote" || fail "$1: surfaces differ"
   echo "$1: the same"
}

# shellcheck disable=SC2119
server_start
for depth in 24 30; do
   x11_start 640 480 $depth
   wanted=B8G8R8A8_UNORM
   [[ $depth == 24 ]] || wanted=A2R10G10B10
   compare_surfaces "X11, depth $depth" $wanted
done
if [[ -x $VP_BUILD/tests/e2e/x11_window ]]; then
   remote "$VP_BUILD/tests/e2e/x11_window" --frames 30 || fail "30 bits; see above"
fi
unset DISPLAY
if command -v weston >/dev/null; then
   wayland_start 640 480 --backend=headless-backend.so --use-pixman
   compare_surfaces Wayland A2B10G10R10
fi
server_stop || fail "the server ended with status $?"
