# SPDX-License-Identifier: MIT
"""Writes the server's dispatch: tables of driver functions, one function per wire command, destruction by type."""

import checks
from codec import Codec
from emit import header, is_destroy, is_recorded, raw_parameters, source
from lines import block, indent
from table import LOW_COUNT, OURS

# Structs by whose chains a GPU is asked about itself.
QUESTIONS = ['VkPhysicalDeviceFeatures2', 'VkPhysicalDeviceProperties2']

# The bind point whose shaders a recorded command runs, by what it writes.
BIND_POINTS = {'draw': 'VK_PIPELINE_BIND_POINT_GRAPHICS', 'dispatch': 'VK_PIPELINE_BIND_POINT_COMPUTE',
               'trace': 'VK_PIPELINE_BIND_POINT_RAY_TRACING_KHR'}

REFUSALS = {
    'transport': 'belongs to a transport that a network connection does not use',
    'local': 'must be answered by the client',
    'none': 'cannot work over a network',
}


def served(scope):
    return [c for c in scope.wire_commands() if c.row.server != 'refuse']


def is_instance_level(command):
    return command.parameters[0].type in ('VkInstance', 'VkPhysicalDevice')


def created(scope, command):
    """The parameter that names new objects, or None."""
    last = command.parameters[-1]
    if command.is_output(last) and last.type in scope.registry.handles and command.name != 'vkEnumeratePhysicalDevices':
        return last
    return None


def pool_of(scope, command):
    """What takes the command's new objects along, in C, where it is not its first object: a member that is a pool."""
    registry, new = scope.registry, created(scope, command) if command.name.startswith('vkAllocate') else None
    parent = registry.parents.get(registry.resolve(new.type)) if new else None
    for parameter in command.parameters:
        struct = registry.structs.get(registry.resolve(parameter.type))
        for member in struct.members if struct else []:
            if not member.depth and registry.resolve(member.type) == parent:
                return '%s->%s' % (parameter.name, member.name)
    return None


def field(name):
    return name[2:]


def is_observed(command):
    return command.row.observed


# --- tables of functions ------------------------------------------------------------------------------------------


def table_functions(scope):
    """(instance functions, device functions): canonical names."""
    instance, device = ([c.name for c in scope.commands if c.row and c.row.get('called') == level]
                        for level in ('instance', 'device'))
    for command in served(scope):
        if command.own or not command.parameters or command.parameters[0].type not in scope.registry.dispatchable:
            continue
        names = instance if is_instance_level(command) else device
        if command.name not in names:
            names.append(command.name)
    return sorted(instance), sorted(device)


def table_struct(struct, names):
    return ['struct %s {' % struct] + ['   PFN_%s %s;' % (n, field(n)) for n in names] + ['};', '']


def table_names(scope, struct, names):
    lines = ['static const struct function_name %s_names[] = {' % struct]
    for name in names:
        lines.append('   {offsetof(struct %s, %s), "%s\\0"},' % (struct, field(name), '\\0'.join(scope.names(name))))
    return lines + ['};', '']


FUNCTION_NAME = [
    'struct function_name {', '   size_t offset;',
    '   const char *names; /* all names of the command, each with a NUL, an empty one at the end */', '};', '',
]

LOADERS = '''
void vps_instance_functions_load(struct vps_instance_functions *functions, PFN_vkGetInstanceProcAddr get,
                                 VkInstance instance)
{
   for (size_t i = 0; i < sizeof(vps_instance_functions_names) / sizeof(vps_instance_functions_names[0]); i++) {
      const struct function_name *entry = &vps_instance_functions_names[i];
      PFN_vkVoidFunction function = NULL;
      for (const char *name = entry->names; *name && !function; name += strlen(name) + 1)
         function = get(instance, name);
      memcpy((char *)functions + entry->offset, &function, sizeof(function));
   }
}

void vps_device_functions_load(struct vps_device_functions *functions, PFN_vkGetDeviceProcAddr get, VkDevice device)
{
   for (size_t i = 0; i < sizeof(vps_device_functions_names) / sizeof(vps_device_functions_names[0]); i++) {
      const struct function_name *entry = &vps_device_functions_names[i];
      PFN_vkVoidFunction function = NULL;
      for (const char *name = entry->names; *name && !function; name += strlen(name) + 1)
         function = get(device, name);
      memcpy((char *)functions + entry->offset, &function, sizeof(function));
   }
}
'''.strip().split('\n')


