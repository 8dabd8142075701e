#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=240
# Memory, semaphores and fences that two processes share by file descriptors; see share.c. Software GPUs share memory
# alone, so a layer lets them share the rest. Then what must be refused: descriptors of other servers, of other users, of
# programs that have ended, of nothing, and guesses.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/share
layer_setup lender "$VP_BUILD/tests/e2e/liblender_layer.so"
native "$program" >"$VP_TEST_TMP/native" 2>&1 || {
   grep -q '^no shared memory' "$VP_TEST_TMP/native" && skip "the native driver shares no memory"
   fail "natively: $(cat "$VP_TEST_TMP/native")"
}

# compare NAME: what two processes see through us is what they see natively, in whatever order they print it.
compare() {
   remote "$program" >"$VP_TEST_TMP/$1.remote" 2>&1 || fail "$1: $(cat "$VP_TEST_TMP/$1.remote")"
   diff <(sort "$VP_TEST_TMP/$1") <(sort "$VP_TEST_TMP/$1.remote") || fail "$1: natively and through us it differs"
}

# refused PATTERN COMMAND...: the import says that, in one line.
refused() {
   local pattern=$1 lines
   shift
   "$@" >"$VP_TEST_TMP/out" 2>"$VP_TEST_TMP/err" || fail "$*: $(cat "$VP_TEST_TMP/out" "$VP_TEST_TMP/err")"
   lines=$(grep '^venus: ' "$VP_TEST_TMP/err") || fail "$*: nothing is said"
   [[ $(wc -l <<<"$lines") == 1 && $lines =~ $pattern ]] || fail "$*: not one line like $pattern: $lines"
}

# open_descriptors: of the listener.
open_descriptors() {
   find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l
}

few_descriptors() {
   (($(open_descriptors) <= $1))
}

server_start --unix "$VP_TEST_TMP/socket"
compare native
before=$(open_descriptors)
diff <(native "$program" alone) <(remote "$program" alone) || fail "a process does not see what it has exported"
remote "$program" many >/dev/null || fail "one descriptor cannot be imported often, or many cannot be made"
refused 'has ended' remote "$program" orphan
remote "$program" wrong >"$VP_TEST_TMP/wrong" 2>&1 || fail "wrong descriptors: $(cat "$VP_TEST_TMP/wrong")"
grep -q 'has asked for 100 shared objects that are not there' "$SERVER_LOG" || fail "guesses are not noticed"
# Of sessions that are over nothing is kept, but that a worker waits which was not there before.
wait_until 10 few_descriptors $((before + 4)) || fail "the listener keeps descriptors: $before, now $(open_descriptors)"

# The same user on TCP and on the Unix socket is another one, as far as the server knows.
SHARE_CONSUMER=unix:$VP_TEST_TMP/socket refused "another user's" remote "$program"
SHARE_CONSUMER="exec:env VK_DRIVER_FILES=$VP_NATIVE_ICD $VP_SERVER --stdio" \
   VENUS_TIMEOUT=60 refused 'of another server' remote "$program"
first=$SERVER_ADDRESS
server_start
SHARE_CONSUMER=$first refused 'of another server' remote "$program"

# A server for one client lends that one what it has.
SERVER_ADDRESS="exec:env VK_DRIVER_FILES=$VP_NATIVE_ICD $VP_SERVER --stdio" VENUS_TIMEOUT=60 \
   remote "$program" alone >"$VP_TEST_TMP/out" 2>&1 || fail "exec: $(cat "$VP_TEST_TMP/out")"

# OpenGL on Zink and Vulkan in one program, where there is such an OpenGL.
export MESA_LOADER_DRIVER_OVERRIDE=zink MESA_SHADER_CACHE_DISABLE=true
[[ $VP_NATIVE_ICD != *lvp_icd* ]] || export LIBGL_ALWAYS_SOFTWARE=1
server_start
if native "${program}_gl" >"$VP_TEST_TMP/gl" 2>/dev/null; then
   remote "${program}_gl" >"$VP_TEST_TMP/gl.remote" 2>"$VP_TEST_TMP/gl.err" ||
      fail "OpenGL: $(cat "$VP_TEST_TMP/gl.remote" "$VP_TEST_TMP/gl.err")"
   diff "$VP_TEST_TMP/gl" "$VP_TEST_TMP/gl.remote" || fail "OpenGL: natively and through us it differs"
   grep -q 'Venus Plus' "$VP_TEST_TMP/gl.err" || fail "OpenGL was not on our driver: $(cat "$VP_TEST_TMP/gl.err")"
else
   echo "OpenGL is left out: $(cat "$VP_TEST_TMP/gl")"
fi

server_start --quota device-memory=256M
remote "$program" keeping >"$VP_TEST_TMP/out" 2>&1 || fail "what is kept: $(cat "$VP_TEST_TMP/out")"

# Semaphores and fences.
(export "${layer[@]}" && native "$program") >"$VP_TEST_TMP/lent" 2>&1 || fail "lent: $(cat "$VP_TEST_TMP/lent")"
grep -q 'the timeline is at 8' "$VP_TEST_TMP/lent" || fail "nothing was lent"
server_start_with "${layer[@]}"
compare lent
