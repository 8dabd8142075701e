#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180
# OpenGL on Vulkan (Mesa's Zink), without a window: pictures, computed numbers and query results are those of the native
# driver.
. "$(dirname "$0")/../lib.sh"

# Zink takes a software GPU only when software is asked for. Its shaders must be compiled, not found.
export MESA_SHADER_CACHE_DISABLE=true MESA_LOADER_DRIVER_OVERRIDE=zink
[[ $VP_NATIVE_ICD != *lvp_icd* ]] || export LIBGL_ALWAYS_SOFTWARE=1
scene() {
   "$1" /usr/bin/python3 "$VP_SOURCE/tests/apps/opengl_scene.py" "$2" >"$VP_TEST_TMP/$1"
}

need /usr/bin/python3
server_start
status=0
scene native zink || status=$?
((status != 77)) || skip "$(tail -n 1 "$VP_TEST_TMP/native" | sed 's/^SKIP: //')"
if ((status != 0)); then
   cat "$VP_TEST_TMP/native"
   fail "the native run ended with status $status"
fi
scene remote "zink (Venus Plus" || {
   cat "$VP_TEST_TMP/remote"
   fail "the run through the driver"
}
(($(wc -l <"$VP_TEST_TMP/native") == 28)) || fail "not all results are there: $(cat "$VP_TEST_TMP/native")"
diff "$VP_TEST_TMP/native" "$VP_TEST_TMP/remote" || fail "the results differ"
echo "28 results are equal"
