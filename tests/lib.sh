# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# For test scripts in bash: `. "$(dirname "$0")/../lib.sh"`. Needs a build; tests/run sets the variables below, and a
# script that is started by hand gets defaults.
#
#   VP_SOURCE      root of the project
#   VP_BUILD       build folder
#   VP_NATIVE_ICD  manifest of the Vulkan driver that the server uses and that `native` compares with
#   VP_SANITIZE    the sanitizers of this build, or empty
#   VP_SLOW        how many times slower than usual this build and this machine are; see slow.py
#   VP_TEST_TMP    an empty folder for the test
#
# A test passes with exit status 0, is skipped with 77 (say why with `skip`), and fails with anything else. What it
# starts must have ended when it ends.

set -euo pipefail

VP_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VP_BUILD=$(cd "$VP_SOURCE" && realpath "${VP_BUILD:-build}")
VP_NATIVE_ICD=$("$VP_SOURCE/tools/native_driver")
VP_SANITIZE=${VP_SANITIZE:-}
own_tmp=
[[ -n ${VP_TEST_TMP:-} ]] || own_tmp=$(mktemp -d -t venus-test.XXXXXX)
VP_TEST_TMP=${VP_TEST_TMP:-$own_tmp}
export VP_SOURCE VP_BUILD VP_NATIVE_ICD VP_SANITIZE VP_TEST_TMP

# The desktop of whoever runs the tests stays out of them; a test that needs a window starts a display of its own.
unset DISPLAY WAYLAND_DISPLAY
export XDG_RUNTIME_DIR=$VP_TEST_TMP/runtime
mkdir -p "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"

VP_ICD=$VP_BUILD/client/venus_icd.$(uname -m).json
VP_SERVER=$VP_BUILD/server/venus-server
VP_TEST_APP=$VP_BUILD/test-app/venus-test-app

# As timeout, for a program that may hang, with a limit for a machine that does nothing else: "$LIMIT" SECONDS COMMAND...
LIMIT=$VP_SOURCE/tests/slow.py

# Set by server_start.
SERVER_PID=
SERVER_PORT=
SERVER_ADDRESS= # host:port
SERVER_LOG=
CLIENT_PID= # set by client_start
server_pids=()
display_pids=()

fail() {
   echo "FAIL: $*"
   exit 1
}

skip() {
   echo "SKIP: $*"
   exit 77
}

# need PROGRAM...: skips the test when one is not installed.
need() {
   local program
   for program; do
      command -v "$program" >/dev/null || skip "$program is not installed"
   done
}

# How many times longer than usual things take now: what limits of time are multiplied with.
slowness() {
   "$VP_SOURCE/tests/slow.py"
}

# wait_until SECONDS COMMAND...: true as soon as the command is; false after that time, or as many times that as this
# machine is slow at its end.
wait_until() {
   local start=$SECONDS limit=$1 end=$((SECONDS + $1))
   shift
   until "$@"; do
      if ((SECONDS >= end)); then
         end=$((start + limit * $(slowness)))
         ((SECONDS < end)) || return 1
      fi
      sleep 0.05
   done
}

# process_gone PID: a zombie that nobody has waited for yet counts as gone.
process_gone() {
   local state
   state=$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null) || return 0
   [[ $state == [ZX] ]]
}

