#!/bin/bash
# SPDX-License-Identifier: MIT
# How often a program waits for the network, by the driver's own counters.
. "$(dirname "$0")/../lib.sh"

need vulkaninfo

# trips FILE: the blocking round trips of the session that did most, in what a program wrote to stderr.
trips() {
   sed -n 's/.*blocking round trips: \([0-9]*\)$/\1/p' "$1" | sort -n | tail -n 1
}

# count NAME COMMAND...: sets `result`.
count() {
   local file=$VP_TEST_TMP/$1
   shift
   VENUS_DEBUG=stats remote "$@" >"$file.out" 2>"$file" || fail "$*: $(cat "$file.out" "$file")"
   result=$(trips "$file")
   [[ -n $result ]] || fail "$*: there are no counters"
   echo "$result blocking round trips: $*"
}

server_start

# It makes a device of each GPU.
count summary vulkaninfo --summary
gpus=$(grep -c '^GPU[0-9]*:$' "$VP_TEST_TMP/summary.out")
((gpus > 0 && result <= 5 + gpus)) || fail "more than 5 and one per GPU: $(cat "$VP_TEST_TMP/summary")"

# A colour target, a depth target and a texture: three kinds of images.
image_kinds=3
count short "$VP_TEST_APP" --phase 10 --frames 5 --out "$VP_TEST_TMP"
short=$result
((short <= 6 + image_kinds)) || fail "more than 6 and one per kind of image: $(cat "$VP_TEST_TMP/short")"

count long "$VP_TEST_APP" --phase 10 --frames 50 --out "$VP_TEST_TMP"
((result == short)) || fail "a frame waits for the network: $(cat "$VP_TEST_TMP/long")"
