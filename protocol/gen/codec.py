# SPDX-License-Identifier: MIT
"""Writes C functions that encode and decode structs and commands in the Venus wire format."""

from clear import Clearing
from decode import Decoding
from encode import Encoding
from lines import Item, block, indent, join_items, join_reads, lines_of, runs_of


class Codec(Encoding, Decoding, Clearing):
    """The functions of one side. Asking for a function by name makes it and all that it needs."""

    def __init__(self, scope, prefix):
        super().__init__(scope)
        self.prefix = prefix
        self.side = 'server' if prefix == 'vps' else 'client'  # for messages
        self.inlines, self.prototypes, self.functions = [], [], []
        self.done = set()

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
                checks.append(self.check('a->%s == sizeof(%s)' % (parameter.stride, parameter.type),
                                         '%s is not the size of an element' % parameter.stride))
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
        items = [Item(4, [self.check('vp_get_u32(&p) == %du' % command.number, 'the reply is to another command')])]
        if command.result != 'void':
            items.append(self.decode_value(command.result, 'a->ret', 'into'))
        outputs = self.outputs(command)
        declarations, checks = self.counts(outputs, command, ['full'] * len(outputs)), []
        for parameter in outputs:
            items += self.decode_variable(parameter, command, command.parameters, 'a->', 'into')[0]
            if parameter.lengths:
                length = self.length(parameter.lengths[0], command.parameters, 'a->')
                declarations.append(self.reply_room(parameter, 'a->', length))
                checks.append(self.reply_count_check(parameter, 'a->', length))
        return declarations + join_reads(items) + checks
