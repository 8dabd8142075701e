# SPDX-License-Identifier: MIT
"""Emits the client's entry points, and the tables it answers questions from."""

from codec import Codec
from emit import header, is_destroy, other_names, source
from lines import block, indent
from server import created, served

# Roots whose full chains the client fetches once and answers from.
PREFETCHED_CHAINS = ['VkPhysicalDeviceFeatures2', 'VkPhysicalDeviceProperties2', 'VkPhysicalDeviceMemoryProperties2',
                     'VkQueueFamilyProperties2', 'VkFormatProperties2']

# Roots whose chains the client changes before it sends them, so that it must copy them.
COPIED_CHAINS = ['VkGraphicsPipelineCreateInfo', 'VkComputePipelineCreateInfo', 'VkRayTracingPipelineCreateInfoKHR',
                 'VkRayTracingPipelineCreateInfoNV']

# What a command says in a child of fork() of its parent's objects, by the type of its first parameter.
INHERITED = {
    'VkInstance': 'VK_ERROR_INITIALIZATION_FAILED',
    'VkPhysicalDevice': 'VK_ERROR_INITIALIZATION_FAILED',
    'VkDevice': 'VK_ERROR_DEVICE_LOST',
    'VkQueue': 'VK_ERROR_DEVICE_LOST',
    'VkCommandBuffer': 'VK_ERROR_DEVICE_LOST',
}

# Where a command's connection and parent object come from, by the type of its first parameter.
DISPATCH = {
    'VkPhysicalDevice': ('struct vp_physical_device', 'self->conn'),
    'VkDevice': ('struct vp_device', 'self->conn'),
    'VkQueue': ('struct vp_queue', 'self->device->conn'),
    'VkCommandBuffer': ('struct vp_command_buffer', 'self->device->conn'),
}

UNITS = ['"client/record/command_buffer.h"', '"client/link/connection.h"', '"client/core/device.h"', '"client/core/physical_device.h"',
         '"client/sync/queue.h"', '"client/link/reply_cache.h"']


def parameters(command):
    return ', '.join(p.declaration for p in command.parameters)


def prototype(command, name):
    return 'VKAPI_ATTR %s VKAPI_CALL vp_%s(%s)' % (command.result, name, parameters(command))


def call_struct(command):
    names = ', '.join('.%s = %s' % (p.name, p.name) for p in command.parameters)
    return 'struct vp_cmd_%s a = {%s};' % (command.name, names)


def is_tried(command):
    """Whether a command of a device is said without waiting, though it can fail."""
    return command.row.kind == 'async' and command.result == 'VkResult' and \
        command.parameters[0].type == 'VkDevice'


def send_header(scope):
    """vp_send_NAME: says a command. vp_call_NAME: asks one and waits for its reply. vp_ask_NAME: the same, unless
    the answer is known. vp_try_NAME: says it, or waits for its result when that may be an error. What the server refuses
    cannot be said."""
    body = []
    for command in served(scope):
        struct = 'struct vp_cmd_%s' % command.name
        can_fail = command.result == 'VkResult'
        body += ['static inline VkResult vp_send_%s(struct vp_connection *conn, const %s *a)' % (command.name, struct), '{',
                 '   vp_request_%s(vp_stream_begin(conn), 0, a);' % command.name,
                 '   return %s;' % ('vp_stream_end(conn)' if can_fail else 'vp_connection_sure(conn, vp_stream_end(conn))'),
                 '}', '']
        body += ['static inline VkResult vp_call_%s(struct vp_connection *conn, %s *a)' % (command.name, struct), '{',
                 '   struct vp_call call;',
                 '   vp_request_%s(vp_call_begin(conn), 1, a);' % command.name,
                 '   vp_call_queue(conn, &call);',
                 '   VkResult result = vp_call_wait(conn, &call, VP_CMD_%s);' % command.name,
                 '   if (result == VK_SUCCESS)', '      vp_reply_%s(&call.dec, a);' % command.name,
                 '   const VkResult end = vp_call_end(conn, &call);',
                 '   if (result == VK_SUCCESS)', '      result = end;',
                 '   if (result != VK_SUCCESS)', '      vp_clear_%s(a);' % command.name,
                 '   return %s;' % ('result' if can_fail else 'vp_connection_sure(conn, result)'), '}', '']
        if command.row.kind in ('cached', 'prefetched'):
            body += ['static inline VkResult vp_ask_%s(struct vp_reply_cache *cache, struct vp_connection *conn, %s *a)' % (
                         command.name, struct), '{',
                     '   struct vp_cached_call call;', '   if (vp_cached_begin(cache, conn, &call)) {',
                     '      vp_request_%s(&call.request, 1, a);' % command.name,
                     '      if (vp_cached_answer(&call, VP_CMD_%s))' % command.name,
                     '         vp_reply_%s(&call.reply, a);' % command.name, '   }',
                     '   const VkResult result = vp_cached_end(&call);',
                     '   if (result != VK_SUCCESS)', '      vp_clear_%s(a);' % command.name,
                     '   return %s;' % ('result' if can_fail else 'vp_connection_sure(conn, result)'), '}', '']
        if is_tried(command):
            body += ['static inline VkResult vp_try_%s(struct vp_device *device, bool may_fail, %s *a)' % (command.name, struct), '{',
                     '   if (!may_fail && !vp_device_is_careful(device, VP_CMD_%s))' % command.name,
                     '      return vp_send_%s(device->conn, a);' % command.name,
                     '   const VkResult result = vp_call_%s(device->conn, a);' % command.name,
                     '   return result == VK_SUCCESS ? a->ret : result;', '}', '']
    return header('VP_CLIENT_SEND_H', ['"client/link/connection.h"', '"client/core/device.h"', '"client/vp_client_calls.h"'], body)


