#!/bin/bash
# SPDX-License-Identifier: MIT
# What is installed works; the driver exports nothing but what the loader looks for; and a server on whose machine the
# driver is installed as well never offers it.
. "$(dirname "$0")/../lib.sh"

need cmake nm vulkaninfo

prefix=$VP_TEST_TMP/prefix
cmake --install "$VP_BUILD" --prefix "$prefix" >"$VP_TEST_TMP/log" || fail "$(cat "$VP_TEST_TMP/log")"
library=$(find "$prefix" -name libvulkan_venus.so)
manifest=$(find "$prefix" -name 'venus_icd.*.json')
[[ -f $library && -f $manifest && -x $prefix/bin/venus-server ]] || fail "something is missing: $(find "$prefix")"
grep -q '"library_path": *"libvulkan_venus.so"' "$manifest" || fail "the manifest: $(cat "$manifest")"

names=$(nm -D --defined-only "$library" | sed 's/.* //')
expected="vk_icdGetInstanceProcAddr vk_icdGetPhysicalDeviceProcAddr vk_icdNegotiateLoaderICDInterfaceVersion"
[[ $(sort <<<"$names" | xargs) == "$expected" ]] || fail "exports: $names"
# The sanitizers' own libraries come on top.
if [[ -z $VP_SANITIZE ]]; then
   needed=$(readelf -d "$library" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
   ! grep -vE '^(libc|libm|liblz4|libzstd|ld-linux.*)\.so' <<<"$needed" || fail "needs too many libraries: $needed"
fi

export LD_LIBRARY_PATH=${library%/*}
both=$VP_NATIVE_ICD:$manifest

# list_with MANIFESTS SERVERS: how many GPUs a server with these drivers would offer.
list_with() {
   VENUS_SERVER=$2 VK_DRIVER_FILES=$1 "$VP_SERVER" --list 2>&1 | grep -c '^ *[0-9]\+  '
}

VP_SERVER=$prefix/bin/venus-server
server_start
own=$(list_with "$VP_NATIVE_ICD" "") || fail "no GPU natively"
# The driver is there and knows a server with GPUs: the one that is running.
all=$(list_with "$both" "$SERVER_ADDRESS") || fail "no GPU with both drivers"
((all == own)) || fail "the server offers its own driver: $all GPUs instead of $own"
! list_with "$manifest" "$SERVER_ADDRESS" >/dev/null || fail "a server offers the GPUs of another one"

VP_NATIVE_ICD=$both server_start
seen=$(VP_ICD=$manifest remote vulkaninfo --summary 2>/dev/null | grep -c 'deviceName .*Venus Plus (') || fail "no GPU"
((seen == own)) || fail "the client sees $seen GPUs instead of $own"
