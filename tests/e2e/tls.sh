#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=600
# Connections with TLS, by shared keys and by certificates: the test application passes and its pictures are the native
# ones; whoever of the processes in between is killed, the application hears of it; keys change while the server runs.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"
[[ -x $VP_BUILD/client/venus-plus/venus-tls ]] || skip "this build has no TLS"
. "$(dirname "$0")/tls_lib.sh"

export VENUS_TIMEOUT=20
unset "${!VENUS_TLS_@}"
cd "$VP_TEST_TMP" || exit

# --- helpers ---

# run_app WHAT: passes on the server at SERVER_ADDRESS, says nothing of its own, and the pictures are the native ones.
run_app() {
   local out picture count=0 phases=(--all)
   [[ -z $VP_SANITIZE ]] || phases=(--phase 4 --phase 6 --phase 8 --phase 10)
   out=$(mktemp -d run.XXXXXX)
   remote "$VP_TEST_APP" --out "$out" "${phases[@]}" >"$out/log" 2>"$out/errors" ||
      fail "$1: $(cat "$out/log" "$out/errors")"
   ! grep '^venus: ' "$out/errors" || fail "$1: the driver complains"
   for picture in native/*.png; do
      cmp "$picture" "$out/${picture##*/}" || fail "$1: a picture is another one than natively"
      count=$((count + 1))
   done
   ((count > 0)) || fail "there are no pictures"
   echo "$1: $(tail -n 1 "$out/log")"
}

has_gpu() {
   remote "$VP_TEST_APP" --list >out 2>err && grep -q 'Venus Plus (' out
}

# no_gpu PATTERN...: no GPU, and one line of the driver's that is like the patterns.
no_gpu() {
   local lines pattern
   ! has_gpu || fail "$SERVER_ADDRESS: there is a GPU"
   lines=$(grep '^venus: ' err) || fail "$SERVER_ADDRESS: nothing is said"
   [[ $(wc -l <<<"$lines") == 1 ]] || fail "$SERVER_ADDRESS: not one line: $lines"
   for pattern; do
      [[ $lines =~ $pattern ]] || fail "$SERVER_ADDRESS: not like $pattern: $lines"
   done
   echo "$lines"
}

logged() {
   wait_until 10 grep -qE "$1" "$SERVER_LOG" || fail "the server does not say \"$1\": $(cat "$SERVER_LOG")"
}

# at WHO: sets SERVER_ADDRESS, with a shared key ("alice@") or certificates ("").
at() {
   SERVER_ADDRESS=tls://${1}127.0.0.1:$SERVER_PORT
}

# gate_is NOT: GATE becomes the gate's id, once it is another one than NOT.
gate_is() {
   GATE=$(children_of "$SERVER_PID" venus-gate)
   [[ -n $GATE && $GATE != "$1" ]]
}

mkdir native
native "$VP_TEST_APP" --phase 10 --out native >native/log 2>&1 || fail "the native run: $(cat native/log)"
key_line alice >keys
key_line bob >>keys
export VENUS_KEY_FILE=$VP_TEST_TMP/keys
ca_make ca
certificate_make server ca /CN=server "subjectAltName=IP:127.0.0.1"
certificate_make carol ca /CN=carol "extendedKeyUsage=clientAuth"

# --- a server that has both ---

server_start --keys keys --tls-cert server.pem --tls-key server.key --tls-client-ca ca.pem --tls-only --resume 3
at alice@
run_app "with a shared key"
logged 'info: client alice at 127.0.0.1:[0-9]*: connected'
logged 'venus-worker.*: info: serving "venus-test-app" of key:alice'
export VENUS_TLS_CA=ca.pem VENUS_TLS_CERT=carol.pem VENUS_TLS_KEY=carol.key
at ""
run_app "with certificates"
logged 'info: client carol at 127.0.0.1:[0-9]*: connected'
logged 'venus-worker.*: info: serving "venus-test-app" of certificate:carol'
VENUS_TLS_CA='' VENUS_TLS_PIN=$(pin_of server.pem) has_gpu || fail "with a pin: $(cat err)"
SERVER_ADDRESS=127.0.0.1:$SERVER_PORT
no_gpu "refuses: the Venus server wants TLS: set VENUS_SERVER to tls://"