# server_start [ARGUMENT...]: starts venus-server on a free port, on VP_NATIVE_ICD, and waits until it listens.
server_start() {
   SERVER_LOG=$(mktemp "$VP_TEST_TMP/server.XXXXXX")
   env -u VENUS_SERVER VK_DRIVER_FILES="$VP_NATIVE_ICD" "$VP_SERVER" --port 0 "$@" >"$SERVER_LOG" 2>&1 &
   SERVER_PID=$!
   server_pids+=("$SERVER_PID")
   wait_until 20 server_is_up || fail "the server does not listen; it said: $(cat "$SERVER_LOG")"
   process_gone "$SERVER_PID" && fail "the server ended; it said: $(cat "$SERVER_LOG")"
   SERVER_ADDRESS=$(sed -n 's/.*listening on \([^ ]*:[0-9]*\).*/\1/p' "$SERVER_LOG" | head -n 1)
   SERVER_PORT=${SERVER_ADDRESS##*:}
}

# server_start_with VARIABLE=VALUE...: starts a server that has these variables, and nobody else has.
server_start_with() {
   local variable
   for variable; do
      export "${variable?}"
   done
   server_start
   for variable; do
      unset "${variable%%=*}"
   done
}

server_is_up() {
   grep -q 'listening on .*:[0-9]' "$SERVER_LOG" || process_gone "$SERVER_PID"
}

# server_stop [PID]: asks the server to end and gives its exit status; 124 when it had to be killed.
server_stop() {
   local pid=${1:-$SERVER_PID} status=0 left=() other
   for other in "${server_pids[@]}"; do
      [[ $other == "$pid" ]] || left+=("$other")
   done
   server_pids=(${left[@]+"${left[@]}"})
   kill -TERM "$pid" 2>/dev/null || true
   if ! wait_until 10 process_gone "$pid"; then
      echo "the server did not end within 10 seconds of SIGTERM" >&2
      kill -KILL "$pid" 2>/dev/null || true
      wait "$pid" 2>/dev/null || true
      return 124
   fi
   wait "$pid" 2>/dev/null || status=$?
   return "$status"
}

# native COMMAND...: on the real driver, without us.
native() {
   env -u VENUS_SERVER VK_DRIVER_FILES="$VP_NATIVE_ICD" "$@"
}

# remote COMMAND...: through our driver, on the server that was started last.
remote() {
   set_remote_env "$1"
   "${remote_env[@]}" "$@"
}

# presented LOG: the driver's statistics in the log (VENUS_DEBUG=stats) say that frames were presented and shown.
presented() {
   grep -qE '^venus:   presented: [1-9][0-9]* frames, [1-9]' "$1" || fail "nothing was presented: $(tail -n 20 "$1")"
}

# remote_window COMMAND...: as `remote`, for a program that must present something.
remote_window() {
   local status=0 log=$VP_TEST_TMP/window.log
   VENUS_DEBUG=stats remote "$@" 2>"$log" || status=$?
   grep -v '^venus: ' "$log" >&2 || true
   ((status == 0)) || return "$status"
   presented "$log"
}

# client_start COMMAND...: the same in the background; CLIENT_PID is the program's own id.
client_start() {
   client_start_on remote "$@"
}

# client_start_on native|remote COMMAND...: either.
client_start_on() {
   local side=$1
   shift
   set_remote_env "$1"
   [[ $side == remote ]] || remote_env=(env -u VENUS_SERVER VK_DRIVER_FILES="$VP_NATIVE_ICD")
   "${remote_env[@]}" "$@" &
   CLIENT_PID=$!
}

# A program that is not one of this build must load the sanitizer's runtime before our driver.
set_remote_env() {
   remote_env=(env VK_DRIVER_FILES="$VP_ICD" VENUS_SERVER="$SERVER_ADDRESS")
   if [[ -n ${VP_PRELOAD:-} && $(command -v "$1") != "$VP_BUILD"/* ]]; then
      remote_env+=(LD_PRELOAD="$VP_PRELOAD" ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0")
   fi
}

# layer_setup NAME LIBRARY: sets `layer` to the variables with which the Vulkan loader puts a layer of the tests, whose
# functions begin with NAME_, between a program or a server and the driver.
layer_setup() {
   mkdir -p "$VP_TEST_TMP/layers"
   cat >"$VP_TEST_TMP/layers/$1.json" <<END
{"file_format_version": "1.1.0", "layer": {"name": "VK_LAYER_VENUS_$1", "type": "GLOBAL", "library_path": "$2",
 "api_version": "1.3.0", "implementation_version": "1", "description": "for tests",
 "functions": {"vkGetInstanceProcAddr": "$1_get_instance_proc_addr",
               "vkGetDeviceProcAddr": "$1_get_device_proc_addr"}}}
END
   layer=(VK_LAYER_PATH="$VP_TEST_TMP/layers" VK_INSTANCE_LAYERS="VK_LAYER_VENUS_$1")
}

# x11_start WIDTH HEIGHT [DEPTH]: an X server that draws into memory; sets DISPLAY, and DISPLAY_PICTURE, where its picture
# is (in XWD format, as wide and high as the screen). The depth is 24 bits, unless another one is given.
x11_start() {
   local folder
   need Xvfb
   folder=$(mktemp -d "$VP_TEST_TMP/display.XXXXXX")
   Xvfb -noreset -br -displayfd 3 -screen 0 "${1}x${2}x${3:-24}" -nolisten tcp -fbdir "$folder" \
      3>"$folder/number" >"$folder/log" 2>&1 &
   display_pids+=($!)
   wait_until 20 test -s "$folder/number" || fail "Xvfb does not start: $(cat "$folder/log")"
   DISPLAY=:$(<"$folder/number")
   export DISPLAY
   DISPLAY_PICTURE=$folder/Xvfb_screen0
}

# display_differs FILE: the display shows another picture than this one, which was one of the display's.
display_differs() {
   ! cmp -s "$DISPLAY_PICTURE" "$1"
}

# wayland_start WIDTH HEIGHT [OPTION]...: a Wayland compositor; sets WAYLAND_DISPLAY. It draws into memory, unless the
# options name another backend.
wayland_start() {
   local width=$1 height=$2
   shift 2
   need weston
   (($# > 0)) || set -- --backend=headless-backend.so
   weston "$@" --width="$width" --height="$height" --socket=venus-test --idle-time=0 --no-config \
      >"$VP_TEST_TMP/weston.log" 2>&1 &
   display_pids+=($!)
   wait_until 20 test -S "$XDG_RUNTIME_DIR/venus-test" || fail "weston does not start: $(cat "$VP_TEST_TMP/weston.log")"
   export WAYLAND_DISPLAY=venus-test
}

lib_cleanup() {
   local status=$? pid
   trap - EXIT
   for pid in ${display_pids[@]+"${display_pids[@]}"}; do
      kill -TERM "$pid" 2>/dev/null || true
      wait_until 10 process_gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
      wait "$pid" 2>/dev/null || true
   done
   for pid in ${server_pids[@]+"${server_pids[@]}"}; do
      server_stop "$pid" || {
         echo "server $pid ended with status $?" >&2
         [[ $status != 0 ]] || status=1
      }
   done
   [[ -z $own_tmp ]] || rm -rf "$own_tmp"
   exit "$status"
}
trap lib_cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
