# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# For the scripts about faults: source it after lib.sh. It starts fault_client in some of its modes and sees how the
# clients end.

# To connect.
export VENUS_TIMEOUT=$((5 * $(slowness)))

fault_modes=()
fault_pids=()
fault_logs=()

is_ready() {
   grep -q ready "$1.out" || process_gone "$2"
}

# clients_start MODE...: on the server at SERVER_ADDRESS; returns when all are at work.
clients_start() {
   local mode log i
   fault_modes=("$@")
   fault_pids=()
   fault_logs=()
   for mode; do
      log=$(mktemp "$VP_TEST_TMP/$mode.XXXXXX")
      client_start "$VP_BUILD/tests/e2e/fault_client" "$mode" >"$log.out" 2>"$log.err"
      fault_pids+=("$CLIENT_PID")
      fault_logs+=("$log")
   done
   for i in "${!fault_pids[@]}"; do
      wait_until 30 is_ready "${fault_logs[i]}" "${fault_pids[i]}" || fail "${fault_modes[i]}: does not get ready"
      ! process_gone "${fault_pids[i]}" || fail "${fault_modes[i]}: ended: $(cat "${fault_logs[i]}.err")"
   done
}

# clients_must_lose WHAT SECONDS: every client hears that the device is lost within that time, says so in one line, perhaps
# after one that it tries to get the connection back, puts everything away and ends with the status that it chose.
clients_must_lose() {
   local what=$1 limit=$2 i status
   wait_until "$limit" all_gone "${fault_pids[@]}" || true
   for i in "${!fault_pids[@]}"; do
      if ! process_gone "${fault_pids[i]}"; then
         kill -KILL "${fault_pids[@]}" 2>/dev/null || true
         fail "$what, client in mode ${fault_modes[i]}: still there after $limit seconds: $(cat "${fault_logs[i]}.err")"
      fi
      status=0
      wait "${fault_pids[i]}" || status=$?
      ((status == 42)) ||
         fail "$what, client in mode ${fault_modes[i]}: exit status $status: $(cat "${fault_logs[i]}.err")"
      [[ $(sed '1{/^venus: warn: the connection to .* is lost; trying to resume for/d}' "${fault_logs[i]}.err") == \
         'venus: error: lost the server at '* && $(grep -c . "${fault_logs[i]}.err") -le 2 ]] ||
         fail "$what, client in mode ${fault_modes[i]}: not one clear line: $(cat "${fault_logs[i]}.err")"
      echo "$what, ${fault_modes[i]}: $(cat "${fault_logs[i]}.err")"
   done
}

# clients_kill: and not a word about it.
clients_kill() {
   kill -KILL "${fault_pids[@]}"
   wait "${fault_pids[@]}" 2>/dev/null || true
}

# children_of SERVER NAME: the ids of its processes that the kernel calls so, for an array.
children_of() {
   local children pid name
   read -r -a children <"/proc/$1/task/$1/children" || true
   for pid in ${children[@]+"${children[@]}"}; do
      { read -r name <"/proc/$pid/comm"; } 2>/dev/null || continue
      [[ $name != "$2" ]] || echo "$pid"
   done
}

# workers_of SERVER: its workers that have a client; ready_of SERVER: those that wait for one.
workers_of() {
   children_of "$1" venus-worker
}

ready_of() {
   children_of "$1" venus-ready
}

# has_ready SERVER NUMBER
has_ready() {
   (($(ready_of "$1" | wc -l) == $2))
}

# all_gone PID...
all_gone() {
   local pid
   for pid; do
      process_gone "$pid" || return 1
   done
}

no_workers() {
   [[ -z $(workers_of "$1") ]]
}
