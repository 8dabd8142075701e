#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# What users are told: which server and GPU it is, why there is none, what they have set that makes no sense; and that a
# program that needs a server's GPU gets no other one.
. "$(dirname "$0")/../lib.sh"

need vulkaninfo
err=$VP_TEST_TMP/err
export VENUS_TIMEOUT=20

# told PATTERN [COUNT]: standard error has so many lines of the driver's like this.
told() {
   local count
   count=$(grep -cE "^venus: $1" "$err" || true)
   [[ $count == "${2:-1}" ]] || fail "$count lines like \"$1\", not ${2:-1}: $(cat "$err")"
}

# beside SERVERS COMMAND...: with our driver and the native one.
beside() {
   local both=$VP_ICD:$VP_NATIVE_ICD
   SERVER_ADDRESS=$1
   shift
   VP_ICD=$both remote "$@"
}

server_start --log debug
first=$SERVER_ADDRESS
host=$(uname -n)

# --- the log ---

VENUS_LOG=info remote "$VP_TEST_APP" --list >/dev/null 2>"$err" || fail "no GPU: $(cat "$err")"
told "info: the server at $first is $host, venus-server [0-9.]+; connected after [0-9]+\.[0-9] ms"
told "info: the server at $first gives [0-9]+ GPUs?, which are known after [0-9]+\.[0-9] ms"
told "info: GPU 0: Venus Plus \(.*\), Vulkan 1\.[0-9.]+, driver .*, on $host"
told "debug" 0
VENUS_LOG=debug remote "$VP_TEST_APP" --phase 3 >/dev/null 2>"$err" || fail "phase 3 fails: $(cat "$err")"
told "debug: VENUS_SERVER=$first"
some='[1-9][0-9]*'
wait_until 10 grep -qE "debug: the session of .*: $some commands in $some messages, $some bytes received, $some sent" \
   "$SERVER_LOG" || fail "the server does not say what a session was: $(cat "$SERVER_LOG")"
grep -q 'debug: the client has chosen the GPU ' "$SERVER_LOG" || fail "the server does not name the GPU"
for setting in -uVENUS_SERVER VENUS_DISABLE=1; do
   remote env "$setting" VENUS_LOG=info "$VP_TEST_APP" --list >/dev/null 2>"$err" || true
   told "info: VENUS_(SERVER is not|DISABLE is) set: no server is connected to" "$(grep -c . <(grep '^venus: ' "$err"))"
   grep -q '^venus: info' "$err" || fail "$setting: nothing is said"
done
VENUS_DISABLE=false remote "$VP_TEST_APP" --list >/dev/null 2>"$err" || fail "VENUS_DISABLE=false disables"

# --- values that make no sense ---

VENUS_DEBUG=stat VENUS_TRACK=foo VENUS_TIMEOUT=0 remote "$VP_TEST_APP" --list >/dev/null 2>"$err" || fail "no GPU"
told "warn: VENUS_DEBUG=stat is not stats; it is as if it were not set"
told "warn: VENUS_TRACK=foo is not async, signal or compare; it is as if it were not set"
told "warn: VENUS_TIMEOUT=0 is not a number of seconds from 0.001 to 3600, .*; 5 is used"

# --- a program that needs a server's GPU ---

beside 127.0.0.1:1 vulkaninfo --summary >/dev/null 2>"$err" || fail "there is no local GPU"
for server in 127.0.0.1:1 "" nonsense:x; do
   if VENUS_REQUIRE=1 beside "$server" vulkaninfo --summary >/dev/null 2>"$err"; then
      fail "VENUS_REQUIRE=1 with \"$server\": the program goes on with another GPU"
   fi
   told "error: VENUS_REQUIRE is set and (no server gives a GPU|VENUS_SERVER names no server): vkCreateInstance fails"
done
VENUS_REQUIRE=1 beside "$first" vulkaninfo --summary >/dev/null 2>"$err" || fail "VENUS_REQUIRE=1 with a server"
told "error" 0

# --- equal GPUs of two servers ---

# summary SERVERS NAME: that property of each GPU.
summary() {
   SERVER_ADDRESS=$1 remote vulkaninfo --summary 2>/dev/null | sed -n "s/^[[:space:]]*$2 *= //p"
}
uuid=$(summary "$first" deviceUUID)
[[ $(summary "$first" driverInfo) == *", on $host" ]] || fail "driverInfo does not name the host"
[[ $(summary "$first" deviceName) == *")" ]] || fail "the GPU of a single server has another name than it had"
server_stop || fail "the server ended with status $?"
server_start
[[ $(summary "$SERVER_ADDRESS" deviceUUID) == "$uuid" ]] || fail "another start, another deviceUUID"
gpus=$(summary "$SERVER_ADDRESS" deviceName | wc -l)
((gpus > 0 && $(summary "$SERVER_ADDRESS,$SERVER_ADDRESS" deviceName | grep -c ") on $host\$") == 2 * gpus)) ||
   fail "GPUs of several servers do not name the host"
if [[ -s /etc/machine-id ]]; then
   ! grep -qi "$(tr -d '\n' </etc/machine-id)" <<<"${uuid//-/}" || fail "deviceUUID shows the machine's id"
fi

# --- a server that is started with our own driver ---

for variable in VK_DRIVER_FILES VK_ICD_FILENAMES; do
   ! env -u VK_DRIVER_FILES -u VENUS_SERVER "$variable=$VP_ICD" "$VP_SERVER" --list >/dev/null 2>"$err" || fail "a GPU"
   grep -q "error: $variable=.* names the driver of Venus Plus" "$err" || fail "$variable is not named: $(cat "$err")"
done

# --- a tunnel without a server ---

/usr/bin/python3 -c '
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
patient = False
while True:  # the driver comes again
    connection = listener.accept()[0]
    if patient:
        connection.recv(10)
    connection.close()
    patient = not patient' >"$VP_TEST_TMP/tunnel" &
tunnel=$!
wait_until 10 test -s "$VP_TEST_TMP/tunnel" || fail "no tunnel"
SERVER_ADDRESS=127.0.0.1:$(cat "$VP_TEST_TMP/tunnel")
for _ in 1 2 3; do
   remote "$VP_TEST_APP" --list >/dev/null 2>"$err" || true
   told "error: the connection to $SERVER_ADDRESS was accepted, and closed without a word: if that is a tunnel"
done
kill "$tunnel"
wait "$tunnel" || true
