#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=200 no-asan
# Qt Quick on Vulkan, on xcb and Wayland surfaces: a scene shows the same as natively, and the validation layer says the
# same on xcb. On Wayland, Qt 6.4 takes the surface away before it stops drawing, so that it often ends with an error,
# natively too; there it is stopped.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/apps/window_lib.sh
. "$(dirname "$0")/window_lib.sh"

qml=/usr/lib/qt6/bin/qml
[[ -x $qml ]] || skip "qml-qt6 is not installed"
scene=("$qml" "$VP_SOURCE/tests/apps/scene.qml")
export QSG_RHI_BACKEND=vulkan QT_QUICK_BACKEND=rhi XDG_CACHE_HOME=$VP_TEST_TMP/cache QML_DISABLE_DISK_CACHE=1
x11_start 640 480
validation_start
export QT_QPA_PLATFORM=xcb
same_picture qt xcb 90 "${scene[@]}"
same_window_rules qt "${scene[@]}" -- 70

need weston
XDG_SESSION_TYPE=x11 wayland_start 640 480 --backend=x11-backend.so --use-pixman --shell=kiosk-shell.so
export QT_QPA_PLATFORM=wayland
same_picture qt-wayland wayland 90 "${scene[@]}"
