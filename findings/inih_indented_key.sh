#!/bin/bash
# SPDX-License-Identifier: MIT
# inih r55 (Debian 12): a key that is indented is no key. The whole line becomes one more value of the key above it,
# also when an empty line or a comment is between them, and the parser reports no mistake. People indent lines of
# configurations, and what they set that way does not hold; what they set above may be overwritten.
#
# Seen: for "x = 1", an empty line and "  y = 2", the handler is told x = "1" and x = "y = 2", and the result is 0.
# Fails when that changes.
set -euo pipefail

packages=(libinih-dev=55-1 libinih1=55-1)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}"
for package in *.deb; do
   dpkg-deb -x "$package" root
done
cat >print.c <<'END'
#include <ini.h>
#include <stdio.h>

static int print(void *user, const char *section, const char *name, const char *value)
{
   (void)user;
   printf("[%s] %s: \"%s\"\n", section, name, value);
   return 1;
}

int main(void)
{
   printf("result %d\n", ini_parse("file.ini", print, NULL));
   return 0;
}
END
libraries=$folder/root/usr/lib/x86_64-linux-gnu
gcc -Iroot/usr/include print.c -o print -L"$libraries" -linih
printf '[a]\nx = 1\n\n  y = 2\nz = 3\n' >file.ini

LD_LIBRARY_PATH=$libraries ./print | tee seen
diff seen - <<'END'
[a] x: "1"
[a] x: "y = 2"
[a] z: "3"
result 0
END
