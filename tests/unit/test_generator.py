#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# test: no-asan no-tsan
"""The generator: what its tables may not say, what one row of them brings, and where it finds a command."""

import os
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, 'protocol', 'gen'))

import check  # noqa: E402
import client  # noqa: E402
import server  # noqa: E402
import std  # noqa: E402
import table  # noqa: E402
import where  # noqa: E402
from codec import Codec  # noqa: E402
from registry import Registry  # noqa: E402
from scope import Scope  # noqa: E402

REGISTRY = '''<registry>
  <types>
    <type category="define">#define <name>VK_HEADER_VERSION</name> %d</type>
    <type category="define">#define <name>VK_HEADER_VERSION_COMPLETE</name> VK_MAKE_API_VERSION(0, 1, 3, VK_HEADER_VERSION)</type>
    <type category="handle" objtypeenum="VK_OBJECT_TYPE_DEVICE"><type>VK_DEFINE_HANDLE</type>(<name>VkDevice</name>)</type>
    <type category="handle" objtypeenum="VK_OBJECT_TYPE_QUEUE"><type>VK_DEFINE_HANDLE</type>(<name>VkQueue</name>)</type>
    <type category="handle" objtypeenum="VK_OBJECT_TYPE_COMMAND_BUFFER"><type>VK_DEFINE_HANDLE</type>(<name>VkCommandBuffer</name>)</type>
    <type category="handle" objtypeenum="VK_OBJECT_TYPE_QUERY_POOL"><type>VK_DEFINE_NON_DISPATCHABLE_HANDLE</type>(<name>VkQueryPool</name>)</type>
    <type category="handle" objtypeenum="VK_OBJECT_TYPE_EVENT"><type>VK_DEFINE_NON_DISPATCHABLE_HANDLE</type>(<name>VkEvent</name>)</type>
  </types>
  <enums name="VkObjectType" type="enum">
    <enum name="VK_OBJECT_TYPE_DEVICE" value="3"/><enum name="VK_OBJECT_TYPE_QUEUE" value="4"/>
    <enum name="VK_OBJECT_TYPE_COMMAND_BUFFER" value="6"/><enum name="VK_OBJECT_TYPE_EVENT" value="11"/>
    <enum name="VK_OBJECT_TYPE_QUERY_POOL" value="12"/>
  </enums>
  <commands>%s</commands>
  <feature api="vulkan" name="VK_VERSION_1_0" number="1.0"><require><command name="vkCmdA"/>%s</require></feature>
  <extensions>
    <extension name="VK_EXT_b" number="7" type="device" supported="vulkan"><require><command name="vkCmdB"/></require></extension>
    <extension name="VK_EXT_c" number="8" type="device" supported="vulkan"><require><command name="vkC"/></require></extension>
  </extensions>
</registry>'''
TARGET = ('VkCommandBuffer', 'commandBuffer')
HEAD = 'number command kind client server words\n'
CMD_A = '5 vkCmdA record gen gen writes=nothing\n'


def command(name, *parameters):
    declared = ''.join('<param><type>%s</type> <name>%s</name></param>' % p for p in parameters)
    return '<command><proto><type>void</type> <name>%s</name></proto>%s</command>' % (name, declared)


COMMANDS = command('vkCmdA', TARGET) + command('vkCmdB', TARGET) + command('vkC', ('VkDevice', 'device'))


