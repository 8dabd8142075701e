# SPDX-License-Identifier: MIT
"""Reads the Vulkan registry (vk.xml) and our additions (private.xml) into plain objects."""

import os
import re
import xml.etree.ElementTree as ElementTree

import std


class Variable:
    """A struct member or a command parameter."""

    def __init__(self, node):
        text = _declaration(node)
        self.name = node.find('name').text
        self.type = node.find('type').text
        before, after = re.match(r'(.*)\b%s\b(.*)' % re.escape(self.name), text, re.S).groups()
        self.depth = before.count('*')
        # a const before the last star makes what is pointed to constant
        self.const = 'const' in before.rsplit('*', 1)[0] if self.depth else False
        self.declaration = ' '.join(text.split())
        self.bitfield = bool(re.match(r'\s*:', after))
        self.dimensions = [d.strip() for d in re.findall(r'\[([^\]]+)\]', after)]
        length = node.get('altlen') or node.get('len')
        self.lengths = length.split(',') if length else []
        self.optional = (node.get('optional') or 'false').split(',')
        self.noautovalidity = node.get('noautovalidity') == 'true'
        self.values = (node.get('values') or '').split(',')[0]
        self.selector = node.get('selector')
        self.selection = (node.get('selection') or '').split(',') if node.get('selection') else []
        self.stride = node.get('stride')
        self.std = {}  # what std.table says of it

    def is_string(self):
        return self.type == 'char' and bool(self.lengths) and self.lengths[-1] == 'null-terminated'


class Struct:
    def __init__(self, name, category, members, extends):
        self.name, self.category, self.members, self.extends = name, category, members, extends
        first = members[0] if members else None
        self.stype = first.values if first and first.name == 'sType' and first.values else None
        self.own = False  # declared by private.xml, not by vulkan.h
        self.std = False  # of a video codec: without sType, and with bit fields and arrays of arrays
        self.repeats = False  # may be in a chain several times

    def body(self):
        """The members that travel as the struct's own: all but sType and pNext."""
        return self.members[2:] if self.stype else self.members


class Command:
    def __init__(self, name, result, parameters):
        self.name, self.result, self.parameters = name, result, parameters
        self.own = False

    def is_output(self, parameter):
        return parameter.depth > 0 and not parameter.const

    def looks_at_others(self):
        """Whether it concerns other command buffers than its own."""
        return any(p.type == 'VkCommandBuffer' for p in self.parameters[1:])


class Extension:
    def __init__(self, node):
        self.name = node.get('name')
        self.number = int(node.get('number'))
        self.kind = node.get('type')
        self.platform = node.get('platform')
        self.promoted_to = node.get('promotedto')
        self.spec_version = 0
        self.types, self.commands = set(), set()  # of (name, condition)
        for enum in node.iter('enum'):
            if enum.get('name', '').endswith('_SPEC_VERSION') and enum.get('value', '').isdigit():
                self.spec_version = int(enum.get('value'))
        _collect_requirements(node, self)


class Feature:
    """A core version of the API, 'VK_VERSION_1_3' being (1, 3)."""

    def __init__(self, node):
        self.name = node.get('name')
        self.version = tuple(int(n) for n in node.get('number').split('.'))
        self.types, self.commands = set(), set()  # of (name, condition)
        _collect_requirements(node, self)


