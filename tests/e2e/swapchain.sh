#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 tsan
# Swapchains on surfaces that nobody sees; no frame costs a round trip, and the validation layer has nothing to say.
. "$(dirname "$0")/../lib.sh"

server_start
VENUS_DEBUG=stats remote "$VP_BUILD/tests/e2e/swapchain" 2>"$VP_TEST_TMP/stats" || fail "see above"
grep -q 'blocking round trips' "$VP_TEST_TMP/stats" || fail "no statistics: $(cat "$VP_TEST_TMP/stats")"
if grep -E ' vk(QueuePresent|AckPresent|SignalBinary)' "$VP_TEST_TMP/stats"; then
   fail "a present waits for the server"
fi

[[ $VP_SANITIZE != thread ]] || exit 0 # the layer has races of its own
VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation remote "$VP_BUILD/tests/e2e/swapchain" >"$VP_TEST_TMP/validated" ||
   fail "with the validation layer: $(cat "$VP_TEST_TMP/validated")"
# To acquire from a retired swapchain is a mistake that the test makes on purpose.
if grep VUID "$VP_TEST_TMP/validated" | grep -v VUID-vkAcquireNextImageKHR-swapchain-01285; then
   fail "that is what the validation layer says"
fi
server_stop || fail "the server ended with status $?"
