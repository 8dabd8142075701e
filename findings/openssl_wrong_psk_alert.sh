#!/bin/bash
# SPDX-License-Identifier: MIT
# OpenSSL 3.0.22 (Debian 12): a TLS 1.3 server that is offered a known identity with another key answers with the alert
# illegal_parameter (47). RFC 8446, 6.2, names decrypt_error (51) for a binder that cannot be verified: a client that
# waits for that one to say "wrong key" never says it, and takes a mistyped key for a broken peer.
#
# Seen: with the right key the handshake succeeds; with another one the client reports alert number 47. Fails when that
# changes.
set -euo pipefail

packages=(openssl=3.0.22-1~deb12u2 libssl3=3.0.22-1~deb12u2)
right=$(printf '11%.0s' {1..32}) wrong=$(printf '22%.0s' {1..32})

folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do
   dpkg-deb -x "$package" root
done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu OPENSSL_CONF=/dev/null
openssl=$folder/root/usr/bin/openssl
"$openssl" version

"$openssl" s_server -accept 127.0.0.1:0 -tls1_3 -nocert -psk_identity me -psk "$right" -www >server.log 2>&1 &
server=$!
for ((i = 0; i < 100; i++)); do
   port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.log)
   [[ -z $port ]] || break
   sleep 0.1
done

# offer KEY: what the client says of the handshake.
offer() {
   timeout 20 "$openssl" s_client -connect "127.0.0.1:$port" -tls1_3 -psk_identity me -psk "$1" </dev/null 2>&1 |
      grep -oE 'SSL alert number [0-9]+|^(New|Reused), TLSv1.3' || true
}

{
   echo "right key: $(offer "$right")"
   echo "wrong key: $(offer "$wrong")"
} | tee seen
diff seen - <<'END'
right key: Reused, TLSv1.3
wrong key: SSL alert number 47
END