# --- commands -----------------------------------------------------------------------------------------------------


class Runner:
    """Writes the function that runs one command."""

    def __init__(self, scope):
        self.scope, self.codec = scope, Codec(scope, 'vps')

    def object_type(self, parameter):
        return self.scope.registry.handles[self.scope.registry.resolve(parameter.type)]

    def first_type(self, command):
        first = command.parameters[0]
        return self.object_type(first) if first.type in self.scope.registry.handles and not first.depth else \
            'VK_OBJECT_TYPE_UNKNOWN'

    def each_new(self, command, parameter, lines):
        """The lines for the element [i] of the new ids."""
        if not parameter.lengths:
            return ['{', '   const uint64_t i = 0;'] + indent(lines) + ['}']
        count = self.codec.length(parameter.lengths[0], command.parameters, 'a.')
        return block('for (uint64_t i = 0; i < %s; i++)' % count, lines)

    def new_id(self, parameter):
        return '(uint64_t)(uintptr_t)a.%s[i]' % parameter.name

    def recorded(self, command):
        """The function of a command that is recorded."""
        name, by_hand = command.name, command.row.server == 'hand'
        lines = ['struct vp_cmd_%s a = {0};' % name, 'ctx->dec.cur = p;', 'vp_decode_%s(&ctx->dec, &a);' % name,
                 'p = ctx->dec.cur;', 'if (!vps_recordable(ctx, a.%s))' % command.parameters[0].name, '   return p;']
        lines += [line.replace('return;', 'return p;') for line in self.checks(command)]
        lines += self.change(command) + self.execute(command, None)
        note = self.note(command)
        if by_hand and note:  # a handler may have found that something cannot be used
            note = ['if (!ctx->failed && !ctx->poison)'] + indent(note)
        lines += note
        return ['static const uint8_t *record_%s(struct vps_context *ctx, const uint8_t *p)' % name, '{'] + \
            indent(lines + ['return p;']) + ['}', '']

    def change(self, command):
        """Notes the queries or the event that a command changes, before it is recorded."""
        changed = self.scope.changed(command)
        if not changed:
            return []
        return ['if (!vps_note_%s(%s))' % (changed[0], ', '.join(['ctx'] + ['a.' + name for name in changed[1:]])), '   return p;']

    def note(self, command):
        """Notes what a command writes to that was recorded."""
        writes = command.row.get('writes')
        observed = ['vps_observe_%s(ctx, &a);' % command.row.command] if is_observed(command) else []
        if writes in ('nothing', 'observed'):
            return observed
        if writes in BIND_POINTS:
            return observed + ['vps_command_buffer_note_shaders(ctx, %s);' % BIND_POINTS[writes]]
        if command.row.range():
            array, length, offset, size = self.scope.written(command)
            note = 'vps_note_buffer_write(ctx, %s, %s);' % (offset, size)
            return observed + (['for (uint64_t i = 0; i < %s && !ctx->failed; i++)' % length, '   ' + note] if array else [note])
        kind = 'ALL' if writes == 'everything' else 'IMAGE'
        return observed + ['vps_command_buffer_note_writes(ctx, VPS_WRITES_%s);' % kind]

    def function(self, command):
        if is_recorded(command):
            return self.recorded(command)
        name = command.name
        new = created(self.scope, command)
        lines = ['struct vp_cmd_%s a = {0};' % name, 'vp_decode_%s(&ctx->dec, &a);' % name,
                 'if (!vps_decoded(ctx, %s))' % self.first_type(command), '   return;']
        if new:
            lines += self.each_new(command, new, ['if (!vps_check_new(ctx, %s))' % self.new_id(new), '   return;'])
            if command.result == 'VkResult':
                count = self.codec.length(new.lengths[0], command.parameters, 'a.') if new.lengths else '1'
                lines.append('vps_admit(ctx, %s);' % count)
        if command.row.server == 'gen' and is_destroy(command):
            target = command.parameters[-2]
            body = ['vps_destroy(ctx, %s, (uint64_t)(uintptr_t)a.%s);' % (self.object_type(target), target.name)]
        elif command.row.get('poison') == 'hand':
            body = self.checks(command) + ['vps_handle_%s(ctx, &a);' % name]
        else:
            body = block('if (ctx->poison)', self.poisoned(command, new)) + \
                block('else', self.checks(command) + self.execute(command, new))
        lines += self.join_else(body)
        several = new and new.lengths  # of which there may be some although others failed
        done = '!ctx->failed && !ctx->poison' + \
            (' && a.ret >= 0' if command.result == 'VkResult' and not several else '')
        if is_observed(command):
            lines += ['if (%s)' % done, '   vps_observe_%s(ctx, &a);' % command.row.command]
        lines += block('if (ctx->reply && !ctx->failed)', ['vp_answer_%s(&ctx->enc, &a);' % name, 'vps_send_reply(ctx);'])
        return ['static void run_%s(struct vps_context *ctx)' % name, '{'] + indent(lines) + ['}', '']

    @staticmethod
    def join_else(lines):
        """Puts '} else {' on one line."""
        out = []
        for line in lines:
            if line == 'else {' and out and out[-1] == '}':
                out[-1] = '} else {'
            else:
                out.append(line)
        return out

    def poisoned(self, command, new):
        lines = ['a.ret = ctx->poison;'] if command.result == 'VkResult' else []
        if new:
            parent = 'vps_used(ctx, %s)' % self.scope.registry.handles[self.scope.registry.parents[new.type]] \
                if pool_of(self.scope, command) else \
                'ctx->used[0]' if self.first_type(command) != 'VK_OBJECT_TYPE_UNKNOWN' else 'NULL'
            lines += self.each_new(command, new, ['vps_created_child(ctx, %s, %s, 0, ctx->poison, %s);' % (
                self.object_type(new), self.new_id(new), parent)])
        for kind in command.row.names('spoils'):
            lines.append('vps_poison_used(ctx, VK_OBJECT_TYPE_%s, ctx->poison);' % kind)
        return lines

    def table(self, command):
        if is_recorded(command):
            return 'ctx->target->device->functions.'
        return 'ctx->instance->functions.' if is_instance_level(command) else 'ctx->used[0]->device->functions.'

    def checks(self, command):
        """That the driver has the function and that the handles it needs are there."""
        lines = []
        if not command.own and command.parameters[0].type in self.scope.registry.dispatchable and \
                command.row.get('poison') != 'hand':
            if command.row.server == 'optional':
                return []
            lines += ['if (!%s%s) {' % (self.table(command), field(command.name)), '   vps_missing_function(ctx);', '   return;', '}']
        raw = raw_parameters(command)
        unless = ' && !ctx->poison' if command.row.get('poison') == 'hand' else ''  # others do not come here then
        for p in command.parameters[1:]:
            if p.type in self.scope.registry.handles and not p.depth and p.name not in raw and p.optional[0] != 'true' \
                    and not p.noautovalidity and not is_destroy(command):
                lines += ['if (!a.%s%s) {' % (p.name, unless), '   vps_fail(ctx, "%s is missing");' % p.name, '   return;', '}']
        return lines + checks.Checking(self.scope, command).lines('return;')

    def execute(self, command, new):
        if command.row.get('after') == 'pipelines':
            return ['vps_maker_settle(ctx);'] + self.execute_now(command, new)
        return self.execute_now(command, new)

    def execute_now(self, command, new):
        if command.row.server == 'hand':
            return ['vps_handle_%s(ctx, &a);' % command.name]
        if new:
            return self.create(command, new)
        call = self.call(command)
        if command.row.server == 'optional':
            return self.optional(command, call)
        if command.result == 'void':
            return [call + ';']
        if command.result != 'VkResult':
            return ['a.ret = %s;' % call]
        return self.tried('a.ret = %s;' % call) + block('if (a.ret < 0 && !ctx->reply)', ['vps_not_done(ctx, a.ret);'] + [
            'vps_poison_used(ctx, VK_OBJECT_TYPE_%s, a.ret);' % kind for kind in command.row.names('spoils')])

    def optional(self, command, call):
        """Nothing where the driver lacks it. The queue's thread uses the VkQueue too."""
        there = 'if (%s%s)' % (self.table(command), field(command.name))
        if command.parameters[0].type != 'VkQueue':
            return [there, '   %s;' % call]
        lock = 'vps_queue_lock(ctx->used[0]->state)'
        return block(there, ['pthread_mutex_lock(%s);' % lock, call + ';', 'pthread_mutex_unlock(%s);' % lock])

    @staticmethod
    def tried(statement):
        return ['do', '   ' + statement, 'while (vps_try_again(ctx, a.ret));']

    def call(self, command, replace=None):
        arguments = []
        for p in command.parameters:
            if p.type == 'VkAllocationCallbacks':
                arguments.append('NULL')
            elif p.type == 'VkDeferredOperationKHR' and replace and not p.depth:
                arguments.append('VK_NULL_HANDLE')  # it is done when the call returns
            else:
                arguments.append((replace or {}).get(p.name) or 'a.' + p.name)
        return '%s%s(%s)' % (self.table(command), field(command.name), ', '.join(arguments))

    def create(self, command, new):
        done = 'vps_created(ctx, %s, %s, (uint64_t)(uintptr_t)%s, a.ret);'
        if not new.lengths:
            return ['%s handle = VK_NULL_HANDLE;' % new.type] + \
                self.tried('a.ret = %s;' % self.call(command, {new.name: '&handle'})) + [
                    'vps_created(ctx, %s, (uint64_t)(uintptr_t)*a.%s, a.ret < 0 ? 0 : (uint64_t)(uintptr_t)handle, a.ret);' % (
                        self.object_type(new), new.name)]
        count = self.codec.length(new.lengths[0], command.parameters, 'a.')
        create = 'a.ret = %s;' % self.call(command, {new.name: 'handles'})
        free = ['vps_destroy_handle(ctx->used[0]->device, %s, (uint64_t)(uintptr_t)handles[i]);' % self.object_type(new),
                'handles[i] = VK_NULL_HANDLE;']
        return ['%s *handles = vps_alloc(ctx, %s, sizeof(*handles));' % (new.type, count), 'if (!handles)', '   return;', create] + \
            block('while (vps_try_again(ctx, a.ret))', self.each_new(command, new, free) + [create]) + \
            self.each_new(command, new, [done % (self.object_type(new), self.new_id(new), 'handles[i]'),
                                         'if (!handles[i])', '   a.%s[i] = VK_NULL_HANDLE;' % new.name])


