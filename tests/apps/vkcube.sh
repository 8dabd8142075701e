#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 no-asan
# The cubes of vulkan-tools, in C and C++, in windows of X11 and Wayland: what is to be seen after some frames is the
# same as natively, and the validation layer has nothing to say that it does not say natively.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"

need vkcube vkcubepp
x11_start 640 600
server_start
for mode in 0 1 2; do
   same_picture "vkcube-$mode" 40 vkcube --present_mode "$mode"
done
same_picture vkcubepp 40 vkcubepp

# Lossy pictures become exact when they stand still.
export VENUS_PRESENT=fast
same_picture vkcube-fast 40 vkcube
unset VENUS_PRESENT

layer=VK_LAYER_KHRONOS_validation
remote env VK_INSTANCE_LAYERS=$layer vkcube --c 60 --validate >"$VP_TEST_TMP/validated" 2>&1 || fail "vkcube --validate"
if grep -E 'VUID|UNASSIGNED' "$VP_TEST_TMP/validated"; then
   fail "the validation layer says that of vkcube"
fi

need vkcube-wayland weston
XDG_SESSION_TYPE=x11 wayland_start 640 600 --backend=x11-backend.so --use-pixman --shell=kiosk-shell.so
same_picture vkcube-wayland 40 vkcube-wayland