class Entries:
    """The entry points that are generated."""

    def __init__(self, scope):
        self.scope, self.registry = scope, scope.registry

    def function(self, command):
        kind = command.row.kind
        maker = {'record': self.record, 'async': self.asynchronous, 'local': self.asynchronous, 'sync': self.synchronous,
                 'cached': self.cached}[kind]
        return self.before(command) + ['', prototype(command, command.name), '{'] + indent(maker(command)) + ['}']

    def head(self, command):
        first = command.parameters[0]
        struct, conn = DISPATCH[first.type]
        return ['%s *self = VP_FROM_HANDLE(%s, %s);' % (struct, struct, first.name),
                'struct vp_connection *conn = %s;' % conn]

    def before(self, command):
        """What stands before the function: of one that records, another for when there is no room. It makes room and calls
        the first again, with the same parameters, so that where there is room none of them need be saved."""
        if command.row.kind != 'record':
            return []
        arguments = ', '.join(p.name for p in command.parameters)
        head = prototype(command, command.name).replace('vp_' + command.name, 'room_' + command.name)
        return ['', 'VP_RARELY static ' + head, '{'] + indent(self.record_head(command)) + [
            '   if (vp_command_buffer_make_room(self, room))', '      vp_%s(%s);' % (command.name, arguments), '}']

    def record_head(self, command):
        return ['struct vp_command_buffer *self = VP_FROM_HANDLE(struct vp_command_buffer, %s);' % command.parameters[0].name,
                'const %s' % call_struct(command), 'const size_t room = vp_room_%s(&a);' % command.name]

    def record(self, command):
        arguments = ', '.join(p.name for p in command.parameters)
        return self.record_head(command) + block('if (!vp_command_buffer_has_room(self, room))', [
            'room_%s(%s);' % (command.name, arguments), 'return;']) + self.observed(command) + [
                'vp_write_%s(&self->commands, vp_record(self, room), 0, &a);' % command.name]

    def destination(self, command):
        """The buffer or image that is all that the command writes to, or None."""
        for p in command.parameters:
            members = self.registry.structs[p.type].members if p.depth and p.type in self.registry.structs else []
            for name in ['dstBuffer', 'dstImage']:
                if p.name == name:
                    return name
                if any(m.name == name for m in members) and not self.queries_inside(p.type):
                    return '%s->%s' % (p.name, name)
        return None

    def queries_inside(self, name):
        """Whether a struct's chain may name queries, which the command then changes, too."""
        return any(m.type == 'VkQueryPool' for node in self.scope.nodes.get(name, []) for m in node.members)

    def observed(self, command):
        """Whether it may change what the host can look at. What shaders do is a matter of the pipeline that is bound."""
        destination = self.destination(command)
        if destination:
            return ['vp_command_buffer_note_write(self, (uint64_t)(uintptr_t)%s);' % destination]
        writes = command.row.get('writes')
        if writes == 'nothing' and not command.row.get('changes'):
            return []
        if writes == 'layouts':
            count, barriers = self.scope.barriers(command)
            return block('for (uint32_t i = 0; i < %s; i++)' % count, [
                'vp_command_buffer_note_write(self, (uint64_t)(uintptr_t)%s[i].image);' % barriers])
        return ['self->observable = true;']

    def asynchronous(self, command):
        output = makes(self.scope, command)
        if output:
            return self.create(command, output)
        if is_destroy(command):
            return self.destroy(command)
        if is_tried(command):
            return self.device(command) + [call_struct(command), 'return vp_try_%s(self, false, &a);' % command.name]
        send = 'vp_send_%s(conn, &a)' % command.name
        return self.head(command) + ['const %s' % call_struct(command),
                                     'return %s;' % send if command.result == 'VkResult' else send + ';']

    def device(self, command):
        return ['struct vp_device *self = vp_device_from_handle(%s);' % command.parameters[0].name]

    def create(self, command, output):
        """Makes an object and says so, if it is not the client's own. Where that fails, nothing is left in the output."""
        objtype = self.registry.handles[self.registry.resolve(output.type)]
        row, given = command.row, command.parameters[1:-2]
        make = 'vp_make_%s(%s)' % (command.name, ', '.join(['self', 'allocator'] + [p.name for p in given])) \
            if row.get('make') else 'vp_object_create(&self->conn->objects, allocator, %s, sizeof(*object))' % objtype
        lines = self.device(command) + ['(void)%s;' % p.name for p in given if row.kind == 'local' and not row.get('make')]
        lines += ['const VkAllocationCallbacks *allocator = vp_allocator(pAllocator, self->allocator);',
                  'struct vp_object *object = %s;' % make, '*%s = VP_TO_HANDLE(%s, object);' % (output.name, output.type)]
        if row.kind == 'local':
            return lines + ['return object ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;']
        say = 'vp_say_%s(self, object, &a)' if row.get('say') else 'vp_try_%s(self, false, &a)'
        return lines + ['if (!object)', '   return VK_ERROR_OUT_OF_HOST_MEMORY;', call_struct(command),
                        'const VkResult result = %s;' % say % command.name] + block(
            'if (result != VK_SUCCESS)', self.end(output.type, 'allocator') + ['*%s = VK_NULL_HANDLE;' % output.name]) + [
                'return result;']

    def destroy(self, command):
        handle, conn = command.parameters[1], 'self->conn'
        lines = self.device(command) + ['struct vp_object *object = VP_FROM_HANDLE(struct vp_object, %s);' % handle.name]
        if command.row.kind != 'local' or command.row.get('finish'):
            lines += ['if (!object)', '   return;']
        if command.row.kind != 'local':
            lines += ['const %s' % call_struct(command), 'vp_send_%s(%s, &a);' % (command.name, conn)]
        return lines + self.end(handle.type, 'vp_allocator(pAllocator, self->allocator)')

    def end(self, kind, allocator):
        """Lines that end the object."""
        command = self.scope.command('vkDestroy' + kind[2:])
        if not command.row.get('finish'):
            return ['vp_object_destroy(&self->conn->objects, %s, object);' % allocator]
        return ['vp_object_table_remove(&self->conn->objects, object); /* the receiver writes into it no more */',
                'vp_finish_%s(self, object);' % command.name, 'vp_object_free(%s, object);' % allocator]

    def synchronous(self, command):
        lines = self.head(command) + [call_struct(command)]
        if command.result == 'VkResult':
            lines += ['const VkResult result = vp_call_%s(conn, &a);' % command.name,
                      'return result == VK_SUCCESS ? a.ret : result;']
        else:
            lines += ['vp_call_%s(conn, &a);' % command.name] + (['return a.ret;'] if command.result != 'void' else [])
        return lines

    def cached(self, command):
        lines = self.head(command) + [call_struct(command)]
        ask = 'vp_ask_%s(&self->cache, conn, &a);' % command.name
        if command.result == 'VkResult':
            return lines + ['const VkResult result = ' + ask, 'return result == VK_SUCCESS ? a.ret : result;']
        return lines + [ask] + (['return a.ret;'] if command.result != 'void' else [])