# --- who is killed ---

gate_is "" || fail "there is no gate"
at alice@
clients_start fence call submit flood
mapfile -t relays < <(children_of "$GATE" venus-relay)
kill -KILL "${relays[@]}"
are_back() {
   local log
   for log in "${fault_logs[@]}"; do
      grep -q 'is back after' "$log.err" || return 1
   done
}
wait_until 20 are_back || fail "sessions do not go on: $(cat "${fault_logs[@]/%/.err}" "$SERVER_LOG")"
clients_kill

export VENUS_RESUME=0
clients_start fence call submit flood
mapfile -t relays < <(children_of "$GATE" venus-relay)
((${#relays[@]} == 4)) || fail "${#relays[@]} relays"
kill -KILL "${relays[@]}"
clients_must_lose "relays killed" 5
unset VENUS_RESUME

clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
mapfile -t relays < <(children_of "$GATE" venus-relay)
kill -KILL "${workers[@]}"
clients_must_lose "workers killed" 5
wait_until 10 all_gone "${relays[@]}" || fail "a relay has outlived its worker"

clients_start fence call submit flood
mapfile -t workers < <(workers_of "$SERVER_PID")
mapfile -t relays < <(children_of "$GATE" venus-relay)
clients_kill
wait_until 10 all_gone "${workers[@]}" "${relays[@]}" || fail "something has outlived its client: $(cat "$SERVER_LOG")"

# Who is in stays in, and others come in again.
VENUS_RESUME=0 clients_start submit
mapfile -t relays < <(children_of "$GATE" venus-relay)
old=$GATE
kill -KILL "$GATE"
logged 'the process for TLS handshakes was ended by signal 9 .* it is started again'
wait_until 20 gate_is "$old" || fail "no other gate is started"
has_gpu || fail "after a gate was killed: $(cat err)"
! process_gone "${fault_pids[0]}" || fail "a gate's end is a client's: $(cat "${fault_logs[0]}.err")"
kill -KILL "${relays[@]}"
clients_must_lose "a relay of a gate that is no more killed" 5

# --- new keys ---

clients_start submit
mapfile -t workers < <(workers_of "$SERVER_PID")
gate_is "" || fail "there is no gate"
old=$GATE
cp keys old
sed '/alice/d' old >keys
key_line erin >>keys
kill -HUP "$SERVER_PID"
logged 'TLS: the keys and certificates were read anew'
wait_until 10 process_gone "$old" || fail "the old gate does not end"
at erin@
has_gpu || fail "with a new key: $(cat err)"
at alice@
VENUS_KEY_FILE=old no_gpu "127.0.0.1:$SERVER_PORT: it does not know the identity, or has another key for it"
logged 'warn: client 127.0.0.1:[0-9]*: refused by TLS, as alice: unknown identity or wrong key'
! process_gone "${workers[0]}" || fail "new keys end those who are in"
echo "nonsense" >keys
kill -HUP "$SERVER_PID"
logged "TLS: keys: line 1: it is not identity:hexkey"
logged "TLS: the keys and certificates stay as they were"
cp old keys
sed -i '/alice/d' keys
at bob@
has_gpu || fail "after keys that could not be read: $(cat err)"
clients_kill
server_stop || fail "the server ended with status $?"
wait_until 10 all_gone "${workers[@]}" || fail "a worker is left"

# --- what is not possible is said ---

no_gpu "cannot reach the Venus server at 127.0.0.1:$SERVER_PORT: connection refused"
VENUS_KEY_FILE=$VP_TEST_TMP/none no_gpu "$VP_TEST_TMP/none cannot be read: No such file"
at ""
VENUS_TLS_CA='' no_gpu "needs to know which server is the right one: set VENUS_TLS_CA or VENUS_TLS_PIN"
VENUS_TLS_CERT='' no_gpu "needs a certificate: set VENUS_TLS_CERT and VENUS_TLS_KEY"
server_start
at bob@
no_gpu "it does not speak TLS; a server does that with --keys or --tls-cert"
