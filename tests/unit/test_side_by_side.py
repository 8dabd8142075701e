#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tools/side_by_side.py: how many panels its picture has and in which colours, and that each picture that differs, if only
in one bit, is named."""

import importlib.util
import os
import struct
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = f"{SOURCE}/tools/side_by_side.py"

if importlib.util.find_spec("PIL") is None:
    print("SKIP: Pillow (python3-pil) is not installed")
    sys.exit(77)
from PIL import Image

SPEC = importlib.util.spec_from_file_location("side_by_side", TOOL)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)


class SideBySide(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for side in ("native", "remote"):
            os.mkdir(f"{self.root}/{side}")
            for i in range(12):
                self.make(side, f"picture-{i:02}", (20 * i, 100, 30, 255))

    def make(self, side, name, colour, size=(64, 48)):
        Image.new("RGBA", size, colour).save(f"{self.root}/{side}/{name}.png")

    def make_xwd(self, side, name, colour):
        fields = [100, 7, 2, 24, 4, 2, 0, 0, 32, 0, 32, 32, 16, 4, 0xff0000, 0xff00, 0xff, 8, 256, 0, 4, 2, 0, 0, 0]
        with open(f"{self.root}/{side}/{name}.xwd", "wb") as file:
            file.write(struct.pack(">25I", *fields) + struct.pack("<I", colour) * 8)

    def run_it(self, status):
        result = subprocess.run([TOOL, "--title", "A GPU", "--line", "a driver", f"{self.root}/native",
                                 f"{self.root}/remote", f"{self.root}/all.png"], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(result.returncode, status, result.stdout)
        return result.stdout.splitlines()

    def panels(self, colour):
        """How many frames of a colour the picture has: each has an upper and a lower edge."""
        with Image.open(f"{self.root}/all.png") as image:
            edges = image.convert("RGB").tobytes().count(bytes(colour) * tool.PANEL[0])
        self.assertEqual(edges % 2, 0)
        return edges // 2

    def check_panels(self, equal, different, not_compared):
        self.assertEqual([self.panels(colour) for colour in (tool.EQUAL, tool.DIFFERENT, tool.NOT_COMPARED)],
                         [equal, different, not_compared])

    def test_equal(self):
        self.assertEqual(self.run_it(0), ["12 of 12 pictures are equal to the bit"])
        self.check_panels(24, 0, 0)

    def test_one_bit(self):
        with Image.open(f"{self.root}/remote/picture-07.png") as image:
            image.putpixel((5, 6), (140, 101, 30, 255))
            image.save(f"{self.root}/remote/picture-07.png")
        self.assertEqual(self.run_it(1), ["11 of 12 pictures are equal to the bit",
                                          "picture-07 differs in 1 of 3072 pixels"])
        self.check_panels(22, 2, 0)

    def test_transparency(self):
        self.make("remote", "picture-01", (20, 100, 30, 254))
        self.assertEqual(self.run_it(1)[1:], ["picture-01 differs in 3072 of 3072 pixels"])

    def test_size_and_missing(self):
        self.make("remote", "picture-00", (0, 100, 30, 255), (32, 48))
        os.unlink(f"{self.root}/remote/picture-03.png")
        os.unlink(f"{self.root}/native/picture-04.png")
        self.assertEqual(self.run_it(1), [
            "9 of 12 pictures are equal to the bit", "picture-00 differs in size or format: 64x48 RGBA and 32x48 RGBA",
            "picture-03 is missing in remote", "picture-04 is missing in native"])
        self.check_panels(18, 6, 0)

    def test_window(self):
        self.make_xwd("native", "window", 0x00102030)
        self.make_xwd("remote", "window", 0xff102030)  # the eight bits that are no colour
        self.assertEqual(self.run_it(0), ["13 of 13 pictures are equal to the bit"])
        self.check_panels(26, 0, 0)
        self.assertEqual(tool.read_xwd(f"{self.root}/native/window.xwd").getpixel((3, 1)), (0x10, 0x20, 0x30))
        self.make_xwd("remote", "window", 0x00102031)
        self.assertEqual(self.run_it(1)[1], "window differs in 8 of 8 pixels")

    def test_not_compared(self):
        with open(f"{self.root}/native/window.txt", "w", encoding="ascii") as file:
            file.write("the native driver shows none\n")
        self.make_xwd("remote", "window", 0x00102030)
        self.assertEqual(self.run_it(0), ["12 of 12 pictures are equal to the bit",
                                          "window is not compared: the native driver shows none"])
        self.check_panels(24, 0, 2)

    def test_nothing(self):
        for side in ("native", "remote"):
            for name in os.listdir(f"{self.root}/{side}"):
                os.unlink(f"{self.root}/{side}/{name}")
        self.assertIn("there is nothing to compare", self.run_it(2)[0])


if __name__ == "__main__":
    unittest.main()
