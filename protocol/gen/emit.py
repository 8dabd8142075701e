# SPDX-License-Identifier: MIT
"""Puts the generated C files together."""

import zlib

import checks
from codec import Codec
from lines import indent

BANNER = '/* SPDX-License-Identifier: MIT */\n/* Generated from the Vulkan registry by protocol/gen. Do not edit. */\n'


def c_parameter(parameter):
    """A parameter as C declares it in a struct: arrays become pointers."""
    text = parameter.declaration
    return text.split('[')[0].replace(parameter.name, '*' + parameter.name) if parameter.dimensions else text


def header(guard, includes, body):
    lines = [BANNER, '#ifndef %s' % guard, '#define %s' % guard, '']
    return '\n'.join(lines + ['#include %s' % i for i in includes] + [''] + body + ['', '#endif', ''])


def source(includes, body):
    return '\n'.join([BANNER] + ['#include %s' % i for i in includes] + [''] + body) + '\n'


def private_types(registry):
    """C definitions of what vulkan.h does not have."""
    lines = []
    for struct in registry.structs.values():
        if struct.own:
            if struct.stype:
                lines += ['#define %s ((VkStructureType)%d)' % (struct.stype, registry.values[struct.stype])]
            lines += ['typedef struct %s {' % struct.name]
            lines += ['   %s;' % m.declaration for m in struct.members]
            lines += ['} %s;' % struct.name, '']
    return lines


def other_names(scope, command):
    """What a command that is written by hand may be called too: hand-written code is for all registries, which do not
    agree on which name of a command is the first and which are aliases."""
    row = command.row
    if 'hand' not in (row.client, row.server) and not checks.is_hand(scope, command):
        return []
    return sorted({row.command, *scope.names(command.name)} - {command.name})


def own_facts(scope):
    """All that the wire has of our own commands and their structs."""
    commands = [(c.name, c.number, c.result, [p.declaration for p in c.parameters])
                for c in scope.wire_commands() if c.own]
    structs = [(s.name, [m.declaration for m in s.members]) for s in scope.registry.structs.values() if s.own]
    return commands, structs


