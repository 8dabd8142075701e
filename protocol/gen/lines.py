# SPDX-License-Identifier: MIT
"""Lines of C: indented, in blocks, and the items that encoders and decoders are joined from."""


def indent(lines, levels=1):
    return [('   ' * levels + line) if line else line for line in lines]


def block(head, lines):
    """head { lines }"""
    return [(head + ' {').strip()] + indent(lines) + ['}']


class Item:
    """Part of an encoder or decoder: C lines that store or read exactly `size` bytes at p and move p behind them, or
    (size None) any C lines. Of encoders: with the elements of `arrays`, (how many in C, the size of one), behind the item
    `head`. `before`: what is declared in front of it."""

    def __init__(self, size, lines, before=(), arrays=(), head=None):
        self.size, self.lines, self.before, self.arrays, self.head = size, lines, before, arrays, head


MAX_RUN = 4096  # VP_ENC_MAX_RUN
MAX_ARRAYS = 7  # so many times VP_ENC_TOO_MUCH is a size_t, with what else a run takes


class Run:
    """Items that store at p one after another, into space that is reserved at once."""

    def __init__(self):
        self.total, self.arrays, self.before, self.lines = 0, [], [], []

    def add(self, item):
        self.total += item.size
        self.arrays += item.arrays
        self.before += item.before
        self.lines += item.lines

    def size(self):
        """In C."""
        if len(self.arrays) > MAX_ARRAYS:
            raise SystemExit('%d arrays are sized together, which is more than %d' % (len(self.arrays), MAX_ARRAYS))
        return ' + '.join([str(self.total)] + ['vp_enc_extent(%s, %d)' % array for array in self.arrays])

    def joined(self):
        if self.arrays or self.total > MAX_RUN:
            reserve, lines = 'vp_enc_room', block('if (p)', self.lines + ['(void)p;'])
        else:
            reserve, lines = 'vp_enc_space', self.lines + ['(void)p;']
        return self.before + block('', ['uint8_t *p = %s(e, %s);' % (reserve, self.size())] + lines) if self.lines else self.before


def runs_of(items):
    """Runs, and between them the lines of items that are in none."""
    parts = [Run()]
    for item in [i for item in items for i in (item.head, item) if i]:
        if item.size is None:
            parts += [item.lines, Run()]
        else:
            parts[-1].add(item)
    return parts


def lines_of(parts):
    return [line for part in parts for line in (part.joined() if isinstance(part, Run) else part)]


def join_items(items):
    """Lines for items, one reservation of space for each run of those that store at p."""
    return lines_of(runs_of(items))


def join_reads(items):
    """Lines for items, one check of what is left for each run of fixed-size ones. Without so much, nothing is read."""
    lines, run, total = [], [], 0

    def flush():
        nonlocal run, total
        if run:
            lines.extend(['{', '   const uint8_t *p = vp_dec_take(d, %d);' % total, '   if (p) {'] + indent(run, 2) +
                         ['   }', '}'])
        run, total = [], 0

    for item in items:
        if item.size is None:
            flush()
            lines.extend(item.lines)
        else:
            run += item.lines
            total += item.size
    flush()
    return lines
