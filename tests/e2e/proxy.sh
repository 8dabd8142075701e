# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# For scripts that put a network between client and server: source it after lib.sh.

PROXY_PID=     # set by proxy_start
PROXY_ADDRESS= # host:port

proxy_is_up() {
   grep -q 'listening on .*:[0-9]' "$proxy_log" || process_gone "$PROXY_PID"
}

# proxy_start [ARGUMENT...]: starts venus-proxy in front of the server that was started last. It ends with the script.
proxy_start() {
   proxy_log=$(mktemp "$VP_TEST_TMP/proxy.XXXXXX")
   "$VP_BUILD/tools/venus-proxy" --listen 0 --connect "$SERVER_ADDRESS" "$@" >"$proxy_log" 2>&1 &
   PROXY_PID=$!
   server_pids+=("$PROXY_PID")
   wait_until 10 proxy_is_up || fail "the proxy does not listen"
   process_gone "$PROXY_PID" && fail "the proxy ended; it said: $(cat "$proxy_log")"
   PROXY_ADDRESS=$(sed -n 's/.*listening on \([^ ]*:[0-9]*\).*/\1/p' "$proxy_log" | head -n 1)
}