def destroy_functions(scope):
    """Calls the right vkDestroy... for any child of a device that has one."""
    lines = ['void vps_destroy_handle(const struct vps_device *device, int32_t type, uint64_t handle)', '{',
             '   const struct vps_device_functions *functions = &device->functions;', '   switch (type) {']
    registry = scope.registry
    for command in served(scope):
        target = command.parameters[-2] if len(command.parameters) == 3 else None
        if not (is_destroy(command) or command.name == 'vkFreeMemory') or command.parameters[0].type != 'VkDevice':
            continue
        lines += ['   case %s:' % registry.handles[registry.resolve(target.type)],
                  '      functions->%s(device->handle, (%s)(uintptr_t)handle, NULL);' % (field(command.name), target.type),
                  '      break;']
    return lines + ['   default: /* freed with its parent */', '      break;', '   }', '}', '']


def table_commands(scope, base):
    return [c for c in scope.wire_commands() if (c.number >= OURS if base else c.number < LOW_COUNT)]


def dispatch_size(scope, base):
    return max((c.number for c in table_commands(scope, base)), default=base) + 1 - base


def dispatch_tables(scope):
    lines = []
    for name, base in (('low', 0), ('high', OURS)):
        lines.append('const struct vps_dispatch vps_dispatch_%s[%d] = {' % (name, dispatch_size(scope, base)))
        for command in table_commands(scope, base):
            if command.row.server == 'refuse':
                refusal = '"%s"' % REFUSALS.get(command.row.kind, 'is not served in this way; the client must do it otherwise')
                lines.append('   [%d] = {"%s", .refusal = %s},' % (command.number - base, command.name, refusal))
            else:
                recording = command.row.kind == 'record'
                apart = recording and not command.looks_at_others()
                lines.append('   [%d] = {"%s", %s%s%s},' % (
                    command.number - base, command.name,
                    '.record = record_' + command.name if is_recorded(command) else '.run = run_' + command.name,
                    ', .measured_by_size = true' if recording else '', ', .apart = true' if apart else ''))
        lines += ['};', '']
    return lines


