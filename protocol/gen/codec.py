# SPDX-License-Identifier: MIT
"""Writes C functions that encode and decode structs and commands in the Venus wire format."""

import re

from scope import SCALARS, SENT_IF, UNION_MEMBER, length_identifiers


def pad4(n):
    return (n + 3) & ~3


def indent(lines, levels=1):
    return [('   ' * levels + line) if line else line for line in lines]


def block(head, lines):
    """head { lines }"""
    return [(head + ' {').strip()] + indent(lines) + ['}']


# Outputs that programs divide by, whatever else they are.
DIVISORS = {('VkMemoryRequirements', 'alignment')}


class Item:
    """Part of an encoder or decoder: C lines that store or read exactly `size` bytes at p and move p behind them, or
    (size None) any C lines. Of encoders: with the elements of `arrays`, (how many in C, the size of one), behind the item
    `head`. `before`: what is declared in front of it."""

    def __init__(self, size, lines, before=(), arrays=(), head=None):
        self.size, self.lines, self.before, self.arrays, self.head = size, lines, before, arrays, head


MAX_RUN = 4096  # VP_ENC_MAX_RUN


class Run:
    """Items that store at p one after another, into space that is reserved at once."""

    def __init__(self):
        self.total, self.arrays, self.before, self.lines = 0, [], [], []

    def add(self, item):
        self.total += item.size
        self.arrays += item.arrays
        self.before += item.before
        self.lines += item.lines

    def size(self):
        """In C."""
        return ' + '.join([str(self.total)] + ['vp_enc_extent(%s, %d)' % array for array in self.arrays])

    def joined(self):
        if self.arrays or self.total > MAX_RUN:
            reserve, lines = 'vp_enc_room', block('if (p)', self.lines + ['(void)p;'])
        else:
            reserve, lines = 'vp_enc_space', self.lines + ['(void)p;']
        return self.before + block('', ['uint8_t *p = %s(e, %s);' % (reserve, self.size())] + lines) if self.lines else self.before


def runs_of(items):
    """Runs, and between them the lines of items that are in none."""
    parts = [Run()]
    for item in [i for item in items for i in (item.head, item) if i]:
        if item.size is None:
            parts += [item.lines, Run()]
        else:
            parts[-1].add(item)
    return parts


def lines_of(parts):
    return [line for part in parts for line in (part.joined() if isinstance(part, Run) else part)]


def join_items(items):
    """Lines for items, one reservation of space for each run of those that store at p."""
    return lines_of(runs_of(items))


def join_reads(items):
    """Lines for items, one check of what is left for each run of fixed-size ones. Without so much, nothing is read."""
    lines, run, total = [], [], 0

    def flush():
        nonlocal run, total
        if run:
            lines.extend(['{', '   const uint8_t *p = vp_dec_take(d, %d);' % total, '   if (p) {'] + indent(run, 2) +
                         ['   }', '}'])
        run, total = [], 0

    for item in items:
        if item.size is None:
            flush()
            lines.extend(item.lines)
        else:
            run += item.lines
            total += item.size
    flush()
    return lines


