"""What counts as a word in the scripts of the world: where no blanks stand, runs of characters."""

import re
import unicodedata
from collections.abc import Iterator

_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA, _KATAKANA = "\u3041-\u3096\u309d-\u309f", "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_THAI = "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # with Lao, Burmese and Khmer
_HANGUL = "\u1100-\u11ff\uac00-\ud7af"
_OTHER = rf"(?:(?![{_HAN}{_HIRAGANA}{_KATAKANA}{_THAI}{_HANGUL}])[\w\u0900-\u0dff])"
_RUN = re.compile(
    f"(?P<cjk>[{_HAN}{_HIRAGANA}{_KATAKANA}]+)|(?P<thai>[{_THAI}]+)|(?P<hangul>[{_HANGUL}]+)"
    # An elision or a joiner stands inside a word.
    f"|(?P<word>{_OTHER}+(?:['\u200c\u200d]{_OTHER}+)*)"
)
_WORD_START = re.compile(f"[{_KATAKANA}]+|[{_HAN}]+[{_HIRAGANA}]*|[{_HIRAGANA}]+")
_KATAKANA_WORD = re.compile(f"[{_KATAKANA}]+")
_HAS_HIRAGANA = re.compile(f"[{_HIRAGANA}]")
#: Characters of Chinese grammar, which no phrase begins or ends with, and Japanese particles.
_GRAMMAR = frozenset("的了是吗呢吧啊嘛呀就也都还我你您他她它们这那はがをにでともへの")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
#: Thai and Lao vowels that are written before their consonant, and after it.
_BEFORE = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
_AFTER = frozenset("\u0e30\u0e32\u0e45\u0eb0\u0eb2")
_SHORTEST, _LONGEST, _LONGEST_THAI, _LONGEST_WORD = 2, 4, 6, 30


def chains(text: str) -> list[list[str]]:
    """Return the words of a text, folded: those of a list follow one another, but for blanks.

    Numbers, single letters and very long words are left out; they end nothing.
    """
    found: list[list[str]] = []
    end = -1
    for run in _RUN.finditer(_plain(text)):
        if run.lastgroup != "word":
            continue
        between = run.string[end : run.start()]
        if end < 0 or between.strip(" \t-/"):
            found.append([])
        end = run.end()
        word = run[0].removesuffix("'s")
        if 1 < len(word) <= _LONGEST_WORD and any(c.isalpha() for c in word):
            found[-1].append(word)
    return found


def pieces(text: str) -> Iterator[str]:
    """Yield what may be a word where none can be told by blanks.

    Chinese and Japanese: 2 to 4 characters that cut no katakana word; with hiragana only from
    where a word begins. Thai, Lao, Khmer and Burmese: 2 to 6 characters with their vowels and
    signs. Korean: the beginnings of its words, since particles follow them.
    """
    for run in _RUN.finditer(_plain(text)):
        if run.lastgroup in _PIECES:
            yield from _PIECES[run.lastgroup](run[0])


def spaceless(term: str) -> bool:
    """Tell whether a term is written in a script without blanks between words."""
    run = _RUN.match(term)
    return run is not None and run.lastgroup != "word"


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return _ADDRESS.sub(" ; ", plain)


def _cjk(run: str) -> Iterator[str]:
    inside = {i for m in _KATAKANA_WORD.finditer(run) for i in range(m.start() + 1, m.end())}
    starts = {m.start() for m in _WORD_START.finditer(run)}
    for start, n in _windows(len(run), _LONGEST):
        piece = run[start : start + n]
        cut = start in inside or start + n in inside
        cut = cut or (start not in starts and _HAS_HIRAGANA.search(piece) is not None)
        if not cut and piece[0] not in _GRAMMAR and piece[-1] not in _GRAMMAR:
            yield piece
    for word in _KATAKANA_WORD.findall(run):
        if _LONGEST < len(word) <= _LONGEST_WORD:
            yield word


def _thai(run: str) -> Iterator[str]:
    whole: list[str] = []
    for c in run:
        sign = unicodedata.category(c) in ("Mn", "Mc") or c in _AFTER
        if whole and (sign or whole[-1][-1] in _BEFORE):
            whole[-1] += c
        else:
            whole.append(c)
    for start, n in _windows(len(whole), _LONGEST_THAI):
        yield "".join(whole[start : start + n])


def _hangul(run: str) -> Iterator[str]:
    for end in range(_SHORTEST, min(len(run), _LONGEST) + 1):
        yield run[:end]


def _windows(length: int, longest: int) -> Iterator[tuple[int, int]]:
    for n in range(_SHORTEST, longest + 1):
        for start in range(length - n + 1):
            yield start, n


_PIECES = {"cjk": _cjk, "thai": _thai, "hangul": _hangul}
