"""When two texts, ids or labels are the same, and which characters are refused."""

import hashlib
import re
import unicodedata

MAX_NAME = 200  # characters of an id or a label

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def normalize(text: str) -> str:
    """Return the text as it is stored and compared: NFC, no blanks at the ends.

    >>> normalize(" cafe\u0301 ") == "caf\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text).strip()


def text_hash(normalized: str) -> str:
    """Return the SHA-256 of a normalized text as hex digits."""
    return hashlib.sha256(normalized.encode("utf-8")).hexdigest()


def id_of(hash_: str) -> str:
    """Return the id of a text that came without one: the start of its hash."""
    return hash_[:16]


def fold(label: str) -> str:
    r"""Return what is equal for labels that people would take for the same.

    >>> fold("Caf\u00c9 ") == fold("cafe\u0301")
    True
    """
    return unicodedata.normalize("NFC", normalize(label).casefold())


def fault(text: str) -> str:
    r"""Say which character can't be stored or sent, or return an empty string.

    A lone surrogate is accepted by Label Studio and then breaks every export of the project;
    NUL ends strings early in SQLite and is refused by PostgreSQL.

    >>> fault("fine"), fault("a\x00")
    ('', 'a NUL character at position 2')
    """
    found = _UNUSABLE.search(text)
    if found is None:
        return ""
    if found[0] == "\x00":
        return f"a NUL character at position {found.start() + 1}"
    return (
        f"U+{ord(found[0]):04X} at position {found.start() + 1}, half of a character "
        "or a byte that is not UTF-8"
    )


def mend(text: str) -> str:
    """Replace each character that can't be stored by U+FFFD."""
    return _UNUSABLE.sub("\ufffd", text)


def name_fault(name: str) -> str:
    """Say why a string can't be an id or a label, or return an empty string."""
    if problem := fault(name):
        return f"has {problem}"
    if len(name) > MAX_NAME:
        return f"has {len(name):,} characters, more than {MAX_NAME}"
    if found := _CONTROL.search(name):
        what = "a line break" if found[0] in "\n\r\u2028\u2029" else "a control character"
        return f"has {what} at position {found.start() + 1}"
    return ""


def shown(value: str, width: int = 60) -> str:
    r"""Return a string for a message: quoted, cut, nothing in it that moves the cursor.

    >>> shown("a\x1b[2J")
    "'a\\x1b[2J'"
    """
    return repr(value if len(value) <= width else value[: width - 1] + "\u2026")
