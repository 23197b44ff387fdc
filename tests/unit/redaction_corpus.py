"""Reads the corpus of planted secrets: `⟦literal|class|count|…⟧` becomes a value, made anew.

Classes: `a` letters and digits, `b` base64, `d` digits, `h` hexadecimal, `u` capitals and digits,
`w` word characters and dashes. So no file holds anything that a scanner would complain of.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parent / "fixtures" / "redaction"
ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "b": string.ascii_letters + string.digits + "+/",
    "d": string.digits,
    "h": "0123456789abcdef",
    "u": string.ascii_uppercase + string.digits,
    "w": string.ascii_letters + string.digits + "_-",
}
MARK = re.compile(r"⟦(.*?)⟧", re.DOTALL)


def make(recipe: str, random: Random) -> str:
    """Return a value of a recipe."""
    parts = recipe.split("|")
    value, place = "", 0
    while place < len(parts):
        part = parts[place]
        if part in ALPHABETS and place + 1 < len(parts) and parts[place + 1].isdigit():
            value += "".join(random.choices(ALPHABETS[part], k=int(parts[place + 1])))
            # A value that ends in a dash would be cut there by any search for words.
            value = value[:-1] + "7" if value.endswith(("-", "_")) else value
            place += 2
        else:
            value += part
            place += 1
    return value


def plant(template: str, random: Random) -> tuple[str, list[tuple[int, int]]]:
    """Return a text with its secrets, and where they are."""
    text, spans, last = "", [], 0
    for mark in MARK.finditer(template):
        text += template[last : mark.start()]
        value = make(mark[1], random)
        spans.append((len(text), len(text) + len(value)))
        text += value
        last = mark.end()
    return text + template[last:], spans


def planted() -> Iterator[tuple[str, str]]:
    """Yield the name and the template of each file with secrets."""
    for path in sorted((FOLDER / "planted").iterdir()):
        yield path.stem, path.read_text("utf-8")


def harmless() -> list[str]:
    """Return the lines that hold no secret."""
    return (FOLDER / "harmless.txt").read_text("utf-8").splitlines()
