#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 no-asan
# A driver that somebody has got into (tests/e2e/drivers/drill.c) gets nowhere, and a client is served all the same.
# Without the sandbox it gets where the server's user may go.
. "$(dirname "$0")/../lib.sh"

! grep -q '^VP_COVERAGE:.*=ON$' "$VP_BUILD/CMakeCache.txt" ||
   skip "where lines are counted the sandbox lets more through"
# shellcheck source=tests/e2e/fault_lib.sh
. "$(dirname "$0")/fault_lib.sh"

library=$(sed -n 's/.*"library_path": *"\([^"]*\)".*/\1/p' "$VP_NATIVE_ICD")
[[ $library == */* && $library != /* ]] && library=$(dirname "$VP_NATIVE_ICD")/$library
export VP_DRILL_DRIVER=$library VP_DRILL_FOLDER=$VP_TEST_TMP/folder
mkdir -m 777 "$VP_DRILL_FOLDER"
echo secret >"$VP_DRILL_FOLDER/secret"
# Somebody else is to read this.
chmod 755 "$VP_TEST_TMP"
cat >"$VP_TEST_TMP/drill.json" <<END
{"file_format_version": "1.0.0", "ICD": {"library_path": "$VP_BUILD/tests/e2e/libdrill_driver.so", "api_version": "1.3.0"}}
END
VP_NATIVE_ICD=$VP_TEST_TMP/drill.json

# A socket of a test that connections come to.
exec {listening}< <(exec python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(170)')
listener=$!
read -r VP_DRILL_PORT <&"$listening"
export VP_DRILL_PORT
display_pids+=("$listener")

# cache_make FOLDER: a cache in which another user has something that the workers' user may read and write.
cache_make() {
   mkdir -m 700 "$1" "$1/key.alice"
   echo compiled >"$1/key.alice/compiled"
   export VP_DRILL_CACHE=$1/key.alice
}

tried() {
   (($(grep -c '^drill: over' "$SERVER_LOG") >= $1))
}

# drill [OPTION]...: both workers have tried all that is mild.
drill() {
   VP_DRILL=mild server_start "$@"
   wait_until 20 tried 2 || fail "with $*: not all was tried: $(cat "$SERVER_LOG")"
   sed -n 's/^drill: //p' "$SERVER_LOG" | sort | uniq -c
}

# must ATTEMPT RESULT...: each of the workers has one of these results.
must() {
   local attempt=$1 results
   shift
   results=$(sed -n "s/^drill: $attempt //p" "$SERVER_LOG")
   [[ -n $results ]] || fail "$attempt: nothing was said"
   ! grep -vxE "$(IFS='|' && echo "$*")" <<<"$results" || fail "$attempt: it may be $*"
}

# What no worker in a sandbox can do, and what every one can.
must_be_nobody() {
   must open-shadow EACCES
   must read-file EACCES
   must write-file EACCES
   must chmod EPERM
   must read-parent EACCES
   must connect EPERM
   must unix-socket EPERM
   must connect-another ENOENT
   must name-itself 'done'
   must send-slowly 'done'
   must linger EPERM
   must fork EPERM
   must execve EPERM
   must signal-sibling EPERM ESRCH
   must signal-parent EPERM
   must setuid EPERM
   must dumpable EPERM
   must signal-self 'done'
   must thread 'done'
   must write-cache 'done'
   must list-caches EACCES
   must list-another EACCES
   must read-another EACCES
   must write-another EACCES
   must cut-another EACCES
   must fill-another EACCES
   must move-to-another EACCES
   must link-from-another EPERM
   must make-cache EACCES
   [[ $(ls -A "$VP_DRILL_CACHE" "$VP_DRILL_CACHE/..") == "$(printf '%s:\n%s\n\n%s/..:\nanonymous\nkey.alice' \
      "$VP_DRILL_CACHE" compiled "$VP_DRILL_CACHE")" && $(<"$VP_DRILL_CACHE/compiled") == compiled ]] ||
      fail "something is left in the cache: $(ls -lR "$VP_DRILL_CACHE/..")"
   grep -q '^drill: signal-sibling EPERM' "$SERVER_LOG" || fail "no worker saw another one"
   [[ ! -e $VP_DRILL_FOLDER/written ]] || fail "a worker has written a file"
   remote "$VP_TEST_APP" --phase 3 --out "$VP_TEST_TMP" >/dev/null || fail "no client is served: $(cat "$SERVER_LOG")"
}

must_be_killed() {
   VP_DRILL=$1 server_start --ready 1
   wait_until 20 grep -q 'was ended by signal 31' "$SERVER_LOG" || fail "$1: the worker lives on: $(cat "$SERVER_LOG")"
   ! grep -q '^drill: over' "$SERVER_LOG" || fail "$1: a worker has survived it"
   server_stop || fail "$1: the server ended with status $?"
   echo "$1: killed"
}

cache_make "$VP_TEST_TMP/cache"
drill --cache "$VP_TEST_TMP/cache"
grep -q 'workers: user .*, no capabilities, seccomp' "$SERVER_LOG" || fail "nothing is said: $(cat "$SERVER_LOG")"
[[ $(stat -c %a "$VP_TEST_TMP/cache/anonymous") == 700 ]] || fail "others may use the cache"
if ! grep -q 'Landlock ABI' "$SERVER_LOG"; then
   skip "the kernel has no Landlock"
fi
must_be_nobody
server_stop || fail "the server ended with status $?"

drill --log debug --cache "$VP_TEST_TMP/cache"
must_be_nobody
grep -q 'refuses the system call execve' "$SERVER_LOG" || fail "the log has no names: $(cat "$SERVER_LOG")"
for pid in $(ready_of "$SERVER_PID"); do
   grep -qx 'CapBnd:.0*' "/proc/$pid/status" || ((EUID != 0)) || fail "worker $pid could get capabilities"
   grep -qx 'CapEff:.0*' "/proc/$pid/status" || fail "worker $pid has capabilities"
   grep -qx 'NoNewPrivs:.1' "/proc/$pid/status" || fail "worker $pid can get privileges"
   grep -qx 'Seccomp:.2' "/proc/$pid/status" || fail "worker $pid has no filter"
done
server_stop || fail "the server ended with status $?"

for attempt in ptrace process-vm mount unshare bpf; do
   must_be_killed "$attempt"
done

# What the drill does works at all.
drill --sandbox=off --cache "$VP_TEST_TMP/cache"
grep -q 'warn: workers: user .*, no sandbox' "$SERVER_LOG" || fail "no warning: $(cat "$SERVER_LOG")"
for attempt in read-file write-file chmod connect unix-socket connect-another name-itself linger fork execve \
   signal-parent dumpable list-caches list-another read-another write-another cut-another fill-another move-to-another link-from-another; do
   must "$attempt" 'done'
done
[[ -d $VP_TEST_TMP/cache/made ]] || fail "no folder was made"

server_stop || fail "the server ended with status $?"
rm "$VP_DRILL_FOLDER/written"

# A cache that lies where all workers read is not kept apart, which is said.
mkdir "$VP_TEST_TMP/libraries"
LD_LIBRARY_PATH=$VP_TEST_TMP/libraries server_start --cache "$VP_TEST_TMP/libraries/cache"
grep -q "warn: workers of all users can read the shader cache, since .* $VP_TEST_TMP/libraries/cache is" "$SERVER_LOG" ||
   fail "nothing is said: $(cat "$SERVER_LOG")"
server_stop || fail "the server ended with status $?"

# A folder of others is no cache.
mkdir -m 755 "$VP_TEST_TMP/open"
! "$VP_SERVER" --port 0 --cache "$VP_TEST_TMP/open" 2>"$VP_TEST_TMP/log" || fail "others may fill the cache"
grep -q 'other users may use it' "$VP_TEST_TMP/log" || fail "$(cat "$VP_TEST_TMP/log")"
! "$VP_SERVER" --port 0 --user 'no such user' 2>"$VP_TEST_TMP/log" || fail "somebody who does not exist"
grep -q 'there is no user' "$VP_TEST_TMP/log" || fail "$(cat "$VP_TEST_TMP/log")"

((EUID == 0)) || exit 0
setpriv --reuid=65534 --clear-groups test -r "$VP_BUILD/tests/e2e/libdrill_driver.so" || exit 0
cache_make "$VP_TEST_TMP/cache-of-nobody"
chown -R nobody "$VP_TEST_TMP/cache-of-nobody"
drill --user nobody --cache "$VP_TEST_TMP/new"
[[ $(stat -c '%U %a' "$VP_TEST_TMP/new" "$VP_TEST_TMP/new/anonymous") == $'nobody 700\nnobody 700' ]] ||
   fail "the cache is not nobody's"
server_stop || fail "the server ended with status $?"
drill --user nobody --cache "$VP_TEST_TMP/cache-of-nobody"
must_be_nobody
for pid in $(ready_of "$SERVER_PID"); do
   grep -qx 'Uid:.65534.65534.65534.65534' "/proc/$pid/status" || fail "worker $pid is not nobody"
done
