# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# For scripts that compare what the Khronos validation layer says of a program: source it after lib.sh.

# validation_start: starts two servers, and one of them validates what it tells the GPU's driver.
validation_start() {
   [[ -f /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json ]] ||
      skip "the validation layer is not installed"
   server_start --validate
   validated_address=$SERVER_ADDRESS validated_log=$SERVER_LOG
   server_start
}

# Which rules are broken, one a line; what is broken differs in the numbers of objects.
rules() {
   { grep -oE '\[ (VUID|UNASSIGNED|SYNC)-[^ ]+ \]' "$1" || true; } | sort -u
}

# A program may connect several times.
validated_worker_is_gone() {
   (($(grep -c ': connected' "$validated_log") == $(grep -c ': disconnected' "$validated_log")))
}

validated=(env VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation "$LIMIT" 150)

# natively COMMAND...: adds the rules that are broken natively to $log.native.rules. Lavapipe may still show a picture when
# its window is gone, and the program is then ended by its display.
natively() {
   native "${validated[@]}" "$@" >"$log.native" 2>&1 || echo "$name: native: status $?: $(tail -n 5 "$log.native")"
   rules "$log.native" | sort -u - "$log.native.rules" -o "$log.native.rules"
}

# check_rules SIDE COMMAND...: that the rules broken in $log.SIDE are broken natively too; some are only now and then.
check_rules() {
   local side=$1 attempt
   shift
   rules "$log.$side" >"$log.$side.rules"
   touch "$log.native.rules"
   for ((attempt = 0; attempt < 12; attempt++)); do
      comm -13 "$log.native.rules" "$log.$side.rules" >"$log.$side.more"
      [[ -s $log.$side.more ]] || break
      natively "$@"
   done
   if [[ -s $log.$side.more ]]; then
      grep -m 10 -F -f "$log.$side.more" "$log.$side"
      fail "$name: validated by the $side, it breaks rules that it keeps natively"
   fi
   echo "$name: in the $side, $(wc -l <"$log.$side.rules") broken rules, none that is kept natively"
}

# same_rules NAME COMMAND...: the program, which ends by itself within a minute, breaks no rule that it keeps natively;
# neither in what it tells our driver, nor in what our server tells the GPU's driver.
same_rules() {
   local name=$1 log=$VP_TEST_TMP/$1.rules plain_address=$SERVER_ADDRESS before
   shift
   remote "${validated[@]}" "$@" >"$log.client" 2>&1 ||
      fail "$name: validated by the client: status $?: $(tail -n 5 "$log.client")"
   check_rules client "$@"
   SERVER_ADDRESS=$validated_address
   before=$(stat -c %s "$validated_log")
   remote "$LIMIT" 150 "$@" >"$log.output" 2>&1 ||
      fail "$name: validated by the server: status $?: $(tail -n 5 "$log.output")"
   wait_until 10 validated_worker_is_gone || fail "$name: the worker does not end"
   tail -c "+$((before + 1))" "$validated_log" >"$log.server"
   check_rules server "$@"
   SERVER_ADDRESS=$plain_address
}
