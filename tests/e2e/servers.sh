#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240 tsan
# Several servers: they are connected to beside each other, VENUS_POLICY says which are used, and one that dies takes
# only its own devices along.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"

need vulkaninfo
err=$VP_TEST_TMP/err out=$VP_TEST_TMP/out
unset VENUS_POLICY

milliseconds() {
   date +%s%3N
}

# used POLICY SERVERS: sets `used` to the servers, in the order of their GPUs; the log is in $err.
used() {
   SERVER_ADDRESS=$2 VENUS_LOG=info VENUS_POLICY=$1 remote vulkaninfo --summary >"$out" 2>"$err" ||
      fail "$1 of $2: $(cat "$err")"
   used=$(sed -n 's/^venus: info: the server at \(.*\) gives 1 GPU.*/\1/p' "$err" | paste -sd ' ')
}

# takes POLICY SERVERS WANTED
takes() {
   used "$1" "$2"
   [[ $used == "$3" ]] || fail "'$1' of $2: used is '$used', not '$3': $(cat "$err")"
}

server_start --max-clients 2 --ready 1
first=$SERVER_ADDRESS first_log=$SERVER_LOG first_pid=$SERVER_PID
server_start --max-clients 8 --ready 1
second=$SERVER_ADDRESS second_pid=$SERVER_PID
refusing=127.0.0.1:$(/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Two that take connections and say nothing.
/usr/bin/python3 -c '
import socket, time
silent = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in silent), flush=True)
time.sleep(600)' >"$VP_TEST_TMP/silent" &
display_pids+=($!)
wait_until 10 test -s "$VP_TEST_TMP/silent" || fail "no sockets"
read -r one two <"$VP_TEST_TMP/silent"
silent=127.0.0.1:$one,127.0.0.1:$two

# --- which are used ---

takes "" "$first,$second" "$first $second"
takes all "$second,$first" "$second $first"
grep -q "deviceName .* on $(uname -n)\$" "$out" || fail "GPUs of several servers do not name the host"
takes first "$second,$first" "$second"
! grep -q "deviceName .* on $(uname -n)\$" "$out" || fail "the GPU of the one server names the host"
[[ $(grep -c "client .*: connected" "$first_log") == 2 ]] || fail "the second choice was troubled: $(cat "$first_log")"
takes first "$refusing,$first,$second" "$first"
grep -q "^venus: info: cannot reach .*$refusing" "$err" || fail "the missing one is not named: $(cat "$err")"
! grep -q "^venus: error" "$err" || fail "a missing one is an error though another is there: $(cat "$err")"
SERVER_ADDRESS=$refusing,$refusing VENUS_POLICY=first remote vulkaninfo --summary >"$out" 2>"$err" || true
[[ $(grep -c "^venus: error: cannot reach .*$refusing" "$err") == 2 ]] || fail "none can be had: $(cat "$err")"
SERVER_ADDRESS=$first VENUS_POLICY=best remote vulkaninfo --summary >/dev/null 2>"$err" || fail "an unknown policy"
grep -q "VENUS_POLICY=best is not first, least-loaded or all; it is as if it were not set" "$err" ||
   fail "an unknown policy: $(cat "$err")"

# --- beside each other ---

# What does not answer costs one VENUS_TIMEOUT, however many there are, and those that are enough nothing.
export VENUS_TIMEOUT=3
before=$(milliseconds)
takes all "$silent,$first,$refusing,$second" "$first $second"
took=$(($(milliseconds) - before))
((took >= 3000 && took < 4500 * $(slowness))) || fail "two silent servers cost $took ms"
echo "two silent servers: $took ms"
[[ $(grep -c "^venus: error: the server at .* does not answer" "$err") == 2 ]] || fail "silent ones: $(cat "$err")"
before=$(milliseconds)
takes first "$silent,$first" "$first"
took=$(($(milliseconds) - before))
((took >= 900 && took < 2500 * $(slowness))) || fail "the third choice after two silent ones costs $took ms"
echo "the third choice after two silent ones: $took ms"
[[ $(grep -c "is not waited for: another one has answered" "$err") == 2 ]] || fail "silent ones: $(cat "$err")"
before=$(milliseconds)
takes least-loaded "$silent,$first" "$first"
took=$(($(milliseconds) - before))
((took < 2500 * $(slowness))) || fail "the least loaded of three, of which two are silent, costs $took ms"
echo "the least loaded of three, of which two are silent: $took ms"
unset VENUS_TIMEOUT

# --- the least loaded ---

