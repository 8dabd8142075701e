#!/bin/bash
# SPDX-License-Identifier: MIT
# No server, no such server, a wrong list of servers: the driver reports no GPU, says at most one line, and does so in
# time.
. "$(dirname "$0")/../lib.sh"

need strace vulkaninfo

# driver_only SERVERS COMMAND...: with our driver and no other.
driver_only() {
   SERVER_ADDRESS=$1
   shift
   remote "$@"
}

milliseconds() {
   date +%s%3N
}

# no_gpu SERVERS SECONDS PATTERN: one line of the driver's, like PATTERN, within that time, and no GPU.
no_gpu() {
   local servers=$1 limit=$2 pattern=$3 before lines
   before=$(milliseconds)
   ! driver_only "$servers" "$VP_TEST_APP" --list >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/err" ||
      ! grep -q 'Venus Plus (' "$VP_TEST_TMP/out" || fail "$servers: there is a GPU"
   ((($(milliseconds) - before) <= limit * 1000)) || fail "$servers: took longer than $limit seconds"
   lines=$(grep '^venus: ' "$VP_TEST_TMP/err") || fail "$servers: nothing is said"
   [[ $(wc -l <<<"$lines") == 1 && $lines =~ $pattern ]] || fail "$servers: not one line like $pattern: $lines"
   echo "$lines"
}

# Not configured: nothing is opened, nothing is said, no time is spent.
for switch in -uVENUS_SERVER VENUS_SERVER= VENUS_DISABLE=1; do
   status=0
   VENUS_SERVER=127.0.0.1:1 VK_DRIVER_FILES=$VP_ICD \
      env "$switch" ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" \
      strace -f -e trace=%network -o "$VP_TEST_TMP/trace" \
      "$VP_TEST_APP" --list >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/err" || status=$?
   ! grep -E '(socket|connect|send|recv)' "$VP_TEST_TMP/trace" || fail "$switch: the network is used"
   ! grep venus: "$VP_TEST_TMP/err" || fail "$switch: the driver says something"
   ! grep 'Venus Plus (' "$VP_TEST_TMP/out" || fail "$switch: there is a GPU"
   ((status < 128)) || fail "$switch: the program crashed"
done

# Not there, or not answering.
port=$(/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
no_gpu "127.0.0.1:$port" 3 "cannot reach .*127.0.0.1:$port.*refused"
/usr/bin/python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(60)' >"$VP_TEST_TMP/blackhole" &
blackhole=$!
server_pids+=("$blackhole")
wait_until 10 test -s "$VP_TEST_TMP/blackhole" || fail "no socket"
VENUS_TIMEOUT=1.5 no_gpu "127.0.0.1:$(cat "$VP_TEST_TMP/blackhole")" 4 "does not answer"
kill "$blackhole"
wait "$blackhole" 2>/dev/null || true
server_pids=()

# Lists that are no lists.
no_gpu "localhost:99999" 3 "VENUS_SERVER.*localhost:99999"
no_gpu "no-such-host.invalid" 8 "no-such-host.invalid"

# Two servers: their GPUs come one after another, and one that is missing takes nothing from the other.
server_start
first=$SERVER_ADDRESS
server_start
second=$SERVER_ADDRESS
count_gpus() {
   grep -c 'deviceName .*Venus Plus (' <<<"$1"
}
one=$(count_gpus "$(driver_only "$first" vulkaninfo --summary 2>/dev/null)") || fail "one server has no GPU"
two=$(count_gpus "$(driver_only "$first,$second" vulkaninfo --summary 2>/dev/null)") || fail "two servers have no GPU"
((two == 2 * one)) || fail "one server has $one GPUs, two have $two"
rest=$(driver_only "$first,127.0.0.1:$port" vulkaninfo --summary 2>"$VP_TEST_TMP/err") || fail "with a missing server"
[[ $(count_gpus "$rest") == "$one" ]] || fail "a server that is missing takes the other's GPUs along"
[[ $(grep -c '^venus: ' "$VP_TEST_TMP/err") == 1 ]] || fail "a missing server: $(cat "$VP_TEST_TMP/err")"
