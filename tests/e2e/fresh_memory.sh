#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# A client reads zeros in memory that it has not written to, mapped or not, on a driver that leaves in it what others
# have written; see fresh_memory.c. Where nobody clears it (--clear-memory off), it finds that, so the test would see.
. "$(dirname "$0")/../lib.sh"

program=$VP_BUILD/tests/e2e/fresh_memory
layer_setup garbage "$VP_BUILD/tests/e2e/libgarbage_layer.so"
for variable in "${layer[@]}"; do
   export "${variable?}"
done

# look MODE: what a client finds, with MODE of --clear-memory.
look() {
   server_start --clear-memory "$1" --log debug
   (unset VK_LAYER_PATH VK_INSTANCE_LAYERS && remote "$program") >"$VP_TEST_TMP/$1" 2>"$VP_TEST_TMP/$1.log"
}

look always || fail "there is something in new memory: $(cat "$VP_TEST_TMP/always" "$VP_TEST_TMP/always.log")"
grep -q '^image, type [0-9]*: 0 bytes' "$VP_TEST_TMP/always" || fail "no memory was hidden: $(cat "$VP_TEST_TMP/always")"
grep -q 'fresh memory of the GPU is cleared by the server' "$SERVER_LOG" || fail "nobody says who clears memory"
server_stop
look off && fail "the test would find nothing: $(cat "$VP_TEST_TMP/off")"
grep -q '^copied, type [0-9]*: [1-9]' "$VP_TEST_TMP/off" || fail "the test would find nothing: $(cat "$VP_TEST_TMP/off")"
# The layer fills what can be copied to. Not all of a GPU's memory can.
type=$(sed -n 's/^image, type \([0-9]*\):.*/\1/p' "$VP_TEST_TMP/off")
if grep -q "^copied, type $type: [1-9]" "$VP_TEST_TMP/off"; then
   grep -q "^image, type $type: [1-9]" "$VP_TEST_TMP/off" || fail "images are zeros: $(cat "$VP_TEST_TMP/off")"
fi
! grep -q '^mapped, type [0-9]*: [1-9]' "$VP_TEST_TMP/off" || fail "mapped memory is no zeros: $(cat "$VP_TEST_TMP/off")"
server_stop
