#!/bin/bash
# SPDX-License-Identifier: MIT
# What is installed works in any prefix, and is gone after uninstalling; the driver exports nothing but what the loader
# looks for; and a server on whose machine the driver is installed as well never offers it.
. "$(dirname "$0")/../lib.sh"

need cmake nm vulkaninfo

# What a person has installed from this build is still to be uninstalled later.
installed=$VP_BUILD/install_manifest.txt
[[ ! -f $installed ]] || mv "$installed" "$VP_TEST_TMP/installed"
keep_installed() {
   local status=$?
   set +e
   rm -f "$installed"
   [[ ! -f $VP_TEST_TMP/installed ]] || mv "$VP_TEST_TMP/installed" "$installed"
   (exit "$status")
   lib_cleanup
}
trap keep_installed EXIT

# install_to PREFIX [DESTDIR]: sets library, and manifest.
install_to() {
   local root=${2:-}$1 name
   DESTDIR=${2:-} cmake --install "$VP_BUILD" --prefix "$1" >"$VP_TEST_TMP/log" 2>&1 || fail "$(cat "$VP_TEST_TMP/log")"
   library=$(find "$root" -name libvulkan_venus.so)
   manifest=$(find "$root" -name 'venus_icd.*.json')
   [[ -f $library && $manifest == "$root"/share/vulkan/icd.d/* ]] || fail "no driver: $(find "$root")"
   for name in bin/venus-{server,ctl,run} share/man/man8/venus-server.8 lib/sysusers.d/venus-server.conf \
      share/bash-completion/completions/venus-run; do
      [[ -f $root/$name ]] || fail "$name is missing: $(find "$root")"
   done
   [[ ! -e $root/bin/venus-proxy ]] || fail "tools are installed, which nobody has asked for"
   # The library, by the path that it has when it is used.
   grep -q "\"library_path\": *\"${library#"${2:-}"}\"" "$manifest" || fail "the manifest: $(cat "$manifest")"
}

# uninstall [DESTDIR]
uninstall() {
   DESTDIR=${1:-} cmake --build "$VP_BUILD" --target uninstall >"$VP_TEST_TMP/log" 2>&1
}

# What is left in a folder of what was installed there.
left_in() {
   find "$1" '(' -not -type d -o -name venus-plus -o -name vulkan ')' -print
}

dest=$VP_TEST_TMP/dest
install_to /opt/venus "$dest"
# Others have drivers, too.
other=$dest/opt/venus/share/vulkan/icd.d/other.json
touch "$other"
uninstall "$dest" || fail "uninstalling: $(cat "$VP_TEST_TMP/log")"
[[ -f $other && $(left_in "$dest" | wc -l) == 2 ]] || fail "uninstalling leaves this: $(left_in "$dest")"
! uninstall "$dest" || fail "uninstalling twice is no error"
grep -q 'Nothing is installed' "$VP_TEST_TMP/log" || fail "uninstalling twice: $(cat "$VP_TEST_TMP/log")"

# In a package the manifest leaves it to the dynamic linker where the library is.
package=$VP_TEST_TMP/package
mkdir "$package"
cat >"$package/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.20)
project(package NONE)
set(CMAKE_INSTALL_LIBDIR lib)
set(CMAKE_INSTALL_DATADIR share)
include($VP_SOURCE/cmake/VpInstall.cmake)
vp_install_manifest($VP_SOURCE/client/venus_icd.json.in driver.json libvulkan_venus.so)
END
{ cmake -S "$package" -B "$package" -DVP_PACKAGE=ON && cmake --install "$package" --prefix "$package/usr"; } \
   >"$VP_TEST_TMP/log" 2>&1 || fail "VP_PACKAGE: $(cat "$VP_TEST_TMP/log")"
grep -q '"library_path": *"libvulkan_venus.so"' "$package/usr/share/vulkan/icd.d/driver.json" ||
   fail "VP_PACKAGE: $(cat "$package/usr/share/vulkan/icd.d/driver.json")"

prefix=$VP_TEST_TMP/prefix
install_to "$prefix"
# A configuration that somebody has changed is kept.
config=$prefix/etc/venus-plus/server.conf
"$prefix/bin/venus-server" --check-config --config "$config" || fail "the configuration that is installed"
echo "# mine" >>"$config"
install_to "$prefix"
grep -q '^# mine' "$config" || fail "the configuration was replaced"
names=$(nm -D --defined-only "$library" | sed 's/.* //')
expected="vk_icdGetInstanceProcAddr vk_icdGetPhysicalDeviceProcAddr vk_icdNegotiateLoaderICDInterfaceVersion"
[[ $(sort <<<"$names" | xargs) == "$expected" ]] || fail "exports: $names"
# The sanitizers' own libraries come on top.
if [[ -z $VP_SANITIZE ]]; then
   needed=$(readelf -d "$library" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
   ! grep -vE '^(libc|libm|liblz4|libzstd|ld-linux.*)\.so' <<<"$needed" || fail "needs too many libraries: $needed"
fi

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
# The loader finds it by itself where it looks, and does not complain.
if [[ -z $VP_SANITIZE ]]; then
   env -u VK_DRIVER_FILES XDG_DATA_DIRS="$prefix/share" VENUS_SERVER="$SERVER_ADDRESS" vulkaninfo --summary \
      >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/err" || fail "where the loader looks: $(cat "$VP_TEST_TMP/err")"
   grep -q 'deviceName .*Venus Plus (' "$VP_TEST_TMP/out" || fail "the loader does not find it: $(cat "$VP_TEST_TMP/out")"
   ! grep -i error "$VP_TEST_TMP/err" || fail "the loader complains"
fi

# The program that speaks TLS is found where it was installed.
if [[ -x $VP_BUILD/client/venus-plus/venus-tls ]]; then
   export VENUS_KEY_FILE=$VP_TEST_TMP/keys
   (umask 077 && printf 'me:%064d\n' 7 >"$VENUS_KEY_FILE")
   server_start --keys "$VENUS_KEY_FILE" --tls-only
   SERVER_ADDRESS=tls://me@$SERVER_ADDRESS
   seen=$(VP_ICD=$manifest remote vulkaninfo --summary 2>/dev/null | grep -c 'deviceName .*Venus Plus (') ||
      fail "no GPU with TLS"
   ((seen == own)) || fail "the client sees $seen GPUs with TLS instead of $own"
   "$prefix/bin/venus-ctl" --json bench "$SERVER_ADDRESS" >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/err" ||
      fail "venus-ctl bench: $(cat "$VP_TEST_TMP/err")"
   grep -q '"round_trip_ms": ' "$VP_TEST_TMP/out" || fail "venus-ctl bench: $(cat "$VP_TEST_TMP/out")"
   rm "${library%/*}/venus-plus/venus-tls"
   VP_ICD=$manifest remote vulkaninfo --summary >"$VP_TEST_TMP/err" 2>&1 || true
   grep -q 'venus: error: cannot use tls://: .*/venus-tls: No such file or directory; a build without TLS' "$VP_TEST_TMP/err" ||
      fail "without venus-tls nothing is said: $(cat "$VP_TEST_TMP/err")"
fi

uninstall || fail "uninstalling: $(cat "$VP_TEST_TMP/log")"
# What somebody has changed is theirs.
[[ $(left_in "$prefix" | sort) == "${config%/*}"$'\n'"$config" ]] || fail "uninstalling leaves $(left_in "$prefix")"
