# SPDX-License-Identifier: MIT
"""How types look on the wire and in memory: what all encoders and decoders follow."""

import re

from scope import MAY_BE_EMPTY, OPAQUE, SCALARS, UNION_MEMBER, length_identifiers
from std import OUTER, Bits


def pad4(n):
    return (n + 3) & ~3


class Layout:
    def __init__(self, scope):
        self.scope, self.registry = scope, scope.registry

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
        """How many elements an array in place has, in all its dimensions."""
        count = 1
        for text in variable.dimensions:
            count *= int(text) if text.isdigit() else self.registry.constants[text]
        return count

    def nodes(self, struct):
        return self.scope.nodes.get(struct.name, [])

    def stype(self, struct):
        return self.scope.stype_value(struct)

    # --- layout ---------------------------------------------------------------------------------------------------
    # What both encoders, both decoders and all that is known of sizes follow.

    def form(self, variable, owner, mode):
        """How a member or parameter is written: 'absent' (a count of 0), 'array', 'pointer', 'nothing', 'fixed' (an
        array in place), 'selected' (a union of which a sibling says what it is), 'opaque' (a pointer that is a number)
        or 'value'."""
        if (owner.name, variable.name) in OPAQUE:
            return 'nothing' if mode == 'none' else 'opaque'
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
        least = 0 if union.name in MAY_BE_EMPTY else min(self.variable_extent(m, union)[0] for m in self.union_members(union))
        return 4 + least

    def variable_extent(self, variable, owner, mode='full'):
        """The same for a member or parameter."""
        form = self.form(variable, owner, mode)
        if form in ('absent', 'array', 'pointer'):
            return 8, 8 if form == 'absent' else None
        if form == 'nothing':
            return 0, 0
        if form == 'opaque':
            return 8, 8
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
            if not inner or end % inner[1] or isinstance(member, Bits) or self.scope.sent_if(member, what):
                return None
            end, largest = end + inner[0], max(largest, inner[1])
        return None if end % largest else (end, largest)

    def outer(self, struct, cursor):
        """A declaration, where a length of the struct is one that the set around it says."""
        uses = any(OUTER in m.lengths for m in struct.members)
        return ['const uint32_t %s = %s->%s;' % (OUTER, cursor, OUTER)] if uses else []

    @staticmethod
    def tell_outer(variable, acc, cursor):
        """Tells the structs in it how long such arrays are."""
        return ['%s->%s = (uint32_t)%s%s + 1;' % (cursor, OUTER, acc, variable.name)] if OUTER in variable.std else []

    @staticmethod
    def place(variable, whole):
        """An array in place, of any dimensions, as what functions take that know the size of its elements."""
        several = len(variable.dimensions) > 1
        return '&%s' % whole if several else whole, 'sizeof(%s)' % variable.type if several else 'sizeof(*%s)' % whole

    def element(self, variable):
        return 'uint8_t' if variable.type == 'void' else variable.type

    def length(self, expression, siblings, acc, index=None):
        """A length expression as C, a uint64_t."""
        if expression == OUTER:
            return '(uint64_t)%s' % OUTER
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