FIND = '''
extern const struct vps_dispatch vps_dispatch_low[%d], vps_dispatch_high[%d];

/* NULL for a number that is no command of this build. */
static inline const struct vps_dispatch *vps_dispatch_find(uint32_t number)
{
   const struct vps_dispatch *found = NULL;
   if (number < %d)
      found = &vps_dispatch_low[number];
   else if (number >= %d && number - %d < %d)
      found = &vps_dispatch_high[number - %d];
   return found && found->name ? found : NULL;
}
'''


def dispatch_find(scope):
    low, high = dispatch_size(scope, 0), dispatch_size(scope, OURS)
    return (FIND % (low, high, low, OURS, OURS, high, OURS)).strip().split('\n')


def question_table(scope):
    """What has to be there for a GPU's driver to know the nodes of these chains."""
    rows = []
    for node in sorted({node for root in QUESTIONS for node in scope.nodes.get(root, [])}, key=scope.stype_value):
        version = scope.core_version.get(node.name)
        names = ['"%s"' % extension.name for extension in scope.providers.get(node.name, [])]
        rows.append('   {(VkStructureType)%d, %s, {%s}},' % (
            scope.stype_value(node), 'VK_MAKE_API_VERSION(0, %d, %d, 0)' % version if version else '0', ', '.join(names[:4] + ['NULL'])))
    return {
        'server/vp_questions.c': source(['"server/session/questions.h"'], [
            'const struct vps_question vps_questions[] = {'] + rows + ['};', '',
            'const size_t vps_question_count = sizeof(vps_questions) / sizeof(*vps_questions);']),
    }


