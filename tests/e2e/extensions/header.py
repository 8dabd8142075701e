# SPDX-License-Identifier: MIT
"""usage: header.py FILE NAME HEADER: makes a header that defines the bytes of a file as an array."""

import sys

path, name, header = sys.argv[1:]
with open(path, 'rb') as file, open(header, 'w', encoding='ascii') as out:
    out.write('static const unsigned char %s[] = {%s};\n' % (name, ', '.join(map(str, file.read()))))
