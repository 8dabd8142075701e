#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300 waits
# venus-run slurm with a real Slurm: slurmctld, slurmd and munged of the test's own, on ports and in folders of its own,
# with a node that has two GPUs, each of eight shards.
. "$(dirname "$0")/../lib.sh"

run=$VP_BUILD/client/venus-run
fault_client=$VP_BUILD/tests/e2e/fault_client
out=$VP_TEST_TMP/out err=$VP_TEST_TMP/err
folder=$VP_TEST_TMP/slurm
export XDG_CONFIG_HOME=$VP_TEST_TMP/xdg SLURM_CONF=$folder/slurm.conf PATH=$PATH:/usr/sbin
unset XDG_RUNTIME_DIR "${!SLURM_JOB@}" "${!SLURM_STEP@}"
export TMPDIR=$VP_TEST_TMP/keys # where the keys of jobs are
mkdir -p "$TMPDIR" "$folder"/{state,spool,run}

for program in srun squeue scancel slurmctld slurmd munged; do
   command -v "$program" >/dev/null || skip "$program is not installed (slurm-wlm, munge)"
done
[[ $(id -u) == 0 ]] || skip "slurmd starts jobs only for root"

# --- a cluster ---

free_ports() {
   python3 -c '
import socket
sockets = [socket.socket() for i in range(2)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])'
}

# daemon NAME COMMAND...: in the foreground of its own; it ends with the test, before those that it needs.
daemon() {
   local name=$1
   shift
   "$@" >"$folder/$name.out" 2>&1 &
   display_pids=("$!" ${display_pids[@]+"${display_pids[@]}"})
}

cluster_is_up() {
   [[ $(sinfo --noheader --Node --format=%T 2>/dev/null) == idle ]]
}

cluster_start() {
   local host ports i
   host=$(uname -n)
   host=${host%%.*}
   read -ra ports < <(free_ports)
   head -c 1024 /dev/urandom >"$folder/munge.key"
   chmod 600 "$folder/munge.key"
   for i in 0 1; do
      mknod "$folder/nvidia$i" c 1 3 2>/dev/null || touch "$folder/nvidia$i"
   done
   cat >"$SLURM_CONF" <<END_OF_CONF
ClusterName=venus
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/run/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0
GresTypes=gpu,shard
ReturnToService=2
KillWait=5
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Gres=gpu:2,shard:16 State=UNKNOWN
PartitionName=gpus Nodes=n1 Default=YES MaxTime=10 OverSubscribe=FORCE:8
END_OF_CONF
   cat >"$folder/gres.conf" <<END_OF_CONF
NodeName=n1 Name=gpu File=$folder/nvidia[0-1]
NodeName=n1 Name=shard Count=16
END_OF_CONF
   daemon munged munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/run/munge" \
      --pid-file="$folder/run/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/run/seed"
   wait_until 20 test -S "$folder/run/munge" || fail "munged does not start: $(cat "$folder/munged.out")"
   daemon slurmctld slurmctld -D -f "$SLURM_CONF"
   daemon slurmd slurmd -D -N n1 -f "$SLURM_CONF"
   wait_until 60 cluster_is_up || fail "Slurm does not start: $(tail -n 20 "$folder"/*.out)"
}

# has_jobs COUNT STATE: so many jobs of that state are there.
has_jobs() {
   [[ $(squeue --noheader --states="$2" --format=%i | wc -l) == "$1" ]]
}

no_jobs() {
   [[ -z $(squeue --noheader --format=%i) ]]
}

# Nothing of a job is left: neither that, nor its server, nor its key.
clean_up_is_done() {
   no_jobs && [[ -z $(ls -A "$TMPDIR") ]] && { [[ ! -s $folder/server ]] || process_gone "$(cat "$folder/server")"; }
}

expect_clean() {
   wait_until 30 clean_up_is_done ||
      fail "$1: something is left: $(squeue; ls "$TMPDIR"; ps -o pid,args -p "$(cat "$folder/server")")"
}

# slurm [OPTION]... -- PROGRAM...: venus-run slurm with the server of this build.
slurm() {
   exec env VK_DRIVER_FILES="$VP_NATIVE_ICD" "$run" --job-command \
      "echo \$\$ >'$folder/server'; exec '$VP_SERVER' --job --log error" slurm "$@"
}

# slurm_start NAME [OPTION]... -- PROGRAM...: in the background; what it says is in $VP_TEST_TMP/NAME.out and .err.
slurm_start() {
   local name=$1
   shift
   rm -f "$VP_TEST_TMP/$name".{out,err} # nobody is to read what was said the last time
   slurm "$@" >"$VP_TEST_TMP/$name.out" 2>"$VP_TEST_TMP/$name.err" &
   CLIENT_PID=$!
}

# expect_end STATUS PID NAME
expect_end() {
   local status=0
   wait_until 60 process_gone "$2" || fail "$3 does not end: $(cat "$VP_TEST_TMP/$3.out" "$VP_TEST_TMP/$3.err")"
   wait "$2" || status=$?
   ((status == $1)) || fail "$3: status $status, not $1: $(cat "$VP_TEST_TMP/$3.out" "$VP_TEST_TMP/$3.err")"
}

