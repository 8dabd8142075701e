#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 no-asan
# The demo: its picture is there, what it says was proved is what its folders hold, and a picture that was changed is named.
. "$(dirname "$0")/../lib.sh"

/usr/bin/python3 -c 'import PIL' 2>/dev/null || skip "Pillow (python3-pil) is not installed"
out=$VP_TEST_TMP/demo
"$VP_SOURCE/tools/demo" "$out" >"$VP_TEST_TMP/log" 2>&1 || fail "the demo: $(cat "$VP_TEST_TMP/log")"

says() {
   grep -qE "$1" "$VP_TEST_TMP/log" || fail "the demo does not say \"$1\": $(cat "$VP_TEST_TMP/log")"
}

native=("$out"/native/*.png "$out"/native/*.xwd)
[[ -e ${native[-1]} ]] || unset 'native[-1]'
((${#native[@]} >= 12)) || fail "these are the native pictures: ${native[*]}"
gpu=$(env -u VENUS_SERVER VK_DRIVER_FILES="$VP_NATIVE_ICD" "$VP_SERVER" --list | awk -F '  +' 'NR == 2 { print $3 }')
says '^== GPU: .*; driver: .*, Vulkan [0-9.]+$'
grep -qF "== GPU: $gpu; " "$VP_TEST_TMP/log" || fail "the GPU is $gpu, and the demo says: $(cat "$VP_TEST_TMP/log")"
says "^== ${#native[@]} of ${#native[@]} pictures are equal to the bit"
says '^11 passed, 0 failed$'
says '^== eleven phases .*: [0-9.]+ s natively, [0-9.]+ s through the driver'
says "^== one picture of all: $out/demo.png\$"
if command -v Xvfb >/dev/null && command -v vkcube >/dev/null; then
   [[ -f $out/remote/window-vkcube.xwd ]] || fail "there is no window: $(cat "$VP_TEST_TMP/log")"
else
   says '^== no window: '
fi
[[ $(head -c 4 "$out/demo.png" | tail -c 3) == PNG ]] || fail "demo.png is no PNG"

# Where a GPU is asked for, the software one is none.
if VP_DEMO_GPU=--gpu VP_NATIVE_ICD=$(env -u VP_NATIVE_ICD "$VP_SOURCE/tools/native_driver") "$VP_SOURCE/tools/demo" "$VP_TEST_TMP/gpu" \
   >"$VP_TEST_TMP/gpu.log" 2>&1; then
   fail "the software GPU passes for another one"
fi
grep -q '^FAIL: no GPU but a software one is found' "$VP_TEST_TMP/gpu.log" || fail "$(cat "$VP_TEST_TMP/gpu.log")"

# Another picture of the same size.
cp "$out/native/phase10-dynamic-001.png" "$out/remote/phase10-dynamic-004.png"
status=0
found=$("$VP_SOURCE/tools/side_by_side.py" "$out/native" "$out/remote" "$VP_TEST_TMP/changed.png") || status=$?
[[ $status == 1 && $found == "$((${#native[@]} - 1)) of ${#native[@]} pictures "*"phase10-dynamic-004 differs in "* ]] ||
   fail "of a picture that was changed is said (status $status): $found"
tail -n 2 "$VP_TEST_TMP/log"
