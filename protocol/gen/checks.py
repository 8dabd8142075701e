# SPDX-License-Identifier: MIT
"""Reads the table of what is checked before a driver sees a command, and writes the checks into the server."""

import os

from table import TableError, lines_of

COLUMNS = ['command', 'check', 'what']
ARGUMENTS = {'range': 3, 'part': 3, 'commands': 5, 'slots': 3, 'hand': 0}


class Check:
    """A row of the table."""

    def __init__(self, line, place):
        self.place = place
        self.command, self.kind, *self.arguments = line.split()
        if len(self.arguments) != ARGUMENTS.get(self.kind, -1):
            self.refuse('there is no such check')

    def refuse(self, why):
        raise TableError('%s: %s: %s' % (self.place, self.command, why))


def parse(text, name='protocol/checks.table'):
    """{command: its rows}"""
    checks = {}
    for line, place in lines_of(text, name, COLUMNS):
        row = Check(line, place)
        checks.setdefault(row.command, []).append(row)
    return checks


def read(folder):
    with open(os.path.join(folder, 'checks.table'), encoding='utf-8') as file:
        return parse(file.read())


class Checking:
    """Writes the checks of one command."""

    def __init__(self, scope, command):
        self.scope, self.registry, self.command = scope, scope.registry, command

    def struct(self, variable):
        return self.registry.structs.get(self.registry.resolve(variable.type))

    def follow(self, row, path):
        """(variables that a path leads through, the last in C, (array, length) of the array on its way or None)"""
        variables, where, array, way = self.command.parameters, 'a.', None, []
        for name in path.split('.'):
            found = [v for v in variables if (v.depth and self.struct(v) if name == '@' else v.name == name)]
            if len(found) != 1:
                row.refuse('there is no %s in %s' % (name, path))
            variable = found[0]
            way.append(variable)
            where += variable.name
            if variable.lengths and self.struct(variable):
                array = (where, where[:-len(variable.name)] + variable.lengths[0])
                where += '[i]'
            struct = self.struct(variable)
            variables, where = (struct.members if struct else []), where + ('.' if not variable.depth or variable.lengths else '->')
        return way, where.rstrip('.').removesuffix('->'), array

    def value(self, row, text):
        """(a number or a path in C, the array on its way)"""
        return (text, None) if text.isdigit() else self.follow(row, text)[1:]

    def place(self, row, path):
        """Which of the command's objects, in the order of its data, a path names."""
        way, _, _ = self.follow(row, path)
        before, variables = 0, self.command.parameters
        for step in way:
            for variable in variables:
                if variable is step:
                    break
                before += self.handles(row, variable)
            variables = self.struct(step).members if self.struct(step) else []
        return before

    def handles(self, row, variable):
        """How many objects a variable names; the table must not need what is not always the same."""
        registry, struct = self.registry, self.struct(variable)
        if registry.resolve(variable.type) in registry.handles:
            if variable.depth or variable.optional[0] == 'true':
                row.refuse('what comes behind %s may be anywhere' % variable.name)
            return 1
        return sum(self.handles(row, member) for member in struct.body()) if struct else 0

    def lines(self, leave):
        """All checks. leave: how the function is left when one fails."""
        lines = []
        for row in self.scope.checks.get(self.command.row.command, []):
            lines += getattr(self, row.kind)(row, leave)
        return lines

    def buffer_check(self, row, leave, function, texts):
        """A call with a buffer and values, for each element where they are in an array."""
        name = row.arguments[0]
        values = [self.value(row, text) for text in texts]
        arrays = {array for _, array in values if array}
        if len(arrays) > 1:
            row.refuse('the values are in several arrays')
        call = 'if (!%s(ctx, %d, "%s", %s))' % (function, self.place(row, name), name.split('.')[-1],
                                                ', '.join(value for value, _ in values))
        if not arrays:
            return [call, '   ' + leave]
        _, length = arrays.pop()
        return ['for (uint64_t i = 0; i < %s; i++) {' % length, '   ' + call, '      ' + leave, '}']

    def range(self, row, leave):
        return self.buffer_check(row, leave, 'vps_check_range', row.arguments[1:])

    def part(self, row, leave):
        return self.buffer_check(row, leave, 'vps_check_part', row.arguments[1:])

    def commands(self, row, leave):
        return self.buffer_check(row, leave, 'vps_check_commands', row.arguments[1:])

    def slots(self, row, leave):
        first, count = (self.value(row, text)[0] for text in row.arguments[:2])
        limit = 'ctx->target->device->limits.%s' % row.arguments[2]
        return ['if (!vps_check_slots(ctx, %s, %s, %s, "%s"))' % (first, count, limit, row.arguments[2]), '   ' + leave]

    def hand(self, row, leave):
        return ['if (!vps_check_%s(ctx, &a))' % row.command, '   ' + leave]


def is_hand(scope, command):
    return any(row.kind == 'hand' for row in scope.checks.get(command.row.command, []))


def prototypes(scope, commands):
    return ['bool vps_check_%s(struct vps_context *ctx, const struct vp_cmd_%s *a);' % (c.row.command, c.name)
            for c in commands if is_hand(scope, c)]


def contradictions(scope):
    """What is wrong with rows of the table of checks."""
    served = {row.command: row.server != 'refuse' for row in scope.rows}
    for name, rows in scope.checks.items():
        if not served.get(name):
            yield '%s: the server does not execute %s' % (rows[0].place, name)
        if any(row.kind == 'slots' and not name.startswith('vkCmd') for row in rows):
            yield '%s: slots are of what is recorded' % rows[0].place
