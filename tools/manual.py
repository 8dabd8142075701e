#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fills in a manual page what the tables of options and variables say, for scdoc.

usage: tools/manual.py PAGE

The page, docs/man/NAME.SECTION.scd, goes to standard output with these lines replaced:

   @server-options    the options of venus-server: server/process/option_table.c
   @server-keys       the keys of server.conf: the same table
   @client-keys       the keys of client.conf: client/process/variables.c and client/run/keys.c
   @variables         the variables of the driver: client/process/variables.c
   @usage FILE        the options in the text of --help that this source file has

Behind one of them, until @end, may stand what the table does not say: a name in a line of its own, and below it
indented lines, which follow what the table says of that name.
"""

import ast
import os
import re
import sys

import environment

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OPTIONS = 'server/process/option_table.c'
KEYS = 'client/run/keys.c'
CONFIG_FOLDER = '/etc/venus-plus'
# A string, with STRING(NAME) and NAMEs of strings in it.
PARTS = re.compile(r'\s*("(?:[^"\\]|\\.)*"|STRING\(\s*(\w+)\s*\)|VPS_CONFIG_FOLDER)')
SEE = re.compile(r'\s*See \[[^]]*\]\([^)]*\)(?:, and \[[^]]*\]\([^)]*\))?[.;]')


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def number(name):
    """What the macro of that name is."""
    for path in ('common/net/socket.h', 'server/process/options.h'):
        found = re.search(rf'^#define {name} (\d+)$', read(path), re.MULTILINE)
        if found:
            return found[1]
    sys.exit(f'{OPTIONS} uses {name}, which tools/manual.py does not find')


def string(text):
    """The value of a C expression that begins the text and is a string; None: it is none."""
    value, position = None, 0
    while found := PARTS.match(text, position):
        if found[1].startswith('"'):
            part = ast.literal_eval(found[1])
        else:
            part = number(found[2]) if found[2] else CONFIG_FOLDER
        value, position = (value or '') + part, found.end()
    return value


def options():
    """A dictionary of the fields of each option, in order; without those that are not for people."""
    text = read(OPTIONS)
    text = text[text.index('vps_option_table[] = {'):text.index('const size_t vps_option_count')]
    starts = [found.start() for found in re.finditer(r'\{\.name = ', text)] + [len(text)]
    found = []
    for start, end in zip(starts, starts[1:]):
        row = text[start:end]
        fields = {}
        for field in re.finditer(r'\.(\w+) =', row):
            value = string(row[field.end():])
            fields[field[1]] = value if value is not None else re.match(r'\s*([^,}]*)', row[field.end():])[1]
        if fields.get('help'):
            found.append(fields)
    if len(found) < 30:
        sys.exit(f'{OPTIONS} has rows that are not understood')
    return found


def escape(text):
    return re.sub(r'([_*\\`])', r'\\\1', text)


def sentence(text):
    """Lines of --help as a sentence."""
    text = ' '.join(text.split())
    return text[0].upper() + text[1:] + ('' if text.endswith('.') else '.')


def prose(text):
    """A cell of ENVIRONMENT.md, whose links lead nowhere here."""
    text = SEE.sub('.', text).replace('..', '.').strip()
    text = re.sub(r'\. ([a-z])', lambda found: '. ' + found[1].upper(), text)
    parts = re.split(r'`([^`]*)`', text)
    return ''.join(f'*{escape(part)}*' if i % 2 else escape(part) for i, part in enumerate(parts))


def argument(text):
    """As it is typed: words in capitals are for the user to replace."""
    return re.sub(r'[A-Z]+|[^A-Z]+', lambda part: f'_{part[0]}_' if part[0].isupper() else escape(part[0]), text)


def server_options():
    for option in options():
        value = ' ' + argument(option['argument']) if 'argument' in option else ''
        yield option['name'], f"*{option['name']}*{value}", escape(sentence(option['help']))


def server_keys():
    for option in options():
        uses = option.get('uses', '')
        if not re.search(r'VPS_OPTION_FILE|FILE_|LIVE_', uses):
            continue
        name = option['name'].removeprefix('--')
        text = escape(sentence(option['help']))
        if not re.search(r'VPS_OPTION_LIVE|LIVE_', uses):
            text += ' Needs a restart.'
        yield name, f"*{name}* = {argument(option.get('argument', 'on|off'))}", text


def about(variable, default=None):
    """What it means, can be and is, if it is not `default`."""
    text = prose(variable['meaning'])
    if variable['kind'] != 'VP_VARIABLE_TEXT':
        text += f' Values: {prose(environment.values(variable))}.'
    default = default or variable.get('otherwise')
    return text + f" Default: {f'*{escape(default)}*' if default else prose(variable['unset'])}."


def variables():
    for variable in environment.variables(ROOT):
        yield variable['name'], f"*{escape(variable['name'])}*", about(variable)


def client_keys():
    text = read(KEYS)
    ours = text[text.index('vp_run_key_value('):]
    ones = re.findall(r'case VP_VARIABLE_(\w+):', ours[:ours.index('return "1"')])
    table = text[text.index('own_keys[] = {'):]
    extra = [{'kind': 'VP_VARIABLE_TEXT',
              **{name: ast.literal_eval(f'({value})') for name, value in environment.FIELD.findall(row)
                 if not value.startswith('VP_')}} for row in table[:table.index('\n};')].split('\n   },')[:-1]]
    for variable in [*environment.variables(ROOT), *extra]:
        short = variable['name'].removeprefix('VENUS_')
        name = short.lower().replace('_', '-')
        yield name, f'*{name}*', about(variable, '1' if short in ones else None)


def usage(path):
    """The options of a text of --help that is a string."""
    source = read(path)
    text = string(source[source.index('"usage:'):])
    for found in re.finditer(r'^  (--[a-z-]+)( \S+)? +(.*)$', text, re.MULTILINE):
        yield found[1], f"*{found[1]}*{argument(found[2] or '')}", escape(sentence(found[3]))


LISTS = {'@server-options': server_options, '@server-keys': server_keys, '@client-keys': client_keys,
         '@variables': variables, '@usage': usage}


def fill(lines, name):
    """The lines with their lists."""
    more, current = None, None
    for line in lines:
        if more is None:
            words = line.split(' ')
            if words[0] not in LISTS:
                if line.startswith('@'):
                    sys.exit(f'{name}: there is no list "{line}"')
                yield line
                continue
            rows, more = list(LISTS[words[0]](*words[1:])), {}
        elif line == '@end':
            unknown = set(more) - {row[0] for row in rows}
            if unknown:
                sys.exit(f'{name}: the table knows nothing of {", ".join(sorted(unknown))}')
            for key, head, text in rows:
                yield head
                yield '\t' + text
                yield from more.get(key, [])
                yield ''
            more = None
        elif line.startswith('\t'):
            more[current].append(line)
        elif line:
            current = line
            more[current] = []
    if more is not None:
        sys.exit(f'{name}: a list has no @end')


def page(path):
    with open(path, encoding='utf-8') as file:
        return '\n'.join(fill(file.read().split('\n'), path))


if __name__ == '__main__':
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    sys.stdout.write(page(sys.argv[1]))
