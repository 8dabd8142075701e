# SPDX-License-Identifier: MIT
"""Says where a command is at home: its row, and all functions of both sides that are its own."""

import difflib
import os
import re

from server import created, pool_of
from table import TableError

# What the functions of a command do, by what stands before its name, in the order of a call.
FUNCTIONS = {
    'guarded_': 'what the application calls',
    'vp_': 'entry point',
    'vp_make_': 'makes its object',
    'vp_say_': 'says it, or waits for its result',
    'vp_finish_': 'frees what its object has',
    'room_': 'the same where there is no room yet',
    'vp_ask_': 'asks, unless the answer is known',
    'vp_try_': 'says it, or waits for its result',
    'vp_send_': 'says it',
    'vp_call_': 'says it and waits for the reply',
    'vp_request_': 'writes the request',
    'vp_room_': 'what room that needs',
    'vp_write_': 'writes it there',
    'vp_decode_': 'reads the request',
    'run_': 'executes it',
    'record_': 'records it',
    'vps_check_': 'check',
    'vps_handle_': 'handler',
    'vps_observe_': 'observer',
    'vp_answer_': 'writes the reply',
    'vp_reply_': 'reads the reply',
    'vp_clear_': 'what the outputs are without one',
}


def sources(folder):
    """All C files below a folder."""
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(('.c', '.h')):
                yield os.path.join(path, name)


def definitions(path, pattern):
    """(what stands before the command's name, line) of each function that a file defines."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    for match in pattern.finditer(text):
        end = re.compile(r'[;{]').search(text, match.end())
        if end and end.group() == '{':
            yield match.group(1), text.count('\n', 0, match.start(1)) + 1


def functions(names, folders):
    """(what it does, function, file:line) of each of a command's functions."""
    pattern = re.compile(r'^(?! )[^\n;=]*?\b(%s)(?:%s)\(' % ('|'.join(FUNCTIONS), '|'.join(names)), re.M)
    found = {}
    for folder in folders:
        for path in sources(folder):
            for prefix, line in definitions(path, pattern):
                found.setdefault(prefix, []).append('%s:%d' % (os.path.relpath(path), line))
    return [(FUNCTIONS[prefix], prefix + names[0], place) for prefix in FUNCTIONS for place in found.get(prefix, [])]


def brought_by(scope, names):
    """The versions and extensions that have a command."""
    owners = scope.registry.features + sorted(scope.extensions.values(), key=lambda e: e.name)
    return [o.name for o in owners if set(names) & {name for name, _ in o.commands}]


def where(scope, name, folders):
    """Lines for people."""
    commands = {n: c for c in scope.commands if c.row for n in [c.row.command] + scope.names(c.name) + c.row.names('was')}
    command = commands.get(name)
    if not command:
        unknown = [row for row in scope.rows if row.command == name]
        if unknown:
            raise TableError('%s: the registry of this build does not have %s' % (unknown[0].place, name))
        close = difflib.get_close_matches(name, commands, 3)
        raise TableError('there is no %s' % name + (', but %s' % ', '.join(close) if close else ''))
    row, names = command.row, [command.name] + sorted(set(scope.names(command.name)) - {command.name})
    number = 'none' if row.number is None else '%d (0x%x)' % (row.number, row.number)
    facts = [('row', '%s: %s' % (row.place, ' '.join(row.line.split()))), ('number', number),
             ('of', ', '.join(brought_by(scope, names)) or 'our own protocol')]
    facts += [('also', ', '.join(names[1:]))] if names[1:] else []
    new = created(scope, command)
    facts += [('makes', '%s, of %s' % (new.type, pool_of(scope, command) or command.parameters[0].type))] if new else []
    lines = [command.name] + ['   %-8s %s' % fact for fact in facts]
    rows = functions(names, folders)
    width = max([len(place) for _, _, place in rows], default=0)
    return lines + ['   %-*s  %s, %s' % (width, place, function, what) for what, function, place in rows]
