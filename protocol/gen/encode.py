# SPDX-License-Identifier: MIT
"""Writes encoders of structs and values."""

from layout import Layout
from lines import Item, block, indent, join_items
from scope import MAY_BE_EMPTY, OPAQUE, SCALARS, UNION_MEMBER
from std import Bits


class Encoding(Layout):
    """Verbs: 'enc' writes in full, 'partial' what a request says of an output, 'put' values whose size is known at p."""

    def handle_id(self, acc):
        return 'vp_object_id((uint64_t)(uintptr_t)(%s))' % acc if self.prefix == 'vpc' else '(uint64_t)(uintptr_t)(%s)' % acc

    def put_value(self, name, acc):
        """Lines that store one value of a flat type at p."""
        kind, what = self.base(name)
        if kind == 'handle':
            return ['p = vp_put_u64(p, %s);' % self.handle_id(acc)]
        if kind == 'struct':
            return ['p = %s(p, &%s);' % (self.need('put', what), acc)]
        put = {'float': 'f32', 'double': 'f64'}.get(what) or ('u64' if SCALARS[what][0] == 8 else 'u32')
        cast = '' if put[0] == 'f' else '(uint%s_t)' % put[1:]
        return ['p = vp_put_%s(p, %s%s);' % (put, cast, acc)]

    def put_variable(self, variable, owner, acc):
        if self.scope.never_sent(variable, owner):
            return ['p = vp_put_u64(p, 0);']
        whole = acc + variable.name
        if (owner.name, variable.name) in OPAQUE:
            return ['p = vp_put_u64(p, (uint64_t)(uintptr_t)%s);' % whole]
        if isinstance(variable, Bits):
            return ['p = vp_put_u32(p, %s);' % variable.value(acc)]
        condition = self.scope.sent_if(variable, owner)
        if condition:
            whole = '(%s) ? %s : VK_NULL_HANDLE' % (condition, whole)
        if not variable.dimensions:
            return self.put_value(variable.type, whole)
        count = self.dimension(variable)
        if variable.type == 'char':
            return ['p = vp_put_text(p, %s, %d);' % (whole, count)]
        if self.same_in_memory(variable.type):
            array, size = self.place(variable, whole)
            return ['p = vp_put_fixed(p, %s, %d, %s);' % (array, count, size)]
        return ['p = vp_put_u64(p, %d);' % count] + \
            block('for (unsigned i = 0; i < %d; i++)' % count, self.put_value(variable.type, whole + '[i]'))

    def make_put(self, name, struct):
        lines = []
        if struct.category == 'union':
            index = UNION_MEMBER[struct.name]
            lines = ['p = vp_put_u32(p, %d);' % index] + self.put_variable(struct.members[index], struct, 'v->')
        else:
            if struct.stype:
                lines = ['p = vp_put_u32(p, %du);' % self.stype(struct), 'p = vp_put_u64(p, 0);']
            for member in struct.body():
                lines += self.put_variable(member, struct, 'v->')
        self.add('uint8_t *%s(uint8_t *p, const %s *v)' % (name, struct.name), ['(void)v;'] + lines + ['return p;'], inline=True)

    def encode_value(self, name, acc, verb='enc'):
        """An item for one value that is not an array."""
        kind, what = self.base(name)
        if verb == 'enc' and self.flat_type(name) is not None:
            return Item(self.flat_type(name), self.put_value(name, acc))
        if kind == 'handle':
            return Item(8, self.put_value(name, acc))
        if kind == 'scalar':
            return Item(0, [])
        return Item(None, ['%s(e, &%s);' % (self.need(verb, what), acc)])

    def encode_variable(self, variable, owner, siblings, acc, mode='full'):
        """An item for a member or parameter: mode 'full', 'partial' or 'none'."""
        whole, form = acc + variable.name, self.form(variable, owner, mode)
        size = self.variable_extent(variable, owner, mode)[1]
        if form == 'absent' or mode == 'full' and size is not None:
            return Item(size, self.put_variable(variable, owner, acc) + self.tell_outer(variable, acc, 'e'))
        if form == 'array':
            return self.encode_array(variable, owner, siblings, acc, mode)
        if form == 'pointer':
            return self.encode_pointer(variable, owner, whole, mode)
        if form == 'nothing':
            return Item(0, [])
        if form == 'fixed':
            return self.encode_fixed(variable, whole, 'partial' if mode == 'partial' else 'enc')
        if form == 'selected':
            union = self.base(variable.type)[1]
            return Item(None, ['%s(e, &%s, %s%s);' % (self.need('enc_union', union), whole, acc, variable.selector)])
        return self.encode_value(variable.type, whole, 'partial' if mode == 'partial' else 'enc')

    def encode_fixed(self, variable, whole, verb):
        count = self.dimension(variable)
        inner = join_items([self.encode_value(variable.type, whole + '[i]', verb)])
        return Item(None, block('for (unsigned i = 0; i < %d; i++)' % count, inner) if inner else [],
                    head=Item(8, ['p = vp_put_u64(p, %d);' % count]))

    def encode_pointer(self, variable, owner, whole, mode):
        condition = self.scope.sent_if(variable, owner)
        there = '%s != NULL' % whole if not condition else '%s != NULL && (%s)' % (whole, condition)
        present = 'p = vp_put_u64(p, %s);' % there
        if mode == 'none':
            return Item(8, [present])
        inner = self.encode_value(variable.type, '(*%s)' % whole, 'partial' if mode == 'partial' else 'enc')
        if inner.size is not None:
            return Item(8, [present] + (block('if (%s)' % there, inner.lines) if inner.lines else []),
                        arrays=[(there, inner.size)] if inner.size else [])
        return Item(None, block('if (%s)' % there, join_items([inner])), head=Item(8, [present]))

    def encode_array(self, variable, owner, siblings, acc, mode):
        whole, lengths = acc + variable.name, self.scope.lengths(variable, owner)
        if variable.is_string():
            if variable.depth == 1:
                return Item(None, ['vp_enc_string(e, %s);' % whole])
            length = self.length(lengths[0], siblings, acc)
            return Item(None, ['vp_enc_string_array(e, %s, %s ? %s : 0);' % (whole, whole, length)])
        condition = self.scope.sent_if(variable, owner)
        present = '%s && (%s)' % (whole, condition) if condition else whole
        count = 'n_' + variable.name
        before = ['const uint64_t %s = %s ? %s : 0;' % (count, present, self.length(lengths[0], siblings, acc))]
        head = ['p = vp_put_u64(p, %s);' % count]
        if mode == 'none':
            return Item(8, head, before)
        verb = 'partial' if mode == 'partial' else 'enc'
        size = self.element_size(variable, verb) if variable.depth == 1 else None
        if size is not None:
            return Item(8, head + self.put_elements(variable, whole, count, verb, 'i'), before, [(count, size)])
        if variable.depth == 2:
            inner = self.length(lengths[1], siblings, acc, 'i')
            lines = block('for (uint64_t i = 0; i < %s && !e->failed; i++)' % count,
                           ['const uint64_t n = %s[i] ? %s : 0;' % (whole, inner), 'vp_enc_u64(e, n);'] +
                           self.encode_elements(variable, whole + '[i]', 'n', 'enc', 'j'))
        else:
            lines = self.encode_elements(variable, whole, count, verb, 'i')
        return Item(None, lines, head=Item(8, head, before))

    def element_size(self, variable, verb):
        """How many bytes each element of an array takes, or None."""
        element = self.element(variable)
        if verb == 'enc' and self.same_in_memory(element):
            return SCALARS[self.base(element)[1]][1]
        return self.flat_type(element) if verb == 'enc' or self.base(element)[0] == 'handle' else None

    def put_elements(self, variable, whole, count, verb, index):
        """Lines that store elements of which each takes as much at p."""
        element = self.element(variable)
        if verb == 'enc' and not variable.stride and (self.same_in_memory(element) or self.plain(element)):
            return ['p = vp_put_array(p, %s, %s, sizeof(%s));' % (whole, count, element)]
        item = '%s[%s]' % (whole, index)
        if variable.stride:
            item = '((const %s *)(const void *)((const uint8_t *)%s + %s * a->%s))[0]' % (
                element, whole, index, variable.stride)
        return block('for (uint64_t %s = 0; %s < %s; %s++)' % (index, index, count, index), self.put_value(element, item))

    def encode_elements(self, variable, whole, count, verb, index):
        size = self.element_size(variable, verb)
        if size is not None:
            return join_items([Item(0, self.put_elements(variable, whole, count, verb, index), arrays=[(count, size)])])
        inner = join_items([self.encode_value(self.element(variable), '%s[%s]' % (whole, index), verb)])
        return block('for (uint64_t %s = 0; %s < %s && !e->failed; %s++)' % (index, index, count, index), inner)

    def make_enc(self, name, struct):
        if struct.category == 'union':
            index = UNION_MEMBER[struct.name]
            self.add_encoder(name, struct, [Item(4, ['p = vp_put_u32(p, %d);' % index]),
                                            self.encode_variable(struct.members[index], struct, struct.members, 'v->')])
        else:
            self.add_encoder(name, struct, self.encode_head(struct, 'enc_chain') + self.encode_parts(struct, False),
                             self.outer(struct, 'e'))

    def make_enc_self(self, name, struct):
        self.add_encoder(name, struct, self.encode_parts(struct, False))

    def make_partial(self, name, struct):
        self.add_encoder(name, struct, self.encode_head(struct, 'partial_chain') + self.encode_parts(struct, True))

    def make_partial_self(self, name, struct):
        self.add_encoder(name, struct, self.encode_parts(struct, True))

    def encode_parts(self, struct, partial):
        return [self.encode_variable(m, struct, struct.members, 'v->', mode) for m, mode in self.parts(struct, partial)]

    def add_encoder(self, name, struct, items, declarations=()):
        self.add('void %s(struct vp_encoder *e, const %s *v)' % (name, struct.name),
                 ['(void)v;', *declarations] + (join_items(items) or ['(void)e;']))

    def encode_head(self, struct, chain_verb):
        if not struct.stype:
            return []
        head = Item(4, ['p = vp_put_u32(p, %du);' % self.stype(struct)])
        if not self.nodes(struct):
            return [head, Item(8, ['p = vp_put_u64(p, 0);'])]
        return [head, Item(None, ['%s(e, v->pNext);' % self.need(chain_verb, struct)])]

    def make_enc_union(self, name, union):
        lines = ['vp_enc_u32(e, (uint32_t)selector);', 'switch ((uint32_t)selector) {']
        for member in union.members:
            for selection in member.selection:
                lines += ['case %su:' % (self.registry.values[selection] & 0xffffffff)]
            lines += indent(['{'] + indent(join_items([self.encode_variable(member, union, union.members, 'v->')])) + [
                '} break;'])
        lines += ['default:', '   break;' if union.name in MAY_BE_EMPTY else '   e->failed = true;', '}']
        self.add('void %s(struct vp_encoder *e, const %s *v, int64_t selector)' % (name, union.name), lines)

    def make_enc_chain(self, name, struct, self_verb='enc_self', chain_verb='enc_chain'):
        cases = []
        for node in self.nodes(struct):
            gate = self.gate_condition(node)
            body = ['vp_enc_u64(e, 1);', 'vp_enc_u32(e, %du);' % self.stype(node),
                    '%s(e, node->pNext);' % self.need(chain_verb, struct),
                    '%s(e, (const %s *)node);' % (self.need(self_verb, node), node.name), 'return;']
            cases += ['case %du:' % self.stype(node)]
            cases += indent((['if (!(%s))' % gate, '   break;'] if gate else []) + body)
        loop = ['switch ((uint32_t)node->sType) {'] + cases + ['default:', '   break;', '}']
        lines = ['for (const VkBaseInStructure *node = next; node; node = node->pNext) {'] + indent(loop) + \
            ['}', 'vp_enc_u64(e, 0);']
        self.add('void %s(struct vp_encoder *e, const void *next)' % name, lines)

    def make_partial_chain(self, name, struct):
        self.make_enc_chain(name, struct, 'partial_self', 'partial_chain')

    def gate_condition(self, node):
        version, numbers = self.scope.gate(node)
        if numbers:
            return ' || '.join('vp_enc_peer_has(e, %d)' % n for n in numbers)
        if version:
            return 'vp_enc_peer_has_version(e, VK_MAKE_API_VERSION(0, %d, %d, 0))' % version
        return None
