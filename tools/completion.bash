# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Bash completes the command lines of venus-run, venus-ctl and venus-server with what these say themselves: their options
# with --help, and what an option can be when it is given something else. Installed under each of these names.

# _venus_help PROGRAM: the options, a line for each, with the word for their value, if they have one.
_venus_help() {
   "$1" --help 2>/dev/null |
      sed -nE '/^  --/{s/^(  --[a-z-]+), --/\1\n  --/; p}' |
      sed -nE 's/^  (--[a-z][a-z-]*)( [^ ]+)?.*/\1\2/p'
}

# _venus_keys PROGRAM: of venus-run, the settings of client.conf, which are options, too.
_venus_keys() {
   "$1" --example-config 2>/dev/null | sed -nE 's/^#([a-z-]+) =.*/--\1/p'
}

# _venus_words PROGRAM OPTION: the words that it can be; nothing if it can be anything. With --help and --check-config
# nothing is started, whatever the option makes of "?".
_venus_words() {
   { "$1" "$2" '?' --help || true; "$1" "$2=?" --check-config; } 2>&1 </dev/null |
      sed -nE 's/^.* (needs|is not) (([a-z0-9]+, )*[a-z0-9]+ or [a-z0-9]+)(, not.*|;.*)?$/\2/p' |
      sed -e 's/, / /g' -e 's/ or / /' -e q
}

# _venus_value PROGRAM OPTION KIND WORD: completes a value.
_venus_value() {
   local words
   case $3 in
      FILE | PATH) mapfile -t COMPREPLY < <(compgen -f -- "$4") ;;
      DIR) mapfile -t COMPREPLY < <(compgen -d -- "$4") ;;
      *)
         words=$(_venus_words "$1" "$2")
         mapfile -t COMPREPLY < <(compgen -W "$words" -- "$4")
         ;;
   esac
   if [[ $3 == FILE || $3 == PATH || $3 == DIR ]]; then
      compopt -o filenames 2>/dev/null || true
   fi
}

# _venus_split: the command line without what bash has split at "=", as `words`, and which of them is completed, `at`.
_venus_split() {
   local i
   words=() at=0
   for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
      if ((i > 1)) && [[ ${COMP_WORDS[i]} == "=" ]]; then
         words[-1]+="="
      elif ((i > 2)) && [[ ${COMP_WORDS[i - 1]} == "=" && ${words[-1]} == --*= ]]; then
         words[-1]+=${COMP_WORDS[i]}
      else
         words+=("${COMP_WORDS[i]}")
      fi
      ((i != COMP_CWORD)) || at=$((${#words[@]} - 1))
   done
}

# _venus_option PROGRAM: completes an option, or the value of one. False: the word is neither. Uses words, at, and help,
# an array of what _venus_help says; and it reads as values those of options that are unknown (the keys of venus-run).
_venus_option() {
   local word=${words[at]} before="" line option
   ((at < 2)) || before=${words[at - 1]}
   if [[ $word == --*=* ]]; then
      option=${word%%=*}
      for line in "${help[@]}"; do
         [[ ${line%% *} != "$option" ]] || break
         line=
      done
      line=${line#"$option"}
      _venus_value "$1" "$option" "${line# }" "${word#*=}"
      return 0
   fi
   for line in "${help[@]}"; do
      if [[ $before == "${line%% *}" && $line == *" "* ]]; then
         _venus_value "$1" "$before" "${line#* }" "$word"
         return 0
      fi
   done
   [[ $word == -* ]] || return 1
   mapfile -t COMPREPLY < <(compgen -W "${help[*]%% *}" -- "$word")
}

_venus_server() {
   local words at help
   _venus_split
   mapfile -t help < <(_venus_help "$1")
   _venus_option "$1" || true
}

_venus_ctl() {
   local words at help i command=() server=("$1") identities
   _venus_split
   mapfile -t help < <(_venus_help "$1")
   ! _venus_option "$1" || return 0
   for ((i = 1; i < at; i++)); do
      case ${words[i]} in
         --control | --keys)
            server+=("${words[i]}" "${words[i + 1]}")
            i=$((i + 1))
            ;;
         -*) ;;
         *) command+=("${words[i]}") ;;
      esac
   done
   case ${command[*]} in
      "") # the commands, of which "key" has three lines
         mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null |
            sed -nE 's/^  ([a-z]+)( .*)?$/\1/p' | sort -u)" -- "${words[at]}")
         ;;
      key) mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null |
         sed -nE 's/^  key ([a-z]+).*/\1/p')" -- "${words[at]}") ;;
      kick) mapfile -t COMPREPLY < <(compgen -W "$("${server[@]}" sessions 2>/dev/null |
         sed -nE 's/^ *([0-9]+) .*/\1/p')" -- "${words[at]}") ;;
      "key revoke")
         identities=$("${server[@]}" key list 2>/dev/null)
         mapfile -t COMPREPLY < <(compgen -W "$identities" -- "${words[at]}")
         ;;
   esac
}

# _venus_program N: completes a program, which is word N of bash's own, or its arguments.
_venus_program() {
   if declare -F _comp_command_offset >/dev/null; then
      _comp_command_offset "$1"
   elif declare -F _command_offset >/dev/null; then
      _command_offset "$1"
   elif ((COMP_CWORD == $1)); then
      mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
   else
      mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
   fi
}

_venus_run() {
   local words at help keys i line
   for ((i = 1; i < COMP_CWORD; i++)); do
      if [[ ${COMP_WORDS[i]} == -- ]]; then
         _venus_program $((i + 1))
         return
      fi
   done
   _venus_split
   mapfile -t help < <(_venus_help "$1")
   mapfile -t keys < <(_venus_keys "$1")
   for line in "${keys[@]}"; do
      # A switch stands alone, which venus-run accepts then.
      [[ " ${help[*]%% *} " == *" $line "* ]] || "$1" --check-config --config /dev/null "$line" >/dev/null 2>&1 ||
         line+=" VALUE"
      help+=("$line")
   done
   ! _venus_option "$1" || return 0
   for ((i = 1; i < at; i++)); do
      [[ ${words[i]} == -* ]] || break
      [[ $'\n'$(printf '%s\n' "${help[@]}") != *$'\n'"${words[i]} "* ]] || i=$((i + 1))
   done
   if ((i >= at)); then # a server, ssh, or the program
      mapfile -t COMPREPLY < <({ compgen -c -- "${words[at]}"; compgen -A hostname -- "${words[at]}"; } | sort -u)
   elif [[ ${words[i]} == ssh ]]; then
      mapfile -t COMPREPLY < <(compgen -A hostname -- "${words[at]}")
   else
      _venus_program $((i + COMP_CWORD - at))
   fi
}

complete -F _venus_run venus-run
complete -F _venus_ctl venus-ctl
complete -F _venus_server venus-server
