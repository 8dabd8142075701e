# SPDX-License-Identifier: MIT
"""Writes decoders of structs and values: into new memory, of requests, and into the application's, of replies."""

from layout import Layout, pad4
from lines import Item, block, indent, join_reads
from scope import MAY_BE_EMPTY, SCALARS
from std import Bits


# Structs that a function looks at when a server has read them with their chain.
LOOKED_AT = {'VkVideoProfileInfoKHR': ('vp_video_profile_is_whole', 'the profile of a video lacks what its codec needs')}


class Decoding(Layout):
    """Verbs: 'new' reads into memory that is zeros, 'new_partial' what a request says of an output, 'into' what a reply
    says of it, 'get' and 'get_into' read values whose size is known at p."""

    find, blob = 'vp_dec_handle', 'vp_dec_blob'  # what reads ids and arrays that can be copied

    def read_size(self, name):
        """How many bytes a decoder reads for a value of the type in full, or None."""
        kind, what = self.base(name)
        if kind == 'struct' and (what.category == 'union' or any(
                not m.depth and self.read_size(m.type) is None for m in what.body() if m.type != 'char')):
            return None  # others may send another member of a union
        return self.flat_type(name)

    def scalar_read(self, name, what):
        if name == 'VkImageLayout':
            return 'vp_dec_image_layout(d, vp_get_u32(&p))'
        return 'vp_get_%s(&p)' % ({'float': 'f32', 'double': 'f64'}.get(what) or
                                  ('u64' if SCALARS[what][0] == 8 else 'u32'))

    def decode_value(self, name, acc, verb, fresh=False, needed=None):
        """An item that reads one value into acc. fresh: the handle is that of an object to be made. needed: what it is called
        if it is a handle that must be there."""
        kind, what = self.base(name)
        if kind == 'scalar':
            return Item(0, []) if verb == 'new_partial' else Item(SCALARS[what][0], [
                '%s = (%s)%s;' % (acc, name, self.scalar_read(name, what))])
        if kind == 'handle':
            if verb in ('into', 'get_into'):
                return Item(8, ['vp_dec_reply_handle(d, &%s, sizeof(%s), vp_get_u64(&p));' % (acc, acc)])
            function = 'vp_dec_new_handle' if fresh or verb == 'new_partial' else self.find
            number = 'vp_dec_needed(d, vp_get_u64(&p), "%s is missing")' % needed if needed else 'vp_get_u64(&p)'
            return Item(8, ['%s = (%s)(uintptr_t)%s(d, %s, %s);' % (acc, name, function, self.registry.handles[what], number)])
        size = None if verb == 'new_partial' else self.read_size(name)
        if size is None:
            return Item(None, ['%s(d, &%s);' % (self.need(verb, what), acc)])
        get = {'new': 'get', 'into': 'get_into'}.get(verb, verb)
        return Item(size, ['p = %s(d, p, &%s);' % (self.need(get, what), acc)])

    def make_get(self, name, struct, verb='get'):
        """Reads a struct of which the size is known."""
        lines = ['(void)d, (void)v;']
        if struct.stype:
            lines += self.read_stype(struct, verb == 'get') + self.read_no_chain(struct)
        for member in struct.body():
            for item in self.decode_variable(member, struct, struct.members, 'v->', verb)[0]:
                lines += item.lines
        self.add('const uint8_t *%s(struct vp_decoder *d, const uint8_t *p, %s *v)' % (name, struct.name),
                 lines + ['return p;'], inline=True)

    def make_get_into(self, name, struct):
        self.make_get(name, struct, 'get_into')

    def counts(self, variables, owner, modes):
        """Declarations of n_NAME, the count that was read, for arrays and pointers."""
        return ['uint64_t n_%s = 0;' % v.name for v, mode in zip(variables, modes)
                if self.form(v, owner, mode) in ('array', 'pointer')]

    def decode_variable(self, variable, owner, siblings, acc, verb, mode='full', fresh=False):
        """(items that read a member or parameter, checks at the end)"""
        whole, form = acc + variable.name, self.form(variable, owner, mode)
        count = Item(8, ['n_%s = vp_get_u64(&p);' % variable.name])
        if form == 'absent':
            return [Item(8, [self.check('!vp_get_u64(&p)', '%s.%s cannot be sent' % (owner.name, variable.name))])], []
        if mode == 'partial':
            verb = 'new_partial'
        if form == 'array':
            lengths = self.scope.lengths(variable, owner)
            lines, checks = self.decode_array(variable, owner, siblings, acc, lengths, verb, mode, fresh)
            return [count, Item(None, lines)], checks
        if form == 'pointer':
            return [count, Item(None, self.decode_pointer(variable, whole, verb, mode, fresh))], []
        if form == 'nothing':
            return [], []
        if form == 'opaque':
            return [Item(8, ['%s = (void *)(uintptr_t)vp_get_u64(&p);' % whole])], []
        if form == 'fixed':
            return [self.decode_fixed(variable, whole, verb, fresh)], []
        if isinstance(variable, Bits):
            return [Item(4, block('', ['const uint32_t bits = vp_get_u32(&p);'] + variable.assign(acc, 'bits')))], []
        if variable.std:
            return self.decode_std(variable, acc, verb)
        if form == 'selected':
            union = self.base(variable.type)[1]
            return [Item(None, ['%s(d, &%s, %s%s);' % (self.need('new_union', union), whole, acc, variable.selector)])], []
        return [self.decode_value(variable.type, whole, verb, fresh, self.needed(variable, owner, verb, fresh))], []

    def decode_std(self, variable, acc, verb):
        """The same for a number of a video codec."""
        item = self.decode_value(variable.type, acc + variable.name, verb)
        if 'most' in variable.std:
            unless = '!(%s) || ' % variable.std['when'] if 'when' in variable.std else ''
            item.lines.append(self.check('%s(uint32_t)%s%s <= %s' % (unless, acc, variable.name, variable.std['most']),
                                         '%s is too large' % variable.name))
        item.lines += self.tell_outer(variable, acc, 'd')
        return [item], []

    def most_of_all(self, variable, whole, count):
        """Lines that look at each element of an array in place whose numbers must be small."""
        if 'most' not in variable.std:
            return []
        return ['for (unsigned i = 0; i < %d; i++)' % count,
                '   ' + self.check('%s[i] <= %s' % (whole, variable.std['most']), '%s is too large' % variable.name)]

    def needed(self, variable, owner, verb, fresh):
        """What to call a handle that must be there, or None. Those that are parameters themselves are looked at later."""
        inside = owner.name in self.registry.structs or bool(variable.lengths)
        return variable.name if inside and verb in ('new', 'get') and not fresh and self.scope.needs_handle(variable, owner) else None

    def decode_pointer(self, variable, whole, verb, mode, fresh):
        element = self.element(variable)
        if verb == 'into':
            inner = join_reads([self.decode_value(element, '(*%s)' % whole, verb)])
            return block('if (vp_dec_asked(d, n_%s, %s))' % (variable.name, whole), inner)
        inner = [] if mode == 'none' else join_reads([self.decode_value(element, '(*x)', verb, fresh)])
        lines = block('if (vp_dec_flag(d, n_%s))' % variable.name, ['%s *x = vp_dec_alloc(d, 1, sizeof(*x));' % element] +
                      (block('if (x)', inner) if inner else []) + ['%s = x;' % whole])
        if variable.optional[0] != 'true' and not variable.noautovalidity:
            lines.append(self.check(whole, '%s is missing' % variable.name))
        return lines

    def decode_fixed(self, variable, whole, verb, fresh):
        count = self.dimension(variable)
        if variable.type == 'char' or self.same_in_memory(variable.type):
            size = 8 + pad4(count * (1 if variable.type == 'char' else SCALARS[self.base(variable.type)[1]][1]))
            array, element_size = self.place(variable, whole)
            return Item(size, ['p = vp_dec_fixed(d, p, %s, %d, %s);' % (array, count, element_size)] + (
                ['%s[%d] = 0;' % (whole, count - 1)] if variable.type == 'char' else []) + self.most_of_all(variable, whole, count))
        element = self.decode_value(variable.type, whole + '[i]', verb, fresh)
        loop = 'for (unsigned i = 0; i < %d; i++)' % count
        if element.size is not None:
            return Item(8 + count * element.size, [
                self.check('vp_get_u64(&p) == %d' % count, 'a fixed array has the wrong size')] + (block(loop, element.lines) if element.lines else []))
        return Item(None, ['vp_dec_count(d, %d);' % count] + block(loop, join_reads([element])))

    def decode_array(self, variable, owner, siblings, acc, lengths, verb, mode, fresh):
        whole, count = acc + variable.name, 'n_' + variable.name
        expected = self.length(lengths[0], siblings, acc) if lengths[0] != 'null-terminated' else None
        may_be_null = 'true' if self.scope.array_may_be_null(variable, owner) else 'false'
        if verb == 'into':
            return self.decode_into_array(variable, whole), []
        if variable.is_string() and variable.depth == 1:
            lines = ['%s = vp_dec_string(d, %s);' % (whole, count)]
            if may_be_null == 'false':
                lines.append(self.check(whole, '%s is missing' % variable.name))
            return lines, []
        checks = ['vp_dec_check_count(d, %s, %s, %s);' % (count, expected, may_be_null)]
        if variable.is_string():
            return ['%s = vp_dec_string_array(d, %s);' % (whole, count)], checks
        element = self.element(variable)
        if variable.depth == 2:
            return self.decode_array_2(variable, owner, siblings, acc, lengths, checks)
        if mode == 'full' and self.same_in_memory(element):
            return ['%s = %s(d, %s, sizeof(%s));' % (whole, self.blob, count, element)], checks
        item = Item(0, []) if mode == 'none' else self.decode_value(element, 'x[i]', verb, fresh,
                                                                    self.needed(variable, owner, verb, fresh))
        least = 0 if mode == 'none' else self.extent(element, mode == 'partial')[0]
        lines = block('if (vp_dec_has(d, %s, %d))' % (count, least), self.decode_elements(element, count, item) + ['%s = x;' % whole])
        return lines, checks

    def decode_elements(self, element, count, item, index='i', array='x'):
        """Lines that read so many elements, of which there are enough bytes, into new memory."""
        loop = 'uint64_t %s = 0; %%s && %s < %s%%s; %s++' % (index, index, count, index)
        if item.size:
            kind, what = self.base(element)
            # what is between bit fields is zero, too
            take = 'vp_dec_alloc' if kind == 'struct' and what.std else 'vp_dec_room'
            return ['%s *%s = %s(d, %s, sizeof(*%s));' % (element, array, take, count, array),
                    'const uint8_t *p = vp_dec_take(d, %s * %d);' % (count, item.size)] + \
                block('for (%s)' % loop % ('p', ''), item.lines)
        lines = ['%s *%s = vp_dec_alloc(d, %s, sizeof(*%s));' % (element, array, count, array)]
        return lines + (block('for (%s)' % loop % (array, ' && !d->error'), join_reads([item])) if item.lines else [])

    def decode_array_2(self, variable, owner, siblings, acc, lengths, checks):
        """An array of pointers to arrays."""
        whole, count, element = acc + variable.name, 'n_' + variable.name, variable.type
        inner_length = self.length(lengths[1], siblings, acc, 'i')
        if self.same_in_memory(element):
            fill = ['x[i] = vp_dec_blob(d, n, sizeof(%s));' % element]
        else:
            fill = block('if (vp_dec_has(d, n, %d))' % self.extent(element)[0], self.decode_elements(
                element, 'n', self.decode_value(element, 'y[j]', 'new'), 'j', 'y') + ['x[i] = y;'])
        # An array of structs that say it may have fewer elements than it should, which is found out later.
        known = [s for s in siblings if '[' in lengths[1] and s.name == lengths[1].split('[')[0]]
        guard = ' && %s%s && i < n_%s' % (acc, known[0].name, known[0].name) if known else ''
        loop = block('for (uint64_t i = 0; x && i < %s && !d->error; i++)' % count,
                     ['const uint64_t n = vp_dec_u64(d);'] + fill +
                     ['if (!d->error%s && i < %s)' % (guard, self.length(lengths[0], siblings, acc)),
                      '   vp_dec_check_count(d, n, %s, false);' % inner_length])
        lines = block('if (vp_dec_has(d, %s, 8))' % count, ['const %s **x = vp_dec_alloc(d, %s, sizeof(*x));' % (element, count)] + loop +
                       ['%s = x;' % whole])
        return lines, checks

    def decode_into_array(self, variable, whole):
        """A reply's array goes where the application wants it; cap_ is what it has room for."""
        element, name = self.element(variable), variable.name
        least = SCALARS[self.base(element)[1]][1] if self.same_in_memory(element) else self.extent(element)[0]
        lines = [self.check('n_%s <= cap_%s' % (name, name), 'a reply has more elements than were asked for')]
        if self.same_in_memory(element):
            return lines + ['vp_dec_bytes(d, %s, n_%s, sizeof(%s));' % (whole, name, element)]
        return lines + block('for (uint64_t i = 0; i < cap_%s && vp_dec_has(d, n_%s - i, %d); i++)' % (name, name, least), join_reads([
            self.decode_value(element, whole + '[i]', 'into')]))

    def decode_body(self, struct, verb, partial, head):
        """Lines for all members after an item for the head: declarations, reads, checks."""
        parts = self.parts(struct, partial)
        declarations, items, checks = self.counts([m for m, _ in parts], struct, [mode for _, mode in parts]), list(head), []
        declarations += self.outer(struct, 'd')
        for member, mode in parts:
            read, checked = self.decode_variable(member, struct, struct.members, 'v->', verb, mode)
            items += read
            checks += checked
            needed = self.scope.needed_if(member)
            if needed:
                empty = ' || !%s' % self.length(member.lengths[0], struct.members, 'v->') if member.lengths else ''
                checks.append(self.check('!(%s)%s || v->%s' % (needed, empty, member.name), '%s is missing' % member.name))
            lengths = self.scope.lengths(member, struct)
            if verb == 'into' and member.depth and lengths and not member.is_string():
                length = self.length(lengths[0], struct.members, 'v->')
                declarations.append(self.reply_room(member, 'v->', length))
                checks.append(self.reply_count_check(member, 'v->', length))
        return declarations + join_reads(items) + checks

    @staticmethod
    def check(condition, error):
        """A line that refuses the data unless the condition, a value or a pointer, is true."""
        return 'vp_dec_require(d, %s, "%s");' % (condition, error)

    @staticmethod
    def reply_room(variable, acc, length):
        """Declares for how many elements of a reply the application has room."""
        return 'const uint64_t cap_%s = vp_dec_cap(%s%s, %s);' % (variable.name, acc, variable.name, length)

    def reply_count_check(self, variable, acc, length):
        """That the count of a reply, which the application trusts, is not more than it has room for."""
        return self.check('vp_dec_cap(%s%s, %s) <= cap_%s' % (acc, variable.name, length, variable.name),
                          'a reply counts more elements than were asked for')

    def read_stype(self, struct, fresh):
        lines = [self.check('vp_get_u32(&p) == %du' % self.stype(struct), 'a struct has the wrong sType')]
        return lines + (['v->sType = (VkStructureType)%du;' % self.stype(struct), 'v->pNext = NULL;'] if fresh else [])

    def read_no_chain(self, struct):
        return [self.check('!vp_get_u64(&p)', '%s takes no chain' % struct.name)]

    def decode_head(self, struct, chain_verb):
        """Items for sType and chain."""
        if not struct.stype:
            return []
        into = chain_verb == 'into_chain'
        items = [Item(4, self.read_stype(struct, not into))]
        if not self.nodes(struct):
            return items + [Item(8, self.read_no_chain(struct))]
        call = ('%s(d, v->pNext);' if into else 'v->pNext = %s(d);') % self.need(chain_verb, struct)
        return items + [Item(8, ['chained = vp_get_u64(&p);']), Item(None, ['if (vp_dec_flag(d, chained))', '   ' + call])]

    def make_decoder(self, name, struct, verb, chain_verb=None, partial=False):
        if struct.category == 'union':
            lines = self.decode_union(struct, verb)
        else:
            lines = ['uint64_t chained = 0;'] if chain_verb and struct.stype and self.nodes(struct) else []
            lines += self.decode_body(struct, verb, partial, self.decode_head(struct, chain_verb) if chain_verb else [])
        if verb == 'new' and chain_verb == 'new_chain' and struct.name in LOOKED_AT:
            function, error = LOOKED_AT[struct.name]
            lines.append(self.check('%s(v)' % function, error))
        self.add('void %s(struct vp_decoder *d, %s *v)' % (name, struct.name), lines + ['(void)d, (void)v;'])

    def make_new(self, name, struct):
        self.make_decoder(name, struct, 'new', 'new_chain')

    def make_new_self(self, name, struct):
        self.make_decoder(name, struct, 'new')

    def make_new_partial(self, name, struct):
        self.make_decoder(name, struct, 'new', 'new_partial_chain', True)

    def make_new_partial_self(self, name, struct):
        self.make_decoder(name, struct, 'new', partial=True)

    def make_into(self, name, struct):
        self.make_decoder(name, struct, 'into', 'into_chain')

    def make_into_self(self, name, struct):
        self.make_decoder(name, struct, 'into')

    def decode_union(self, union, verb):
        lines = ['switch (vp_dec_u32(d)) {']
        for index, member in enumerate(union.members):
            if member in self.union_members(union):
                lines += self.decode_case(['case %d:' % index], member, union, verb)
        return lines + ['default:', '   vp_dec_fail(d, "a union has an unknown member");', '}']

    def decode_case(self, labels, member, union, verb):
        items, _ = self.decode_variable(member, union, union.members, 'v->', verb)
        lines = self.counts([member], union, ['full']) + join_reads(items) + ['break;']
        return labels[:-1] + block(labels[-1], lines)

    def make_new_union(self, name, union):
        lines = [self.check('vp_dec_u32(d) == (uint32_t)selector', 'a union is not what its struct says'),
                 'switch ((uint32_t)selector) {']
        for member in union.members:
            if member.selection:
                labels = ['case %su:' % (self.registry.values[s] & 0xffffffff) for s in member.selection]
                lines += self.decode_case(labels, member, union, 'new')
        other = 'break;' if union.name in MAY_BE_EMPTY else 'vp_dec_fail(d, "a union has an unknown member");'
        lines += ['default:', '   ' + other, '}']
        self.add('void %s(struct vp_decoder *d, %s *v, int64_t selector)' % (name, union.name), lines)

    # A chain's functions begin behind the flag that says that there is a node.

    def make_new_chain(self, name, struct, self_verb='new_self'):
        cases = []
        for node in self.nodes(struct):
            cases += ['case %du:' % self.stype(node),
                      '   if ((node = vp_dec_node(d, type, sizeof(%s), next, %s)))' % (node.name, 'false' if node.repeats else 'true'),
                      '      %s(d, (%s *)node);' % (self.need(self_verb, node), node.name),
                      '   break;']
        lines = ['void *node = NULL;', 'if (vp_dec_enter(d)) {',
                 '   const uint32_t type = vp_dec_u32(d);',
                 '   void *next = vp_dec_flag(d, vp_dec_u64(d)) ? %s(d) : NULL;' % name,
                 '   switch (type) {'] + indent(cases) + [
            '   default:', '      vp_dec_fail(d, "%s has a chain node that the %s does not know");' % (struct.name, self.side), '   }', '}',
            'vp_dec_leave(d);', 'return node;']
        self.add('void *%s(struct vp_decoder *d)' % name, lines)

    def make_new_partial_chain(self, name, struct):
        self.make_new_chain(name, struct, 'new_partial_self')

    def make_into_chain(self, name, struct):
        cases = []
        for node in self.nodes(struct):
            cases += ['case %du:' % self.stype(node), '   %s(d, (%s *)node);' % (self.need('into_self', node), node.name),
                      '   break;']
        lines = ['if (!vp_dec_enter(d))', '   return;',
                 'const uint32_t type = vp_dec_u32(d);',
                 'VkBaseOutStructure *node = next;',
                 'while (node && (uint32_t)node->sType != type)',
                 '   node = node->pNext;',
                 'if (!node) {',
                 '   vp_dec_fail(d, "a reply has a chain node that was not asked for");',
                 '   return;',
                 '}',
                 'if (vp_dec_flag(d, vp_dec_u64(d)))',
                 '   %s(d, node->pNext);' % name,
                 'switch (type) {'] + cases + \
            ['default:', '   vp_dec_fail(d, "%s has a chain node that the %s does not know");' % (struct.name, self.side), '}', 'vp_dec_leave(d);']
        self.add('void %s(struct vp_decoder *d, void *next)' % name, lines)