# occupy SERVER: a session there.
occupy() {
   local log
   log=$(mktemp "$VP_TEST_TMP/client.XXXXXX")
   SERVER_ADDRESS=$1 client_start "$VP_BUILD/tests/e2e/fault_client" fence >"$log" 2>&1
   clients+=("$CLIENT_PID")
   wait_until 30 grep -q ready "$log" || fail "no session: $(cat "$log")"
}
has_sessions() {
   [[ $(workers_of "$1" | wc -l) == "$2" ]]
}

# there_are COUNT COUNT: waits for those that are about to end.
there_are() {
   wait_until 10 has_sessions "$first_pid" "$1" || fail "the first server has not $1 sessions"
   wait_until 10 has_sessions "$second_pid" "$2" || fail "the second server has not $2 sessions"
}
clients=()
there_are 0 0
occupy "$first"
questions=$(grep -c "client .*: connected" "$first_log")
for _ in 1 2 3; do
   there_are 1 0
   takes least-loaded "$first,$second" "$second"
done
grep -q "the server at $second is the least loaded: 0 of 8 sessions, on 1 GPUs" "$err" || fail "the load: $(cat "$err")"
[[ $(grep -c "client .*: connected" "$first_log") == "$questions" ]] || fail "a question was a session"
occupy "$second"
occupy "$second"
there_are 1 2
takes least-loaded "$second,$first,$refusing" "$first"
there_are 1 2
occupy "$first" # which is full by that, though two sessions are as many as the other has
for _ in 1 2 3; do
   there_are 2 2
   takes least-loaded "$first,$second" "$second"
done

# One of an older release refuses the question, and is the last choice.
/usr/bin/python3 - "${second##*:}" >"$VP_TEST_TMP/older" <<'END' &
import socket, struct, sys, threading

def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other direction has ended it

def serve(client):
    with client:
        if struct.unpack("<I", client.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL))[0] == 25:
            text = b"the client does not speak the protocol of Venus Plus; is the port right?"
            client.sendall(struct.pack("<IIQIQ", 7, 12 + len(text), 0, 0xffffffff, 0) + text)
            return
        with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
            threading.Thread(target=copy, args=(client, server), daemon=True).start()
            copy(server, client)

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
END
display_pids+=($!)
wait_until 10 test -s "$VP_TEST_TMP/older" || fail "no socket"
older=127.0.0.1:$(cat "$VP_TEST_TMP/older")
takes least-loaded "$older,$second" "$second"
takes least-loaded "$older,$refusing" "$older"
grep -q "the server at $older is taken, which is too old to say how loaded it is" "$err" || fail "older: $(cat "$err")"

# Of equal ones each has its turn. The Unix socket has no lobby.
kill -KILL "${clients[@]}"
wait "${clients[@]}" 2>/dev/null || true
server_start --unix "$VP_TEST_TMP/socket" --port 0
third=$SERVER_ADDRESS
turns=
for _ in {1..20}; do
   wait_until 10 has_sessions "$SERVER_PID" 0 || fail "the sessions do not end"
   used least-loaded "unix:$VP_TEST_TMP/socket,$third"
   turns+=" $used"
   [[ $turns != *unix:* || $turns != *"$third"* ]] || break
done
[[ $turns == *unix:* && $turns == *"$third"* ]] || fail "of two equal ones it is always the same: $turns"

# --- one dies ---

server_start --resume 0
dying=$SERVER_ADDRESS dying_pid=$SERVER_PID
mkfifo "$VP_TEST_TMP/line"
VENUS_RESUME=0 SERVER_ADDRESS=$dying,$second remote "$VP_BUILD/tests/e2e/survivor" \
   <"$VP_TEST_TMP/line" >"$out" 2>"$err" &
program=$!
exec 3>"$VP_TEST_TMP/line"
wait_until 30 grep -q ready "$out" || fail "the program does not start: $(cat "$out" "$err")"
kill -KILL "$dying_pid"
wait "$dying_pid" 2>/dev/null || true
left=()
for pid in "${server_pids[@]}"; do
   [[ $pid == "$dying_pid" ]] || left+=("$pid")
done
server_pids=("${left[@]}")
echo >&3
exec 3>&-
wait "$program" || fail "a server that has died has taken more than its own: $(cat "$out" "$err")"
[[ $(tail -n 1 "$out") == "the other goes on" ]] || fail "the program: $(cat "$out")"
[[ $(grep -c '^venus: ' "$err") == 1 && $(cat "$err") == *"lost the server at $dying"* ]] || fail "said: $(cat "$err")"