def dispatch(scope):
    """{file: text}"""
    instance, device = table_functions(scope)
    handlers = [c for c in served(scope) if c.row.server == 'hand']
    head = ['struct vps_context;', 'struct vps_device;', '']
    head += table_struct('vps_instance_functions', instance) + table_struct('vps_device_functions', device)
    head += ['/* Loads all functions; those that the driver does not have stay NULL. */',
             'void vps_instance_functions_load(struct vps_instance_functions *functions, PFN_vkGetInstanceProcAddr get,',
             '                                 VkInstance instance);',
             'void vps_device_functions_load(struct vps_device_functions *functions, PFN_vkGetDeviceProcAddr get,',
             '                               VkDevice device);', '',
             '/* Destroys a child of a device; does nothing for what is freed with a pool. */',
             'void vps_destroy_handle(const struct vps_device *device, int32_t type, uint64_t handle);', '',
             '/* A command of the wire. One of `run`, which decodes, executes and answers it, `record` and `refusal` is there. */',
             'struct vps_dispatch {', '   const char *name;', '   const char *refusal; /* why it is not executed */',
             '   void (*run)(struct vps_context *ctx);',
             '   /* For what is recorded into a command buffer: decodes it at p and executes it. Returns where it ends. */',
             '   const uint8_t *(*record)(struct vps_context *ctx, const uint8_t *p);',
             '   bool measured_by_size; /* is recorded, or comes with what is: its bytes count, not how long it takes */',
             '   bool apart; /* is recorded, and concerns no other command buffer */', '};', ''] + dispatch_find(scope) + [
             '', '/* What is written by hand, in server/. */']
    head += ['void vps_handle_%s(struct vps_context *ctx, struct vp_cmd_%s *a);' % (c.name, c.name) for c in handlers]
    head += ['void vps_observe_%s(struct vps_context *ctx, const struct vp_cmd_%s *a);' % (c.row.command, c.name)
             for c in served(scope) if is_observed(c)]
    head += checks.prototypes(scope, served(scope))

    runner = Runner(scope)
    body = FUNCTION_NAME + table_names(scope, 'vps_instance_functions', instance) + \
        table_names(scope, 'vps_device_functions', device) + LOADERS + ['']
    body += destroy_functions(scope)
    for command in served(scope):
        body += runner.function(command)
    body += dispatch_tables(scope)
    return {
        'server/vp_dispatch.h': header('VP_DISPATCH_H', ['<stdbool.h>', '<stddef.h>', '"vp_commands.h"'], head),
        'server/vp_dispatch.c': source(['"server/vp_dispatch.h"', '"server/record/bound.h"', '"server/check/check.h"', '"server/record/command_buffer.h"', '"server/core/context.h"',
                                        '"server/core/device.h"', '"server/core/instance.h"', '"server/queue/queue.h"', '"server/record/recorded.h"', '"server/core/reserve.h"', '"server/vp_recorded_calls.h"',
                                        '"server/vp_server_calls.h"',
                                        '"server/memory/writes.h"', '"server/pipeline/maker.h"', '<stddef.h>', '<string.h>'],
                                       body),
    }
