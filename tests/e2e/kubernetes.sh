#!/bin/bash
# SPDX-License-Identifier: MIT
# The manifests of packaging/kubernetes, without Kubernetes: the server with their configuration, in folders as volumes
# are and, where root runs the test, with no more rights than the container has; the probes; the end of a pod.
. "$(dirname "$0")/../lib.sh"

/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not installed"
manifests=$VP_SOURCE/packaging/kubernetes/base
pod=$VP_TEST_TMP/pod
mkdir "$pod"

# manifest KEY...: a value in the pod of the stateful set, with places of this test; a list is a word a line.
manifest() {
   # shellcheck disable=SC2016
   /usr/bin/python3 -c '
import sys, yaml
documents = list(yaml.safe_load_all(open(sys.argv[1], encoding="utf-8")))
value = [d for d in documents if d["kind"] in ("StatefulSet", "ConfigMap")][0]
value = value["spec"]["template"]["spec"] if value["kind"] == "StatefulSet" else value["data"]
for key in sys.argv[2:]:
    value = value[int(key) if isinstance(value, list) else key]
if isinstance(value, list):
    value = "\0".join(value) + "\0"
sys.stdout.write(str(value))' "$@" |
      sed "s|/run/|$pod/run/|g; s|/var/cache/|$pod/cache/|g; s|/etc/|$pod/etc/|g; s|9556|$metrics_port|g; s|5556|0|"
}

metrics_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir -p "$pod"/etc/venus-plus{,-keys} "$pod"/run/venus-{plus,server} "$pod/cache/venus-server"
manifest "$manifests/configuration.yaml" server.conf >"$pod/etc/venus-plus/server.conf"
echo "alice:$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')" >"$pod/etc/venus-plus-keys/keys"
cp "$pod/etc/venus-plus-keys/keys" "$VP_TEST_TMP/keys"
chmod 600 "$VP_TEST_TMP/keys"

# As the kubelet makes them for a pod with a group of its own.
as=()
if [[ $(id -u) == 0 ]]; then
   user=$(manifest "$manifests/server.yaml" securityContext runAsUser)
   group=$(manifest "$manifests/server.yaml" securityContext fsGroup)
   chown -R "root:$group" "$pod"/{etc,run,cache}
   chmod 440 "$pod/etc/venus-plus-keys/keys"
   chmod 2777 "$pod"/run/venus-* "$pod/cache/venus-server"
   chmod 711 "$VP_TEST_TMP" "$pod"
   as=(setpriv --reuid="$user" --regid="$group" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all)
   "${as[@]}" test -x "$VP_SERVER" -a -r "$VP_NATIVE_ICD" || as=() # the project lies where that user does not get
fi

# container NAME KEY...: runs a command of the manifest as the container would.
container() {
   local command
   mapfile -d '' -t command < <(manifest "$manifests/server.yaml" "$@")
   ((${#command[@]} > 0)) || fail "there is no command at $*"
   env -i PATH="$VP_TEST_TMP/bin:$PATH" VK_DRIVER_FILES="$VP_NATIVE_ICD" ASAN_OPTIONS="${ASAN_OPTIONS:-}" \
      "${as[@]}" "${command[@]}"
}

mkdir -m 755 "$VP_TEST_TMP/bin"
ln -s "$VP_SERVER" "$VP_BUILD/server/venus-ctl" "$VP_TEST_TMP/bin"
liveness=(containers 0 livenessProbe exec command)
readiness=(containers 0 readinessProbe exec command)
! container "${liveness[@]}" 2>/dev/null || fail "it is well before it is there"

container initContainers 0 command
container containers 0 command >"$VP_TEST_TMP/server.log" 2>&1 &
SERVER_LOG=$VP_TEST_TMP/server.log SERVER_PID=$!
server_pids+=("$SERVER_PID")
wait_until 20 server_is_up || fail "the server does not listen: $(cat "$SERVER_LOG")"
process_gone "$SERVER_PID" && fail "the server does not start: $(cat "$SERVER_LOG")"
port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$SERVER_LOG")
! grep -E '"(warn|warning|error)"' "$SERVER_LOG" || fail "the server complains"
container containers 0 startupProbe exec command || fail "it has not started"
container "${liveness[@]}" || fail "it is not well"
container "${readiness[@]}" || fail "it is not ready"

remote_env=(env VK_DRIVER_FILES="$VP_ICD" VENUS_SERVER="tls://alice@127.0.0.1:$port" VENUS_KEY_FILE="$VP_TEST_TMP/keys")
"${remote_env[@]}" "$VP_TEST_APP" --phase 4 --out "$VP_TEST_TMP" >"$VP_TEST_TMP/out" 2>&1 ||
   fail "a program: $(cat "$VP_TEST_TMP/out" "$SERVER_LOG")"
! "${remote_env[@]}" VENUS_SERVER="127.0.0.1:$port" "$VP_TEST_APP" --phase 4 --out "$VP_TEST_TMP" >/dev/null 2>&1 ||
   fail "one gets in without a key"

# The pod is to end: the session goes on, the pod gets no other, is well, and ends with the session.
"${remote_env[@]}" "$VP_BUILD/tests/e2e/fault_client" submit >"$VP_TEST_TMP/out" 2>&1 &
client=$!
wait_until 60 grep -q ready "$VP_TEST_TMP/out" || fail "a program does not start: $(cat "$VP_TEST_TMP/out")"
container containers 0 lifecycle preStop exec command &
stop=$!
is_not_ready() {
   ! container "${readiness[@]}"
}
wait_until 20 is_not_ready || fail "it takes clients while it drains"
container "${liveness[@]}" || fail "it is not well while it drains"
sleep 1
process_gone "$stop" && fail "preStop does not wait for the session"
process_gone "$client" && fail "the session ends: $(cat "$VP_TEST_TMP/out")"
kill "$client"
wait "$client" 2>/dev/null || true
wait_until 20 process_gone "$stop" || fail "preStop goes on after the last session"
wait "$stop" || fail "preStop fails: $?"
wait_until 20 process_gone "$SERVER_PID" || fail "the server goes on after the last session"
