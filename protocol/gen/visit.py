# SPDX-License-Identifier: MIT
"""Writes functions that walk through all that a command's parameters point to, for tests that need every command: they
make up arguments, or count what is there. tests/unit/visit.h has what they need."""

import re

from client import makes, supported_commands
from codec import Codec
from decode import LOOKED_AT
from emit import c_parameter, header
from lines import block, indent
from scope import OPAQUE, UNION_MEMBER
from std import OUTER, Bits

# How a count is found from a number of elements, by the rest of the length expression after its name.
COUNTS = {'': '', ' / 4': ' * 4', ' + 31) / 32': ' * 32'}


class Visitors:
    def __init__(self, scope):
        self.scope, self.registry, self.codec = scope, scope.registry, Codec(scope, 'visit')
        self.prototypes, self.functions, self.done = [], [], set()

    def need(self, name):
        """Makes sure that there is a function for values of a type and gives its name."""
        function = 'visit_' + name
        if function not in self.done:
            self.done.add(function)
            kind, what = self.codec.base(name)
            {'scalar': self.scalar, 'handle': self.handle, 'struct': self.struct}[kind](name, what)
        return function

    def add(self, name, struct, lines):
        head = 'static void %s(struct visit *w, void *data)' % name
        self.prototypes.append(head + ';')
        self.functions += [head, '{', '   %s *v = data;' % struct, '   (void)w, (void)v;'] + indent(lines) + ['}', '']

    def scalar(self, name, what):
        name_ = self.registry.resolve(name)
        kind = 'ENUM' if name_ in self.registry.enums else 'FLAGS' if name_ in self.registry.bitmasks else 'NUMBER'
        self.add('visit_' + name, name, ['visit_scalar(w, v, sizeof(*v), VISIT_%s);' % kind])

    def handle(self, name, what):
        self.add('visit_' + name, name, ['if (w->fill)', '   *v = (%s)(uintptr_t)w->handle(w, (VkObjectType)%d);' % (
            name, self.registry.values[self.registry.handles[what]])])

    def struct(self, name, struct):
        if struct.category == 'union':
            self.add('visit_' + name, name, self.value(struct.members[UNION_MEMBER[struct.name]], 'v->', struct))
        elif struct.stype:
            self.own_part(struct)
            nodes = self.codec.nodes(struct)
            for node in nodes:
                self.own_part(node)
            table = ['static const struct visit_node nodes[] = {'] + [
                '   {%du, sizeof(%s), visit_own_%s},' % (self.scope.stype_value(n), n.name, n.name) for n in nodes] + ['};']
            looked_at = struct.name in LOOKED_AT
            self.add('visit_' + name, name, (table if nodes else []) + ([
                'const unsigned chains = w->chains;', 'w->chains = chains ? chains : 1; /* it is not whole without one */'
            ] if looked_at else []) + [
                'visit_head(w, data, %du, %s);' % (self.scope.stype_value(struct), 'nodes, sizeof(nodes) / sizeof(*nodes)'
                                                   if nodes else 'NULL, 0'),
                'visit_own_%s(w, data);' % struct.name] + (['w->chains = chains;'] if looked_at else []))
        else:
            self.add('visit_' + name, name, self.codec.outer(struct, 'w') + self.members(struct, struct.body(), 'v->'))

    def own_part(self, struct):
        name = 'visit_own_' + struct.name
        if name not in self.done:
            self.done.add(name)
            self.add(name, struct.name, self.members(struct, struct.body(), 'v->'))

    def members(self, owner, members, acc):
        """Lines for all members or parameters: what others depend on first."""
        siblings = owner.parameters if hasattr(owner, 'parameters') else owner.members
        counts, inner = self.counts(owner, members)
        fixed = {m.stride: '(%s)sizeof(%s)' % (next(s.type for s in siblings if s.name == m.stride), m.type)
                 for m in members if m.stride}
        fixed.update(counts)
        fixed.update({m.name: 'w->handle(w, VK_OBJECT_TYPE_DEVICE)' for m in members if m.name == 'objectHandle'})

        def rank(member):
            lengths = ','.join(self.scope.lengths(member, owner)) if member.depth else ''
            return (bool(lengths), '[' in lengths or '->' in lengths)

        lines = []
        for member in sorted(members, key=rank):
            if not self.scope.variable_serializable(member, owner):
                lines += self.opaque(member, acc)
                continue
            if self.scope.never_sent(member, owner):
                continue
            if (owner.name, member.name) in OPAQUE:
                lines += ['visit_scalar(w, (void *)(uintptr_t)&%s%s, sizeof(void *), VISIT_NUMBER);' % (acc, member.name)]
                continue
            if isinstance(member, Bits):
                lines += self.bits(member, acc)
                continue
            lines += self.member(member, owner, siblings, acc, fixed) + self.std(member, acc)
            lines += ['if (w->fill)', '   ((%s *)(uintptr_t)%s%s)->%s = (uint32_t)w->n;' % (
                member.type, acc, member.name, inner[member.name])] if member.name in inner else []
        return lines

    @staticmethod
    def bits(member, acc):
        """Lines for bit fields: all are set, so that whatever counts under a condition does."""
        return ['uint32_t %s = %s;' % (member.name, member.value(acc)),
                'visit_scalar(w, &%s, sizeof(%s), VISIT_NUMBER);' % (member.name, member.name), 'if (w->fill) {',
                '   %s = UINT32_MAX;' % member.name] + indent(member.assign(acc, member.name)) + ['}']

    def std(self, member, acc):
        """Lines that keep a number of a video codec as small as it must be, and tell the structs in it their lengths."""
        whole, lines = acc + member.name, []
        if OUTER in member.std:  # how long arrays are is up to n alone
            lines += ['if (w->fill)', '   %s = (%s)(w->n %% %d);' % (whole, member.type, int(member.std['most']) + 1)]
        elif 'most' in member.std:
            one, each = (whole + '[i]', ['for (unsigned i = 0; w->fill && i < %d; i++)' % self.codec.dimension(member)]) \
                if member.dimensions else (whole, ['if (w->fill)'])
            lines += each + ['   %s = (%s)(%s %% %d);' % (one, member.type, one, int(member.std['most']) + 1)]
        if OUTER in member.std:
            lines += ['w->outer = (uint32_t)%s + 1;' % whole]
        return lines

    def opaque(self, member, acc):
        """Lines for what has no wire form: a struct as far as it is known, room behind other pointers."""
        whole, struct = acc + member.name, self.registry.structs.get(self.registry.resolve(member.type))
        if member.depth == 1 and struct and not member.lengths:
            return ['%s = visit_pointer(w, %s, sizeof(*%s), %s);' % (whole, whole, whole, self.need(member.type))]
        return ['if (w->fill)', '   %s = visit_alloc(w, 1, VISIT_ROOM);' % whole] if member.depth else []

    def counts(self, owner, members):
        """({count: its value}, {pointer: count behind it}) that say how long arrays are."""
        counts, inner = {}, {}
        for member in members:
            for expression in self.scope.lengths(member, owner) if member.depth else []:
                match = re.fullmatch(r'\(?([a-zA-Z_]\w*)(->(\w+))?(.*)', expression)
                if match and match.group(3):
                    inner[match.group(1)] = match.group(3)
                elif match and match.group(4) in COUNTS:
                    counts[match.group(1)] = 'w->n' + COUNTS[match.group(4)]
        return counts, inner

    def member(self, member, owner, siblings, acc, fixed):
        whole, lengths = acc + member.name, self.scope.lengths(member, owner) if member.depth else []
        if member.dimensions and acc == 'a->':  # an array parameter is a pointer in C
            return ['%s = visit_array(w, %s, %d, sizeof(*%s), %s);' % (
                whole, whole, self.codec.dimension(member), whole, self.need(member.type))]
        if lengths:
            return self.array(member, siblings, acc, lengths)
        if member.depth:
            lines = ['%s = visit_pointer(w, %s, sizeof(*%s), %s);' % (whole, whole, whole, self.need(member.type))]
            return lines + (['if (w->fill)', '   *%s = (%s)(%s);' % (whole, member.type, fixed[member.name])]
                            if member.name in fixed else [])
        if member.name in fixed:
            return ['if (w->fill)', '   %s = (%s)(%s);' % (whole, member.type, fixed[member.name])]
        selected = [m for m in siblings if m.selector == member.name and m.type not in UNION_MEMBER]
        if selected:
            values = [self.registry.values[s] for m in self.codec.base(selected[0].type)[1].members for s in m.selection]
            return ['static const int32_t kinds[] = {%s};' % ', '.join(map(str, values)), 'if (w->fill)',
                    '   %s = (%s)kinds[w->turn++ %% %d];' % (whole, member.type, len(values))]
        if member.selector and member.type not in UNION_MEMBER:
            return self.selected(member, acc)
        return self.value(member, acc, owner)

    def value(self, member, acc, owner):
        whole = acc + member.name
        if not member.dimensions:
            return ['%s(w, &%s);' % (self.need(member.type), whole)]
        if len(member.dimensions) > 1:
            return ['for (unsigned i = 0; i < %d; i++)' % self.codec.dimension(member),
                    '   %s(w, (%s *)(void *)&%s + i);' % (self.need(member.type), member.type, whole)]
        if member.type == 'char':
            return ['visit_text(w, %s, sizeof(%s));' % (whole, whole)]
        return ['for (unsigned i = 0; i < %d; i++)' % self.codec.dimension(member),
                '   %s(w, &%s[i]);' % (self.need(member.type), whole)]

    def selected(self, member, acc):
        union, cases = self.codec.base(member.type)[1], []
        for choice in union.members:
            cases += ['case %d:' % self.registry.values[s] for s in choice.selection]
            cases += indent(self.member(choice, union, union.members, '%s%s.' % (acc, member.name), {}) + ['break;'])
        return ['switch ((int32_t)%s%s) {' % (acc, member.selector)] + cases + ['default:', '   break;', '}']

    def array(self, member, siblings, acc, lengths):
        whole = acc + member.name
        if member.is_string() and member.depth == 1:
            return ['%s = visit_string(w, %s);' % (whole, whole)]
        length = self.codec.length(lengths[0], siblings, acc)
        if member.is_string():
            return ['%s = visit_strings(w, (const char **)(uintptr_t)%s, %s);' % (whole, whole, length)]
        element = self.codec.element(member)
        visitor = 'visit_byte' if element == 'uint8_t' else self.need(element)
        if member.depth == 1:
            return ['%s = visit_array(w, %s, %s, sizeof(%s), %s);' % (whole, whole, length, element, visitor)]
        inner = self.codec.length(lengths[1], siblings, acc, 'i')
        return ['%s = visit_array(w, %s, %s, sizeof(void *), NULL);' % (whole, whole, length)] + block(
            'for (uint64_t i = 0; %s && i < %s; i++)' % (whole, length),
            ['const %s **x = (const %s **)(uintptr_t)%s;' % (element, element, whole),
             'x[i] = visit_array(w, x[i], %s, sizeof(%s), %s);' % (inner, element, visitor)])

    def command(self, command):
        name = 'visit_' + command.name
        head = 'static void %s(struct visit *w, void *data)' % name
        self.functions += [head, '{', '   struct vp_cmd_%s *a = data;' % command.name, '   (void)w, (void)a;'] + \
            indent(self.members(command, command.parameters, 'a->')) + ['}', '']
        return name

    def call(self, command):
        """A function that makes up arguments, calls the driver and looks at what it leaves in its outputs."""
        head = 'static VkResult call_%s(struct visit *w)' % command.name
        outputs = [p for p in command.parameters if command.is_output(p)]
        counts = [p for p in outputs if any(p.name in q.lengths for q in command.parameters)]
        outputs = [p for p in outputs if p not in counts]
        lines = ['struct {'] + ['   %s;' % c_parameter(p) for p in command.parameters] + ['} arguments = {0}, *a = &arguments;']
        lines += self.members(command, [p for p in command.parameters if p not in outputs], 'a->')
        looks = self.members(command, outputs, 'a->')
        lines += ['w->output = true;'] + looks + ['w->output = false;'] if looks else []
        returns = {'VkResult': 'const VkResult result = ', 'void': ''}.get(command.result, '(void)')
        lines += ['%s((PFN_%s)visit_entry("%s"))(%s);' % (
            returns, command.name, command.name, ', '.join('a->' + p.name for p in command.parameters))]
        made = makes(self.scope, command)
        if made:
            count = self.codec.length(made.lengths[0], command.parameters, 'a->') if made.lengths else '1'
            lines += ['for (uint64_t i = 0; i < %s; i++) {' % count,
                      '   if (result < 0 && a->%s[i])' % made.name, '      w->dangling++;', '}']
            destroy = 'vkDestroy' + made.type[2:]
            if destroy in self.registry.commands:
                owner = '' if len(self.registry.commands[destroy].parameters) < 3 else 'a->%s, ' % command.parameters[0].name
                lines += ['if (result >= 0)', '   ((PFN_%s)visit_entry("%s"))(%s*a->%s, NULL);' % (
                    destroy, destroy, owner, made.name)]
        elif looks:  # what is returned without an error is used without a further question
            fine = ['w->fill = false;', 'w->output = true;'] + looks + ['w->fill = true;', 'w->output = false;']
            lines += block('if (result >= 0)', fine) if command.result == 'VkResult' else fine
        self.functions += [head, '{'] + indent(lines + ['return %s;' % ('result' if command.result == 'VkResult' else 'VK_SUCCESS')]) + \
            ['}', '']
        return '   {"%s", call_%s, %s},' % (command.name, command.name,
                                           'true' if made and command.row.kind != 'local' else 'false')


def generate_calls(scope):
    """A function that calls each entry point of the driver."""
    visitors = Visitors(scope)
    rows = [visitors.call(c) for c in supported_commands(scope)]
    body = visitors.prototypes + [''] + visitors.functions
    body += ['static const struct visit_call visit_calls[] = {'] + rows + ['};']
    return header('VP_VISIT_CALLS_H', ['"tests/unit/visit.h"', '"client/wsi/platform.h"', '"vp_commands.h"'], body)


def generate(scope):
    """{file: text}"""
    visitors = Visitors(scope)
    commands = scope.wire_commands()
    names = [visitors.command(c) for c in commands]
    body = visitors.prototypes + [''] + visitors.functions
    body += ['/* In the order of vp_check_commands. */', 'static const visit_function visit_commands[] = {'] + [
        '   %s,' % name for name in names] + ['};']
    return {'tests/vp_visit_calls.h': generate_calls(scope), 'tests/vp_visit.h': header('VP_VISIT_H', ['"tests/unit/visit.h"', '"vp_commands.h"'], body)}