expect_ready() {
   wait_until 60 grep -qs ready "$VP_TEST_TMP/$1.out" || fail "$1 does not start: $(cat "$VP_TEST_TMP/$1.err")"
}

# one_line NAME PATTERN: what venus-run itself says is this one line.
one_line() {
   wait_until 20 grep -qsE "^venus-run: $2" "$VP_TEST_TMP/$1.err" || fail "$1: no line like $2: $(cat "$VP_TEST_TMP/$1.err")"
   [[ $(grep -cv '^venus: ' "$VP_TEST_TMP/$1.err") == 1 ]] || fail "$1: more than one line: $(cat "$VP_TEST_TMP/$1.err")"
}

cluster_start

# --- a program in a job ---

(slurm --gres=gpu:1 -J first -- "$VP_TEST_APP" --phase 4 --out "$VP_TEST_TMP" >"$out" 2>"$err") ||
   fail "the program: $(cat "$out" "$err")"
grep -q "^venus: using .* of $(uname -n) at tls://job@" "$err" || fail "what is used: $(cat "$err")"
[[ $(wc -l <"$err") == 1 ]] || fail "more is said: $(cat "$err")"
expect_clean "the first job"

# It is the process that was started, and its exit status is its own, as are signals.
# shellcheck disable=SC2016
slurm_start own -- sh -c 'echo $$; exit 42'
expect_end 42 "$CLIENT_PID" own
[[ $(cat "$VP_TEST_TMP/own.out") == "$CLIENT_PID" ]] || fail "the program is another process"
# shellcheck disable=SC2016
slurm_start own -- sh -c 'kill -TERM $$'
expect_end 143 "$CLIENT_PID" own
# It has no child that it does not know of, for which it would wait for ever.
slurm_start own -- python3 -c '
import os
try:
    os.wait()
except ChildProcessError:
    print("no child")'
expect_end 0 "$CLIENT_PID" own
grep -q "no child" "$VP_TEST_TMP/own.out" || fail "the program has a child: $(cat "$VP_TEST_TMP/own.out")"
expect_clean "programs that end"

# What is wrong is one sentence, and what a server says is passed on.
slurm_start wrong -p elsewhere -- true
expect_end 125 "$CLIENT_PID" wrong
one_line wrong "there is no job with a server: .*Invalid partition name"
slurm_start wrong --gres=gpu:3 -- true
expect_end 125 "$CLIENT_PID" wrong
one_line wrong "there is no job with a server: .*Requested node configuration is not available"
status=0
"$run" --job-command "echo it is not installed >&2; exit 3" slurm -- true >"$out" 2>"$err" || status=$?
((status == 125)) || fail "a server that does not start: status $status: $(cat "$err")"
diff "$err" - <<<"it is not installed
venus-run: there is no job with a server: n1: task 0: Exited with exit code 3" || fail "a server that does not start"
expect_clean "jobs that fail"

# --- the job ends with the program, however that does, and the program with the job ---

slurm_start killed --gres=gpu:1 -- "$fault_client" submit
expect_ready killed
kill -KILL "$CLIENT_PID"
expect_end 137 "$CLIENT_PID" killed
expect_clean "a program that was killed"
! grep -v '^venus: using' "$VP_TEST_TMP/killed.err" || fail "something is said of a program that was killed"

for signal in TERM KILL; do
   slurm_start cancelled --gres=gpu:1 -J cancelled -- "$fault_client" submit
   expect_ready cancelled
   scancel --signal="$signal" --name=cancelled
   expect_end 42 "$CLIENT_PID" cancelled # the device was lost
   expect_clean "a job that got SIG$signal"
done
slurm_start cancelled --gres=gpu:1 -J cancelled -- "$fault_client" submit
expect_ready cancelled
scancel --name=cancelled
expect_end 42 "$CLIENT_PID" cancelled
one_line cancelled "job [0-9]* with the server has ended before the program: .*CANCELLED"
expect_clean "a job that was cancelled"

# --- in the queue ---

srun --quiet --gres=gpu:2 sleep 300 2>/dev/null &
blocker=$!
wait_until 20 has_jobs 1 running || fail "the job that others wait for does not start"

# With a terminal: Ctrl-C goes to all processes of the foreground, and ends the program as it does others.
interrupt() {
   python3 - "$@" <<'END_OF_PYTHON'
import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL) # who starts tests in the background may have it ignored
    os.execvp(sys.argv[2], sys.argv[2:])
said = b""
while sys.argv[1].encode() not in said:
    try:
        said += os.read(terminal, 1000)
    except OSError:
        sys.exit(f"it has ended: {said}")
os.write(terminal, b"\x03")
status = os.waitpid(pid, 0)[1]
print(said.decode(), end="")
print("signal", os.WTERMSIG(status))
END_OF_PYTHON
}

