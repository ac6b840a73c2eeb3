"""Make other people's texts harmless: on a page, in a chart's labels, in a script's data."""

import json
import re

#: What would turn the order of letters around (bidi controls), or is no letter at all.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS_OUT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def visible(text: str) -> str:
    r"""Return a text in which control characters are seen instead of obeyed.

    C0 controls become their pictures (ESC is U+241B), bidi and other controls ``[U+202E]``,
    half a surrogate pair U+FFFD. Line breaks and tabs stay.

    >>> visible("a\x1b[2Jb\u202ec")
    'a␛[2Jb[U+202E]c'
    """
    return _HIDDEN.sub(_mark, text.replace("\r\n", "\n"))


def _mark(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code <= 0xDFFF else f"[U+{code:04X}]"


def shorten(text: str, width: int) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width else line[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"


def chart_label(text: str, width: int = 28) -> str:
    """Return a text for an axis or a legend, where Plotly reads a kind of HTML.

    >>> chart_label('<a href="x">')
    '&lt;a href="x"&gt;'
    """
    short = shorten(visible(text), width)
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def script_json(value: object) -> str:
    """Return JSON that can stand in a script element: nothing in it ends the element.

    Raises ValueError for NaN and infinities, which no parser of JSON takes.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_BREAKS_OUT)
