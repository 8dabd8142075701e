# SPDX-License-Identifier: MIT
"""Reads the tables that say how both sides treat each command and each extension, and refuses what contradicts itself."""

import os
import re

COLUMNS = ['number', 'command', 'kind', 'client', 'server', 'words']
EXTENSION_COLUMNS = ['extension', 'kind', 'reason']
EXTENSION_KINDS = ('venus', 'hide', 'add', 'local')

KINDS = {
    'async': 'sent, returns at once', 'sync': 'waits for its reply', 'cached': 'asked once, then answered from memory',
    'prefetched': 'asked with others when the instance is created',
    'record': 'written into the command buffer', 'local': 'answered by the client, or said with other commands',
    'transport': 'not used over a network', 'none': 'not offered',
}
TRAVELS = ('async', 'sync', 'cached', 'prefetched', 'record')
CLIENT = ('gen', 'hand', '-')
SERVER = ('gen', 'optional', 'hand', 'refuse')

# Where a command says itself what it writes to: an offset and a size, members of arrays or not.
RANGE = 'offset+size'
RANGE_FORM = re.compile(r'((?:\w+\.)*)(\w+)\+(\w+)')

# The words, and what each may say (None: names, which the registry knows).
FLAGS = ('observed', 'make', 'say', 'finish')
WORDS = {
    'writes': (RANGE, 'nothing', 'images', 'layouts', 'draw', 'dispatch', 'trace', 'everything', 'observed'),
    'poison': ('hand',), 'after': ('pipelines',), 'called': ('instance', 'device'),
    'changes': None, 'ids': None, 'spoils': None, 'extension': None, 'was': None,
}

# Numbers below are those of Venus, from OURS on they are ours.
OURS, LOW_COUNT, HIGH_COUNT = 0x10000, 512, 4096


class TableError(Exception):
    """Something in the tables that cannot be right."""


class Row:
    """What the table says of one command."""

    def __init__(self, line, place):
        self.line, self.place = line, place
        cells = line.split()
        if len(cells) < 5:
            self.refuse('a row has number, command, kind, client, server')
        number, self.command, self.kind, self.client, self.server = cells[:5]
        self.number = self.read_number(number)
        self.words = {}
        for cell in cells[5:]:
            self.read_word(cell)
        self.check()

    def refuse(self, why):
        raise TableError('%s: %s' % (self.place, why))

    def read_number(self, text):
        if text == '-':
            return None
        try:
            number = int(text, 0)
        except ValueError:
            self.refuse('"%s" is no number' % text)
        if not (0 <= number < LOW_COUNT or OURS <= number < OURS + HIGH_COUNT):
            self.refuse('%s is neither a number of Venus nor one of ours' % text)
        return number

    def read_word(self, cell):
        word, equals, value = cell.partition('=')
        values = value.split(',')
        if word in self.words:
            self.refuse('"%s" is there twice' % word)
        if equals if word in FLAGS else word not in WORDS or not all(values):
            self.refuse('"%s" says nothing that is known' % cell)
        for one in values:
            if WORDS.get(word) and one not in WORDS[word] and not (RANGE in WORDS[word] and RANGE_FORM.fullmatch(one)):
                self.refuse('%s is one of %s, not "%s"' % (word, ', '.join(WORDS[word]), one))
        self.words[word] = value if equals else True

    def get(self, word):
        """A word's value, or None."""
        return self.words.get(word)

    def names(self, word):
        """A word's values."""
        return self.words[word].split(',') if word in self.words else []

    def range(self):
        """(path of the arrays, member that is the offset, one that is the size) of what it writes to, or None."""
        match = RANGE_FORM.fullmatch(self.get('writes') or '')
        return (match.group(1).split('.')[:-1], match.group(2), match.group(3)) if match else None

    @property
    def observed(self):
        return 'observed' in self.words or self.get('writes') == 'observed'

    @property
    def makes(self):
        return self.command.startswith('vkCreate')

    @property
    def ends(self):
        return self.command.startswith('vkDestroy')

    @property
    def is_recorded(self):
        return self.command.startswith('vkCmd') and self.kind == 'record'

    def check(self):
        """That the row does not contradict itself."""
        for word, value, known in (('kind', self.kind, KINDS), ('client', self.client, CLIENT), ('server', self.server, SERVER)):
            if value not in known:
                self.refuse('%s is one of %s, not "%s"' % (word, ', '.join(known), value))
        served = self.server != 'refuse'
        refusals = [
            (self.client == 'gen' and not served and self.kind != 'local', 'the client would say what the server refuses'),
            (self.kind in TRAVELS and not served, 'the server refuses what travels; if it does not, its kind is local'),
            (self.kind not in TRAVELS and served, 'the server would execute what never travels'),
            (self.kind not in TRAVELS + ('local',) and self.client == 'gen', 'the client would say what never travels'),
            (self.kind == 'local' and self.client == 'gen' and not self.makes and not self.ends,
             'only the creation and the destruction of an object are local and generated'),
            (self.kind == 'transport' and self.client != '-', 'a command of a transport has no entry point'),
            (self.kind in TRAVELS and self.number is None, 'what travels has a number'),
            (bool({'make', 'say'} & set(self.words)) and not (self.makes and self.client == 'gen'),
             'only a creation that is generated makes something'),
            ('finish' in self.words and not self.ends, 'only a destruction finishes something'),
            (self.kind == 'prefetched' and self.client == 'gen', 'what is prefetched is answered by hand'),
            (self.is_recorded and 'writes' not in self.words, 'what does it write to?'),
            (not self.is_recorded and 'writes' in self.words, 'only what is recorded may write'),
            ('changes' in self.words and not (self.is_recorded and self.server == 'gen'),
             'changes of queries and events are noted where the recording is generated'),
            (self.get('writes') == 'observed' and 'observed' in self.words, 'observed once is enough'),
            (self.observed and not served, 'what is refused cannot be observed'),
            ('ids' in self.words and self.server != 'hand', 'only a handler wants ids'),
            ('poison' in self.words and self.server != 'hand', 'only a handler can look after poison'),
            ('spoils' in self.words and (not served or self.is_recorded), 'this is never left out at the server'),
            ('called' in self.words and served, 'what is served is called anyway'),
            ('after' in self.words and (not served or self.is_recorded), 'this does not come after pipelines'),
        ]
        for wrong, why in refusals:
            if wrong:
                self.refuse('%s: %s' % (self.command, why))