def scope_of(rows, commands=COMMANDS, extensions='', header_version=check.CHECKED_WITH, brings='', checked=''):
    """What small tables and a small registry make."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (('vk.xml', REGISTRY % (header_version, commands, brings)), ('private.xml', '<registry/>'),
                           ('commands.table', HEAD + rows), ('extensions.table', 'extension kind reason\n' + extensions),
                           ('checks.table', 'command check what\n' + checked),
                           ('chain-nodes.tsv', 'root_struct\tnode_struct\tsType\n')):
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
                file.write(text)
        return Scope(Registry(os.path.join(folder, 'vk.xml'), os.path.join(folder, 'private.xml')), folder)


class Rows(unittest.TestCase):
    """What a row may not say, whatever the registry has."""

    def refuse(self, row, why):
        with self.assertRaisesRegex(table.TableError, why):
            table.parse_commands(HEAD + row)

    def test_good(self):
        row, = table.parse_commands('# said before\n' + HEAD + '0x10001 vkCmdA record gen hand writes=observed ids=a,b\n')
        self.assertEqual((row.number, row.command, row.kind, row.client, row.server), (0x10001, 'vkCmdA', 'record', 'gen', 'hand'))
        self.assertEqual(row.names('ids'), ['a', 'b'])
        self.assertTrue(row.observed)

    def test_form(self):
        with self.assertRaisesRegex(table.TableError, 'names of its columns'):
            table.parse_commands('5 vkA sync gen gen')
        self.refuse('5 vkA sync gen', 'table:2: a row has')
        self.refuse('five vkA sync gen gen', 'no number')
        self.refuse('600 vkA sync gen gen', 'neither a number of Venus nor one of ours')
        self.refuse('5 vkA fast gen gen', 'kind is one of')
        self.refuse('5 vkA sync robot gen', 'client is one of')
        self.refuse('5 vkA sync gen maybe', 'server is one of')

    def test_words(self):
        self.refuse('5 vkA sync gen gen color=red', '"color=red" says nothing')
        self.refuse('5 vkA sync gen gen observed=yes', 'says nothing')
        self.refuse('5 vkA sync gen hand ids=', 'says nothing')
        self.refuse('5 vkA sync gen hand ids=a ids=b', 'there twice')
        self.refuse('5 vkCmdA record gen gen writes=much', 'writes is one of')
        self.refuse('5 vkCmdA record gen gen writes=from+to+there', 'writes is one of')

    def test_twice(self):
        self.refuse('5 vkA sync gen gen\n6 vkA sync gen gen', 'vkA is in protocol/commands.table:2, too')
        self.refuse('5 vkA sync gen gen\n5 vkB sync gen gen', '5 is in')
        self.refuse('5 vkA sync gen gen\n6 vkB sync gen gen was=vkA', 'vkA is in')

    def test_contradictions(self):
        self.refuse('5 vkA sync gen refuse', 'the client would say what the server refuses')
        self.refuse('5 vkA sync hand refuse', 'the server refuses what travels')
        self.refuse('5 vkA local hand gen', 'the server would execute what never travels')
        self.refuse('5 vkA none gen refuse', 'the client would say')
        self.refuse('5 vkA local gen refuse', 'only the creation and the destruction of an object are local and generated')
        self.refuse('5 vkCreateA async hand gen make', 'only a creation that is generated makes something')
        self.refuse('5 vkDestroyA async gen gen say', 'only a creation that is generated makes something')
        self.refuse('5 vkCreateA async gen gen finish', 'only a destruction finishes something')
        self.refuse('5 vkA transport hand refuse', 'no entry point')
        self.refuse('- vkA sync gen gen', 'what travels has a number')
        self.refuse('5 vkA prefetched gen gen', 'answered by hand')
        self.refuse('5 vkCmdA record gen gen', 'what does it write to')
        self.refuse('5 vkA sync gen gen writes=nothing', 'only what is recorded')
        self.refuse('5 vkCmdA record gen gen writes=observed observed', 'observed once')
        self.refuse('5 vkCmdA record gen hand writes=nothing changes=event', 'noted where the recording is generated')
        self.refuse('5 vkA local hand refuse observed', 'what is refused cannot be observed')
        self.refuse('5 vkA sync gen gen ids=a', 'only a handler wants ids')
        self.refuse('5 vkA sync gen gen poison=hand', 'only a handler can look after poison')
        self.refuse('5 vkA local hand refuse spoils=EVENT', 'never left out')
        self.refuse('5 vkA sync gen gen called=device', 'called anyway')
        self.refuse('5 vkA local hand refuse after=pipelines', 'does not come after')

    def test_extensions(self):
        with self.assertRaisesRegex(table.TableError, 'kind is one of'):
            table.parse_extensions('extension kind reason\nVK_EXT_b perhaps\n')
        with self.assertRaisesRegex(table.TableError, 'VK_EXT_b has a row already'):
            table.parse_extensions('extension kind reason\nVK_EXT_b add\nVK_EXT_b hide because\n')


class Tables(unittest.TestCase):
    """What the tables may not say because of the registry."""

    def refuse(self, why, rows, **more):
        with self.assertRaisesRegex(table.TableError, why):
            check.check(scope_of(rows, **more))

    def test_good(self):
        scope = scope_of(CMD_A)
        check.check(scope)
        self.assertEqual([c.name for c in scope.wire_commands()], ['vkCmdA'])

    def test_no_row(self):
        self.refuse('vkCmdA has no row', '')
        self.refuse('vkCmdB has no row', CMD_A, extensions='VK_EXT_b add\n')
        newer = scope_of('', header_version=check.CHECKED_WITH + 1)  # has what could not be known
        check.check(newer)
        self.assertEqual(newer.wire_commands(), [])

    def test_unknown_names(self):
        rows = CMD_A + '6 vkCmdZ record gen gen writes=nothing\n'
        self.refuse('vkCmdZ is no command', rows)
        check.check(scope_of(rows, header_version=check.CHECKED_WITH - 1))  # does not know it yet
        self.refuse('VK_EXT_z is no extension', CMD_A, extensions='VK_EXT_z add\n')
        self.refuse('vkCmdB is another command than vkCmdA', CMD_A.strip() + ' was=vkCmdB\n')
        self.refuse('its parameter event, if it has one', '5 vkCmdA record gen hand writes=nothing ids=event\n')
        queue = command('vkCmdA', TARGET) + command('vkC', ('VkDevice', 'device'))
        self.refuse('no objects of the type SPOON', CMD_A + '6 vkC sync gen gen spoils=SPOON extension=VK_EXT_c\n', commands=queue)

    def test_what_cannot_be_generated(self):
        self.refuse('only objects of a device are generated', '5 vkCmdA record gen gen writes=nothing\n6 vkCreateC async gen gen\n',
                    commands=COMMANDS + command('vkCreateC', TARGET), header_version=check.CHECKED_WITH - 1,
                    brings='<command name="vkCreateC"/>')
        self.refuse('has no wire form', CMD_A, commands=command('vkCmdA', TARGET, ('void*', 'data')))
        self.refuse('recording it is not generated', CMD_A, commands=command('vkCmdA', TARGET, ('VkCommandBuffer', 'other')))
        self.refuse('it has no barriers', '5 vkCmdA record gen gen writes=layouts\n')
        self.refuse('it has no queries and no event', '5 vkCmdA record gen gen writes=nothing changes=query\n')
        self.refuse('it has no range', '5 vkCmdA record gen gen writes=pRegions.offset+size\n')
        rows = CMD_A + '6 vkC async gen gen extension=VK_EXT_c\n'
        self.refuse("the queue's thread", rows, commands=command('vkCmdA', TARGET) + command('vkC', ('VkQueue', 'queue')))

    def test_one_row_brings_an_extension(self):
        scope = scope_of(CMD_A + '0x10001 vkCmdB record gen gen writes=nothing extension=VK_EXT_b\n')
        check.check(scope)
        self.assertTrue(scope.offered(scope.extensions['VK_EXT_b']))
        entries = '\n'.join(client.entry_points(scope)['client/vp_entry.c'].split('\n'))
        self.assertIn('VKAPI_CALL vp_vkCmdB(', entries)
        dispatch = server.dispatch(scope)['server/vp_dispatch.c']
        self.assertIn('ctx->target->device->functions.CmdB(a.commandBuffer);', dispatch)

    def test_what_is_changed_is_noted(self):
        def recorded(words, *parameters):
            scope = scope_of('5 vkCmdA record gen gen ' + words + '\n', commands=command('vkCmdA', TARGET, *parameters))
            check.check(scope)
            return server.dispatch(scope)['server/vp_dispatch.c']

        pool, numbers = ('VkQueryPool', 'pool'), [('uint32_t', 'first'), ('uint32_t', 'count')]
        self.assertIn('if (!vps_note_query(ctx, a.first))\n      return p;\n   ctx->target->device->functions.CmdA(',
                      recorded('writes=nothing changes=first', pool, *numbers))
        self.assertIn('if (!vps_note_queries(ctx, a.first, a.count))', recorded('writes=nothing changes=first,count', pool, *numbers))
        self.assertIn('if (!vps_note_event(ctx))', recorded('writes=nothing changes=event', ('VkEvent', 'event')))
        self.assertIn('vps_note_buffer_write(ctx, a.first, 4);', recorded('writes=first+4', *numbers))
        self.assertIn('vps_note_buffer_write(ctx, a.first, a.count);', recorded('writes=first+count', *numbers))
        both = recorded('writes=images observed')
        self.assertIn('vps_observe_vkCmdA(ctx, &a);\n   vps_command_buffer_note_writes(ctx, VPS_WRITES_IMAGE);', both)

    def test_what_is_checked(self):
        def recorded(checked, *parameters):
            scope = scope_of(CMD_A, commands=command('vkCmdA', TARGET, *parameters), checked=checked)
            check.check(scope)
            return server.dispatch(scope)['server/vp_dispatch.c']

        event, numbers = ('VkEvent', 'event'), [('uint32_t', 'first'), ('uint32_t', 'count')]
        self.assertIn('if (!vps_check_slots(ctx, a.first, a.count, ctx->target->device->limits.maxA, "maxA"))\n      return p;\n'
                      '   ctx->target->device->functions.CmdA(', recorded('vkCmdA slots first count maxA\n', *numbers))
        self.assertIn('if (!vps_check_part(ctx, 1, "event", a.first, 4))', recorded('vkCmdA part event first 4\n', event, *numbers))
        self.assertIn('if (!vps_check_vkCmdA(ctx, &a))', recorded('vkCmdA hand\n', event))
        for checked, why in (('vkCmdA slots first\n', 'no such check'), ('vkCmdA sure\n', 'no such check'),
                             ('vkCmdA slots size count maxA\n', 'there is no size'), ('vkCmdZ hand\n', 'does not execute vkCmdZ')):
            with self.assertRaisesRegex(table.TableError, why):
                recorded(checked, *numbers)

    def test_what_is_refused_cannot_be_said(self):
        scope = scope_of(CMD_A + '6 vkC local hand refuse extension=VK_EXT_c\n')
        said = client.send_header(scope)
        self.assertIn('vp_send_vkCmdA', said)
        self.assertNotIn('vp_send_vkC(', said)


class Where(unittest.TestCase):
    def test_functions(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, 'a.c'), 'w', encoding='utf-8') as file:
                file.write('void vp_vkCmdA(int a);\n\nvoid vp_vkCmdA(int a,\n               int b)\n{\n   vp_send_vkCmdA(a);\n}\n')
            found = where.functions(['vkCmdA'], [folder])
        self.assertEqual([(what, name, place.rsplit('/', 1)[-1]) for what, name, place in found],
                         [('entry point', 'vp_vkCmdA', 'a.c:3')])

    def dev(self, name):
        return subprocess.run([os.path.join(SOURCE, 'dev'), 'where', name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, text=True)

    def test_dev_where(self):
        if 'VP_BUILD' not in os.environ:
            self.skipTest('VP_BUILD names no build')
        result = self.dev('vkCmdCopyImage')
        self.assertEqual(result.returncode, 0, result.stdout)
        for words in ('commands.table:', '113 vkCmdCopyImage record gen gen writes=images', 'VERSION_1_0',
                      'vp_vkCmdCopyImage, entry point', 'record_vkCmdCopyImage, records it'):
            self.assertIn(words, result.stdout)
        for name, place, what in (('vkCmdCopyImageToBuffer', 'vps_observe_vkCmdCopyImageToBuffer', 'observer'),
                                  ('vkAllocateMemory', 'vps_handle_vkAllocateMemory', 'handler')):
            line, = [line for line in self.dev(name).stdout.split('\n') if '%s, %s' % (place, what) in line]
            file, number = line.split()[0].split(':')
            with open(os.path.join(SOURCE, file), encoding='utf-8') as text:
                self.assertIn(place + '(', text.read().split('\n')[int(number) - 1])
        self.assertIn('makes    VkDescriptorSet, of pAllocateInfo->descriptorPool', self.dev('vkAllocateDescriptorSets').stdout)
        unknown = self.dev('vkCmdCopyImag')
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn('vkCmdCopyImage', unknown.stdout)


VIDEO = '''<registry><types>
  <type category="struct" name="StdFlags">%s<member><type>uint32_t</type> <name>last</name> : 2</member></type>
  <type category="struct" name="StdSet"><member><type>StdFlags</type> <name>flags</name></member>
    <member><type>uint8_t</type> <name>layers</name></member><member><type>uint8_t</type> <name>count</name></member>
    <member><type>int16_t</type> <name>table</name>[<enum>STD_ROWS</enum>][3]</member>
    <member>const <type>int32_t</type>* <name>pNumbers</name></member>
    <member>const <type>StdInner</type>* <name>pInner</name></member></type>
  <type category="struct" name="StdInner"><member>const <type>uint32_t</type>* <name>pLayers</name></member></type>
</types><extensions><extension><require><enum name="STD_ROWS" value="2"/></require></extension></extensions></registry>''' % ''.join(
    '<member><type>uint32_t</type> <name>f%d</name> : 1</member>' % i for i in range(31))
STD = '''member words
StdSet.layers most=6 outer
StdSet.count most=9 when=flags.f0
StdSet.pNumbers there=flags.f1|count=2 count=count
StdInner.pLayers there=maybe count=outer
'''


class Video(unittest.TestCase):
    """protocol/std.table and the structs of video codecs."""

    def codec(self, rows=STD):
        with tempfile.TemporaryDirectory() as folder:
            texts = {'vk.xml': REGISTRY % (check.CHECKED_WITH, COMMANDS, ''), 'video.xml': VIDEO, 'private.xml': '<registry/>',
                     'commands.table': HEAD + CMD_A, 'extensions.table': 'extension kind reason\n',
                     'checks.table': 'command check what\n', 'chain-nodes.tsv': 'root_struct\tnode_struct\tsType\n'}
            for name, text in texts.items():
                with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
                    file.write(text)
            registry = Registry(os.path.join(folder, 'vk.xml'), os.path.join(folder, 'private.xml'), std.parse(rows))
            return Codec(Scope(registry, folder), 'vps')

    def text(self, verb, name, rows=STD):
        codec = self.codec(rows)
        codec.need(verb, codec.registry.structs[name])
        return '\n'.join(codec.inlines + codec.functions)

    def refuse(self, why, rows):
        with self.assertRaises(table.TableError) as raised:
            self.codec('member words\n' + rows)
        self.assertIn(why, str(raised.exception))

    def test_what_rows_may_not_say(self):
        self.refuse('"much" says nothing that is known', 'StdSet.count much\n')
        self.refuse('"most=few" says nothing that is known', 'StdSet.count most=few\n')
        self.refuse('"most=2" says nothing that is known', 'StdSet.count most=1 most=2\n')
        self.refuse('a row is of a member, and says something', 'StdSet.count\n')
        self.refuse('it is in protocol/std.table:2, too', 'StdSet.count most=1\nStdSet.count most=2\n')
        self.refuse('that cannot be said of', 'StdSet.count count=layers\n')
        self.refuse('that cannot be said of', 'StdSet.pNumbers most=1\n')
        self.refuse('that cannot be said of', 'StdSet.pNumbers count=nothing\n')
        rows = std.parse('member words\nStdSet.other most=1\n')
        self.assertEqual(std.unknown_members(self.codec().registry, rows),
                         ['protocol/std.table:2: StdSet.other is no member'])

    def test_bit_fields(self):
        written = self.text('put', 'StdFlags')
        self.assertIn('p = vp_put_u32(p, (uint32_t)v->f0 << 0 | (uint32_t)v->f1 << 1 |', written)
        self.assertIn('(uint32_t)v->f30 << 30);', written)  # the last has no room there
        self.assertIn('p = vp_put_u32(p, (uint32_t)v->last << 0);', written)
        self.assertIn('v->last = bits >> 0 & 0x3u;', self.text('get', 'StdFlags'))

    def test_arrays_and_numbers(self):
        self.assertIn('vp_put_fixed(p, &v->table, 6, sizeof(int16_t))', self.text('enc', 'StdSet'))
        read = self.text('new', 'StdSet')
        self.assertIn('vp_dec_fixed(d, p, &v->table, 6, sizeof(int16_t))', read)
        self.assertIn('vp_dec_require(d, (uint32_t)v->layers <= 6, "layers is too large");', read)
        self.assertIn('vp_dec_require(d, !(v->flags.f0) || (uint32_t)v->count <= 9, "count is too large");', read)
        self.assertIn('d->outer = (uint32_t)v->layers + 1;', read)
        self.assertIn('vp_dec_check_count(d, n_pLayers, (uint64_t)outer, true);', read)

    def test_pointers(self):
        written, read = self.text('enc', 'StdSet'), self.text('new', 'StdSet')
        self.assertIn('v->pNumbers && (v->flags.f1 || v->count == 2) ? (uint64_t)(v->count) : 0;', written)
        self.assertIn('vp_dec_require(d, !(v->flags.f1 || v->count == 2) || !(uint64_t)(v->count) || v->pNumbers, "pNumbers is missing");',
                      read)
        self.assertIn('vp_dec_require(d, v->pInner, "pInner is missing");', read)


if __name__ == '__main__':
    unittest.main()
