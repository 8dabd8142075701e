# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# For scripts that compare what programs show in their windows: source it after lib.sh.

# shellcheck source=tests/e2e/validation_lib.sh
. "$VP_SOURCE/tests/e2e/validation_lib.sh"

# display_settles FILE: keeps the display's picture, once it has not changed for some time.
display_settles() {
   local same=0 attempt
   cp "$DISPLAY_PICTURE" "$1"
   for ((attempt = 0; attempt < 100 && same < 4; attempt++)); do
      sleep 0.15
      if cmp -s "$DISPLAY_PICTURE" "$1"; then
         same=$((same + 1))
      else
         same=0
         cp "$DISPLAY_PICTURE" "$1"
      fi
   done
   ((same == 4)) || fail "the display does not come to rest"
}

# has_colours FILE: a picture of the display that shows more than the screen and windows of one colour.
has_colours() {
   /usr/bin/python3 - "$1" <<'END' || fail "$1: nothing but one colour is to be seen"
import struct, sys
data = open(sys.argv[1], "rb").read()
size, colours = struct.unpack(">I", data[:4])[0], struct.unpack(">I", data[76:80])[0]
pixels = memoryview(data)[size + 12 * colours:]
sys.exit(len(set(pixels[:len(pixels) // 4 * 4].cast("I"))) < 3)
END
}

# same_window_rules NAME COMMAND...: as same_rules, for a program that must present something.
same_window_rules() {
   VENUS_DEBUG=stats same_rules "$@"
   presented "$VP_TEST_TMP/$1.rules.client"
   presented "$VP_TEST_TMP/$1.rules.output"
}

# frozen SIDE FRAMES FILE COMMAND...: runs a program natively or through the driver (SIDE: native, remote) until it has
# presented so many frames (with Vulkan: the layer counts them), and keeps what the display shows then.
frozen() {
   local side=$1 frames=$2 file=$3 status=0
   shift 3
   layer_setup freeze "$VP_BUILD/tests/apps/libfreeze_layer.so"
   rm -f "$file.frozen"
   client_start_on "$side" env "${layer[@]}" VP_FREEZE_AT="$frames" VP_FREEZE_FILE="$file.frozen" \
      "$LIMIT" 100 "$@" >"$file.log" 2>&1
   wait_until 50 frozen_or_gone "$file.frozen" "$CLIENT_PID" || true
   [[ -f $file.frozen ]] || fail "$side $*: no $frames frames: $(tail -n 20 "$file.log")"
   display_settles "$file"
   kill -TERM "$CLIENT_PID" 2>/dev/null || true
   wait "$CLIENT_PID" 2>/dev/null || status=$?
   ((status < 128 || status == 137 || status == 143)) || fail "$side $*: ended with status $status: $(tail -n 20 "$file.log")"
}

frozen_or_gone() {
   [[ -f $1 ]] || process_gone "$2"
}

# same_picture NAME SURFACE FRAMES COMMAND...: the program shows the same natively and through the driver, to the last bit,
# on a surface of that kind (xcb, xlib, wayland). The native picture of a name is made once.
same_picture() {
   local name=$1 surface=$2 frames=$3 picture=$VP_TEST_TMP/$1
   shift 3
   display_settles "$picture.empty"
   [[ -f $picture.native ]] || frozen native "$frames" "$picture.native" "$@"
   frozen remote "$frames" "$picture.remote" "$@"
   [[ $(cat "$picture.native.frozen" "$picture.remote.frozen") == "$surface"$'\n'"$surface" ]] ||
      fail "$name: its surface is not of $surface: $(cat "$picture.native.frozen" "$picture.remote.frozen")"
   ! cmp -s "$picture.empty" "$picture.native" || fail "$name: the native run shows nothing"
   has_colours "$picture.native"
   cmp "$picture.native" "$picture.remote" || fail "$name: the pictures differ"
   echo "$name: frame $frames is the same"
}