interrupt "waiting for job" env VK_DRIVER_FILES="$VP_NATIVE_ICD" "$run" --job-command "'$VP_SERVER' --job" slurm \
   --gres=gpu:1 -J queued -- true >"$out" || fail "Ctrl-C in the queue"
grep -qE "^venus-run: waiting for job [0-9]+ in partition gpus \(Resources\)" "$out" || fail "in the queue: $(cat "$out")"
grep -q "^signal 2" "$out" || fail "Ctrl-C in the queue: $(cat "$out")"
wait_until 20 has_jobs 1 pending,running || fail "the job that waited is left: $(squeue)"
no_keys() {
   [[ -z $(ls -A "$TMPDIR") ]]
}
wait_until 20 no_keys || fail "the key of the job that waited is left"

# One that waits long enough gets its turn.
slurm_start patient --gres=gpu:2 -- true
wait_until 20 grep -qs "waiting for job" "$VP_TEST_TMP/patient.err" || fail "nothing is said of waiting"
kill "$blocker"
expect_end 0 "$CLIENT_PID" patient
one_line patient "waiting for job"
wait "$blocker" 2>/dev/null || true
expect_clean "a job that has waited"

interrupt "ready" env VK_DRIVER_FILES="$VP_NATIVE_ICD" "$run" --job-command "'$VP_SERVER' --job" slurm \
   --gres=gpu:1 -- "$fault_client" submit >"$out" || fail "Ctrl-C of a program"
grep -q "^signal 2" "$out" || fail "Ctrl-C of a program: $(cat "$out")"
expect_clean "a program that was interrupted"

# --- shards: several jobs share a GPU ---

slurm_start shard1 --gres=shard:2 -- "$fault_client" submit
first=$CLIENT_PID
slurm_start shard2 --gres=shard:2 -- "$fault_client" submit
expect_ready shard1
expect_ready shard2
has_jobs 2 running || fail "the jobs do not run at the same time: $(squeue)"
kill "$first" "$CLIENT_PID"
expect_end 143 "$first" shard1
expect_end 143 "$CLIENT_PID" shard2
expect_clean "jobs of shards"

# In an allocation that is there already, srun starts a step, and the allocation ends as soon as the program has.
for _ in 1 2 3; do
   VK_DRIVER_FILES=$VP_NATIVE_ICD salloc --quiet --gres=gpu:1 "$run" --job-command "'$VP_SERVER' --job --log error" \
      slurm -- "$VP_TEST_APP" --phase 4 --out "$VP_TEST_TMP" >"$out" 2>"$err" || fail "in salloc: $(cat "$out" "$err")"
   [[ $(wc -l <"$err") == 1 ]] || fail "in salloc, more is said: $(cat "$err")"
done
expect_clean "allocations"

# --- nobody else gets in ---

mkfifo "$VP_TEST_TMP/go"
# shellcheck disable=SC2016
slurm_start alone --gres=gpu:1 -- sh -c 'cp "$VENUS_KEY_FILE" "$0/key"; stat -c "%a %u" "$VENUS_KEY_FILE"; env
   echo ready; read -r line <"$0/go"' "$VP_TEST_TMP"
expect_ready alone
grep -qx "600 $(id -u)" "$VP_TEST_TMP/alone.out" || fail "the mode of the key: $(head -n 1 "$VP_TEST_TMP/alone.out")"
server=$(sed -n 's/^VENUS_SERVER=//p' "$VP_TEST_TMP/alone.out")
key=$(sed -n 's/^job://p' "$VP_TEST_TMP/key")
[[ ${#key} == 64 ]] || fail "the key is $key"

# get_in VARIABLE=VALUE...: of another program on this machine.
get_in() {
   env VK_DRIVER_FILES="$VP_ICD" VENUS_SERVER="$server" VENUS_REQUIRE=1 VENUS_KEY_FILE="$VP_TEST_TMP/key" "$@" \
      "$VP_TEST_APP" --phase 4 --out "$VP_TEST_TMP" >"$out" 2>&1
}
get_in A=B || fail "with the right key: $(cat "$out")"
(umask 077 && echo "job:$(tr 0-9a-f 1-9a-f0 <<<"$key")" >"$VP_TEST_TMP/other")
! get_in VENUS_KEY_FILE="$VP_TEST_TMP/other" || fail "a wrong key lets in"
grep -qi "key" "$out" || fail "of a wrong key: $(cat "$out")"
! get_in VENUS_SERVER="${server#tls://job@}" || fail "one gets in without TLS"
# What another user sees with ps, and more. (The shell that looks has it in its memory alone.)
for file in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do
   ! grep -qaF -f <(echo "$key") "$file" 2>/dev/null || fail "the key is in $file: $(tr '\0' ' ' <"$file")"
done
! grep -ra -F -f <(echo "$key") "$folder" || fail "Slurm has written the key into a file"
echo go >"$VP_TEST_TMP/go"
expect_end 0 "$CLIENT_PID" alone
expect_clean "the last job"
