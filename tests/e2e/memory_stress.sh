#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=400
# Threads and the GPU change mapped memory in all allowed ways; see memory_stress/main.c. Natively first, since a program
# that does what Vulkan does not allow shows nothing; then with each mechanism by which the driver finds changes.
. "$(dirname "$0")/../lib.sh"

stress=$VP_BUILD/tests/e2e/memory_stress

# What the driver says that it finds changes by: async, signal or compare. One that does not say compares.
mechanism_of() {
   local said
   said=$(sed -n 's/.*mapped memory: tracking by \([a-z]*\).*/\1/p' "$1" | tail -n 1)
   echo "${said:-compare}"
}

# stress_with MECHANISM ARGUMENT...: leaves what the driver and the program say in $log.
stress_with() {
   local mechanism=$1
   shift
   log=$VP_TEST_TMP/$mechanism.log
   VENUS_LOG=info VENUS_TRACK=$mechanism remote "$stress" "$@" >"$log" 2>&1
}

server_start
native "$stress" 3 || fail "the program fails on the driver itself"
for mechanism in async signal compare; do
   arguments=()
   # Where changes are found by faults, the kernel gives EFAULT instead of writing to a page that is not writable yet,
   # and ends a program that has a fault while it blocks the signal.
   [[ $mechanism != signal ]] || arguments=(--no-kernel-writes --no-blocked-faults)
   # Without an answer yet, a look at what the driver chooses is short.
   stress_with "$mechanism" "${arguments[@]}" --part remap 0 || fail "$mechanism: $(cat "$log")"
   used=$(mechanism_of "$log")
   if [[ $used != "$mechanism" ]]; then
      echo "== $mechanism is skipped: the driver uses $used instead. $(grep -im 1 "warn.*$mechanism" "$log" || true)"
      continue
   fi
   echo "== $mechanism"
   stress_with "$mechanism" "${arguments[@]}" 10 || fail "$mechanism: $(cat "$log")"
   cat "$log"
done
