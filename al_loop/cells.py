"""Texts of strangers where something else reads them: a terminal, a spreadsheet."""


def one_line(text: str) -> str:
    """Return a text for the terminal: one line, nothing in it that moves the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shorten(text: str, width: int = 60) -> str:
    """Return the beginning of a text on one line."""
    line = one_line(text)
    return line if len(line) <= width else line[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"


def safe_cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula (CWE-1236)."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
