# SPDX-License-Identifier: MIT
"""Writes a Vulkan driver that does nothing, for tests/fuzz: its functions read all that they are given, make up what
they return, and fail when they are told to. tests/fuzz/null_vulkan.h has what they need, and
with null_extensions.h what is written by hand."""

import os
import re

from codec import Codec
from emit import header, is_destroy
from lines import indent
from server import created, pool_of, table_functions
from table import TableError

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tests/fuzz')


def by_hand(registry):
    """The commands that are written by hand, and that the registry knows."""
    names = set()
    for name in ('null_vulkan.h', 'null_extensions.h'):
        with open(os.path.join(FOLDER, name), encoding='utf-8') as file:
            names |= set(re.findall(r'\bnull_(vk\w+)\(', file.read()))
    return {name for name in names if registry.resolve(name) in registry.commands} - {'vkGetInstanceProcAddr'}


class Functions:
    def __init__(self, scope):
        self.scope, self.codec = scope, Codec(scope, 'null')

    def room(self, parameter, command):
        """How many elements an output has room for."""
        if not parameter.lengths:
            return '(uint64_t)1'
        return self.codec.length(parameter.lengths[0], command.parameters, 'a.')

    def output(self, parameter, command):
        """Lines that write to an output as a driver would."""
        name, element = parameter.name, self.codec.element(parameter)
        kind = self.codec.base(element)[0]
        counted = [p for p in command.parameters if p is not parameter and name in p.lengths]
        if counted:
            return ['*a.%s = null_count(a.%s ? *a.%s : UINT32_MAX);' % (name, counted[0].name, name)]
        fill = 'null_fill' if kind == 'scalar' else 'null_touch'
        return ['if (a.%s)' % name, '   %s(a.%s, room_%s, sizeof(%s));' % (fill, name, name, element)]

    def body(self, command):
        new = created(self.scope, command)
        outputs = [p for p in command.parameters if command.is_output(p) and p is not new]
        given = [p for p in command.parameters if p is not new]
        lines = ['struct vp_cmd_%s a = {%s};' % (command.name, ', '.join('.%s = %s' % (p.name, p.name) for p in given))]
        rooms = [p for p in outputs if not any(p.name in q.lengths for q in command.parameters)]
        lines += ['const uint64_t room_%s = a.%s ? %s : 0;' % (p.name, p.name, self.room(p, command)) for p in rooms]
        lines += ['vp_request_%s(null_enter(), 0, &a);' % command.name]
        for parameter in sorted(outputs, key=lambda p: p not in rooms):
            lines += self.output(parameter, command)
        if is_destroy(command) or command.name == 'vkFreeMemory':
            lines += ['null_object_destroy((uint64_t)(uintptr_t)a.%s);' % command.parameters[-2].name]
        if new:
            pool = pool_of(self.scope, command)
            parent = 'a.' + (pool or command.parameters[0].name)
            lines += ['const VkResult result = null_result();',
                      'for (uint64_t i = 0; i < %s; i++)' % self.room(new, command),
                      '   %s[i] = (%s)(uintptr_t)null_object_create((uint64_t)(uintptr_t)%s, %s, %s, result);' % (
                          new.name, new.type, parent, self.scope.registry.handles[self.scope.registry.resolve(new.type)],
                          'true' if pool else 'false'),
                      'null_leave();', 'return result;']
            return lines
        if command.result == 'void':
            return lines + ['null_leave();']
        value = 'null_result()' if command.result == 'VkResult' else '(%s)null_value()' % command.result
        return lines + ['const %s result = %s;' % (command.result, value), 'null_leave();', 'return result;']

    def function(self, command):
        parameters = ', '.join(p.declaration for p in command.parameters)
        return ['static VKAPI_ATTR %s VKAPI_CALL null_%s(%s)' % (command.result, command.name, parameters), '{'] + \
            indent(self.body(command)) + ['}', '']


def generate(scope):
    """{file: text}"""
    functions = Functions(scope)
    commands = {c.name: c for c in scope.wire_commands()}
    ready = by_hand(scope.registry)
    names = sorted(set(sum(table_functions(scope), [])) | ready)
    body, rows = [], []
    for name in names:
        if name not in ready and name not in commands:
            raise TableError('%s has no wire form; tests/fuzz/null_vulkan.h must have it' % name)
        if name not in ready:
            body += functions.function(commands[name])
        for alias in scope.names(name):
            rows.append('   {"%s", (PFN_vkVoidFunction)null_%s},' % (alias, name))
    body += ['static const struct null_function null_functions[] = {'] + sorted(rows) + ['};']
    return {'tests/vp_null_driver.h': header('VP_NULL_DRIVER_H', ['"client/vp_client_calls.h"'], body)}
