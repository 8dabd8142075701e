# SPDX-License-Identifier: MIT
"""What is supported and what is not, for people: the coverage report and docs/SUPPORTED.md."""

KINDS = {
    'async': 'sent, returns at once', 'sync': 'waits for its reply', 'cached': 'asked once, then answered from memory',
    'prefetched': 'asked with others when the instance is created', 'local': 'never leaves the client',
    'record': 'written into the command buffer', 'transport': 'not used over a network', 'none': 'not offered',
}


def skipped(scope):
    """(what, why) for all that the registry or the tables have and the wire does not."""
    rows = list(scope.skipped)
    for command in scope.commands:
        if command.number is None and command.row is None:
            rows.append((command.name, 'the command has no number and no row; it is not offered'))
    return rows


def uncovered(scope):
    """Commands that have a number, so that they are supported, but no row that says how. There must be none."""
    return [c.name for c in scope.commands if c.number is not None and c.row is None]


def missing_nodes(scope):
    """Chain nodes of the Venus protocol that the registry knows and the codec does not. There must be none."""
    ours = {(root, scope.stype_value(node)) for root, nodes in scope.nodes.items() for node in nodes}
    known = {struct.stype for struct in scope.registry.structs.values() if struct.stype}
    values = {scope.registry.values[name] for name in known if name in scope.registry.values}
    return [(row['root_struct'], row['node_struct']) for row in scope.venus_nodes
            if int(row['sType']) in values and scope.registry.resolve(row['root_struct']) in scope.registry.structs and
            (scope.registry.resolve(row['root_struct']), int(row['sType'])) not in ours]


def coverage(scope):
    lines = ['registry %d.%d.%d: %d commands in scope, %d with a wire form, %d extensions, %d structs with chains' % (
        *scope.registry.api_version, scope.registry.header_version, len(scope.commands), len(scope.wire_commands()),
        len(scope.extensions), len(scope.nodes))]
    lines += ['skipped: %s: %s' % row for row in skipped(scope)]
    lines += ['no row: %s' % name for name in uncovered(scope)]
    lines += ['no chain node: %s in %s' % (node, root) for root, node in missing_nodes(scope)]
    lines.append('%d chain nodes of the Venus protocol are missing' % len(missing_nodes(scope)))
    lines.append('%d commands of the supported set have no row' % len(uncovered(scope)))
    return '\n'.join(lines)


def document(scope):
    lines = ['# Supported commands and extensions', '',
             'Made by `protocol/gen` from the Vulkan registry %d.%d.%d and the tables in `protocol/`; a newer registry gives more.' % (
                 *scope.registry.api_version, scope.registry.header_version), '',
             '## Extensions', '', 'Offered when the GPU has them, unless said otherwise.', '',
             '| extension | number | revision | |', '|---|---:|---:|---|']
    for name in sorted(scope.extensions):
        extension = scope.extensions[name]
        policy = scope.policy.get(name)
        note = '' if not policy else ('not offered: ' if policy['kind'] == 'hide' else '') + policy['reason']
        lines.append('| %s | %d | %d | %s |' % (name, extension.number, extension.spec_version, note))
    lines += ['', '## Commands', '', '| kind | meaning |', '|---|---|']
    lines += ['| %s | %s |' % item for item in KINDS.items()]
    lines += ['', 'Numbers from 0x10000 are ours. A command without number does not travel.', '',
              '| number | command | kind | client | server |', '|---:|---|---|---|---|']
    for command in scope.commands:
        if command.row:
            number = '' if command.number is None or not command.serializable else \
                hex(command.number) if command.number >= 0x10000 else str(command.number)
            lines.append('| %s | %s | %s | %s | %s |' % (
                number, command.name, command.row['kind'], command.row['client'], command.row['server']))
    return '\n'.join(lines) + '\n'
