#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300
# Other ways to a server than TCP: a Unix socket.
. "$(dirname "$0")/../lib.sh"

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

# --- what is no address ---

for address in tls://somewhere:5556 unix:relative a/b; do
   no_gpu "$address" "'$address' is ignored, since it is not HOST, HOST:PORT, \[IPV6\]:PORT.* unix:/PATH"
done
