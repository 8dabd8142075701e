#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the table of docs/ENVIRONMENT.md of the one in client/process/variables.c.

usage: tools/environment.py [--check] [ROOT]

--check writes nothing and says whether the page is what the table says, part of ./dev lint.
"""

import ast
import os
import re
import sys

TABLE = 'client/process/variables.c'
PAGE = 'docs/ENVIRONMENT.md'
BEGIN = f'<!-- made of {TABLE} by tools/environment.py -->\n'
END = '<!-- end of what is made -->\n'
STRINGS = r'(?:"(?:[^"\\]|\\.)*"\s*)+'
ENTRY = re.compile(r'\[VP_VARIABLE_\w+\] =\s*\{((?:\s*\.\w+ =\s+(?:VP_\w+|' + STRINGS + r'),?)+)\s*\}')
FIELD = re.compile(r'\.(\w+) =\s+(VP_\w+|' + STRINGS + ')')


def variables(root):
    """A dictionary of the fields of each variable, in order."""
    with open(os.path.join(root, TABLE), encoding='utf-8') as file:
        text = file.read()
    found = []
    for entry in ENTRY.finditer(text):
        fields = {name: value if value.startswith('VP_') else ast.literal_eval(f'({value})')
                  for name, value in FIELD.findall(entry.group(1))}
        found.append(fields)
    if len(found) != text.count('[VP_VARIABLE_') - text.count('[VP_VARIABLE_COUNT]'):
        sys.exit(f'{TABLE} has entries that are not understood')
    return found


def values(variable):
    allowed = variable['allowed'].split()
    kind = variable['kind'].removeprefix('VP_VARIABLE_').lower()
    if kind == 'choice':
        return ', '.join(f'`{word}`' for word in allowed)
    if kind == 'seconds':
        return f'seconds, {allowed[0]} to {allowed[1]}'
    return {'flag': '`1` or `0`', 'path': 'a path', 'text': 'text'}[kind]


def table(root):
    lines = ['| variable | values | default | meaning |', '|---|---|---|---|']
    for variable in variables(root):
        default = variable.get('unset') or f"`{variable['otherwise']}`"
        lines.append(f"| `{variable['name']}` | {values(variable)} | {default} | {variable['meaning']} |")
    return '\n'.join(lines) + '\n'


def page(root):
    """What the page is, and what it should be."""
    with open(os.path.join(root, PAGE), encoding='utf-8') as file:
        text = file.read()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f'{PAGE} lacks the lines between which the table stands')
    return text, before + BEGIN + '\n' + table(root) + '\n' + END + after


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != '--check']
    root = arguments[0] if arguments else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    text, wanted = page(root)
    if '--check' in sys.argv:
        if text != wanted:
            print(f'{PAGE} is not what {TABLE} says; tools/environment.py writes it')
        return text != wanted
    with open(os.path.join(root, PAGE), 'w', encoding='utf-8') as file:
        file.write(wanted)
    return 0


if __name__ == '__main__':
    sys.exit(main())
