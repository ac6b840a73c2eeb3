"""Texts of strangers where something else reads them: a terminal, a spreadsheet."""

from collections.abc import Sequence

#: What a formula begins with; some spreadsheets take the wide forms, too.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
#: What can move a terminal's cursor, but for a tab and the end of a line.
_CONTROL = dict.fromkeys([*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)], "\ufffd")


def harmless(text: str) -> str:
    """Return a text for the terminal with its lines as they are."""
    return text.translate(_CONTROL)


def one_line(text: str) -> str:
    """Return a text for the terminal: one line, nothing in it that moves the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shorten(text: str, width: int = 60) -> str:
    """Return the beginning of a text on one line."""
    line = one_line(text)
    return line if len(line) <= width else line[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"


def samples(texts: Sequence[str]) -> str:
    """Return the beginnings of the first few texts on one line, as a hint what others are like."""
    return " | ".join(shorten(text, 80) for text in texts[:3])


def few(names: Sequence[str], most: int = 10) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def safe_cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula (CWE-1236)."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
