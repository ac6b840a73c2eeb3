"""The name that somebody may have meant."""

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return the end of a message that names the nearest of the known names, or ''.

    >>> near("magrin", ["margin", "random"])
    ', did you mean margin?'
    """
    found = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {prefix}{found[0]}?" if found else ""
