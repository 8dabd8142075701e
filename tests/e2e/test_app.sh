#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300
# The test application passes through the driver, and its pictures are those of a native run, byte for byte: alone, with
# two clients at once, and over a slow network.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/proxy.sh"

# run_app OUT ARGUMENT...: prints what the application says when it fails.
run_app() {
   local out=$1
   shift
   mkdir -p "$out"
   remote "$VP_TEST_APP" --out "$out" "$@" >"$out/log" 2>&1 || {
      cat "$out/log"
      return 1
   }
}

same_pictures() {
   local picture count=0
   for picture in "$VP_TEST_TMP"/native/*.png; do
      cmp "$picture" "$1/${picture##*/}" || fail "$1: a picture is another one than natively"
      count=$((count + 1))
   done
   ((count > 0)) || fail "there are no pictures"
}

mkdir "$VP_TEST_TMP/native"
native "$VP_TEST_APP" --phase 10 --phase 11 --out "$VP_TEST_TMP/native" >"$VP_TEST_TMP/native/log" 2>&1 ||
   fail "the native run: $(cat "$VP_TEST_TMP/native/log")"
server_start

# Of phase 11, what there is no picture of was skipped, and it is said why.
while read -r name part; do
   compgen -G "$VP_TEST_TMP/native/phase11-$name.png" >/dev/null || grep -q "$part: skipped, " "$VP_TEST_TMP/native/log" ||
      fail "nothing is said of $part: $(cat "$VP_TEST_TMP/native/log")"
done <<'END'
atomics 64-bit atomics
matrices cooperative matrices
mesh mesh shaders
ray-* ray tracing
sparse sparse residency
END
if [[ -z $VP_SANITIZE ]]; then
   mkdir "$VP_TEST_TMP/old"
   native env LD_PRELOAD="$VP_BUILD/tests/e2e/libold_loader.so" "$VP_TEST_APP" --phase 11 --out "$VP_TEST_TMP/old" \
      >"$VP_TEST_TMP/old.log" || fail "a phase that is skipped fails: $(cat "$VP_TEST_TMP/old.log")"
   grep -qx '0 passed, 0 failed, 1 skipped' "$VP_TEST_TMP/old.log" || fail "nothing is skipped: $(cat "$VP_TEST_TMP/old.log")"
fi

run_app "$VP_TEST_TMP/one" --all || fail "the application"
tail -n 1 "$VP_TEST_TMP/one/log"
same_pictures "$VP_TEST_TMP/one"

# Computing takes long with a sanitizer.
phases=(--all)
if [[ -n $VP_SANITIZE ]]; then
   phases=(--phase 4 --phase 5 --phase 6 --phase 7 --phase 8 --phase 10 --phase 11)
fi
run_app "$VP_TEST_TMP/first" "${phases[@]}" &
first=$!
run_app "$VP_TEST_TMP/second" "${phases[@]}" || fail "the second of two applications"
wait "$first" || fail "the first of two applications"
same_pictures "$VP_TEST_TMP/first"
same_pictures "$VP_TEST_TMP/second"

proxy_start --rtt 20
SERVER_ADDRESS=$PROXY_ADDRESS
run_app "$VP_TEST_TMP/slow" --phase 3 --phase 5 --phase 6 --phase 7 --phase 8 --phase 10 --phase 11 ||
   fail "over a slow network"
same_pictures "$VP_TEST_TMP/slow"
