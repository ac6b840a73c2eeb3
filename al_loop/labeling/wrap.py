"""Texts of strangers as rows of a terminal: nothing that moves its cursor, no row too wide.

Which way a row runs and how characters join is the terminal's own business.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

#: Joiners, and marks that only tell the direction of what stands beside them.
_HARMLESS = frozenset("\u200c\u200d\u200e\u200f")


def clean(line: str) -> str:
    r"""Return one line with its control characters made visible or left out.

    Overrides of the direction go, since they could rearrange what stands beside the text.

    >>> clean("a\x1b[2Jb\u202ec\td")
    'a\ufffd[2Jbc    d'
    """
    return "".join(map(_clean, line))


def _clean(character: str) -> str:
    if character.isprintable() or character in _HARMLESS:
        return character
    if character == "\t":
        return "    "
    kind = unicodedata.category(character)
    if kind == "Zs":
        return " " * columns(character)
    return "" if kind == "Cf" else "\N{REPLACEMENT CHARACTER}"


def columns(text: str) -> int:
    r"""Return how many columns of a terminal a text takes.

    >>> columns("ab"), columns("\u4e2d\u6587"), columns("e\u0301")
    (2, 4, 1)
    """
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Return as much of a line as fits; an ellipsis stands for the rest."""
    if columns(text) <= width:
        return text
    kept, used = "", 1
    for character in text:
        used += _columns(character)
        if used > width:
            break
        kept += character
    return kept + "\N{HORIZONTAL ELLIPSIS}"


@lru_cache(maxsize=16)
def rows(text: str, width: int) -> tuple[str, ...]:
    """Return a whole text, cleaned, as rows of at most `width` columns."""
    return tuple(row for line in text.splitlines() for row in _wrap(clean(line), width))


def _wrap(line: str, width: int) -> Iterator[str]:
    """Break a line after spaces and wide characters, within a word only where it must be."""
    row, used, place = "", 0, 0
    for character in line:
        wide = _columns(character)
        if used + wide > width and row:
            if character == " ":
                yield row
                row, used, place = "", 0, 0
                continue
            place = place or len(row)
            yield row[:place].rstrip()
            row, place = row[place:], 0
            used = columns(row)
        row += character
        used += wide
        if character == " " or wide == 2:
            place = len(row)
    yield row
