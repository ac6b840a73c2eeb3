"""Make other people's texts harmless: on a page, in a chart's labels, in a script's data."""

import json
import re

#: What would turn the order of letters around (bidi controls), or is no letter at all.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ISOLATE, _END = "\u2068", "\u2069"
#: What ends a script or a line of it, and what no reader of the file should stumble over.
_BREAKS_OUT = {ord(c): f"\\u{ord(c):04x}" for c in f"<>&\u2028\u2029{_ISOLATE}{_END}"}


def visible(text: str) -> str:
    r"""Return a text in which control characters are seen instead of obeyed.

    Each becomes its number, half of a surrogate pair U+FFFD. Line breaks and tabs stay.

    >>> visible("a\x1b[2Jb\u202ec")
    'a[U+001B][2Jb[U+202E]c'
    """
    return _HIDDEN.sub(_mark, text.replace("\r\n", "\n"))


def _mark(found: re.Match[str]) -> str:
    code = ord(found[0])
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code <= 0xDFFF else f"[U+{code:04X}]"


def shorten(text: str, width: int) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width else line[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"


def chart_label(text: str, width: int = 28) -> str:
    r"""Return a text for an axis or a legend, where Plotly reads a kind of HTML.

    Isolated, so that a name from right to left does not turn what stands beside it.

    >>> chart_label('<a href="x">')
    '\u2068&lt;a href="x"&gt;\u2069'
    """
    short = shorten(visible(text), width)
    escaped = short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{_ISOLATE}{escaped}{_END}"


def script_json(value: object) -> str:
    """Return JSON that can stand in a script element: nothing in it ends the element.

    Raises ValueError for NaN and infinities, which no parser of JSON takes.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_BREAKS_OUT)
