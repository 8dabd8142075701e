# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For tests of a driver that was built for other programs than this machine's; sourced after lib.sh.

# run_app OUT MANIFEST COMMAND...: the test application with this driver; its pictures are in $VP_TEST_TMP/OUT.
run_app() {
   local out=$VP_TEST_TMP/$1 icd=$2
   shift 2
   mkdir -p "$out"
   VP_ICD=$icd remote "$@" --out "$out" >"$out.log" 2>&1 || fail "$*: $(cat "$out.log")"
   tail -n 1 "$out.log"
}

# run_phases MANIFEST COMMAND...: all phases pass on a server of this machine, with the pictures of a program of its own.
run_phases() {
   local manifest=$1 picture
   shift
   # shellcheck disable=SC2119
   server_start
   run_app here "$VP_ICD" "$VP_TEST_APP" --phase 10 --phase 11
   run_app there "$manifest" "$@" --all
   [[ -n $(ls "$VP_TEST_TMP/here") ]] || fail "there are no pictures"
   for picture in "$VP_TEST_TMP"/here/*; do
      cmp "$picture" "$VP_TEST_TMP/there/${picture##*/}" || fail "the other program has another picture"
   done
}

# run_with_tls MANIFEST COMMAND...: a phase passes on a server that wants a key.
run_with_tls() {
   local manifest=$1
   shift
   export VENUS_KEY_FILE=$VP_TEST_TMP/keys
   (umask 077 && printf 'me:%064d\n' 7 >"$VENUS_KEY_FILE")
   server_start --keys "$VENUS_KEY_FILE" --tls-only
   SERVER_ADDRESS=tls://me@$SERVER_ADDRESS
   run_app tls "$manifest" "$@" --phase 4
}
