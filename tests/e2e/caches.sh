#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 no-asan
# Each user's drivers keep what they compile in a folder of his own and find it there the next time; workers that wait
# for clients are for the users who came last.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fault_lib.sh"
[[ -x $VP_BUILD/client/venus-plus/venus-tls ]] || skip "this build has no TLS"
. "$(dirname "$0")/tls_lib.sh"

cd "$VP_TEST_TMP" || exit
key_line alice >keys
key_line bob >>keys
export VENUS_KEY_FILE=$VP_TEST_TMP/keys
cache=$VP_TEST_TMP/cache

# run_at ADDRESS: a program whose shaders the server's driver compiles.
run_at() {
   SERVER_ADDRESS=$1 remote "$VP_TEST_APP" --phase 8 --out . >out 2>&1 || fail "$1: $(cat out "$SERVER_LOG")"
}

no_clients() {
   [[ -z $(workers_of "$SERVER_PID") ]]
}

# kept USER: what is in his folder, one file a line with when it was written.
kept() {
   wait_until 10 no_clients || fail "a worker goes on"
   find "$cache/$1" -type f -printf '%P %i %T@\n' | sort
}

# folders NAME...: these there are, and nobody else may use them.
folders() {
   [[ $(find "$cache" -mindepth 1 -maxdepth 1 -printf '%f %m\n' | sort) == "$(printf '%s 700\n' "$@")" ]] ||
      fail "not the folders $*: $(ls -l "$cache")"
}

ready_are() {
   [[ $(ready_of "$SERVER_PID" | wc -l) == "$1" ]]
}

server_start --keys keys --cache "$cache" --ready 2
grep -q 'Landlock ABI' "$SERVER_LOG" || skip "the kernel has no Landlock"
tls=127.0.0.1:$SERVER_PORT
[[ -z $(ls "$cache") ]] || fail "before anybody has come: $(ls "$cache")"

run_at "tls://alice@$tls"
kept key.alice >first
grep -q / first || skip "this driver keeps nothing in a file"
wait_until 10 ready_are 2 || fail "not 2 workers wait"
folders key.alice

# What alice has is read, and not made again.
entry=$cache/key.alice/$(sed -n 's/ .*//; /\//{/index/!p;}' first | head -n 1)
touch -a -d '3 days ago' "$entry"
cat "$entry" >seen
[[ $(stat -c %X "$entry") -gt $(date -d '1 day ago' +%s) ]] || skip "this file system does not say what is read"
touch -a -d '3 days ago' "$entry"
run_at "tls://bob@$tls"
[[ $(stat -c %X "$entry") -lt $(date -d '1 day ago' +%s) ]] || fail "bob has read what alice has"
kept key.bob >of-bob
grep -q / of-bob || fail "bob does not have what he compiled"
run_at "tls://alice@$tls"
[[ $(stat -c %X "$entry") -gt $(date -d '1 day ago' +%s) ]] || fail "alice has not read what she has"
kept key.alice | cmp - <(cat first) || fail "alice compiles again"
folders key.alice key.bob

# Programs of this machine need no TLS, and have one together. Of the users before, the last one still is expected.
run_at "$tls"
folders anonymous key.alice key.bob
wait_until 10 ready_are 2 || fail "not 2 workers wait"
server_stop || fail "the server ended with status $?"

# So many, and no more; who has one keeps it.
mkdir "$cache"/{1..997}
server_start --keys keys --cache "$cache"
tls=127.0.0.1:$SERVER_PORT
run_at "tls://alice@$tls"
! grep -q 'no more users' "$SERVER_LOG" || fail "alice has lost hers: $(cat "$SERVER_LOG")"
mv "$cache/key.bob" "$cache/998"
run_at "tls://bob@$tls"
grep -q "no more users can have a cache in $cache, which has 1000: remove folders there" "$SERVER_LOG" ||
   fail "nothing is said: $(cat "$SERVER_LOG")"
[[ ! -e $cache/key.bob ]] || fail "more than 1000 folders"
server_stop || fail "the server ended with status $?"

# A kernel without Landlock, as far as the server can see: it keeps nobody apart, and has none where several can come.
cat >without_landlock.py <<'END'
import ctypes, os, struct, sys
CREATE_RULESET, ENOSYS = 444, 38
code = [(0x20, 0, 0, 0), (0x15, 0, 1, CREATE_RULESET), (0x06, 0, 0, 0x00050000 | ENOSYS), (0x06, 0, 0, 0x7FFF0000)]
filter = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))
program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(filter))
prctl = ctypes.CDLL(None, use_errno=True).prctl
assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
END
printf '#!/bin/sh\nexec python3 "%s" "%s" "$@"\n' "$PWD/without_landlock.py" "$VP_SERVER" >server
chmod +x server
VP_SERVER=$PWD/server
export XDG_CACHE_HOME=$VP_TEST_TMP/home
server_start --keys keys
for line in 'warn: the kernel has no Landlock, so that .*: there is none, unless --cache names a folder$' \
   'no Landlock, which this kernel lacks, shader cache none$'; do
   grep -q "$line" "$SERVER_LOG" || fail "nothing is said: $(cat "$SERVER_LOG")"
done
run_at "tls://alice@127.0.0.1:$SERVER_PORT"
[[ ! -e $XDG_CACHE_HOME ]] || fail "there is a cache"
server_stop || fail "the server ended with status $?"

server_start
! grep -q 'warn: the kernel has no Landlock' "$SERVER_LOG" || fail "nobody else can come: $(cat "$SERVER_LOG")"
run_at "127.0.0.1:$SERVER_PORT"
[[ -n $(ls "$XDG_CACHE_HOME/venus-server/anonymous") ]] || fail "there is no cache"
server_stop || fail "the server ended with status $?"

mkdir -m 700 wanted
server_start --keys keys --cache "$PWD/wanted"
grep -q 'warn: the kernel has no Landlock, .* of another$' "$SERVER_LOG" || fail "nothing is said: $(cat "$SERVER_LOG")"
run_at "tls://alice@127.0.0.1:$SERVER_PORT"
[[ -n $(ls wanted/key.alice) ]] || fail "there is no cache"
server_stop || fail "the server ended with status $?"
