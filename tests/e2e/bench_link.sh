#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=180 waits
# venus-ctl bench, and venus-run --bench: numbers of a link that is known, through venus-proxy, and what is said of them.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/proxy.sh"

out=$VP_TEST_TMP/out err=$VP_TEST_TMP/err
run=$VP_BUILD/client/venus-run ctl=$VP_BUILD/server/venus-ctl
export XDG_CONFIG_HOME=$VP_TEST_TMP/xdg PATH=$VP_BUILD/client:$PATH
unset "${!VENUS_@}"

# number NAME: of the JSON object in $out.
number() {
   python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$out" "$1"
}

# between NAME LEAST MOST
between() {
   python3 -c 'import sys; value, least, most = map(float, sys.argv[1:]); sys.exit(not least <= value <= most)' \
      "$(number "$1")" "$2" "$3" || fail "$1 is not between $2 and $3: $(cat "$out")"
}

server_start --control "$VP_TEST_TMP/control"
direct=$SERVER_ADDRESS

# 100 Mbit/s and 10 ms.
proxy_start --rtt 10 --rate 100
"$ctl" --json bench "$PROXY_ADDRESS" >"$out" 2>"$err" || fail "bench: $(cat "$err")"
cat "$out"
between round_trip_ms 10 $((20 * $(slowness)))
between best_round_trip_ms 10 $((20 * $(slowness)))
between up_bits_per_second $((50000000 / $(slowness))) 110e6
between down_bits_per_second $((50000000 / $(slowness))) 110e6
python3 - "$out" <<'END' || fail "the numbers do not fit together: $(cat "$out")"
import json, sys
result = json.load(open(sys.argv[1]))
frames = result["frames_per_second"]
assert result["best_round_trip_ms"] <= min(result["round_trip_ms"], result["connect_ms"]), result
assert set(frames) == {"lossless", "auto", "fast"}
for kind in frames.values():
    assert 0 < kind["all_moves"] < kind["a_fifth_moves"]
assert frames["lossless"]["all_moves"] < frames["auto"]["all_moves"] < frames["fast"]["all_moves"]
# So many pictures are as many bits as the link has.
assert abs(frames["lossless"]["all_moves"] * 462.5 * 1024 * 8 * 2.25 / result["down_bits_per_second"] - 1) < 0.01
END

# In words; the server knows the program that measures.
"$run" --bench "$PROXY_ADDRESS" >"$out" 2>"$err" &
bench=$!
listed() {
   "$ctl" --control "$VP_TEST_TMP/control" sessions 2>/dev/null | grep -q 'venus-run --bench'
}
wait_until 10 listed || fail "the session is not shown"
wait "$bench" || fail "--bench: $(cat "$err")"
cat "$out"
grep -Eq '^round trip +[1-9][0-9]+\.[0-9]+ ms' "$out" || fail "no round trip"
grep -Eq '^from it +([1-9][0-9]\.[0-9]|1[01][0-9]) Mbit/s' "$out" || fail "no bandwidth"
grep -q '^H.264 .* where all of it moves' "$out" || fail "no pictures"
grep -q 'VENUS_PRESENT=auto takes' "$out" || fail "no advice"

# 2 Mbit/s and 100 ms: what is to be said is something else.
proxy_start --rtt 100 --rate 2
"$ctl" bench "$PROXY_ADDRESS" >"$out" 2>"$err" || fail "bench: $(cat "$err")"
grep -q 'Not even H.264 is smooth' "$out" || fail "a slow link: $(cat "$out")"
grep -Eq '^What you do is seen [1-9][0-9]{2} ms later' "$out" || fail "a long way: $(cat "$out")"

# Without a network in between it is quicker, and quotas hold.
"$ctl" --json bench "$direct" >"$out" 2>"$err" || fail "bench: $(cat "$err")"
between up_bits_per_second $((200000000 / $(slowness))) 1e12
between down_bits_per_second $((200000000 / $(slowness))) 1e12
between round_trip_ms 0.001 $((10 * $(slowness)))
server_stop || fail "the server ended with status $?"
server_start --quota bandwidth=4M
"$ctl" --json bench "$SERVER_ADDRESS" >"$out" 2>"$err" || fail "bench: $(cat "$err")"
cat "$out"
between up_bits_per_second $((10000000 / $(slowness))) 68e6
between down_bits_per_second $((10000000 / $(slowness))) 68e6

# The server of client.conf, and none.
mkdir -p "$XDG_CONFIG_HOME/venus-plus"
echo "[client]
server = $SERVER_ADDRESS,127.0.0.1:1" >"$XDG_CONFIG_HOME/venus-plus/client.conf"
status=0
"$ctl" --json bench >"$out" 2>"$err" || status=$?
[[ $status == 1 && $(number server) == "$SERVER_ADDRESS" ]] || fail "the configured server: $status, $(cat "$out" "$err")"
grep -q '^venus-run: cannot reach the Venus server at 127.0.0.1:1:' "$err" || fail "a missing server: $(cat "$err")"
"$run" --bench a b 2>"$err" && fail "two servers are taken"
grep -q "behind the server for --bench stands 'b'" "$err" || fail "two servers: $(cat "$err")"

# A server that cannot be measured says nothing of probes in its greeting; what it would do with one is its own business.
"$run" --bench "exec:true" >"$out" 2>"$err" && fail "true is a server"
grep -q 'the command of VENUS_SERVER=exec:true ended before a Venus server answered' "$err" || fail "$(cat "$err")"
"$run" --bench "exec:env VK_DRIVER_FILES='$VP_NATIVE_ICD' '$VP_SERVER' --stdio --log error" >"$out" 2>"$err" ||
   fail "a command: $(cat "$err")"
grep -q '^from it .*bit/s' "$out" || fail "a command: $(cat "$out")"
