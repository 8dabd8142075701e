# SPDX-License-Identifier: MIT
"""Decides what is supported: which extensions, commands, structs and chain nodes can cross the wire."""

import csv
import os
import re

import checks
import std
import table

# The wire carries these instead of what the registry says (or does not say).
LENGTH_OVERRIDES = {
    ('vkCmdBuildAccelerationStructuresKHR', 'ppBuildRangeInfos'): ['infoCount', 'pInfos[@].geometryCount'],
    ('vkCmdBuildAccelerationStructuresIndirectKHR', 'ppMaxPrimitiveCounts'): ['infoCount', 'pInfos[@].geometryCount'],
    ('VkOpticalFlowSessionCreatePrivateDataInfoNV', 'pPrivateData'): ['size'],
}

# Optional pointers that are sent as absent, whatever the application gives.
NEVER_SENT = {
    ('VkRayTracingShaderGroupCreateInfoKHR', 'pShaderGroupCaptureReplayHandle'),
    ('VkDeviceFaultInfoEXT', 'pAddressInfos'), ('VkDeviceFaultInfoEXT', 'pVendorInfos'),  # parameters of our own command
}

# Pointers of the application that nobody follows: they travel as numbers, and come back as they were given.
OPAQUE = {
    ('vkCmdSetCheckpointNV', 'pCheckpointMarker'),
    ('VkCheckpointDataNV', 'pCheckpointMarker'), ('VkCheckpointData2NV', 'pCheckpointMarker'),
}

# Arrays and handles that count only under a condition on their struct (v->), and may be garbage else.
SENT_IF = {
    ('VkImageCreateInfo', 'pQueueFamilyIndices'): 'v->sharingMode == VK_SHARING_MODE_CONCURRENT',
    ('VkBufferCreateInfo', 'pQueueFamilyIndices'): 'v->sharingMode == VK_SHARING_MODE_CONCURRENT',
    ('VkPhysicalDeviceImageDrmFormatModifierInfoEXT', 'pQueueFamilyIndices'):
        'v->sharingMode == VK_SHARING_MODE_CONCURRENT',
    ('VkFramebufferCreateInfo', 'pAttachments'): '!(v->flags & VK_FRAMEBUFFER_CREATE_IMAGELESS_BIT)',
    ('VkRenderingAttachmentInfo', 'resolveImageView'): 'v->imageView && v->resolveMode != VK_RESOLVE_MODE_NONE',
}

# Handles that the registry requires and that may be null all the same.
MAY_BE_NULL = {
    ('VkBindDescriptorSetsInfo', 'pDescriptorSets'),  # with graphics pipeline libraries
    ('VkRenderingFragmentDensityMapAttachmentInfoEXT', 'imageView'),  # the rules beside it say so
    ('VkSwapchainInfoVP', 'pImages'),  # then there is no swapchain
}

# Handles that newer registries let be null, for heaps of descriptors, which are not offered: drivers follow them.
MUST_BE_THERE = {
    ('VkComputePipelineCreateInfo', 'layout'), ('VkRayTracingPipelineCreateInfoKHR', 'layout'),
    ('VkRayTracingPipelineCreateInfoNV', 'layout'),
}

# Arrays whose pointers the registry lets be anything, of which somebody reads as many elements as are counted.
NEVER_ABSENT = {
    ('vkFreeDescriptorSets', 'pDescriptorSets'), ('vkFreeCommandBuffers', 'pCommandBuffers'),
    ('vkCmdDrawMultiEXT', 'pVertexInfo'), ('vkCmdDrawMultiIndexedEXT', 'pIndexInfo'),
    ('VkRenderPassBeginInfo', 'pClearValues'),
}

# Unions without a selector: the member that is sent, and others that a decoder takes.
UNION_MEMBER = {
    'VkClearColorValue': 2,
    'VkClearValue': 0,
    'VkDeviceOrHostAddressKHR': 0,
    'VkDeviceOrHostAddressConstKHR': 0,
    'VkPipelineExecutableStatisticValueKHR': 2,
}