class Extension:
    """What the table of extensions says of one."""

    def __init__(self, line, place):
        self.name, self.kind, *reason = line.split(None, 2) if len(line.split()) > 1 else (line.strip(), '')
        self.reason = reason[0].strip() if reason else ''
        if self.kind not in EXTENSION_KINDS:
            raise TableError('%s: kind is one of %s, not "%s"' % (place, ', '.join(EXTENSION_KINDS), self.kind))


def lines_of(text, name, columns):
    """(line, where it is) of each row."""
    lines = [(line, '%s:%d' % (name, n)) for n, line in enumerate(text.split('\n'), 1)
             if line.strip() and not line.startswith('#')]
    if not lines or lines[0][0].split() != columns:
        raise TableError('%s begins with the names of its columns: %s' % (name, ' '.join(columns)))
    return lines[1:]


def parse_extensions(text, name='protocol/extensions.table'):
    """{name: extension}"""
    extensions = {}
    for line, place in lines_of(text, name, EXTENSION_COLUMNS):
        extension = Extension(line, place)
        if extension.name in extensions:
            raise TableError('%s: %s has a row already' % (place, extension.name))
        extensions[extension.name] = extension
    return extensions


def parse_commands(text, name='protocol/commands.table'):
    """The rows of a table."""
    rows, numbers, names = [], {}, {}
    for line, place in lines_of(text, name, COLUMNS):
        row = Row(line, place)
        for key, known in [(row.number, numbers)] + [(command, names) for command in [row.command] + row.names('was')]:
            if key is not None and key in known:
                row.refuse('%s is in %s, too' % (key, known[key].place))
            known[key] = row
        rows.append(row)
    return rows


def read(folder):
    """(rows of commands, {name: extension})"""
    def text(name):
        with open(os.path.join(folder, name), encoding='utf-8') as file:
            return file.read()
    return parse_commands(text('commands.table')), parse_extensions(text('extensions.table'))
