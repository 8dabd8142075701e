# SPDX-License-Identifier: MIT
"""Writes tests/e2e/features' table of all that a registry says of GPUs: the structs, their members, what brings them.

usage: table.py REGISTRY OUTPUT
"""

import os
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')
sys.path.insert(0, os.path.join(SOURCE, 'protocol', 'gen'))

from registry import Registry  # noqa: E402

ROOTS = {
    'VkPhysicalDeviceFeatures2': 'ROOT_FEATURES', 'VkPhysicalDeviceProperties2': 'ROOT_PROPERTIES',
    'VkPhysicalDeviceMemoryProperties2': 'ROOT_MEMORY', 'VkQueueFamilyProperties2': 'ROOT_QUEUE_FAMILY',
    'VkFormatProperties2': 'ROOT_FORMAT',
}
KINDS = {
    'char': 'KIND_TEXT', 'uint8_t': 'KIND_U8', 'uint16_t': 'KIND_U16', 'uint32_t': 'KIND_U32', 'int32_t': 'KIND_I32',
    'float': 'KIND_F32', 'uint64_t': 'KIND_U64', 'int64_t': 'KIND_I64', 'size_t': 'KIND_SIZE',
}


class Table:
    def __init__(self, registry):
        self.registry = registry
        self.lines, self.described = [], set()
        self.versions, self.extensions = {}, {}
        for feature in registry.features:
            for name, _ in feature.types:
                self.versions.setdefault(registry.resolve(name), feature.version)
        for extension in sorted(registry.extensions.values(), key=lambda e: e.name):
            for name, _ in extension.types:
                self.extensions.setdefault(registry.resolve(name), []).append(extension)

    def kind(self, member):
        name = self.registry.resolve(member.type)
        while name in self.registry.basetypes:
            name = self.registry.basetypes[name]
        if name in self.registry.structs and self.registry.structs[name].category == 'struct':
            return 'KIND_STRUCT'
        if name in self.registry.enums or name in self.registry.bitmasks:
            wide = self.registry.enums.get(name, 32) == 64 or self.registry.bitmasks.get(name, 32) == 64
            return 'KIND_U64' if wide else 'KIND_U32' if name in self.registry.bitmasks else 'KIND_I32'
        return KINDS.get(name)

    def describe(self, name):
        """Makes descriptions of a struct and of those in it; whether it can be described."""
        if name in self.described:
            return True
        struct, rows = self.registry.structs[name], []
        for member in struct.body():
            kind = self.kind(member)
            if kind is None or member.depth > 1 or len(member.dimensions) > 1 or member.depth and not member.lengths:
                return False
            nested = self.registry.resolve(member.type) if kind == 'KIND_STRUCT' else None
            if nested and not self.describe(nested):
                return False
            rows.append('   {"%s", %s, offsetof(%s, %s), %s, %s, %s},' % (
                member.name, kind, name, member.name, member.dimensions[0] if member.dimensions else '1',
                '&about_%s' % nested if nested else 'NULL',
                'offsetof(%s, %s)' % (name, member.lengths[0]) if member.depth else '0'))
        self.described.add(name)
        self.lines += ['static const struct member members_%s[] = {' % name] + rows + ['};']
        self.lines.append('static const struct description about_%s = {"%s", sizeof(%s), members_%s, %d, %s};' % (
            name, name, name, name, len(rows), struct.stype or '(VkStructureType)0'))
        return True

    def providers(self, name):
        """The core version and the extensions that bring a struct, without those of other systems; None: nothing does."""
        version = self.versions.get(name)
        extensions = [e for e in self.extensions.get(name, []) if e.platform in (None, 'provisional')]
        return (version, extensions) if version or extensions else None

    def chain(self, root):
        """The rows of all structs that can be in the chain of one."""
        rows = []
        for name, struct in sorted(self.registry.structs.items()):
            if root not in [self.registry.resolve(r) for r in struct.extends if r] or not struct.stype:
                continue
            found = self.providers(name)
            if found and self.describe(name):
                version, extensions = found
                rows.append('   {&about_%s, %s, %s, "%s"},' % (
                    name, ROOTS[root], 'VK_API_VERSION_%d_%d' % version if version else '0',
                    ' '.join(e.name for e in extensions)))
            elif found:
                sys.exit('%s cannot be described' % name)
        return rows

    def text(self):
        rows = [row for root in ROOTS for row in self.chain(root)]
        for name in ROOTS:
            if not self.describe(name):
                sys.exit('%s cannot be described' % name)
        formats = [name for name in self.registry.formats if self.registry.values.get(name)]
        return '\n'.join(
            ['/* Made from the Vulkan registry by tests/e2e/features/table.py. */', '#define VK_ENABLE_BETA_EXTENSIONS',
             '#include "tests/e2e/features/table.h"', ''] + self.lines +
            ['', 'const struct chain_row chain_rows[] = {'] + rows + ['};'] +
            ['const unsigned chain_row_count = %d;' % len(rows), 'const struct description *const roots[] = {'] +
            ['   &about_%s,' % name for name in ROOTS] + ['};', 'const VkFormat formats[] = {'] +
            ['   %s,' % name for name in formats] + ['};', 'const unsigned format_count = %d;' % len(formats), ''])


def main():
    registry, output = sys.argv[1:]
    text = Table(Registry(registry, os.path.join(SOURCE, 'protocol', 'private.xml'))).text()
    with open(output, 'w', encoding='utf-8') as file:
        file.write(text)


if __name__ == '__main__':
    main()