def parts(command):
    """The prototypes of what is written by hand of a creation or destruction that is generated."""
    name, row, lines = command.name, command.row, []
    if row.get('make'):
        given = ''.join(', ' + p.declaration for p in command.parameters[1:-2])
        lines.append('void *vp_make_%s(struct vp_device *device, const VkAllocationCallbacks *allocator%s);' % (name, given))
    if row.get('say'):
        lines += ['struct vp_cmd_%s;' % name,
                  'VkResult vp_say_%s(struct vp_device *device, void *object, struct vp_cmd_%s *a);' % (name, name)]
    if row.get('finish'):
        lines.append('void vp_finish_%s(struct vp_device *device, void *object);' % name)
    return lines


def supported_commands(scope):
    """Those that the client has entry points for."""
    commands = [c for c in scope.commands if c.row and c.row.client in ('gen', 'hand')]
    return [c for c in commands if c.serializable or c.row.client == 'hand']


def makes(scope, command):
    """The output that gets new handles, if there is one."""
    return created(scope, command) if command.name.startswith(('vkCreate', 'vkAllocate')) else None


def is_guarded(command):
    """Recording neither locks nor waits, and neither does the search for functions."""
    return not command.name.startswith('vkCmd') and not command.name.endswith('ProcAddr')


def refuses_inherited(command):
    """What the client knows of a GPU it knows in a child of fork(), too."""
    first, kind = command.parameters[0].type if command.parameters else None, command.row.kind
    return first in INHERITED and kind != 'prefetched' and (first != 'VkPhysicalDevice' or kind != 'local')


