#!/bin/bash
# SPDX-License-Identifier: MIT
# venus-run ssh HOST with a real sshd, which runs as whoever runs the tests and lets in whoever has a key of the test.
. "$(dirname "$0")/../lib.sh"

run=$VP_BUILD/client/venus-run
out=$VP_TEST_TMP/out err=$VP_TEST_TMP/err
export XDG_CONFIG_HOME=$VP_TEST_TMP/xdg
remote_server="env VK_DRIVER_FILES='$VP_NATIVE_ICD' ASAN_OPTIONS='${ASAN_OPTIONS:-}' '$VP_SERVER' --stdio --log error"

sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || skip "sshd is not installed (openssh-server, which would let others log in here)"
need ssh ssh-keygen
made=
if [[ $(id -u) == 0 && ! -d /run/sshd ]]; then # where it puts away its rights
   mkdir /run/sshd
   made=/run/sshd
fi
folder=$VP_TEST_TMP/ssh
mkdir -m 700 "$folder"
ssh-keygen -q -t ed25519 -N '' -f "$folder/host"
ssh-keygen -q -t ed25519 -N '' -f "$folder/user"
cp "$folder/user.pub" "$folder/authorized"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$folder/sshd_config" <<END
ListenAddress 127.0.0.1:$port
HostKey $folder/host
AuthorizedKeysFile $folder/authorized
PidFile none
PermitRootLogin yes
PasswordAuthentication no
StrictModes no
UsePAM no
END
cat >"$folder/config" <<END
Host gpu
   HostName 127.0.0.1
   Port $port
   IdentityFile $folder/user
   IdentitiesOnly yes
   BatchMode yes
   LogLevel ERROR
   UserKnownHostsFile $folder/known
   StrictHostKeyChecking accept-new
END
"$sshd" -D -e -f "$folder/sshd_config" 2>"$folder/log" &
sshd_pid=$!
server_pids+=("$sshd_pid")
wait_until 20 ssh -F "$folder/config" gpu true 2>"$err" || fail "sshd lets nobody in: $(cat "$err" "$folder/log")"
"$run" --server-command "$remote_server" ssh -F "$folder/config" gpu -- "$VP_TEST_APP" --phase 4 --out "$folder" \
   >"$out" 2>"$err" || fail "the program: $(cat "$out" "$err" "$folder/log")"
grep -q "^venus: using .* of $(uname -n) at exec:exec ssh " "$err" || fail "ssh: $(cat "$err")"
[[ $(grep -c '^venus' "$err") == 1 ]] || fail "ssh: more is said: $(cat "$err")"

# Its server ends with the program, also when that is killed.
# shellcheck disable=SC2016
"$run" --server-command "echo \$\$ >$folder/pid; exec $remote_server" ssh -F "$folder/config" gpu -- \
   "$VP_BUILD/tests/e2e/fault_client" submit >"$out" 2>"$err" &
program=$!
wait_until 60 grep -q ready "$out" || fail "the program does not start: $(cat "$err")"
kill -KILL "$program"
wait "$program" 2>/dev/null || true
wait_until 20 process_gone "$(cat "$folder/pid")" || fail "the server that ssh has started goes on"
kill -TERM "$sshd_pid"
wait "$sshd_pid" 2>/dev/null || true
server_pids=()
[[ -z $made ]] || rmdir "$made"