class Codec:
    """The functions of one side. Asking for a function by name makes it and all that it needs."""

    def __init__(self, scope, prefix):
        self.scope, self.registry, self.prefix = scope, scope.registry, prefix
        self.inlines, self.prototypes, self.functions = [], [], []
        self.done = set()
        self.find, self.blob = 'vp_dec_handle', 'vp_dec_blob'  # what reads ids and arrays that can be copied

    # --- facts about types ----------------------------------------------------------------------------------------

    def base(self, name):
        """What a type is on the wire: ('scalar', T), ('handle', T), ('struct', Struct)."""
        registry = self.registry
        name = registry.resolve(name)
        while name in registry.basetypes:
            name = registry.resolve(registry.basetypes[name])
        if name in SCALARS:
            return 'scalar', name
        if name in registry.enums:
            return 'scalar', 'uint64_t' if registry.enums[name] == 64 else 'int32_t'
        if name in registry.bitmasks:
            return 'scalar', 'uint64_t' if registry.bitmasks[name] == 64 else 'uint32_t'
        if name in registry.handles:
            return 'handle', name
        return 'struct', registry.structs[name]

    def dimension(self, variable):
        text = variable.dimensions[0]
        return int(text) if text.isdigit() else self.registry.constants[text]

    def nodes(self, struct):
        return self.scope.nodes.get(struct.name, [])

    def stype(self, struct):
        return self.scope.stype_value(struct)

    # --- layout ---------------------------------------------------------------------------------------------------
    # What both encoders, both decoders and all that is known of sizes follow.

    def form(self, variable, owner, mode):
        """How a member or parameter is written: 'absent' (a count of 0), 'array', 'pointer', 'nothing', 'fixed' (an
        array in place), 'selected' (a union of which a sibling says what it is) or 'value'."""
        if self.scope.never_sent(variable, owner):
            return 'absent'
        if variable.depth:
            return 'array' if self.scope.lengths(variable, owner) else 'pointer'
        if mode == 'none':
            return 'nothing'
        if variable.dimensions:
            return 'fixed'
        return 'selected' if variable.selector and variable.type not in UNION_MEMBER else 'value'

    def partial_mode(self, variable, siblings):
        """How an output's member is written in a request: 'full', 'partial' or 'none' (only its count, if any)."""
        for other in siblings:
            if not other.dimensions and any(variable.name in length_identifiers(l) for l in other.lengths):
                return 'full'
        if variable.type in ('void', 'char'):
            return 'none'
        kind, what = self.base(variable.type)
        return 'none' if kind == 'scalar' or kind == 'struct' and what.category == 'union' else 'partial'

    def parts(self, struct, partial):
        """(member, mode) of each member that a struct itself has."""
        return [(m, self.partial_mode(m, struct.members) if partial else 'full') for m in struct.body()]

    def extent(self, name, partial=False):
        """(the fewest bytes that one value of the type takes, the bytes that each of ours takes or None)."""
        kind, what = self.base(name)
        if kind == 'scalar':
            return (0, 0) if partial else (SCALARS[what][0],) * 2
        if kind == 'handle':
            return 8, 8
        if what.category == 'union':
            sent = self.variable_extent(what.members[UNION_MEMBER[what.name]], what)
            return self.union_least(what), None if sent[1] is None else 4 + sent[1]
        extents = [self.variable_extent(member, what, mode) for member, mode in self.parts(what, partial)]
        if what.stype:
            extents.append((12, None if self.nodes(what) else 12))
        sizes = [size for _, size in extents]
        return sum(least for least, _ in extents), None if None in sizes else sum(sizes)

    def union_least(self, union):
        return 4 + min(self.variable_extent(m, union)[0] for m in self.union_members(union))

    def variable_extent(self, variable, owner, mode='full'):
        """The same for a member or parameter."""
        form = self.form(variable, owner, mode)
        if form in ('absent', 'array', 'pointer'):
            return 8, 8 if form == 'absent' else None
        if form == 'nothing':
            return 0, 0
        if form == 'selected':
            return self.union_least(self.base(variable.type)[1]), None
        if form == 'value':
            return self.extent(variable.type, mode == 'partial')
        count, (kind, what) = self.dimension(variable), self.base(variable.type) if variable.type != 'char' else (None, None)
        if kind in (None, 'scalar'):
            return (8 + pad4(count * (SCALARS[what][1] if what else 1)),) * 2
        least, size = self.extent(variable.type, mode == 'partial')
        return 8 + count * least, None if size is None else 8 + count * size

    def union_members(self, union):
        """Those that a decoder takes."""
        return [m for m in union.members if self.scope.variable_serializable(m, union)]

    def flat_type(self, name):
        return self.extent(name)[1]

    def flat_variable(self, variable, owner):
        return self.variable_extent(variable, owner)[1]

    def same_in_memory(self, name):
        """Whether an array of the type can be copied as it lies."""
        kind, what = self.base(name)
        return kind == 'scalar' and what != 'size_t'

    def plain(self, name):
        """(size, alignment) of a type whose values look the same in memory and on the wire, or None."""
        kind, what = self.base(name)
        if kind == 'scalar':
            wire, memory = SCALARS[what]
            return (memory, memory) if wire == memory and what != 'size_t' else None
        if kind == 'handle' or what.category == 'union' or what.stype:
            return None
        end, largest = 0, 1
        for member in what.body():
            inner = self.plain(member.type) if self.form(member, what, 'full') == 'value' else None
            if not inner or end % inner[1] or (what.name, member.name) in SENT_IF:
                return None
            end, largest = end + inner[0], max(largest, inner[1])
        return None if end % largest else (end, largest)

    def element(self, variable):
        return 'uint8_t' if variable.type == 'void' else variable.type

    def length(self, expression, siblings, acc, index=None):
        """A length expression as C, a uint64_t."""
        depths = {s.name: s.depth for s in siblings}
        for name, value in self.registry.constants.items():
            expression = re.sub(r'\b%s\b' % name, str(value), expression) if name in expression else expression
        expression = expression.replace('@', index or '')

        def reference(match):
            name, rest = match.group(1), match.group(2) or ''
            whole = acc + name
            if rest.startswith('['):
                return whole + rest
            if rest:
                return '(%s ? %s%s : 0)' % (whole, whole, rest)
            return '(%s ? *%s : 0)' % (whole, whole) if depths.get(name) else whole

        return '(uint64_t)(%s)' % re.sub(r'\b([a-zA-Z_]\w*)((?:\[\w+\]\.\w+)|(?:->\w+))?', reference, expression)

    # --- functions by name ----------------------------------------------------------------------------------------

    def need(self, verb, struct):
        """Makes sure the function exists and gives its name."""
        name = '%s_%s_%s' % (self.prefix, verb, struct.name)
        if name not in self.done:
            self.done.add(name)
            ways, self.find, self.blob = (self.find, self.blob), 'vp_dec_handle', 'vp_dec_blob'
            getattr(self, 'make_' + verb)(name, struct)
            self.find, self.blob = ways
        return name

    def add(self, head, lines, inline=False):
        if inline:
            self.inlines += ['static inline ' + head, '{'] + indent(lines) + ['}', '']
        else:
            self.prototypes.append(head + ';')
            self.functions += [head, '{'] + indent(lines) + ['}', '']

    # --- encoding -------------------------------------------------------------------------------------------------

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
        condition = SENT_IF.get((owner.name, variable.name))
        if condition:
            whole = '(%s) ? %s : VK_NULL_HANDLE' % (condition, whole)
        if not variable.dimensions:
            return self.put_value(variable.type, whole)
        count = self.dimension(variable)
        if variable.type == 'char':
            return ['p = vp_put_text(p, %s, %d);' % (whole, count)]
        if self.same_in_memory(variable.type):
            return ['p = vp_put_fixed(p, %s, %d, sizeof(*%s));' % (whole, count, whole)]
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
            return Item(size, self.put_variable(variable, owner, acc))
        if form == 'array':
            return self.encode_array(variable, owner, siblings, acc, mode)
        if form == 'pointer':
            return self.encode_pointer(variable, whole, mode)
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

    def encode_pointer(self, variable, whole, mode):
        present = 'p = vp_put_u64(p, %s != NULL);' % whole
        if mode == 'none':
            return Item(8, [present])
        inner = self.encode_value(variable.type, '(*%s)' % whole, 'partial' if mode == 'partial' else 'enc')
        if inner.size is not None:
            return Item(8, [present] + (block('if (%s)' % whole, inner.lines) if inner.lines else []),
                        arrays=[('%s != NULL' % whole, inner.size)] if inner.size else [])
        return Item(None, block('if (%s)' % whole, join_items([inner])), head=Item(8, [present]))

    def encode_array(self, variable, owner, siblings, acc, mode):
        whole, lengths = acc + variable.name, self.scope.lengths(variable, owner)
        if variable.is_string():
            if variable.depth == 1:
                return Item(None, ['vp_enc_string(e, %s);' % whole])
            length = self.length(lengths[0], siblings, acc)
            return Item(None, ['vp_enc_string_array(e, %s, %s ? %s : 0);' % (whole, whole, length)])
        condition = SENT_IF.get((owner.name, variable.name))
        present = '%s && %s' % (whole, condition) if condition else whole
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
            self.add_encoder(name, struct, self.encode_head(struct, 'enc_chain') + self.encode_parts(struct, False))

    def make_enc_self(self, name, struct):
        self.add_encoder(name, struct, self.encode_parts(struct, False))

    def make_partial(self, name, struct):
        self.add_encoder(name, struct, self.encode_head(struct, 'partial_chain') + self.encode_parts(struct, True))

    def make_partial_self(self, name, struct):
        self.add_encoder(name, struct, self.encode_parts(struct, True))

    def encode_parts(self, struct, partial):
        return [self.encode_variable(m, struct, struct.members, 'v->', mode) for m, mode in self.parts(struct, partial)]

    def add_encoder(self, name, struct, items):
        self.add('void %s(struct vp_encoder *e, const %s *v)' % (name, struct.name),
                 ['(void)v;'] + (join_items(items) or ['(void)e;']))

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
        lines += ['default:', '   e->failed = true;', '}']
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

    # --- decoding into new memory (requests) and into the application's (replies) -----------------------------------
    # Verbs: 'new' reads into memory that is zeros, 'new_partial' what a request says of an output, 'into' what a reply
    # says of it, 'get' and 'get_into' read values whose size is known at p.

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

    def decode_value(self, name, acc, verb, fresh=False):
        """An item that reads one value into acc. fresh: the handle is that of an object to be made."""
        kind, what = self.base(name)
        if kind == 'scalar':
            return Item(0, []) if verb == 'new_partial' else Item(SCALARS[what][0], [
                '%s = (%s)%s;' % (acc, name, self.scalar_read(name, what))])
        if kind == 'handle':
            if verb in ('into', 'get_into'):
                return Item(8, ['vp_dec_reply_handle(d, &%s, sizeof(%s), vp_get_u64(&p));' % (acc, acc)])
            function = 'vp_dec_new_handle' if fresh or verb == 'new_partial' else self.find
            return Item(8, ['%s = (%s)(uintptr_t)%s(d, %s, vp_get_u64(&p));' % (
                acc, name, function, self.registry.handles[what])])
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
            return [Item(8, ['if (vp_get_u64(&p))', '   vp_dec_fail(d, "%s.%s cannot be sent");' % (
                owner.name, variable.name)])], []
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
        if form == 'fixed':
            return [self.decode_fixed(variable, whole, verb, fresh)], []
        if form == 'selected':
            union = self.base(variable.type)[1]
            return [Item(None, ['%s(d, &%s, %s%s);' % (self.need('new_union', union), whole, acc, variable.selector)])], []
        return [self.decode_value(variable.type, whole, verb, fresh)], []

    def decode_pointer(self, variable, whole, verb, mode, fresh):
        element = self.element(variable)
        if verb == 'into':
            inner = join_reads([self.decode_value(element, '(*%s)' % whole, verb)])
            return block('if (vp_dec_flag(d, n_%s))' % variable.name, [
                'if (!%s)' % whole, '   vp_dec_fail(d, "an output was not asked for");',
                                                 'else {'] + indent(inner) + ['}'])
        inner = [] if mode == 'none' else join_reads([self.decode_value(element, '(*x)', verb, fresh)])
        lines = block('if (vp_dec_flag(d, n_%s))' % variable.name, ['%s *x = vp_dec_alloc(d, 1, sizeof(*x));' % element] +
                      (block('if (x)', inner) if inner else []) + ['%s = x;' % whole])
        if variable.optional[0] != 'true' and not variable.noautovalidity:
            lines += ['if (!%s)' % whole, '   vp_dec_fail(d, "%s is missing");' % variable.name]
        return lines

    def decode_fixed(self, variable, whole, verb, fresh):
        count = self.dimension(variable)
        if variable.type == 'char' or self.same_in_memory(variable.type):
            size = 8 + pad4(count * (1 if variable.type == 'char' else SCALARS[self.base(variable.type)[1]][1]))
            return Item(size, ['p = vp_dec_fixed(d, p, %s, %d, sizeof(*%s));' % (whole, count, whole)] + (
                ['%s[%d] = 0;' % (whole, count - 1)] if variable.type == 'char' else []))
        element = self.decode_value(variable.type, whole + '[i]', verb, fresh)
        loop = 'for (unsigned i = 0; i < %d; i++)' % count
        if element.size is not None:
            return Item(8 + count * element.size, ['if (vp_get_u64(&p) != %d)' % count,
                                                   '   vp_dec_fail(d, "a fixed array has the wrong size");'] +
                        (block(loop, element.lines) if element.lines else []))
        return Item(None, ['vp_dec_count(d, %d);' % count] + block(loop, join_reads([element])))

    def decode_array(self, variable, owner, siblings, acc, lengths, verb, mode, fresh):
        whole, count = acc + variable.name, 'n_' + variable.name
        expected = self.length(lengths[0], siblings, acc) if lengths[0] != 'null-terminated' else None
        may_be_null = 'true' if variable.optional[0] == 'true' or variable.noautovalidity else 'false'
        if verb == 'into':
            return self.decode_into_array(variable, whole), []
        if variable.is_string() and variable.depth == 1:
            lines = ['%s = vp_dec_string(d, %s);' % (whole, count)]
            if may_be_null == 'false':
                lines += ['if (!%s)' % whole, '   vp_dec_fail(d, "%s is missing");' % variable.name]
            return lines, []
        checks = ['vp_dec_check_count(d, %s, %s, %s);' % (count, expected, may_be_null)]
        if variable.is_string():
            return ['%s = vp_dec_string_array(d, %s);' % (whole, count)], checks
        element = self.element(variable)
        if variable.depth == 2:
            return self.decode_array_2(variable, owner, siblings, acc, lengths, checks)
        if mode == 'full' and self.same_in_memory(element):
            return ['%s = %s(d, %s, sizeof(%s));' % (whole, self.blob, count, element)], checks
        item = Item(0, []) if mode == 'none' else self.decode_value(element, 'x[i]', verb, fresh)
        least = 0 if mode == 'none' else self.extent(element, mode == 'partial')[0]
        lines = block('if (vp_dec_has(d, %s, %d))' % (count, least), self.decode_elements(element, count, item) + ['%s = x;' % whole])
        return lines, checks

    def decode_elements(self, element, count, item, index='i', array='x'):
        """Lines that read so many elements, of which there are enough bytes, into new memory."""
        loop = 'uint64_t %s = 0; %%s && %s < %s%%s; %s++' % (index, index, count, index)
        if item.size:
            return ['%s *%s = vp_dec_room(d, %s, sizeof(*%s));' % (element, array, count, array),
                    'const uint8_t *p = %s ? vp_dec_take(d, %s * %d) : NULL;' % (array, count, item.size)] + \
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
        known = [s for s in siblings if '[' in lengths[1] and s.name == lengths[1].split('[')[0]]
        guard = ' && %s%s' % (acc, known[0].name) if known else ''
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
        lines = ['if (n_%s > cap_%s)' % (name, name), '   vp_dec_fail(d, "a reply has more elements than were asked for");']
        if self.same_in_memory(element):
            return lines + ['vp_dec_bytes(d, %s, n_%s, sizeof(%s));' % (whole, name, element)]
        return lines + block('for (uint64_t i = 0; vp_dec_has(d, n_%s - i, %d); i++)' % (name, least), join_reads([
            self.decode_value(element, whole + '[i]', 'into')]))

    def decode_body(self, struct, verb, partial, head):
        """Lines for all members after an item for the head: declarations, reads, checks."""
        parts = self.parts(struct, partial)
        declarations, items, checks = self.counts([m for m, _ in parts], struct, [mode for _, mode in parts]), list(head), []
        for member, mode in parts:
            read, checked = self.decode_variable(member, struct, struct.members, 'v->', verb, mode)
            items += read
            checks += checked
            lengths = self.scope.lengths(member, struct)
            if verb == 'into' and member.depth and lengths and not member.is_string():
                length = self.length(lengths[0], struct.members, 'v->')
                declarations.append('const uint64_t cap_%s = v->%s ? %s : 0;' % (member.name, member.name, length))
                checks += self.reply_count_check(member, 'v->', length)
        return declarations + join_reads(items) + checks

    @staticmethod
    def reply_count_check(variable, acc, length):
        """That the count of a reply, which the application trusts, is not more than it has room for."""
        return ['if (%s%s && %s > cap_%s)' % (acc, variable.name, length, variable.name),
                '   vp_dec_fail(d, "a reply counts more elements than were asked for");']

    def read_stype(self, struct, fresh):
        lines = ['if (vp_get_u32(&p) != %du)' % self.stype(struct), '   vp_dec_fail(d, "a struct has the wrong sType");']
        return lines + (['v->sType = (VkStructureType)%du;' % self.stype(struct), 'v->pNext = NULL;'] if fresh else [])

    @staticmethod
    def read_no_chain(struct):
        return ['if (vp_get_u64(&p))', '   vp_dec_fail(d, "%s takes no chain");' % struct.name]

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
        lines = ['if (vp_dec_u32(d) != (uint32_t)selector)', '   vp_dec_fail(d, "a union is not what its struct says");',
                 'switch ((uint32_t)selector) {']
        for member in union.members:
            if member.selection:
                labels = ['case %su:' % (self.registry.values[s] & 0xffffffff) for s in member.selection]
                lines += self.decode_case(labels, member, union, 'new')
        lines += ['default:', '   vp_dec_fail(d, "a union has an unknown member");', '}']
        self.add('void %s(struct vp_decoder *d, %s *v, int64_t selector)' % (name, union.name), lines)

    # A chain's functions begin behind the flag that says that there is a node.

    def make_new_chain(self, name, struct, self_verb='new_self'):
        cases = []
        for node in self.nodes(struct):
            cases += ['case %du: {' % self.stype(node),
                      '   %s *v = vp_dec_alloc(d, 1, sizeof(*v));' % node.name,
                      '   if (v) {',
                      '      v->sType = (VkStructureType)%du;' % self.stype(node),
                      '      if (vp_dec_flag(d, vp_dec_u64(d)))',
                      '         v->pNext = %s(d);' % name,
                      '      %s(d, v);' % self.need(self_verb, node),
                      '   }',
                      '   node = v;',
                      '   break;',
                      '}']
        lines = ['void *node = NULL;', 'if (vp_dec_enter(d)) {', '   switch (vp_dec_u32(d)) {'] + indent(cases) + \
            ['   default:', '      vp_dec_fail(d, "%s has a chain node that is unknown here");' % struct.name, '   }', '}',
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
            ['default:', '   vp_dec_fail(d, "%s has a chain node that is unknown here");' % struct.name, '}', 'vp_dec_leave(d);']
        self.add('void %s(struct vp_decoder *d, void *next)' % name, lines)

    # --- outputs without a reply --------------------------------------------------------------------------------------

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

    # --- commands -----------------------------------------------------------------------------------------------------

    def request_modes(self, command):
        """How each parameter is written in a request."""
        modes = []
        for parameter in command.parameters:
            output = command.is_output(parameter)
            modes.append(self.partial_mode(parameter, command.parameters) if output else 'full')
        return modes

    def request_items(self, command):
        items = [Item(4, ['p = vp_put_u32(p, %du);' % command.number]), Item(4, ['p = vp_put_u32(p, flags);'])]
        for parameter, mode in zip(command.parameters, self.request_modes(command)):
            strided = [p for p in command.parameters if p.stride == parameter.name]
            if strided:  # the elements are sent tightly
                items.append(Item(4, ['p = vp_put_u32(p, (uint32_t)sizeof(%s));' % strided[0].type]))
            else:
                items.append(self.encode_parameter(parameter, command, mode))
        return items

    def encode_request(self, command):
        """(lines that return how much room a request needs at its beginning, lines that write it there and go on)."""
        first, *rest = runs_of(self.request_items(command))
        counts = [line for line in first.before if line.split()[2] in [count for count, _ in first.arrays]]
        return (counts + ['return %s;' % first.size()],
                first.before + block('', ['uint8_t *p = room;'] + first.lines + ['(void)p;']) + lines_of(rest))

    def encode_parameter(self, parameter, command, mode):
        if parameter.dimensions:  # an array parameter is a pointer in C
            count = self.dimension(parameter)
            return Item(8 + count * 4, ['p = vp_put_fixed(p, a->%s, %d, sizeof(*a->%s));' % (
                parameter.name, count, parameter.name)])
        return self.encode_variable(parameter, command, command.parameters, 'a->', mode)

    def decode_request(self, command, fresh, first=()):
        """Lines that read a request, after its number and flags, into struct vp_cmd_NAME *a. first: the items of its
        first parameters, if they are special."""
        modes = self.request_modes(command)
        plain = [p for p in command.parameters if not p.dimensions]
        declarations = self.counts(plain, command, [m for p, m in zip(command.parameters, modes) if not p.dimensions])
        items, checks = list(first), []
        for parameter, mode in list(zip(command.parameters, modes))[len(first):]:
            if parameter.dimensions:
                count = self.dimension(parameter)
                items.append(Item(None, [
                    '{', '   vp_dec_count(d, %d);' % count,
                    '   %s *x = vp_dec_alloc(d, %d, sizeof(*x));' % (parameter.type, count), '   if (x)',
                    '      vp_dec_bytes(d, x, %d, sizeof(*x));' % count, '   a->%s = x;' % parameter.name, '}']))
                continue
            read, checked = self.decode_variable(parameter, command, command.parameters, 'a->', 'new', mode,
                                                 parameter.name in fresh)
            items += read
            checks += checked
            if parameter.stride:
                checks += ['if (a->%s != sizeof(%s))' % (parameter.stride, parameter.type),
                           '   vp_dec_fail(d, "%s is not the size of an element");' % parameter.stride]
        return declarations + join_reads(items) + checks

    def decode_recorded(self, command, fresh):
        """The same for a recorded command, which is to be fast: vps_find_target() and vps_find_handle() find its own
        objects, and its arrays stay where they are."""
        assert command.result == 'void' and not self.outputs(command), command.name
        target = command.parameters[0]
        read = 'a->%s = (%s)(uintptr_t)vps_find_target(d, vp_get_u64(&p));' % (target.name, target.type)
        self.find, self.blob = 'vps_find_handle', 'vp_dec_view'
        lines = self.decode_request(command, fresh, [Item(8, [read])])
        self.find, self.blob = 'vp_dec_handle', 'vp_dec_blob'
        return lines

    def outputs(self, command):
        return [p for p in command.parameters if command.is_output(p)]

    def encode_reply(self, command):
        items = [Item(4, ['p = vp_put_u32(p, %du);' % command.number])]
        if command.result != 'void':
            items.append(self.encode_value(command.result, 'a->ret'))
        for parameter in self.outputs(command):
            items.append(self.encode_variable(parameter, command, command.parameters, 'a->'))
        return join_items(items)

    def decode_reply(self, command):
        items = [Item(4, ['if (vp_get_u32(&p) != %du)' % command.number,
                          '   vp_dec_fail(d, "the reply is to another command");'])]
        if command.result != 'void':
            items.append(self.decode_value(command.result, 'a->ret', 'into'))
        outputs = self.outputs(command)
        declarations, checks = self.counts(outputs, command, ['full'] * len(outputs)), []
        for parameter in outputs:
            items += self.decode_variable(parameter, command, command.parameters, 'a->', 'into')[0]
            if parameter.lengths:
                length = self.length(parameter.lengths[0], command.parameters, 'a->')
                declarations.append('const uint64_t cap_%s = a->%s ? %s : 0;' % (parameter.name, parameter.name, length))
                checks += self.reply_count_check(parameter, 'a->', length)
        return declarations + join_reads(items) + checks