class Guards:
    """What is called in place of entry points; see client/process/guard.h."""

    def __init__(self, scope):
        self.scope, self.registry, self.codec = scope, scope.registry, Codec(scope, 'vpc')

    def failed(self, command):
        """Lines that null what a call was to make: programs destroy what it leaves there. What is generated does so
        itself; one that makes pipelines or shaders leaves those that there are, and nulls the others."""
        output = makes(self.scope, command)
        if not output or output.type in ('VkPipeline', 'VkShaderEXT') or command.row.client == 'gen':
            return []
        count = self.codec.length(output.lengths[0], command.parameters, '') if output.lengths else '1'
        return ['for (uint64_t i = 0; result < 0 && i < %s; i++)' % count, '   %s[i] = VK_NULL_HANDLE;' % output.name]

    def refused(self, command):
        """Lines for an object that a child of fork() has inherited: no handle, an empty list, an error."""
        lines, counts = [], [p.name for p in command.parameters if command.is_output(p) and p.name.endswith('Count')]
        for p in command.parameters:
            if p.name in counts:
                lines.append('*%s = 0;' % p.name)
            elif command.is_output(p) and p.type in self.registry.handles and not set(p.lengths) & set(counts):
                lines.append('memset(%s, 0, %s * sizeof(*%s));' % (p.name, p.lengths[0] if p.lengths else '1', p.name))
        result = {'void': '', 'VkResult': ' ' + INHERITED[command.parameters[0].type]}.get(command.result, ' 0')
        return lines + ['return%s;' % result]

    def function(self, command):
        arguments = ', '.join(p.name for p in command.parameters)
        call, end = 'vp_%s(%s);' % (command.name, arguments), ['vp_guard_leave(guard);']
        if command.result != 'void':
            call, end = 'const %s result = %s' % (command.result, call), self.failed(command) + end + ['return result;']
        lines = ['const struct vp_guard guard = vp_guard_enter();', call] + end
        if refuses_inherited(command):
            first = command.parameters[0]
            test = 'if (vp_guard_inherited_%s(%s))' % (first.type, first.name)
            lines = block(test, self.refused(command)) + lines
        return ['', 'static ' + prototype(command, command.name).replace('vp_' + command.name, 'guarded_' + command.name),
                '{'] + indent(lines) + ['}']


def entry_level(command):
    first = command.parameters[0].type if command.parameters else None
    if first in ('VkDevice', 'VkQueue', 'VkCommandBuffer'):
        return 'VP_ENTRY_DEVICE'
    if first == 'VkPhysicalDevice':
        return 'VP_ENTRY_PHYSICAL_DEVICE'
    return 'VP_ENTRY_INSTANCE' if first == 'VkInstance' else 'VP_ENTRY_GLOBAL'


class Availability:
    """Which core version or extensions bring a command, by any of its names."""

    def __init__(self, scope):
        self.scope = scope
        self.index = {name: i for i, name in enumerate(sorted(scope.extensions))}
        self.core, self.extensions = {}, {}
        for feature in scope.registry.features:
            for name in scope.brought(feature.commands):
                self.core.setdefault(name, feature.version)
        for extension in scope.extensions.values():
            for name, condition in extension.commands:
                self.extensions.setdefault(name, []).append(extension.name)

    def of(self, name):
        version = self.core.get(name)
        extensions = sorted(self.extensions.get(name, []))
        return ('VK_MAKE_API_VERSION(0, %d, %d, 0)' % version if version else '0',
                [self.index[e] for e in extensions][:4])


