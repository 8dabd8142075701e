# SPDX-License-Identifier: MIT
"""Writes what makes outputs readable that no reply has filled."""

from layout import Layout
from lines import block
from scope import length_identifiers

# Outputs that programs divide by, whatever else they are.
DIVISORS = {('VkMemoryRequirements', 'alignment')}


class Clearing(Layout):
    def clear_command(self, command):
        """Lines that make the outputs of struct vp_cmd_NAME *a what can be read without a reply: zeros, and no elements
        where the number of elements is an output. Handles are those of the client's own objects."""
        lines = []
        for parameter in self.outputs(command):
            whole, kind = 'a->' + parameter.name, self.base(self.element(parameter))[0]
            lengths = [n for l in parameter.lengths for n in length_identifiers(l)]
            counted = any(command.is_output(p) and p.name in lengths for p in command.parameters)
            if counted or kind == 'handle':
                continue
            count = self.length(parameter.lengths[0], command.parameters, 'a->') if parameter.lengths else '1'
            one = self.clear_value(self.element(parameter), whole + '[i]')
            if kind == 'scalar':
                lines += ['if (%s)' % whole, '   memset(%s, 0, (size_t)%s * sizeof(%s));' % (
                    whole, count, self.element(parameter))]
            elif one:
                lines += block('for (uint64_t i = 0; %s && i < %s; i++)' % (whole, count), one)
        return lines

    def clear_value(self, name, acc):
        kind, what = self.base(name)
        if kind == 'struct' and what.category != 'union':
            return ['%s(&%s);' % (self.need('clear', what), acc)]
        return [] if kind == 'handle' else ['memset(&%s, 0, sizeof(%s));' % (acc, acc)]

    def clear_parts(self, struct):
        lines = []
        for member in struct.body():
            acc = 'v->' + member.name
            if member.depth:
                continue
            if (struct.name, member.name) in DIVISORS:
                lines += ['%s = 1;' % acc]
                continue
            if not member.dimensions or self.base_kind(member) == 'scalar':
                lines += self.clear_value(member.type, acc) if not member.dimensions else [
                    'memset(%s, 0, sizeof(%s));' % (acc, acc)]
            else:
                lines += block('for (unsigned i = 0; i < %d; i++)' % self.dimension(member),
                               self.clear_value(member.type, acc + '[i]'))
        return lines

    def base_kind(self, variable):
        return 'scalar' if variable.type == 'char' else self.base(variable.type)[0]

    def make_clear(self, name, struct):
        chain = ['%s(v->pNext);' % self.need('clear_chain', struct)] if struct.stype and self.nodes(struct) else []
        self.add('void %s(%s *v)' % (name, struct.name), ['(void)v;'] + chain + self.clear_parts(struct))

    def make_clear_self(self, name, struct):
        self.add('void %s(%s *v)' % (name, struct.name), ['(void)v;'] + self.clear_parts(struct))

    def make_clear_chain(self, name, struct):
        cases = []
        for node in self.nodes(struct):
            cases += ['case %du:' % self.stype(node),
                      '   %s((%s *)node);' % (self.need('clear_self', node), node.name), '   break;']
        self.add('void %s(void *next)' % name, block('for (VkBaseOutStructure *node = next; node; node = node->pNext)', block(
            'switch ((uint32_t)node->sType)', cases + ['default:', '   break;'])))
