#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the documents quote is still there: each sentence of docs/TROUBLESHOOTING.md in the sources, each word of
docs/GLOSSARY.md in the tour of the code, each file that the glossary names, and the pictures."""

import glob
import os
import re
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STRING = r'"(?:[^"\\\n]|\\.)*"'
MACRO = r"[A-Z][A-Z0-9_]+"
LITERAL = re.compile(rf"(?:{MACRO}\s+)?{STRING}(?:\s*(?:{STRING}|{MACRO}(?=\s*\")|PRI\w+))*")
FORMAT = r"%[-+ #0]*[\d*]*(?:\.[\d*]+)?(?:hh|h|ll|l|z|j|t)?[a-zA-Z]"
# What a document writes for what is filled in: without small letters.
FILLED = "[^a-z]*?"
FEWEST = 15  # so many letters of a message must be its own


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def messages():
    """Regular expressions for all that the programs may print in one piece."""
    found = set()
    for part in ("client", "common", "server"):
        for path in glob.glob(f"{SOURCE}/{part}/**/*.c", recursive=True):
            for match in LITERAL.finditer(read(path)):
                text = "".join(string[1:-1] if string.startswith('"') else "s" if string.startswith("PRI") else "%s"
                               for string in re.findall(rf"{STRING}|\w+", match[0]))
                text = text.replace("\\n", "").replace('\\"', '"').replace("\\'", "'")
                fixed = re.split(FORMAT, re.sub("^venus-[a-z]+: ", "", text))
                if sum(len(piece.strip()) for piece in fixed) >= FEWEST:
                    found.add(FILLED.join(re.escape(piece.replace("%%", "%")) for piece in fixed))
    return [re.compile(pattern) for pattern in found]


def quotes(text):
    """The block quotes of a document, each on one line."""
    return [" ".join(line[2:] for line in block.splitlines()) for block in re.findall(r"(?:^> .*\n)+", text, re.MULTILINE)]


def glossary():
    return re.findall(r"^\| \*\*(.+?)\*\* \|", read("docs/GLOSSARY.md"), re.MULTILINE)


class Documents(unittest.TestCase):
    def test_quoted_messages(self):
        known = messages()
        quoted = quotes(read("docs/TROUBLESHOOTING.md"))
        self.assertGreater(len(quoted), 20)
        for quote in quoted:
            with self.subTest():
                self.assertTrue(any(pattern.fullmatch(quote) for pattern in known), f"nothing says: {quote}")

    def test_what_nobody_says_is_found(self):
        known = messages()
        for quote in ("cannot reach the Venus server at HOST:PORT: connection refused; is venus-server running",
                      "cannot reach the Venus server at the moment: connection refused; is venus-server running there?",
                      "HOST:PORT", "nobody ever says this sentence"):
            self.assertFalse(any(pattern.fullmatch(quote) for pattern in known), quote)

    def test_glossary(self):
        words = glossary()
        self.assertGreater(len(words), 20)
        self.assertEqual(words, sorted(words, key=str.lower))
        pages = ("docs/ARCHITECTURE.md", "docs/MAPPED_MEMORY.md", "docs/WINDOWS.md")
        tour = re.sub(r"\s+", " ", " ".join(map(read, pages))).lower()
        for word in words:
            self.assertTrue(re.search(rf"\b{re.escape(word.lower())}", tour), f"the tour of the code has no {word}")
        for path in re.findall(r"`((?:client|common|server|protocol)/[^`]+)`", read("docs/GLOSSARY.md")):
            self.assertTrue(os.path.exists(os.path.join(SOURCE, path)), path)

    def test_pictures(self):
        for path in glob.glob(f"{SOURCE}/docs/*.md"):
            for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", read(path)):
                size = os.path.getsize(os.path.join(SOURCE, "docs", name))
                self.assertLess(size, 300 * 1024, f"{name}: pictures in git are small")


if __name__ == "__main__":
    unittest.main()
