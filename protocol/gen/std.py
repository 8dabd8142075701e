# SPDX-License-Identifier: MIT
"""Reads the structs of video codecs (Std*): from the registry's video.xml, which is in C and has bit fields and pointers
without lengths, and from std.table, which says what is missing there."""

import os
import re
import xml.etree.ElementTree as ElementTree

from table import TableError, lines_of

COLUMNS = ['member', 'words']
WHEN = r'!?[\w.]+(=\d+)?(\|!?[\w.]+(=\d+)?)*'
WORDS = {'there': WHEN, 'count': r'\w+', 'most': r'\d+', 'when': WHEN, 'outer': ''}

OUTER = 'outer'  # a length that the set around a struct says


class Row:
    """What the table says of one member."""

    def __init__(self, line, place):
        self.place = place
        self.member, *cells = line.split()
        self.words = {}
        for cell in cells:
            word, _, value = cell.partition('=')
            if word not in WORDS or word in self.words or not re.fullmatch(WORDS[word], value):
                self.refuse('"%s" says nothing that is known' % cell)
            self.words[word] = value
        if not self.words or self.member.count('.') != 1:
            self.refuse('a row is of a member, and says something')

    def refuse(self, why):
        raise TableError('%s: %s: %s' % (self.place, self.member, why))


def parse(text, name='protocol/std.table'):
    """{member: row}"""
    rows = {}
    for line, place in lines_of(text, name, COLUMNS):
        row = Row(line, place)
        if row.member in rows:
            row.refuse('it is in %s, too' % rows[row.member].place)
        rows[row.member] = row
    return rows


def read(folder):
    with open(os.path.join(folder, 'std.table'), encoding='utf-8') as file:
        return parse(file.read())


class Bits:
    """Bit fields next to each other, which travel as one number, the first in its lowest bits."""

    def __init__(self, first):
        self.name, self.type, self.declaration = first.name, 'uint32_t', first.declaration
        self.fields = []  # (name, first bit, how many)
        self.depth, self.const, self.bitfield, self.dimensions, self.lengths = 0, False, False, [], []
        self.optional, self.noautovalidity, self.values = ['false'], False, ''
        self.selector, self.selection, self.stride, self.std = None, [], None, {}

    def size(self):
        return sum(count for _, _, count in self.fields)

    def is_string(self):
        return False

    def value(self, acc):
        """In C."""
        return ' | '.join('(uint32_t)%s%s << %d' % (acc, name, at) for name, at, _ in self.fields)

    def assign(self, acc, bits):
        """Lines that take the fields out of what is called `bits`."""
        return ['%s%s = %s >> %d & 0x%xu;' % (acc, name, bits, at, (1 << count) - 1) for name, at, count in self.fields]


def join_bits(struct):
    members = []
    for member in struct.members:
        if not member.bitfield:
            members.append(member)
            continue
        count = int(re.search(r':\s*(\d+)', member.declaration).group(1))
        if not members or not isinstance(members[-1], Bits) or members[-1].size() + count > 32:
            members.append(Bits(member))
        members[-1].fields.append((member.name, members[-1].size(), count))
    struct.members = members


def condition(text):
    """When a pointer is there, in C, of v->; None: maybe."""
    def term(match):
        path, number = match.group(2), match.group(4)
        return '%sv->%s%s' % (match.group(1), path, ' == %s' % number if number else '')
    if text == 'maybe':
        return None
    return ' || '.join(re.sub(r'(!?)([a-zA-Z_][\w.]*)(=(\d+))?', term, part) for part in text.split('|'))


def apply(struct, rows):
    """Adds to the members of a struct what the table says of them."""
    names = {m.name for m in struct.members}
    for member in struct.members:
        row = rows.get('%s.%s' % (struct.name, member.name))
        member.std = dict(row.words) if row else {}
        if 'there' in member.std:
            member.optional = ['true']
            member.std['there'] = condition(member.std['there'])
        if 'when' in member.std:
            member.std['when'] = condition(member.std['when'])
        if 'count' in member.std:
            member.lengths = [member.std['count']]
        if row and (bool({'there', 'count'} & set(row.words)) != bool(member.depth) or
                    not set(member.lengths) <= names | {OUTER}):
            row.refuse('that cannot be said of "%s"' % member.declaration)


def add(registry, path, rows):
    """Adds the structs, enums and constants of video.xml to the registry."""
    root = ElementTree.parse(path).getroot()
    before = set(registry.structs)
    registry.read_types(root)
    for node in root.iter('extension'):
        for enum in node.iter('enum'):
            if re.fullmatch(r'\d+|0x[0-9A-Fa-f]+', enum.get('value') or ''):
                registry.constants[enum.get('name')] = int(enum.get('value'), 0)
    for name in set(registry.structs) - before:
        struct = registry.structs[name]
        struct.std = True
        join_bits(struct)
        apply(struct, rows)


def unknown_members(registry, rows):
    """Rows that are of no member."""
    known = {'%s.%s' % (s.name, m.name) for s in registry.structs.values() if s.std for m in s.members}
    return ['%s: %s is no member' % (row.place, member) for member, row in rows.items() if member not in known]