# Unions with a selector that may say that there is nothing in them.
MAY_BE_EMPTY = {'VkIndirectCommandsTokenDataEXT'}

# Left out although their extension is in: nobody can use them from afar, or the format leaves them out.
EXCLUDED_STRUCTS = {
    'VkImportMemoryFdInfoKHR', 'VkPhysicalDeviceLayeredApiPropertiesListKHR',
    'VkPhysicalDeviceLayeredApiPropertiesKHR', 'VkPhysicalDeviceLayeredApiVulkanPropertiesKHR',
    'VkBaseInStructure', 'VkBaseOutStructure',
    'VkDebugUtilsObjectNameInfoEXT', 'VkDebugUtilsObjectTagInfoEXT',
}

SCALARS = {  # type -> (size on the wire alone, size in an array)
    'int8_t': (4, 1), 'int16_t': (4, 2), 'uint8_t': (4, 1), 'uint16_t': (4, 2), 'uint32_t': (4, 4), 'int32_t': (4, 4), 'float': (4, 4),
    'uint64_t': (8, 8), 'int64_t': (8, 8), 'double': (8, 8), 'size_t': (8, 8),
}


def read_table(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE))


class Scope:
    UNKNOWN_EXTENSION = 'extension is not in this registry'

    def __init__(self, registry, folder):
        self.registry = registry
        self.skipped = []  # (what, why), for the report
        self.rows, self.policy = table.read(folder)
        self.checks = checks.read(folder)
        self._select_extensions()
        self.venus_nodes = read_table(os.path.join(folder, 'chain-nodes.tsv'))
        self._serializable = {}
        self._gates()
        self._select_structs()
        self._select_commands()

    # --- extensions -------------------------------------------------------------------------------------------

    def _select_extensions(self):
        names = list(self.policy) + [row.get('extension') for row in self.rows if row.get('extension')]
        self.local = {name for name, row in self.policy.items() if row.kind == 'local'}  # the client's own
        self.extensions = {}
        for name in names:
            if name in self.registry.extensions and self._can_be_known(self.registry.extensions[name]):
                self.extensions[name] = self.registry.extensions[name]
            elif name not in self.policy or self.policy[name].kind != 'hide':
                self.skipped.append((name, self.UNKNOWN_EXTENSION))

    def _can_be_known(self, extension):
        """Of drafts vulkan.h knows nothing; what video codecs have is in a file of its own."""
        return extension.platform != 'provisional' and (
            self.registry.has_video or not extension.name.startswith('VK_KHR_video_'))

    def offered(self, extension):
        """Whether applications are told of an extension that the GPU has (a local one: whether it has it or not)."""
        return extension.name not in self.policy or self.policy[extension.name].kind != 'hide'

    # --- chain nodes ------------------------------------------------------------------------------------------

    def _gates(self):
        """For each struct, which part of the API brings it: a core version or extension numbers."""
        self.core_version, self.providers, self.on_wire = {}, {}, set()
        for feature in self.registry.features:
            for name in self.brought(feature.types):
                self.core_version.setdefault(self.registry.resolve(name), feature.version)
                self.on_wire.add(self.registry.resolve(name))
        for extension in self.extensions.values():
            wire = extension.name not in self.local
            for name in self.brought(extension.types):
                self.providers.setdefault(self.registry.resolve(name), []).append(extension)
            for name in self.brought(extension.types, wire) if wire else []:
                self.on_wire.add(self.registry.resolve(name))

    def brought(self, requirements, wire=False):
        """The names whose condition holds in this scope. wire: without the local extensions."""
        return sorted(name for name, condition in requirements if self._holds(condition, wire))

    def _holds(self, condition, wire):
        def known(match):
            name = match.group(0)
            return str((name in self.extensions and not (wire and name in self.local)) or
                       any(f.name == name for f in self.registry.features))
        if not condition:
            return True
        expression = re.sub(r'\w+(::\w+)?', known, condition)
        return eval(expression.replace('+', ' and ').replace(',', ' or '), {})  # only True, False and parentheses

    def _in_scope(self, name):
        struct = self.registry.structs.get(name)
        return bool(struct) and (struct.own or name in self.core_version or name in self.providers)

    def _select_structs(self):
        self.nodes = {}  # root -> chain nodes
        self.local_nodes = {}  # the same for those that never leave the client
        for name, struct in self.registry.structs.items():
            if not struct.stype or not self._in_scope(name) or name in EXCLUDED_STRUCTS:
                continue
            if struct.stype not in self.registry.values and struct.stype not in self.registry.aliases:
                continue
            for root in struct.extends:
                root = self.registry.resolve(root) if root else None
                if root and self._in_scope(root) and self.serializable(name):
                    nodes = self.nodes if struct.own or name in self.on_wire else self.local_nodes
                    nodes.setdefault(root, []).append(struct)
        for nodes in [*self.nodes.values(), *self.local_nodes.values()]:
            nodes.sort(key=lambda s: self.stype_value(s))

    def stype_value(self, struct):
        name = struct.stype
        while name in self.registry.aliases:
            name = self.registry.aliases[name]
        return self.registry.values[name]

    def gate(self, struct):
        """(version or None, extension numbers): what the peer must know to be sent this node; (None, []) = always."""
        version = self.core_version.get(struct.name)
        numbers = sorted(e.number for e in self.providers.get(struct.name, []))
        if struct.own or (version and version <= (1, 2)):
            return None, []
        return (None, numbers) if numbers else (version, [])

    # --- what can be written down --------------------------------------------------------------------------------

    def serializable(self, name):
        """Whether a type has a wire form."""
        registry = self.registry
        name = registry.resolve(name)
        if name in self._serializable:
            return self._serializable[name]
        if name in SCALARS or name in registry.enums or name in registry.bitmasks or name in registry.handles:
            return True
        if name in registry.basetypes:
            return self.serializable(registry.basetypes[name])
        if name not in registry.structs:
            return False
        self._serializable[name] = True  # for types that contain themselves
        struct = registry.structs[name]
        if struct.category == 'union':
            result = name in UNION_MEMBER or all(m.selection for m in struct.members) and \
                all(self.variable_serializable(m, struct) for m in struct.members)
        else:
            result = all(self.variable_serializable(m, struct) for m in struct.body())
        self._serializable[name] = result
        return result

    def variable_serializable(self, variable, owner):
        return self.never_sent(variable, owner) or self._has_wire_form(variable, owner)

    def never_sent(self, variable, owner):
        if (owner.name, variable.name) in NEVER_SENT:
            return True
        return variable.depth == 1 and variable.optional[0] == 'true' and not self._has_wire_form(variable, owner)

    def _has_wire_form(self, variable, owner):
        if (owner.name, variable.name) in OPAQUE:
            return True
        if variable.bitfield or len(variable.dimensions) > 1 and not getattr(owner, 'std', False):
            return False
        if variable.type == 'char':
            return variable.is_string() or bool(variable.dimensions)
        if variable.type == 'void':
            return variable.depth == 1 and bool(self.lengths(variable, owner))
        if variable.depth > 1 and len(self.lengths(variable, owner)) != variable.depth:
            return False
        return self.serializable(variable.type)

    def needs_handle(self, variable, owner):
        """Whether a member, or each element of one, names an object that must be there."""
        place = owner.name, variable.name
        return self.registry.resolve(variable.type) in self.registry.handles and (
            place in MUST_BE_THERE or
            variable.optional[-1] != 'true' and not variable.noautovalidity and place not in MAY_BE_NULL)

    def array_may_be_null(self, variable, owner):
        """Whether an array may be absent although its count is not 0."""
        return (variable.optional[0] == 'true' or variable.noautovalidity) and (owner.name, variable.name) not in NEVER_ABSENT

    def sent_if(self, variable, owner):
        """The condition on its struct, in C, under which an array, a pointer or a handle counts; None: always."""
        return SENT_IF.get((owner.name, variable.name)) or variable.std.get('there')

    def needed_if(self, variable):
        """The same under which a pointer must be there although it is optional."""
        return variable.std.get('there')

    def lengths(self, variable, owner):
        return LENGTH_OVERRIDES.get((owner.name, variable.name), variable.lengths)

    # --- commands -------------------------------------------------------------------------------------------------

    def _select_commands(self):
        rows = {name: row for row in self.rows for name in [row.command] + row.names('was')}
        self.commands = []
        for name in self._wanted():
            command = self.registry.commands[name]
            found = [rows[n] for n in self.names(name) if n in rows]
            if len(set(found)) > 1:
                found[1].refuse('%s and %s are one command' % (found[0].command, found[1].command))
            command.row = found[0] if found else None
            command.number = command.row.number if command.row else None
            # a pointer of an output that has no wire form makes the whole command unserializable
            command.serializable = command.number is not None and \
                all(self.variable_serializable(p, command) for p in command.parameters) and \
                (command.result == 'void' or self.serializable(command.result))
            self.commands.append(command)
        self.commands.sort(key=lambda c: (c.number is None, c.number or 0, c.name))

    def _wanted(self):
        """The names of all commands that what is in scope brings, in the order of the registry."""
        wanted = {}
        for feature in self.registry.features:
            for name in self.brought(feature.commands):
                wanted[self.registry.resolve(name)] = None
        for extension in self.extensions.values():
            for name in self.brought(extension.commands):
                wanted.setdefault(self.registry.resolve(name), None)
        for command in self.registry.commands.values():
            if command.own:
                wanted[command.name] = None
        return wanted

    def barriers(self, command):
        """(count, array), in C, of the images whose layouts the command changes, or None."""
        for p in command.parameters:
            members = self.registry.structs[p.type].members if p.depth and p.type in self.registry.structs else []
            for prefix, variables in (('', [p]), (p.name + '->', members)):
                for v in variables:
                    if v.type.startswith('VkImageMemoryBarrier'):
                        return prefix + v.lengths[0], prefix + v.name
        return None

    def changed(self, command):
        """What a recorded command changes: ('event',), ('query', which) or ('queries', first, count), or None."""
        names, parameters = command.row.names('changes'), {p.name: p.type for p in command.parameters}
        if not names or not set(names) <= set(parameters):
            return None
        if parameters[names[0]] == 'VkEvent':
            return ('event',) if len(names) == 1 else None
        if 'VkQueryPool' not in parameters.values() or len(names) > 2:
            return None
        return ('query' if len(names) == 1 else 'queries', *names)

    def written(self, command):
        """(the array of regions or None, its length, offset, size), in C, of the range of its last buffer that a recorded
        command writes to, or None."""
        path, offset, size = command.row.range()
        variables, where, array = command.parameters, 'a.', None
        for name in path:
            variable = next((v for v in variables if v.name == name), None)
            if not variable or variable.type not in self.registry.structs:
                return None
            length = variable.lengths[0] if variable.lengths else None
            array = (where + name, where + length) if length else array
            variables, where = self.registry.structs[variable.type].members, where + name + ('[i].' if length else '->')
        known = [v.name for v in variables]
        if offset not in known or not (size in known or size.isdigit()):
            return None
        return (*(array or (None, None)), where + offset, size if size.isdigit() else where + size)

    def command(self, name):
        """The command by any of its names."""
        name = self.registry.resolve(name)
        return next(c for c in self.commands if c.name == name)

    def names(self, name):
        """A command's canonical name and all its aliases."""
        return [name] + sorted(a for a in self.registry.aliases if self.registry.resolve(a) == name)

    def wire_commands(self):
        return [c for c in self.commands if c.serializable]


def length_identifiers(expression):
    """The first names in a length expression: 'pInfo->count' gives ['pInfo']."""
    names = re.findall(r'(?<![\w>.])[a-zA-Z_]\w*', re.sub(r'(->|\.)\w+', '', expression))
    return [n for n in names if not n.startswith('VK_') and n != 'null']
