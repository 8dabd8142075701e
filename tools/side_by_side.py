#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares the pictures of two folders, pixel by pixel, and makes one picture of all of them, side by side.

usage: tools/side_by_side.py [--title TEXT] [--line TEXT]... FIRST SECOND OUT

The folders are called by the last part of their paths. Pictures are NAME.png, and NAME.xwd, what an X server showed. Where
FIRST has NAME.txt instead, that is why it has none, and NAME is shown but not compared. OUT gets the title, what has been
found and the lines above the pictures; each picture has a frame, green where both are equal, red where they are not, grey
where nothing was compared. What has been found is printed, too. The exit status is 0 when all pictures are equal, 1 when some
are not, 2 when there is nothing to compare, or no Pillow to do it with.
"""

import argparse
import os
import struct
import sys

EQUAL = (40, 150, 70)
DIFFERENT = (215, 40, 40)
NOT_COMPARED = (130, 130, 130)
PAPER = (250, 250, 248)
INK = (35, 35, 40)
FONTS = ("DejaVuSans.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/TTF/DejaVuSans.ttf")
COLUMNS = 3  # pairs beside each other
PANEL = (210, 158)  # each picture is made to fit into this
MARGIN, GAP, LABEL = 20, 14, 17

try:
    from PIL import Image, ImageChops, ImageDraw, ImageFont
except ImportError:
    sys.exit("side_by_side: Pillow, with which pictures are read, is not installed (Debian: python3-pil); install it")


def read_xwd(path):
    """A dump of an X server's screen with 32 bits for a pixel, as Xvfb keeps it."""
    with open(path, "rb") as file:
        data = file.read()
    header = struct.unpack(">25I", data[:100])
    start, width, height, order, bits, stride, colours = (header[i] for i in (0, 4, 5, 7, 11, 12, 19))
    if bits != 32 or order > 1:
        sys.exit(f"side_by_side: {path} has {bits} bits for a pixel; only 32 are understood")
    return Image.frombuffer("RGB", (width, height), data[start + 12 * colours:], "raw", ("BGRX", "XRGB")[order], stride, 1)


def read(path):
    if path.endswith(".xwd"):
        return read_xwd(path)
    with Image.open(path) as image:
        image.load()
        return image


def pictures(folder, endings):
    """Path by name."""
    found = {}
    for name in sorted(os.listdir(folder)):
        stem, ending = os.path.splitext(name)
        if ending in endings:
            found[stem] = os.path.join(folder, name)
    return found


class Pair:
    """The two pictures of a name, either of which may be missing, and what is found when they are compared."""

    def __init__(self, name, paths, sides):
        self.name = name
        self.why = self.fault = ""
        if paths[0] and paths[0].endswith(".txt"):
            with open(paths[0], encoding="utf-8") as file:
                self.why = file.read().strip()
            paths = [None, paths[1]]
        self.images = [read(path) if path else None for path in paths]
        if not self.why:
            self.fault = self.compare(sides)
        self.colour = NOT_COMPARED if self.why else DIFFERENT if self.fault else EQUAL

    def compare(self, sides):
        first, second = self.images
        for image, side in zip(self.images, sides):
            if image is None:
                return f"is missing in {side}"
        if first.size != second.size or first.mode != second.mode:
            return "differs in size or format: " + " and ".join(f"{i.width}x{i.height} {i.mode}" for i in self.images)
        if first.tobytes() == second.tobytes():
            return ""
        # Of what is transparent the colour counts, too, so channels are looked at one by one.
        changed = Image.new("L", first.size)
        for channel in ImageChops.difference(first, second).split():
            changed = ImageChops.lighter(changed, channel.point(lambda value: 255 if value else 0))
        return f"differs in {changed.histogram()[255]} of {first.width * first.height} pixels"


def pairs_of(first, second):
    sides = [os.path.basename(os.path.normpath(folder)) for folder in (first, second)]
    paths = [pictures(first, (".png", ".xwd", ".txt")), pictures(second, (".png", ".xwd"))]
    return sides, [Pair(name, [side.get(name) for side in paths], sides) for name in sorted(set(paths[0]) | set(paths[1]))]


def verdict(pairs):
    """In one line what was found, and one more for each picture that is another one or was not compared."""
    compared = [pair for pair in pairs if not pair.why]
    equal = sum(not pair.fault for pair in compared)
    lines = [f"{equal} of {len(compared)} pictures are equal to the bit"]
    lines += [f"{pair.name} {pair.fault}" for pair in compared if pair.fault]
    lines += [f"{pair.name} is not compared: {pair.why}" for pair in pairs if pair.why]
    return lines


def font(size):
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default()


class Sheet:
    def __init__(self, heads, pairs, sides):
        """HEADS: texts with their sizes and colours, from the top."""
        self.height = MARGIN + sum(size + 9 for _, size, _ in heads) + MARGIN // 2
        self.rows = (len(pairs) + COLUMNS - 1) // COLUMNS
        cell = (2 * PANEL[0] + GAP + 4, PANEL[1] + LABEL + GAP)
        width = 2 * MARGIN + COLUMNS * cell[0] - GAP
        self.image = Image.new("RGB", (width, self.height + self.rows * cell[1] + MARGIN - GAP), PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self.small = font(12)
        y = MARGIN
        for text, size, colour in heads:
            self.draw.text((MARGIN, y), text, fill=colour, font=font(size))
            y += size + 9
        for i, pair in enumerate(pairs):
            x, y = MARGIN + i % COLUMNS * cell[0], self.height + i // COLUMNS * cell[1]
            for k in range(2):
                self.panel(x + k * (PANEL[0] + 4), y, f"{pair.name}, {sides[k]}", pair, k)

    def panel(self, x, y, label, pair, k):
        self.draw.text((x, y), label, fill=INK, font=self.small)
        y += LABEL
        image = pair.images[k]
        if image is None:
            self.draw.text((x + 6, y + 6), (pair.why or "missing").replace(", ", ",\n"), fill=INK, font=self.small)
        else:
            image = image.convert("RGB")
            image.thumbnail((PANEL[0] - 4, PANEL[1] - 4), Image.LANCZOS)
            self.image.paste(image, (x + (PANEL[0] - image.width) // 2, y + (PANEL[1] - image.height) // 2))
        self.draw.rectangle((x, y, x + PANEL[0] - 1, y + PANEL[1] - 1), outline=pair.colour)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--title", default="")
    parser.add_argument("--line", action="append", default=[])
    parser.add_argument("folders", nargs=2)
    parser.add_argument("out")
    options = parser.parse_args()
    sides, pairs = pairs_of(*options.folders)
    if all(pair.why for pair in pairs):
        print(f"side_by_side: there is nothing to compare in {options.folders[0]} and {options.folders[1]}")
        return 2
    found = verdict(pairs)
    wrong = any(pair.fault for pair in pairs)
    heads = [(options.title, 22, INK)] if options.title else []
    heads += [(found[0], 17, DIFFERENT if wrong else EQUAL)]
    heads += [(line, 14, INK) for line in found[1:] + options.line]
    Sheet(heads, pairs, sides).image.save(options.out, optimize=True)
    print("\n".join(found))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
