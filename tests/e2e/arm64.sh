#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=900 no-asan
# The driver of ./dev build arm64, or of the build folder in VP_BUILD_ARM64, in an emulated processor, on this machine's
# server: the test application passes, with the pictures of a program of this machine byte for byte, and
# calls have the bytes of the golden vectors.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/foreign_lib.sh"

ARM64=$(cd "$VP_SOURCE" && realpath -m "${VP_BUILD_ARM64:-build-arm64}")
[[ -f $ARM64/client/libvulkan_venus.so && -x $ARM64/test-app/venus-test-app && -x $ARM64/tools/venus-wirecheck ]] ||
   skip "there is no build for 64-bit ARM in $ARM64; ./dev build arm64 makes it"
command -v qemu-aarch64-static >/dev/null || skip "qemu-aarch64-static is not installed (qemu-user-static)"
emulated=(qemu-aarch64-static -L /usr/aarch64-linux-gnu)
manifest=$ARM64/client/venus_icd.aarch64.json

grep -q 'Machine: *AArch64' < <(readelf -h "$ARM64/client/libvulkan_venus.so") || fail "the driver is not for ARM"
"${emulated[@]}" "$ARM64/tools/venus-wirecheck" "$VP_SOURCE"/tests/golden/1.3/*.tsv >"$VP_TEST_TMP/wire" ||
   fail "calls have other bytes than from this machine: $(cat "$VP_TEST_TMP/wire")"
tail -n 1 "$VP_TEST_TMP/wire"

run_phases "$manifest" "${emulated[@]}" "$ARM64/test-app/venus-test-app"
