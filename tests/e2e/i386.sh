#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=600 no-asan
# The driver for 32-bit programs, of ./dev build i386 or the build folder in VP_BUILD_I386, on the 64-bit server: the
# test application passes, with the pictures of a 64-bit one byte for byte, with TLS too, and calls have the bytes of the
# golden vectors.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/foreign_lib.sh"

I386=$(cd "$VP_SOURCE" && realpath -m "${VP_BUILD_I386:-build-i386}")
[[ -f $I386/client/libvulkan_venus.so && -x $I386/test-app/venus-test-app && -x $I386/tools/venus-wirecheck ]] ||
   skip "there is no build for 32-bit programs in $I386; ./dev build i386 makes it"
manifest=$I386/client/venus_icd.i686.json
"$I386/tools/venus-wirecheck" </dev/null >/dev/null 2>&1 || (($? < 126)) || skip "this machine runs no 32-bit programs"

# The loader passes it by in 64-bit programs.
grep -q '"library_arch": *"32"' "$manifest" || fail "the manifest does not say 32: $(cat "$manifest")"
grep -q 'Class: *ELF32' < <(readelf -h "$I386/client/libvulkan_venus.so") || fail "the driver is not of 32 bits"

# What is cut there are values of size_t that no such program has, and the server's side.
golden=$VP_SOURCE/tests/golden/1.3
"$I386/tools/venus-wirecheck" "$golden"/*.tsv >"$VP_TEST_TMP/wire" ||
   fail "calls have other bytes than from 64 bits: $(cat "$VP_TEST_TMP/wire")"
tail -n 1 "$VP_TEST_TMP/wire"
diff <(grep 'cut to 32 bits' "$VP_TEST_TMP/wire") "$golden/cut_to_32_bits.txt" || fail "other calls are cut to 32 bits"

run_phases "$manifest" "$I386/test-app/venus-test-app"
if [[ -x $I386/client/venus-plus/venus-tls && -x $VP_BUILD/client/venus-plus/venus-tls ]]; then
   run_with_tls "$manifest" "$I386/test-app/venus-test-app"
fi