def entry_points(scope):
    entries, availability, supported = Entries(scope), Availability(scope), supported_commands(scope)
    prototypes = []
    for command in supported:
        prototypes += ['#define vp_%s vp_%s' % (name, command.name) for name in other_names(scope, command)]
        prototypes += [prototype(command, command.name) + ';'] + parts(command)
    functions = []
    for command in supported:
        if command.row.client == 'gen':
            functions += entries.function(command)
    guards = Guards(scope)
    for command in supported:
        if is_guarded(command):
            functions += guards.function(command)
    rows = []
    for command in supported:
        for name in scope.names(command.name):
            version, extensions = availability.of(name)
            extensions = (extensions + [-1] * 4)[:4]
            if version == '0' and extensions[0] < 0:
                continue  # a name of an extension that is not in scope
            rows.append((name, '   {"%s", (PFN_vkVoidFunction)%s_%s, %s, %s, {%d, %d, %d, %d}},' % (
                name, 'guarded' if is_guarded(command) else 'vp', command.name, entry_level(command), version, *extensions)))
    rows.sort()
    table = ['', 'const struct vp_entry vp_entries[] = {'] + [text for _, text in rows] + ['};', '',
             'const size_t vp_entry_count = sizeof(vp_entries) / sizeof(*vp_entries);']
    names = ['', 'const char *vp_command_name(uint32_t number)', '{', '   switch (number) {']
    for command in scope.wire_commands():
        names += ['   case %d:' % command.number, '      return "%s";' % command.name]
    names += ['   default:', '      return "an unknown command";', '   }', '}']
    names += ['', 'bool vp_command_has_result(uint32_t number)', '{', '   switch (number) {']
    names += ['   case %d:' % c.number for c in scope.wire_commands() if c.result == 'VkResult']
    names += ['      return true;', '   default:', '      return false;', '   }', '}']
    return {
        'client/vp_entry.h': header('VP_ENTRY_H', ['"client/wsi/platform.h"'],
                                    ['struct vp_device;', ''] + prototypes),
        'client/vp_entry.c': source(['"client/vp_entry.h"'] + UNITS + [
            '"client/link/command_names.h"', '"client/core/entry_table.h"', '"client/device/inherited.h"', '"client/process/guard.h"', '"client/vp_client_send.h"', '<string.h>'], functions + table + names),
    }


def c_bool(value):
    return 'true' if value else 'false'


def extension_table(scope):
    rows = []
    for name in sorted(scope.extensions):
        extension = scope.extensions[name]
        rows.append('   {"%s", %d, %d, %s, %s, %s},' % (
            name, extension.spec_version, extension.number, c_bool(extension.kind == 'instance'),
            c_bool(scope.offered(extension)), c_bool(name in scope.local)))
    enum = ['enum vp_extension {'] + ['   VP_EXT_%s,' % n for n in sorted(scope.extensions)] + ['   VP_EXTENSION_COUNT,', '};']
    return {
        'client/vp_extensions.h': header('VP_EXTENSIONS_H', [], enum),
        'client/vp_extensions.c': source(['"client/core/extensions.h"'],
                                         ['const struct vp_extension_info vp_extensions[] = {'] + rows + ['};']),
    }


def has_pointer(struct):
    return any(m.depth for m in struct.body())


def chain_tables(scope):
    """For each root, its nodes: type, size, and what brings them."""
    index = {name: i for i, name in enumerate(sorted(scope.extensions))}
    body, prototypes = [], []
    for root in PREFETCHED_CHAINS + COPIED_CHAINS:
        rows = []
        for node in scope.nodes.get(root, []) + scope.local_nodes.get(root, []):
            version = scope.core_version.get(node.name)
            extensions = [index[e.name] for e in scope.providers.get(node.name, [])]
            extensions = (extensions + [-1] * 4)[:4]
            rows.append('   {(VkStructureType)%d, sizeof(%s), %s, %s, {%s}},' % (
                scope.stype_value(node), node.name, c_bool(has_pointer(node)),
                'VK_MAKE_API_VERSION(0, %d, %d, 0)' % version if version else '0', ', '.join(map(str, extensions))))
        prototypes.append('extern const struct vp_chain_table vp_chain_%s;' % root)
        body += ['static const struct vp_chain_node nodes_%s[] = {' % root] + rows + ['};', '',
                 'const struct vp_chain_table vp_chain_%s = {nodes_%s, %d};' % (root, root, len(rows)), '']
    return {
        'client/vp_chains.h': header('VP_CHAINS_H', ['"client/core/chain.h"'], prototypes),
        'client/vp_chains.c': source(['"client/vp_chains.h"', '<vulkan/vulkan.h>'], body),
    }


def generate(scope):
    files = {'client/vp_client_send.h': send_header(scope)}
    files.update(entry_points(scope))
    files.update(extension_table(scope))
    files.update(chain_tables(scope))
    return files
