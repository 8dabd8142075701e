#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300
# Other ways to a server than TCP: a Unix socket, and a command's standard input and output.
. "$(dirname "$0")/../lib.sh"

export VENUS_TIMEOUT=60 # a command loads the GPU's driver first
phases=(--phase 1 --phase 4 --phase 6 --phase 8 --phase 10)

mkdir "$VP_TEST_TMP/native"
native "$VP_TEST_APP" --phase 10 --out "$VP_TEST_TMP/native" >"$VP_TEST_TMP/native/log" 2>&1 ||
   fail "the native run: $(cat "$VP_TEST_TMP/native/log")"

# run_app SERVER: the test application passes, says nothing of its own, and its pictures are the native ones.
run_app() {
   local out picture count=0
   out=$(mktemp -d "$VP_TEST_TMP/run.XXXXXX")
   SERVER_ADDRESS=$1
   remote "$VP_TEST_APP" --out "$out" "${phases[@]}" >"$out/log" 2>"$out/errors" ||
      fail "$1: $(cat "$out/log" "$out/errors")"
   ! grep '^venus: ' "$out/errors" || fail "$1: the driver complains"
   for picture in "$VP_TEST_TMP"/native/*.png; do
      cmp "$picture" "$out/${picture##*/}" || fail "$1: a picture is another one than natively"
      count=$((count + 1))
   done
   ((count > 0)) || fail "there are no pictures"
}

# no_gpu SERVER PATTERN...: no GPU, and one line of the driver's that is like the patterns.
no_gpu() {
   local server=$1 lines pattern
   shift
   SERVER_ADDRESS=$server
   ! remote "$VP_TEST_APP" --list >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/err" ||
      ! grep -q 'Venus Plus (' "$VP_TEST_TMP/out" || fail "$server: there is a GPU"
   lines=$(grep '^venus: ' "$VP_TEST_TMP/err") || fail "$server: nothing is said"
   [[ $(wc -l <<<"$lines") == 1 ]] || fail "$server: not one line: $lines"
   for pattern; do
      [[ $lines =~ $pattern ]] || fail "$server: not like $pattern: $lines"
   done
   echo "$lines"
}

# --- a Unix socket ---

socket=$VP_TEST_TMP/venus.socket
no_gpu "unix:$socket" "unix:$socket: there is no such socket; is venus-server --unix running"
SERVER_LOG=$VP_TEST_TMP/unix.log
env -u VENUS_SERVER VK_DRIVER_FILES="$VP_NATIVE_ICD" "$VP_SERVER" --unix "$socket" >"$SERVER_LOG" 2>&1 &
server=$!
server_pids+=("$server")
wait_until 20 grep -q "listening on unix:$socket" "$SERVER_LOG" || fail "the server does not listen"
run_app "unix:$socket"
grep -q "client uid $(id -u), pid [0-9]*: disconnected" "$SERVER_LOG" || fail "the log does not name the client"
kill -KILL "$server"
wait "$server" 2>/dev/null || true
server_pids=()
no_gpu "unix:$socket" "unix:$socket: nobody listens there any more"
no_gpu "unix:/$(printf 'x%.0s' {1..120})" "longer than 107 bytes"

# --- a command ---

server="env -u VENUS_SERVER VK_DRIVER_FILES=$VP_NATIVE_ICD $VP_SERVER --log error --stdio"
run_app "exec:exec $server"
run_app "exec:cat | $server | cat"
no_gpu "exec:/nonexistent/program 2>/dev/null" \
   "exec:/nonexistent/program 2>/dev/null ended before a Venus server answered; it may have said why"
no_gpu "exec:exit 0" "ended before a Venus server answered"
no_gpu "exec:cat >/dev/null & exit 3" "does not answer as a Venus server|ended before a Venus server answered"
no_gpu "exec:echo Welcome to this machine" "exec:echo Welcome.* does not answer as a Venus server: .* not of this protocol"
no_gpu "exec:cat" "exec:cat"
no_gpu "exec:$server --gpu 99 2>/dev/null" "ended before a Venus server answered"
VENUS_TIMEOUT=0.5 no_gpu "exec:sleep 1" "exec:sleep 1 .* VENUS_TIMEOUT"
# Its last words are heard.
no_gpu "exec:$server --frobnicate" "ended before"
grep -q 'venus-server: error: unknown option' "$VP_TEST_TMP/err" || fail "standard error is not that of the program"

# It ends while it is used: the connection is lost, and the application hears that.
SERVER_ADDRESS="exec:echo \$\$ >$VP_TEST_TMP/pid; exec $server"
client_start "$VP_BUILD/tests/e2e/fault_client" submit >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/err"
wait_until 20 grep -q ready "$VP_TEST_TMP/out" || fail "the program does not start: $(cat "$VP_TEST_TMP/err")"
kill -KILL "$(cat "$VP_TEST_TMP/pid")"
status=0
wait "$CLIENT_PID" || status=$?
((status == 42)) || fail "without its server the program ends with status $status"
grep -q '^venus: error: lost the server at exec:' "$VP_TEST_TMP/err" || fail "nothing is said: $(cat "$VP_TEST_TMP/err")"

# --- what is no address ---

for address in ssh://somewhere:5556 unix:relative a/b; do
   no_gpu "$address" "'$address' is ignored, since it is not HOST, HOST:PORT, \[IPV6\]:PORT.* unix:/PATH or exec:COMMAND"
done
