#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240
# VENUS_SERVER=srv:NAME: which servers there are says the DNS, here one of the test's own (tests/e2e/dns.py), in a network
# and with a resolv.conf that only this script has.
if [[ -z ${VP_OWN_NETWORK:-} ]]; then
   map=()
   [[ $(id -u) == 0 ]] || map=(--map-root-user)
   if ! unshare ${map[@]+"${map[@]}"} --net --mount true 2>/dev/null || [[ ! -e /etc/resolv.conf ]]; then
      echo "SKIP: this system gives no network and no files of one's own (unshare), or has no /etc/resolv.conf"
      exit 77
   fi
   VP_OWN_NETWORK=1 exec unshare ${map[@]+"${map[@]}"} --net --mount "$0" "$@"
fi
. "$(dirname "$0")/../lib.sh"

need vulkaninfo
err=$VP_TEST_TMP/err out=$VP_TEST_TMP/out zone=$VP_TEST_TMP/zone
unset VENUS_POLICY
name=_venus-plus._tcp.gpu.test

# The interface lo is there, and down.
/usr/bin/python3 -c '
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 1))' || skip "the interface lo cannot be had"
printf 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\nsearch test\n' >"$VP_TEST_TMP/resolv.conf"
mount --bind "$VP_TEST_TMP/resolv.conf" /etc/resolv.conf || skip "resolv.conf cannot be another one"
: >"$zone"
/usr/bin/python3 "$VP_SOURCE/tests/e2e/dns.py" "$zone" >"$VP_TEST_TMP/dns" 2>&1 &
display_pids+=($!)
wait_until 10 grep -q ready "$VP_TEST_TMP/dns" || fail "no name server: $(cat "$VP_TEST_TMP/dns")"

# zone LINE...: what the DNS knows from now on. NAME stands for the service.
zone() {
   printf '%s\n' "${@//NAME/$name}" "one.test a 127.0.0.1" "two.test a 127.0.0.1" >"$zone.new"
   mv "$zone.new" "$zone"
}

# list SERVERS: sets `used` to the servers whose GPUs there are, with spaces between.
list() {
   SERVER_ADDRESS=$1 VENUS_LOG=info remote vulkaninfo --summary >"$out" 2>"$err" || true
   used=$(sed -n 's/^venus: info: the server at \(.*\) gives 1 GPU.*/\1/p' "$err" | paste -sd ' ')
}

takes() {
   list "$1"
   [[ $used == "$2" ]] || fail "$1: used is '$used', not '$2': $(cat "$err")"
}

# refused SERVER PATTERN: no GPU, and one line that says why.
refused() {
   list "$1"
   [[ -z $used ]] || fail "$1: there is a GPU"
   [[ $(grep -c '^venus: error' "$err") == 1 && $(grep '^venus: error' "$err") =~ $2 ]] ||
      fail "$1: not one line like $2: $(cat "$err")"
   grep '^venus: error' "$err"
}

