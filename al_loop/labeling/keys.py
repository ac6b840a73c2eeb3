"""Bytes from a terminal -> keys.

A key is the character it types, or one of the names below, which are longer than a character.
"""

import re

LEAVE, UNDO, ENTER, ESCAPE = "leave", "undo", "enter", "escape"
BACKSPACE, CLEAR, UP, DOWN = "backspace", "clear", "up", "down"
PAGE_UP, PAGE_DOWN = "page up", "page down"

_NAMES = {
    "\r": ENTER,
    "\n": ENTER,
    "\x7f": BACKSPACE,
    "\b": BACKSPACE,
    "\x04": LEAVE,  # Ctrl-D
    "\x15": CLEAR,  # Ctrl-U
    "\x1a": UNDO,  # Ctrl-Z
    "\x1b": ESCAPE,
    "\x1b[A": UP,
    "\x1bOA": UP,
    "\x1b[B": DOWN,
    "\x1bOB": DOWN,
    "\x1b[5~": PAGE_UP,
    "\x1b[6~": PAGE_DOWN,
}
#: A sequence of ECMA-48, one character with Alt, Escape before another sequence, a character.
_KEY = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b[^[O\x1b]|\x1b(?=\x1b)|[^\x1b]", re.DOTALL)


def split(text: str, *, whole: bool = False) -> tuple[list[str], str]:
    r"""Return the keys in what was read, and the rest: the beginning of a longer sequence.

    `whole` says that nothing more is coming, so that a lone Escape is the key itself. Keys that
    mean nothing here are left out.

    >>> split("ab\x1b[A\r\x1b[5")
    (['a', 'b', 'up', 'enter'], '\x1b[5')
    """
    found, place = [], 0
    while key := _KEY.match(text, place):
        found.append(_NAMES.get(key[0], key[0]))
        place = key.end()
    rest = text[place:]
    if whole:
        found += [ESCAPE] if rest == "\x1b" else []
        rest = ""
    names = set(_NAMES.values())
    return [k for k in found if k in names or (len(k) == 1 and k.isprintable())], rest
