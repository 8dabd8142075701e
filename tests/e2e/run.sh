#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=300
# venus-run: where its settings are from, which server a program gets, and that the program is as without it.
. "$(dirname "$0")/../lib.sh"

run=$VP_BUILD/client/venus-run
export HOME=$VP_TEST_TMP/home XDG_CONFIG_HOME=$VP_TEST_TMP/xdg
mkdir -p "$HOME" "$XDG_CONFIG_HOME/venus-plus"
user_file=$XDG_CONFIG_HOME/venus-plus/client.conf
out=$VP_TEST_TMP/out err=$VP_TEST_TMP/err

# expect STATUS PATTERN COMMAND...: it ends with that status, and what it says on standard error is one line like this.
expect() {
   local wanted=$1 pattern=$2 status=0
   shift 2
   "$@" >"$out" 2>"$err" || status=$?
   ((status == wanted)) || fail "$*: status $status, not $wanted: $(cat "$out" "$err")"
   [[ $(wc -l <"$err") == 1 && $(cat "$err") =~ $pattern ]] || fail "$*: not one line like $pattern: $(cat "$err")"
}

# silent COMMAND...: it succeeds, and says nothing on standard error.
silent() {
   "$@" >"$out" 2>"$err" || fail "$*: status $?: $(cat "$err")"
   [[ ! -s $err ]] || fail "$*: it says: $(cat "$err")"
}

# configure LINE...: the user's file.
configure() {
   printf '%s\n' '[client]' "$@" >"$user_file"
}

# sets VARIABLE=VALUE COMMAND...: what the command runs, which is env, has this variable.
sets() {
   local wanted=$1
   shift
   silent "$@" env
   grep -qxF -- "$wanted" "$out" || fail "$*: not $wanted, but: $(grep '^V[EK]' "$out")"
}

# --- the command line, and what is wrong with it ---

expect 2 "there is no program to run" "$run"
expect 2 "there is no program to run" "$run" somewhere --
expect 2 "there is no option --frobnicate" "$run" --frobnicate true
expect 2 "there is no option -x" "$run" -x true
expect 2 "--gpu needs a value" "$run" --gpu
expect 2 "there is no option --no-gpu" "$run" --no-gpu true
expect 2 "the server is named twice, by --server and by 'b'" "$run" --server a b -- true
expect 2 "ssh is not told to which host" "$run" ssh -- true
expect 2 "'-oProxyCommand=evil' cannot be a host" "$run" ssh -oProxyCommand=evil -- true
expect 2 "'a' stands where an option of ssh is to be" "$run" ssh a b -- true
expect 2 "there is no -- between the host for ssh and the program" "$run" ssh a true
expect 2 "'a' stands where an option of srun is to be" "$run" slurm a -- true
expect 2 "there is no -- between the options for srun and the program" "$run" slurm --gres=gpu:1 true
expect 2 "there is no program to run" "$run" slurm --
expect 2 "the server is named twice, by --server and by 'slurm'" "$run" --server a slurm -- true
expect 125 "Slurm is not here: there is no program 'srun' in PATH" env PATH=/nonexistent "$run" slurm -- true
expect 125 "no server is configured: .*client.conf" "$run" true
expect 125 "--server=a/b is not a list of servers, which are HOST" "$run" a/b -- true
expect 125 "--server=a,unix:b is not a list of servers" "$run" --server a,unix:b true
expect 125 "--hud=2 is not 1, true" "$run" --hud=2 somewhere -- true
expect 125 "VENUS_PRESENT=never is not lossless, auto or fast" env VENUS_PRESENT=never "$run" somewhere -- true
expect 125 "the driver is switched off by .disable. or VENUS_DISABLE" env VENUS_DISABLE=1 "$run" somewhere -- true
expect 127 "there is no program 'no-such-program' in PATH" "$run" somewhere -- no-such-program
expect 127 "/no/such/program cannot be executed: No such file" "$run" somewhere -- /no/such/program
expect 126 "$VP_TEST_TMP cannot be executed: Permission denied" "$run" somewhere -- "$VP_TEST_TMP"
printf '#!/no/such/interpreter\n' >"$VP_TEST_TMP/script"
chmod +x "$VP_TEST_TMP/script"
expect 127 "script cannot be executed: the interpreter that it names is not there" "$run" a -- "$VP_TEST_TMP/script"
silent "$run" --help
silent "$run" --version
! grep -nE '^.{101,}' <("$run" --help) || fail "lines of --help are too long"

# --- the program is as without it ---