class Registry:
    def __init__(self, path, private_path, std_rows=None):
        self.handles = {}      # name -> VkObjectType enumerant
        self.dispatchable = set()
        self.parents = {}      # handle -> the handle that it belongs to
        self.enums = {}        # enum type -> 32 or 64
        self.bitmasks = {}     # bitmask type -> 32 or 64
        self.basetypes = {}    # basetype -> C type it stands for
        self.structs = {}      # structs and unions
        self.commands = {}
        self.extensions = {}
        self.features = []
        self.aliases = {}      # types and commands
        self.constants = {}
        self.values = {}       # enumerant -> number
        self.formats = {}      # VkFormat enumerant -> (bytes per block, (width, height, depth), formats of its planes)
        self.subsampling = {}  # VkFormat enumerant -> (by what the width of its last plane is divided, and its height)
        self.header_version = None
        root = ElementTree.parse(path).getroot()
        self._read(root)
        self._read_extensions(root)
        video = os.path.join(os.path.dirname(path), 'video.xml')
        self.has_video = os.path.exists(video)
        if self.has_video:
            std.add(self, video, std_rows or {})
        private = ElementTree.parse(private_path).getroot()
        known = set(self.structs), set(self.commands)
        self._read(private)
        for name in set(self.structs) - known[0]:
            self.structs[name].own = True
        for name in set(self.commands) - known[1]:
            self.commands[name].own = True

    def resolve(self, name):
        while name in self.aliases:
            name = self.aliases[name]
        return name

    def read_types(self, root):
        for node in root.iter('type'):
            if _for_vulkan(node) and node.get('category'):
                self._read_type(node)
        for node in root.iter('enums'):
            if node.get('type') in ('enum', 'bitmask'):
                self.enums[node.get('name')] = int(node.get('bitwidth') or 32)
            for enum in node.findall('enum'):
                self._read_enum(enum, None)

    def _read(self, root):
        self.read_types(root)
        for node in list(root.iter('feature')) + list(root.iter('extension')):
            for enum in node.iter('enum'):
                if enum.get('extends'):
                    self._read_enum(enum, node.get('number'))
        for node in root.iter('format'):
            if node.get('blockSize'):
                extent = tuple(int(n) for n in (node.get('blockExtent') or '1,1,1').split(','))
                self.formats[node.get('name')] = (int(node.get('blockSize')), extent,
                                                  [p.get('compatible') for p in node.findall('plane')])
                for plane in node.findall('plane'):
                    self.subsampling[node.get('name')] = int(plane.get('widthDivisor')), int(plane.get('heightDivisor'))
        commands = root.find('commands')
        for node in commands.findall('command') if commands is not None else []:
            if _for_vulkan(node):
                self._read_command(node)

    def _read_type(self, node):
        category = node.get('category')
        name = node.get('name') or (node.find('name').text if node.find('name') is not None else None)
        if category == 'define' and name == 'VK_HEADER_VERSION':
            self.header_version = int(re.search(r'(\d+)\s*$', _declaration(node)).group(1))
        elif category == 'define' and name == 'VK_HEADER_VERSION_COMPLETE':
            numbers = re.search(r'VERSION\((?:\d+, )?(\d+), (\d+), VK_HEADER', _declaration(node)).groups()
            self.api_version = tuple(int(n) for n in numbers)
        elif node.get('alias'):
            self.aliases[name] = node.get('alias')
        elif category in ('struct', 'union'):
            members = [Variable(m) for m in node.findall('member') if _for_vulkan(m)]
            self.structs[name] = Struct(name, category, members, (node.get('structextends') or '').split(','))
            self.structs[name].repeats = node.get('allowduplicate') == 'true'
        elif category == 'handle':
            self.handles[name] = node.get('objtypeenum')
            self.parents[name] = node.get('parent')
            if node.find('type').text == 'VK_DEFINE_HANDLE':
                self.dispatchable.add(name)
        elif category == 'enum':
            self.enums.setdefault(name, 32)
        elif category == 'bitmask':
            self.bitmasks[name] = 64 if node.find('type').text == 'VkFlags64' else 32
        elif category == 'basetype' and node.find('type') is not None and 'typedef' in _declaration(node):
            self.basetypes[name] = node.find('type').text

    def _read_enum(self, node, extension_number):
        name = node.get('name')
        if node.get('alias') or not _for_vulkan(node):
            if node.get('alias'):
                self.aliases.setdefault(name, node.get('alias'))
            return
        number = None
        if node.get('bitpos'):
            number = 1 << int(node.get('bitpos'))
        elif node.get('offset'):
            extension = int(node.get('extnumber') or extension_number)
            number = 1000000000 + (extension - 1) * 1000 + int(node.get('offset'))
            number = -number if node.get('dir') == '-' else number
        elif re.fullmatch(r'-?(0x[0-9a-fA-F]+|\d+)', node.get('value') or ''):
            number = int(node.get('value'), 0)
            self.constants[name] = number
        if number is not None:
            self.values[name] = number

    def _read_command(self, node):
        if node.get('alias'):
            self.aliases[node.get('name')] = node.get('alias')
            return
        name = node.find('proto/name').text
        parameters = [Variable(p) for p in node.findall('param') if _for_vulkan(p)]
        self.commands[name] = Command(name, node.find('proto/type').text, parameters)

    def _read_extensions(self, root):
        for node in root.iter('extension'):
            supported = (node.get('supported') or '').split(',')
            if 'vulkan' in supported:
                extension = Extension(node)
                self.extensions[extension.name] = extension
        for node in root.findall('feature'):
            if 'vulkan' in node.get('api').split(','):
                self.features.append(Feature(node))


def _for_vulkan(node):
    return 'api' not in node.attrib or 'vulkan' in node.get('api').split(',')


def _declaration(node):
    """The C text of a node without its comments."""
    parts = [node.text or '']
    for child in node:
        if child.tag != 'comment':
            parts.append(child.text or '')
        parts.append(child.tail or '')
    return ''.join(parts)


def _collect_requirements(node, owner):
    """(name, condition) of all that a feature or extension brings; the condition is a `depends` text or None."""
    for require in node.findall('require'):
        if not _for_vulkan(require):
            continue
        condition = require.get('depends') or require.get('extension')
        owner.types.update((t.get('name'), condition) for t in require.findall('type'))
        owner.commands.update((c.get('name'), condition) for c in require.findall('command'))
