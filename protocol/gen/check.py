# SPDX-License-Identifier: MIT
"""Refuses tables that contradict the registry."""

import checks
import std
from table import TableError

# The newest registry that the tables have been checked with. Of a newer one some commands may have no row yet; some rows
# may be of commands that an older one does not know.
CHECKED_WITH = 359
STD_CHECKED_WITH = 309  # the oldest that std.table is whole for


def missing_nodes(scope):
    """Chain nodes of the Venus protocol that the registry knows and the codec does not. There must be none."""
    ours = {(root, scope.stype_value(node)) for root, nodes in scope.nodes.items() for node in nodes}
    known = {struct.stype for struct in scope.registry.structs.values() if struct.stype}
    values = {scope.registry.values[name] for name in known if name in scope.registry.values}
    return [(row['root_struct'], row['node_struct']) for row in scope.venus_nodes
            if int(row['sType']) in values and scope.registry.resolve(row['root_struct']) in scope.registry.structs and
            (scope.registry.resolve(row['root_struct']), int(row['sType'])) not in ours]


def unknown_names(scope):
    """What is wrong with names in the tables."""
    registry, wrong = scope.registry, []

    def is_command(name):
        return registry.resolve(name) in registry.commands

    for row in scope.rows:
        for name in row.names('was'):
            if is_command(name) and is_command(row.command) and registry.resolve(name) != registry.resolve(row.command):
                wrong.append('%s: %s is another command than %s' % (row.place, name, row.command))
        if registry.header_version >= CHECKED_WITH and not is_command(row.command):
            wrong.append('%s: %s is no command' % (row.place, row.command))
    if registry.header_version >= CHECKED_WITH:
        wrong += ['%s is no extension' % name for name, why in scope.skipped if why == scope.UNKNOWN_EXTENSION]
    return wrong


def wrong_commands(scope):
    """What is wrong with rows of commands that the registry knows."""
    wrong = []
    for command in scope.commands:
        if command.row:
            wrong += ['%s: %s: %s' % (command.row.place, command.name, why) for why in contradictions(scope, command)]
        elif scope.registry.header_version <= CHECKED_WITH:
            wrong.append('%s has no row' % command.name)
    return wrong


def contradictions(scope, command):
    registry, row, parameters = scope.registry, command.row, {p.name: p for p in command.parameters}
    for name in row.names('ids'):
        if name not in parameters or parameters[name].type not in registry.handles:
            yield 'its parameter %s, if it has one, is no handle' % name
    if row.get('changes') and not scope.changed(command):
        yield 'it has no queries and no event called %s' % row.get('changes')
    if row.range() and not scope.written(command):
        yield 'it has no range called %s' % row.get('writes')
    for name in row.names('spoils'):
        if 'VK_OBJECT_TYPE_' + name not in registry.values:
            yield 'there are no objects of the type %s' % name
    if row.client == 'gen' and (row.makes or row.ends) and command.parameters[0].type != 'VkDevice':
        yield 'only objects of a device are generated'
    if row.server == 'refuse':
        return
    if not command.serializable:
        yield 'it has no wire form, so that the server cannot execute it'
    if row.server == 'gen' and command.parameters[0].type == 'VkQueue':
        yield "the queue's thread uses the queue, too: a handler is needed"
    if row.client == 'gen' and row.kind == 'record' and not row.is_recorded:
        yield 'it does not begin with vkCmd: recording it is not generated'
    if row.client == 'gen' and row.kind == 'record' and command.looks_at_others():
        yield 'it concerns other command buffers: recording it is not generated'
    if row.get('writes') == 'layouts' and not scope.barriers(command):
        yield 'it has no barriers for images'


def check(scope, std_rows=None):
    wrong = unknown_names(scope) + wrong_commands(scope) + list(checks.contradictions(scope))
    if std_rows and scope.registry.has_video and scope.registry.header_version >= STD_CHECKED_WITH:
        wrong += std.unknown_members(scope.registry, std_rows)
    wrong += ['%s cannot be in a chain of %s, as in Venus' % (node, root) for root, node in missing_nodes(scope)]
    if wrong:
        raise TableError('\n'.join(wrong))