status=0
"$run" somewhere -- sh -c 'exit 42' || status=$?
((status == 42)) || fail "the program's exit status is $status"
status=0
"$run" somewhere -- sh -c 'kill -TERM $$' || status=$?
((status == 143)) || fail "the program's signal is status $status"
# shellcheck disable=SC2016
"$run" somewhere -- sh -c 'echo $$' >"$out" &
wait "$!"
[[ $(cat "$out") == "$!" ]] || fail "the program is another process"
silent "$run" somewhere -- printf '<%s>' -- '' 'a b' --gpu "it's"
[[ $(cat "$out") == "<--><><a b><--gpu><it's>" ]] || fail "the program's arguments: $(cat "$out")"
VENUS_SERVER=somewhere silent "$run" -- printf '<%s>' a -- b
[[ $(cat "$out") == "<a><--><b>" ]] || fail "the program's arguments after --: $(cat "$out")"
VENUS_SERVER=somewhere silent "$run" printf '<%s>' a -- b
[[ $(cat "$out") == "<a><--><b>" ]] || fail "the program's arguments without --: $(cat "$out")"

# --- settings: what is built in, the system's file, the user's, the environment, options ---

mkdir -p "$VP_TEST_TMP"/prefix/{bin,etc/venus-plus,share/vulkan/icd.d}
installed=$VP_TEST_TMP/prefix/bin/venus-run
cp "$run" "$installed"
expect 125 "the driver is missing: there is no venus_icd" "$installed" somewhere -- true
manifests=$VP_TEST_TMP/prefix/share/vulkan/icd.d
cp "$VP_ICD" "$manifests/venus_icd.i686.json"
cp "$VP_ICD" "$manifests"
for variable in VK_DRIVER_FILES VK_ICD_FILENAMES; do
   sets "$variable=$manifests/venus_icd.i686.json:$manifests/${VP_ICD##*/}" "$installed" somewhere --
   sets "$variable=$VP_ICD" "$run" somewhere --
done
sets VENUS_REQUIRE=1 "$run" a --
sets VENUS_ANNOUNCE=1 "$run" a --
sets VENUS_ANNOUNCE=0 "$run" --quiet a --
sets VENUS_REQUIRE=0 "$run" --no-require a --
sets VENUS_DEBUG=stats "$run" --stats a --
sets VENUS_HUD=1 "$run" --hud a --
sets VENUS_KEY_FILE=/k "$run" --key-file=/k a --
sets VENUS_SERVER=tls://me@b:1,c "$run" tls://me@b:1,c --
sets VENUS_SERVER=tls://me@srv:b.c "$run" tls://me@srv:b.c --
sets VENUS_POLICY=least-loaded "$run" --policy least-loaded a,b --
sets VENUS_POLICY=first env VENUS_POLICY=first "$run" a,b --
sets VENUS_GPU=H100 "$run" --gpu H100 --server a --
# What else chooses among drivers, and would leave none.
silent env VK_LOADER_DRIVERS_DISABLE='*' "$run" a -- env
! grep -q VK_LOADER "$out" || fail "the loader is told to leave drivers out"

silent "$installed" --print-config
if grep -q "^# $VP_TEST_TMP/prefix/etc/venus-plus/client.conf is not there" "$out"; then
   printf '[client]\nserver = system\nhud = 1\ntimeout = 1\n' >"$VP_TEST_TMP/prefix/etc/venus-plus/client.conf"
else
   echo "the system's file is elsewhere: $(head -n 1 "$out")"
   installed="env VENUS_SERVER=system $installed"
fi
read -ra installed <<<"$installed"
sets VENUS_SERVER=system "${installed[@]}"
configure 'timeout = 2' '  present=auto ; pictures'
sets VENUS_TIMEOUT=2 "${installed[@]}"
sets VENUS_PRESENT=auto "${installed[@]}"
sets VENUS_SERVER=system "${installed[@]}"
sets VENUS_TIMEOUT=3 env VENUS_TIMEOUT=3 "${installed[@]}"
sets VENUS_TIMEOUT=2 env VENUS_TIMEOUT= "${installed[@]}"
sets VENUS_TIMEOUT=4 env VENUS_TIMEOUT=3 "${installed[@]}" --timeout 4
sets VENUS_SERVER=other "${installed[@]}" other --
VENUS_PRESENT=fast silent "${installed[@]}" --hud --print-config
grep -qx "timeout = 2  ; $user_file:2" "$out" || fail "--print-config: $(cat "$out")"
grep -qx "present = fast  ; VENUS_PRESENT" "$out" || fail "--print-config: $(cat "$out")"
grep -qx "hud = 1  ; command line" "$out" || fail "--print-config: $(cat "$out")"
grep -qx "require = 1  ; built in" "$out" || fail "--print-config: $(cat "$out")"
grep -qx "#compress = auto  ; built in" "$out" || fail "--print-config: $(cat "$out")"
# What it prints is a file that says the same.
cp "$out" "$VP_TEST_TMP/printed.conf"
silent "$run" --config "$VP_TEST_TMP/printed.conf" --check-config
sets VENUS_PRESENT=fast "$run" --config "$VP_TEST_TMP/printed.conf" a --
rm "$user_file"
(
   unset XDG_CONFIG_HOME
   mkdir -p "$HOME/.config/venus-plus"
   printf '[client]\nserver = home\n' >"$HOME/.config/venus-plus/client.conf"
   sets VENUS_SERVER=home "$run"
)