server_start --ready 1
one=one.test:$SERVER_PORT one_port=$SERVER_PORT
server_start --ready 1
two=two.test:$SERVER_PORT two_port=$SERVER_PORT
refusing=$(/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')

# --- which are used ---

zone "NAME srv 20 0 $one_port one.test" "NAME srv 10 0 $two_port two.test"
takes srv:gpu.test "$two"
takes srv:gpu.test. "$two"
takes srv:gpu "$two"
VENUS_POLICY=first takes "srv:gpu.test" "$two"
VENUS_POLICY=all takes srv:gpu.test "$two $one"
zone "NAME srv 1 0 $refusing one.test" "NAME srv 2 0 $one_port nowhere.test" "NAME srv 3 0 $one_port one.test" \
   "NAME srv 4 0 $two_port two.test"
takes srv:gpu.test "$one"
! grep '^venus: error' "$err" || fail "a server of a service is missing, and another one is there: that is no error"
grep -q "^venus: info: cannot reach .*one.test:$refusing" "$err" || fail "the missing one is not named: $(cat "$err")"
takes "srv:gpu.test,$two" "$one $two"
zone "NAME alias other.test" "other.test srv 1 0 $one_port one.test"
takes srv:gpu.test "$one"

# By chance, as the weights say.
zone "NAME srv 1 1 $one_port one.test" "NAME srv 1 50000 $two_port two.test"
for _ in {1..5}; do
   takes srv:gpu.test "$two"
done
zone "NAME srv 1 7 $one_port one.test" "NAME srv 1 7 $two_port two.test"
seen=
for _ in {1..20}; do
   list srv:gpu.test
   seen+=" $used"
   [[ $seen != *"$one"* || $seen != *"$two"* ]] || break
done
[[ $seen == *"$one"* && $seen == *"$two"* ]] || fail "of two equal ones it is always the same: $seen"

# The least loaded; a higher priority goes before it.
SERVER_ADDRESS=$one client_start "$VP_BUILD/tests/e2e/fault_client" fence >"$VP_TEST_TMP/session" 2>&1
wait_until 30 grep -q ready "$VP_TEST_TMP/session" || fail "no session: $(cat "$VP_TEST_TMP/session")"
for _ in 1 2 3; do
   VENUS_POLICY=least-loaded takes srv:gpu.test "$two"
done
zone "NAME srv 1 7 $one_port one.test" "NAME srv 2 7 $two_port two.test"
VENUS_POLICY=least-loaded takes srv:gpu.test "$one"
kill -KILL "$CLIENT_PID"
wait "$CLIENT_PID" 2>/dev/null || true

# More than fit into a packet.
lines=()
for i in {1..40}; do
   lines+=("NAME srv $((i + 10)) 0 $refusing a-host-with-a-long-name-$i.test")
done
zone "${lines[@]}" "NAME srv 5 0 $one_port one.test"
takes srv:gpu.test "$one"

# --- none ---

zone
refused srv:gpu.test "cannot find the Venus servers of srv:gpu.test: the DNS does not know the name"
zone "NAME a 127.0.0.1"
refused srv:gpu.test "the DNS has no SRV record there"
zone "NAME srv 0 0 0 ."
refused srv:gpu.test "the DNS says that there is no such service"
zone "NAME code 2"
refused srv:gpu.test "no name server answers"
zone "NAME code 5"
refused srv:gpu.test "srv:gpu.test: (no name server answers|the name server refuses to answer)"
zone "NAME srv 0 0 $refusing one.test"
refused srv:gpu.test "cannot reach the Venus server at one.test:$refusing: connection refused"
refused "srv:" "is not HOST"
refused "srv:a/b" "is not HOST"
# A host that is called so.
refused srv:1 "\"srv\"|at srv:1"

# What is no answer: a name that leads to itself, one that is longer than its record, another class, half of it.
for raw in "c00c00210001000000010008000000000001c03d" \
   "c00c002100010000000100ff0000000000010361" \
   "c00c0021000300000001000a00000000000103616263" \
   "c00c0021000100000001000b000000000001036162"; do
   zone "NAME raw $raw"
   refused srv:gpu.test "cannot find the Venus servers of srv:gpu.test: the answer of the DNS (is cut off|has a )"
done

# A name server that says nothing costs one VENUS_TIMEOUT, and other servers are there all the same.
zone "NAME mute"
export VENUS_TIMEOUT=1
before=$(date +%s%3N)
takes "srv:gpu.test,127.0.0.1:$one_port" "127.0.0.1:$one_port"
took=$(($(date +%s%3N) - before))
((took < 3000 * $(slowness))) || fail "a name server that says nothing costs $took ms"
grep -q "^venus: error: the DNS has not said within 1000 ms which servers srv:gpu.test is" "$err" || fail "$(cat "$err")"
VENUS_POLICY=first takes "srv:gpu.test,127.0.0.1:$one_port" "127.0.0.1:$one_port"
unset VENUS_TIMEOUT

# --- with TLS ---

[[ -x $VP_BUILD/client/venus-plus/venus-tls ]] || exit 0
. "$(dirname "$0")/tls_lib.sh"
cd "$VP_TEST_TMP" || exit
key_line alice >keys
export VENUS_KEY_FILE=$VP_TEST_TMP/keys
server_start --keys keys --tls-only
zone "NAME srv 0 0 $refusing one.test" "NAME srv 1 0 $SERVER_PORT two.test"
takes tls://alice@srv:gpu.test "tls://alice@two.test:$SERVER_PORT"
VENUS_POLICY=least-loaded takes tls://alice@srv:gpu.test "tls://alice@two.test:$SERVER_PORT"
zone "NAME srv 1 0 $SERVER_PORT two.test"
refused srv:gpu.test "the server at two.test:$SERVER_PORT refuses: the Venus server wants TLS"

# A certificate must be for the service: whoever lies in the DNS has one for some host perhaps.
ca_make ca
certificate_make service ca /CN=server "subjectAltName=DNS:gpu.test"
certificate_make host ca /CN=server "subjectAltName=DNS:two.test"
certificate_make client ca /CN=alice "extendedKeyUsage=clientAuth"
export VENUS_TLS_CA=$VP_TEST_TMP/ca.pem VENUS_TLS_CERT=$VP_TEST_TMP/client.pem VENUS_TLS_KEY=$VP_TEST_TMP/client.key
server_start --tls-cert service.pem --tls-key service.key --tls-client-ca ca.pem
zone "NAME srv 1 0 $SERVER_PORT two.test"
takes tls://srv:gpu.test "tls://two.test:$SERVER_PORT"
refused "tls://two.test:$SERVER_PORT" "its certificate is not one for this host"
server_start --tls-cert host.pem --tls-key host.key --tls-client-ca ca.pem
zone "NAME srv 1 0 $SERVER_PORT two.test"
takes "tls://two.test:$SERVER_PORT" "tls://two.test:$SERVER_PORT"
refused tls://srv:gpu.test "its certificate is not one for gpu.test, as srv: needs it, by VENUS_TLS_CA"