def commands_header(scope):
    """Numbers, and one struct per command that holds its parameters and its result."""
    body = private_types(scope.registry) + ['enum vp_command {']
    body += ['   VP_CMD_%s = %d,' % (c.name, c.number) for c in scope.wire_commands()]
    body += ['};', '']
    for command in scope.wire_commands():
        body += ['struct vp_cmd_%s {' % command.name]
        body += ['   %s;' % c_parameter(p) for p in command.parameters]
        if command.result != 'void':
            body += ['   %s ret;' % command.result]
        body += ['};', '']
        for name in other_names(scope, command):
            body += ['#define %s%s %s%s' % (prefix, name, prefix, command.name) for prefix in (
                'VP_CMD_', 'vp_cmd_', 'vp_room_', 'vp_write_', 'vp_request_', 'vp_reply_', 'vp_clear_', 'vp_ask_', 'vp_send_', 'vp_call_', 'vp_decode_', 'vp_answer_',
                'vps_handle_')] + ['']
    known = {c.name for c in scope.wire_commands()}
    body += ['#define %s /* %s is known, which takes the registry of video codecs, too */' % (word, name) for word, name in (
        ('VP_HAS_VIDEO', 'vkCmdDecodeVideoKHR'), ('VP_HAS_VIDEO_ENCODE', 'vkCmdEncodeVideoKHR')) if name in known] + ['']
    registry = scope.registry
    body += ['/* The registry that this was made from. */',
             '#define VP_REGISTRY_VERSION VK_MAKE_API_VERSION(0, %d, %d, %d)' % (*registry.api_version,
                                                                                registry.header_version),
             '#define VP_API_VERSION VK_MAKE_API_VERSION(0, %d, %d, 0)' % registry.api_version,
             '_Static_assert(VP_REGISTRY_VERSION == VK_HEADER_VERSION_COMPLETE, "headers of another Vulkan are found first");',
             '']
    facts = [(c.name, c.number) for c in scope.wire_commands()] + [
        (root, [scope.stype_value(n) for n in nodes]) for root, nodes in sorted(scope.nodes.items())]
    body += ['/* Of the commands and chain nodes of this build, to tell builds apart in a log. */',
             '#define VP_CODEC_HASH 0x%08xu' % zlib.crc32(repr(facts).encode()),
             '/* Of those that are in no registry, which both sides must have alike. */',
             '#define VP_OWN_COMMANDS_HASH 0x%08xu' % zlib.crc32(repr(own_facts(scope)).encode()), '']
    words = [0] * 32
    for extension in scope.extensions.values():
        if extension.number < 32 * 32 and extension.name not in scope.local:
            words[extension.number // 32] |= 1 << extension.number % 32
    words[0] |= 1
    body += ['/* Bit N: extension number N is known to the codec; bit 0: always. */',
             '#define VP_EXTENSION_MASK \\', '   {' + ', '.join('0x%08x' % w for w in words) + '}']
    return header('VP_COMMANDS_H', ['<vulkan/vulkan.h>'], body)


def raw_parameters(command):
    """Parameters that the server's handler wants as ids: what it destroys, and what its row says."""
    if command.row.server == 'gen' and is_destroy(command):
        return {command.parameters[-2].name}
    return set(command.row.names('ids'))


def is_destroy(command):
    return command.name.startswith('vkDestroy') and len(command.parameters) == 3


def is_recorded(command):
    return command.name.startswith('vkCmd')


def client_codec(scope):
    """{file: text}: how the client writes requests and reads replies."""
    codec = Codec(scope, 'vpc')
    calls = []
    for command in scope.wire_commands():
        parameter, (room, write) = 'const struct vp_cmd_%s *a' % command.name, codec.encode_request(command)
        calls += ['/* What a request needs at its beginning; of most commands all that it takes. */',
                  'static inline size_t vp_room_%s(%s)' % (command.name, parameter), '{'] + indent(['(void)a;'] + room) + ['}', '']
        calls += ['/* Writes the request; its beginning into the room that was taken for it. */',
                  'static inline void vp_write_%s(struct vp_encoder *e, uint8_t *room, uint32_t flags, %s)' % (command.name, parameter),
                  '{'] + indent(write + ['(void)e, (void)a;']) + ['}', '']
        calls += ['static inline void vp_request_%s(struct vp_encoder *e, uint32_t flags, %s)' % (command.name, parameter), '{',
                  '   uint8_t *room = vp_enc_room(e, vp_room_%s(a));' % command.name, '   if (room)',
                  '      vp_write_%s(e, room, flags, a);' % command.name, '}', '']
        calls += ['static inline void vp_reply_%s(struct vp_decoder *d, struct vp_cmd_%s *a)' %
                  (command.name, command.name), '{']
        calls += indent(codec.decode_reply(command) + ['(void)a;']) + ['}', '']
        calls += ['/* What the outputs are when there is no reply. */',
                  'static inline void vp_clear_%s(struct vp_cmd_%s *a)' % (command.name, command.name), '{']
        calls += indent(codec.clear_command(command) + ['(void)a;']) + ['}', '']
    includes = ['"vp_commands.h"', '"client/link/object.h"', '"common/wire/decoder.h"', '"common/wire/encoder.h"']
    return {
        'client/vp_client_structs.h': header('VP_CLIENT_STRUCTS_H', includes, codec.prototypes + [''] + codec.inlines),
        'client/vp_client_structs.c': source(['"client/vp_client_structs.h"'], codec.functions),
        'client/vp_client_calls.h': header('VP_CLIENT_CALLS_H', ['"client/vp_client_structs.h"'], calls),
    }


def server_codec(scope):
    """{file: text}: how the server reads requests and writes replies."""
    codec = Codec(scope, 'vps')
    calls, prototypes = [], []
    # Who includes them has these, to be inlined.
    recorded = ['static inline uint64_t vps_find_target(struct vp_decoder *dec, uint64_t id);',
                'static inline uint64_t vps_find_handle(struct vp_decoder *dec, int32_t type, uint64_t id);', '']
    for command in scope.wire_commands():
        decode = 'void vp_decode_%s(struct vp_decoder *d, struct vp_cmd_%s *a)' % (command.name, command.name)
        answer = 'void vp_answer_%s(struct vp_encoder *e, const struct vp_cmd_%s *a)' % (command.name, command.name)
        if is_recorded(command):
            recorded += ['static inline ' + decode, '{']
            recorded += indent(codec.decode_recorded(command, raw_parameters(command)) + ['(void)a;']) + ['}', '']
        else:
            prototypes += [decode + ';']
            calls += [decode, '{'] + indent(codec.decode_request(command, raw_parameters(command)) + ['(void)a;']) + ['}', '']
        prototypes += [answer + ';']
        calls += [answer, '{'] + indent(codec.encode_reply(command) + ['(void)a;']) + ['}', '']
    includes = ['"vp_commands.h"', '"common/wire/decoder.h"', '"common/wire/encoder.h"']
    return {
        'server/vp_server_structs.h': header('VP_SERVER_STRUCTS_H', includes, codec.prototypes + [''] + codec.inlines),
        'server/vp_server_structs.c': source(['"server/vp_server_structs.h"', '"common/wire/video_profile.h"'], codec.functions),
        'server/vp_server_calls.h': header('VP_SERVER_CALLS_H', includes, prototypes),
        'server/vp_recorded_calls.h': header('VP_RECORDED_CALLS_H', ['"server/vp_server_structs.h"'], recorded),
        'server/vp_server_calls.c': source(['"server/vp_server_calls.h"', '"server/vp_server_structs.h"'], calls),
    }


def check_table(scope):
    """Both codecs in one table, for programs that check them against each other."""
    body = []
    for command in scope.wire_commands():
        name = command.name
        body += ['static void request_%s(struct vp_encoder *e, uint32_t flags, const void *a)' % name, '{',
                 '   vp_request_%s(e, flags, a);' % name, '}', '',
                 'static void reply_%s(struct vp_decoder *d, void *a)' % name, '{', '   vp_reply_%s(d, a);' % name, '}', '',
                 'static void decode_%s(struct vp_decoder *d, void *a)' % name, '{', '   vp_decode_%s(d, a);' % name, '}',
                 '', 'static void answer_%s(struct vp_encoder *e, const void *a)' % name, '{',
                 '   vp_answer_%s(e, a);' % name, '}', '']
    body += ['static const struct vp_check_command vp_check_commands[] = {']
    for command in scope.wire_commands():
        n = command.name
        body += ['   {"%s", %d, sizeof(struct vp_cmd_%s), decode_%s, request_%s, answer_%s, reply_%s},' % (
            n, command.number, n, n, n, n, n)]
    body += ['};']
    return {'tools/vp_check_table.h': header('VP_CHECK_TABLE_H', [
        '"client/vp_client_calls.h"', '"server/vp_server_calls.h"', '"tools/check_table.h"', '"server/vp_recorded_calls.h"'], body)}


def format_table(scope):
    """How large a block of each format is, whole or of one plane."""
    registry = scope.registry
    rows = []
    for name in sorted(registry.formats, key=lambda n: registry.values.get(n, 0)):
        if name not in registry.values:
            continue  # a format of an extension that is disabled
        size, extent, planes = registry.formats[name]
        blocks = [size] + [registry.formats[p][0] for p in planes] + [0] * 3
        rows.append('   {%d, {%d, %d, %d, %d}, {%d, %d, %d}, {%d, %d}}, /* %s */' % (
            registry.values[name], *blocks[:4], *extent, *registry.subsampling.get(name, (1, 1)), name))
    return {'common/vp_formats.c': source(['"common/util/format_block.h"'], [
        'const struct vp_format_block vp_format_blocks[] = {'] + rows + [
        '};', '', 'const size_t vp_format_block_count = sizeof(vp_format_blocks) / sizeof(*vp_format_blocks);'])}