# --- files with something wrong in them ---

# wrong PATTERN LINE...: of the user's file, which is not used.
wrong() {
   local pattern=$1
   shift
   configure "$@"
   expect 125 "^venus-run: $user_file:$pattern" "$run" --check-config
   expect 125 "^venus-run: $user_file:$pattern" "$run" somewhere -- true
}
wrong '3: there is no "sever"; venus-run --example-config' '' 'sever = a'
wrong '2: hud = maybe is not 1, true' 'hud = maybe'
wrong '2: timeout = 1,5 is not a number of seconds from' 'timeout = 1,5'
wrong '2: server = a/b is not a list of servers' 'server = a/b'
wrong '2: this is none of: KEY = VALUE' 'server'
wrong '4: hud is set in line 2 already' 'hud = 1' '#' 'hud = 0'
wrong '3: "hud" is in the section \[server\]; all .* under \[client\]' '[server]' 'hud = 1'
wrong '3: this is no section' '' '[server'
wrong '2: this line is longer than' "server = $(printf 'x%.0s' {1..300})"
printf '[client]\nhud = 1\0\n' >"$user_file"
expect 125 "^venus-run: $user_file:2: there is a zero byte" "$run" --check-config
rm "$user_file"
mkdir "$user_file"
expect 125 "^venus-run: $user_file: Is a directory" "$run" --check-config
rmdir "$user_file"
expect 125 "^venus-run: $VP_TEST_TMP/none: there is no such file" "$run" --config "$VP_TEST_TMP/none" true
# Each line that is wrong is told.
configure 'a = 1' 'b = 2'
! "$run" --check-config 2>"$err" || fail "two faults are none"
[[ $(wc -l <"$err") == 2 ]] || fail "two faults: $(cat "$err")"
rm "$user_file"

# The file that is installed is the one that venus-run explains itself by, and all of it can be set.
silent "$run" --example-config
diff "$out" "$VP_SOURCE/client/run/client.conf" || fail "client/run/client.conf is old; venus-run --example-config prints it"
[[ $("$run" --print-config | grep -c ' = \| =$') == "$(grep -c '^#[a-z-]* =' "$out")" ]] || fail "there are other keys"
sed 's/^#\([a-z-]* =\)/\1/' "$out" >"$VP_TEST_TMP/all.conf"
silent "$run" --config "$VP_TEST_TMP/all.conf" --check-config

# --- with a server ---

server_start

# used STATUS COMMAND...: what the program, one phase of the test application, says of the GPU that it uses.
used() {
   local wanted=$1 status=0
   shift
   "$@" "$VP_TEST_APP" --phase 4 --out "$VP_TEST_TMP" >"$out" 2>"$err" || status=$?
   ((status == wanted)) || fail "$*: status $status, not $wanted: $(cat "$out" "$err")"
   grep '^venus: using ' "$err" || true
}

# uses ADDRESS COMMAND...: it passes on the GPU of the server there, and says so in one line, and nothing else.
uses() {
   local address=$1 line
   shift
   line=$(used 0 "$@")
   [[ $line == "venus: using Venus Plus ("*") of $(uname -n) at $address" && $(grep -c '^venus' "$err") == 1 ]] ||
      fail "$*: not $address, but: $(cat "$err")"
}

configure "server = $SERVER_ADDRESS"
uses "$SERVER_ADDRESS" "$run"
rm "$user_file"
uses "$SERVER_ADDRESS" "$run" "$SERVER_ADDRESS" --
uses "$SERVER_ADDRESS" "$run" --server "$SERVER_ADDRESS"
used 0 "$run" --quiet "$SERVER_ADDRESS" -- >/dev/null
! grep '^venus' "$err" || fail "--quiet is not quiet"
uses "$SERVER_ADDRESS" "$run" --gpu 0 "$SERVER_ADDRESS" --

