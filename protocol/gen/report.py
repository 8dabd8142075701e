# SPDX-License-Identifier: MIT
"""What is supported and what is not, for people: the coverage report and docs/SUPPORTED.md."""

from check import missing_nodes
from table import KINDS, OURS

ADDED = 'not in the Venus protocol'


def skipped(scope):
    """(what, why) for all that the registry or the tables have and the wire does not."""
    return scope.skipped + [(c.name, 'the command has no row; it is not offered') for c in scope.commands if c.row is None]


def has_own_number(command):
    return command.number is not None and command.number >= OURS


def note(scope, name):
    """What is said of an extension."""
    policy = scope.policy.get(name)
    if not policy or policy.kind == 'add' and not policy.reason:
        brought = scope.brought(scope.extensions[name].commands)
        numbered = any(c.name in brought and has_own_number(c) for c in scope.commands)
        return ADDED + ('; its commands have numbers of ours' if numbered else '')
    return ('not offered: ' if policy.kind == 'hide' else '') + policy.reason


def coverage(scope):
    lines = ['registry %d.%d.%d: %d commands in scope, %d with a wire form, %d extensions, %d structs with chains' % (
        *scope.registry.api_version, scope.registry.header_version, len(scope.commands), len(scope.wire_commands()),
        len(scope.extensions), len(scope.nodes))]
    lines += ['skipped: %s: %s' % row for row in skipped(scope)]
    lines.append('%d chain nodes of the Venus protocol are missing' % len(missing_nodes(scope)))
    return '\n'.join(lines)


def document(scope):
    lines = ['# Supported commands and extensions', '',
             'Made by `protocol/gen` from the Vulkan registry %d.%d.%d and the tables in `protocol/`; a newer registry gives more.' % (
                 *scope.registry.api_version, scope.registry.header_version), '',
             '## Extensions', '', 'Offered when the GPU has them, unless said otherwise.', '',
             '| extension | number | revision | |', '|---|---:|---:|---|']
    for name in sorted(scope.extensions):
        extension = scope.extensions[name]
        lines.append('| %s | %d | %d | %s |' % (name, extension.number, extension.spec_version, note(scope, name)))
    lines += ['', '## Commands', '', '| kind | meaning |', '|---|---|']
    lines += ['| %s | %s |' % item for item in KINDS.items()]
    lines += ['', 'Numbers from %#x are ours. A command without number does not travel.' % OURS, '',
              '| number | command | kind | client | server |', '|---:|---|---|---|---|']
    for command in scope.commands:
        if command.row:
            number = '' if command.number is None or not command.serializable else \
                hex(command.number) if has_own_number(command) else str(command.number)
            lines.append('| %s | %s | %s | %s | %s |' % (
                number, command.name, command.row.kind, command.row.client, command.row.server))
    return '\n'.join(lines) + '\n'