# gpus LIST: how many GPUs a program sees with it, of two servers that are the same one.
gpus() {
   "$run" --quiet --no-require --gpu "$1" "$SERVER_ADDRESS,$SERVER_ADDRESS" -- "$VP_TEST_APP" --list 2>"$err" |
      grep -c 'Venus Plus (' || true
}
[[ $(gpus 0) == 1 && $(gpus 1) == 1 && $(gpus 1,00) == 2 && $(gpus 'venus PLUS') == 2 ]] || fail "--gpu: not those"
[[ $(gpus '7, no such,') == 0 ]] || fail "--gpu 7 leaves GPUs"
grep -q 'VENUS_GPU=7, no such, is none of the GPUs that are there: 0 (Venus Plus (.*), 1 (Venus Plus (' "$err" ||
   fail "nothing is said of the GPU: $(cat "$err")"

# --- through ssh ---

remote_server="env -u VENUS_SERVER -u VK_ICD_FILENAMES VK_DRIVER_FILES='$VP_NATIVE_ICD' '$VP_SERVER' --stdio --log error"

# One that only writes down what it is told, and does it here.
mkdir "$VP_TEST_TMP/bin"
cat >"$VP_TEST_TMP/bin/ssh" <<'END'
#!/bin/sh
printf '<%s>' "$@" >"$VP_TEST_TMP/ssh-words"
for command; do :; done
exec sh -c "$command"
END
chmod +x "$VP_TEST_TMP/bin/ssh"
PATH=$VP_TEST_TMP/bin:$PATH used 0 "$run" --server-command "$remote_server" ssh -p 22 -o "X=it's \$HOME" me@gpu1 -- >/dev/null
[[ $(cat "$VP_TEST_TMP/ssh-words") == "<-T><-a><-x><-p><22><-o><X=it's \$HOME><me@gpu1><$remote_server>" ]] ||
   fail "ssh is told: $(cat "$VP_TEST_TMP/ssh-words")"
grep -q "^venus: using .* of $(uname -n) at exec:exec ssh " "$err" || fail "ssh: $(cat "$err")"
PATH=$VP_TEST_TMP/bin:$PATH sets VENUS_TIMEOUT=30 "$run" ssh gpu1 --
PATH=$VP_TEST_TMP/bin:$PATH sets VENUS_TIMEOUT=7 "$run" --timeout 7 ssh gpu1 --
sets "VENUS_SERVER=exec:exec ssh -T -a -x 'gpu1' 'venus-server --stdio --log warn'" "$run" ssh gpu1 --
expect 125 "is not a list of servers" "$run" ssh -o "$(printf 'x%.0s' {1..1000})" gpu1 -- true

# --- through Slurm ---

# One that does what srun does with such options (e2e/run_slurm has the real one).
cat >"$VP_TEST_TMP/bin/srun" <<'END'
#!/bin/sh
printf '<%s>' "$@" >"$VP_TEST_TMP/srun-words"
for command; do :; done
exec sh -c "$command"
END
chmod +x "$VP_TEST_TMP/bin/srun"
mkdir "$VP_TEST_TMP/keys"
slurm=(env PATH="$VP_TEST_TMP/bin:$PATH" XDG_RUNTIME_DIR="$VP_TEST_TMP/keys" "$run")
if [[ -x $VP_BUILD/client/venus-plus/venus-tls ]]; then
   job_server=${remote_server/--stdio/--job}
   line=$(used 0 "${slurm[@]}" --job-command "$job_server" slurm --gres=gpu:1 -J "it's" --)
   [[ $line == "venus: using Venus Plus ("*") of $(uname -n) at tls://job@"* ]] || fail "slurm: $(cat "$err")"
   [[ $(cat "$VP_TEST_TMP/srun-words") == "<--gres=gpu:1><-J><it's><--nodes=1><--ntasks=1>"*"</bin/sh><-c><$job_server>" ]] ||
      fail "srun is told: $(cat "$VP_TEST_TMP/srun-words")"
else
   echo "this build has no TLS, which the servers of jobs need"
fi
expect 1 "no key comes on standard input" "$VP_SERVER" --job </dev/null
expect 2 "leave out --unix, --keys" "$VP_SERVER" --job --unix "$VP_TEST_TMP/socket"
expect 125 "there is no job with a server: srun has ended with status 5" "${slurm[@]}" --job-command "exit 5" slurm -- true
expect 125 "there is no job with a server: the server says that it is at a,b, port 1" "${slurm[@]}" \
   --job-command "echo venus-job: a,b 1 - -; exec sleep 60" slurm -- true
no_keys() {
   [[ -z $(ls -A "$VP_TEST_TMP/keys") ]]
}
wait_until 20 no_keys || fail "a key is left: $(ls "$VP_TEST_TMP/keys")"

# --- a server that is not there ---

server_stop || fail "the server's end: $?"
used 1 "$run" "$SERVER_ADDRESS" -- >/dev/null
grep -q "VENUS_REQUIRE" "$err" || fail "without a server: $(cat "$err")"
