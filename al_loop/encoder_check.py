"""The check whether the encoder knows the language of the texts.

Unknown tokens alone don't tell: the English tokenizer spells Russian letter by letter without
a single unknown token. So word pieces a word are counted as well. Only letters are looked at:
order numbers, links and emoji say nothing about the language.

Measured with all-MiniLM-L6-v2 on customer messages: English 1.0, full of typos 1.3,
Vietnamese 1.6, French 1.9, German 2.1, Polish 2.9, Arabic 4.0, Russian 5.2 pieces a word,
without unknown tokens; Korean 4 %, Japanese 25 %, Chinese 79 %, Thai 100 % unknown.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.embed import Embedder

SAMPLE = 500

_Counts: TypeAlias = npt.NDArray[np.int64]

_UNKNOWN = 0.03  # share of unknown tokens from which an encoder is useless for the texts
_BROKEN = 2.5  # pieces a word from which it is useless, for a vocabulary of one language
_FRAYED = 1.5  # pieces a word from which it is weak
_FOREIGN_TEXT = 1.75  # pieces a word from which a single text counts as foreign
_FOREIGN_SHARE = 0.1  # share of such texts from which they are worth a word
_TOO_FOREIGN = 0.25  # below it the texts as a whole are not called unknown to the encoder
_LEAST_WORDS = 5  # a shorter text says nothing about its language
# A vocabulary of this size serves many languages, and splits the words of each into about two.
_MANY_LANGUAGES = 100_000
_MANY_FACTOR = 1.6
# Scripts written without spaces: each letter counts as a word.
_UNSPACED = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"})
_NAMES = {"CJK": "Han"}
_UNKNOWN_TOKENS = ("[UNK]", "<unk>", "<UNK>", "UNK")  # of WordPiece and of SentencePiece models
# Scripts of which the encoder "multilingual" knows a language.
_MULTILINGUAL = frozenset(
    {"Latin", "Cyrillic", "Arabic", "Thai", "Han", "Hiragana", "Katakana", "Hangul"}
)
_OTHERS = (
    '"paraphrase-multilingual-MiniLM-L12-v2" (50 languages, downloaded once) '
    'or "hashing" (any language, weaker, no download)'
)


@dataclass(frozen=True, slots=True)
class EncoderReport:
    """What the check found.

    ok: false when the encoder does not know the language; then, or when it is doubtful,
        `advice` says so and what to type, else it is empty.
    unknown_share: unknown tokens among all tokens, None when there was nothing to look at.
    pieces_per_word: tokens a word, None likewise.
    foreign_share: texts among those of five words or more that look like another language.
    scripts: script -> share of the letters, the most frequent first.
    """

    ok: bool
    unknown_share: float | None = None
    pieces_per_word: float | None = None
    foreign_share: float = 0.0
    scripts: Mapping[str, float] = field(default_factory=dict)
    advice: str = ""


def check(embedder: Embedder, texts: Sequence[str]) -> EncoderReport:
    """Look at no more than 500 of the texts, evenly spread, so that the answer is repeatable.

    An encoder without a method `tokenizer` that gives a tokenizer as of the package tokenizers
    (``hashing`` among them) fits any language. Of the encoders that come as packages only the
    tokenizer is read, the model is not loaded.

    Raises:
        ConfigError: the encoder can't be loaded.

    """
    sample = _sample(texts)
    scripts = _scripts(sample)
    tokenizer = getattr(embedder, "tokenizer", lambda: None)()
    if tokenizer is None or not scripts:
        return EncoderReport(ok=True, scripts=scripts)
    words, pieces, unknown = _count(tokenizer, sample)
    factor = _MANY_FACTOR if tokenizer.get_vocab_size() > _MANY_LANGUAGES else 1.0
    unknown_share = float(unknown.sum() / max(pieces.sum(), 1))
    per_word = float(pieces.sum() / max(words.sum(), 1))
    long = words >= _LEAST_WORDS
    lost = (unknown > _UNKNOWN * pieces) | (pieces > _FOREIGN_TEXT * factor * words)
    foreign = float(lost[long].mean()) if long.any() else 0.0
    strange = unknown_share > _UNKNOWN or per_word > _BROKEN * factor
    ok = not (strange and (foreign > _TOO_FOREIGN or not long.any()))
    numbers = f"{per_word:.1f} word pieces a word, {unknown_share:.0%} unknown"
    advice = ""
    if not ok:
        part = f"{foreign:.0%} of your texts" if 0 < foreign < 0.995 else "your texts"
        letters = ", ".join(list(scripts)[:3])
        advice = f"does not know the language of {part} ({numbers}; {letters} letters)"
    elif strange or foreign > _FOREIGN_SHARE:
        advice = f"may be weak on {foreign:.0%} of your texts, in another language ({numbers})"
    elif per_word > _FRAYED * factor:
        advice = f"may be weak on the words of your texts ({numbers})"
    if advice:
        advice = f"the encoder {embedder.name} {advice}: {_what_to_type(embedder.name, scripts)}"
    return EncoderReport(ok, unknown_share, per_word, foreign, scripts, advice)


def _what_to_type(name: str, scripts: Mapping[str, float]) -> str:
    """Name the encoders that are left; the small multilingual one where it can read the texts."""
    foreign = max(set(scripts) - {"Latin"}, key=lambda s: scripts[s], default="Latin")
    main = foreign if scripts.get(foreign, 0) > _FOREIGN_SHARE else "Latin"
    fits = main in _MULTILINGUAL and not name.startswith("multilingual@")
    small = '"multilingual" (16 languages; pip install "al-loop[multilingual]"), ' if fits else ""
    return f"in config.toml, set [model] encoder = {small}{_OTHERS}"


def _sample(texts: Sequence[str]) -> list[str]:
    if len(texts) <= SAMPLE:
        return list(texts)
    return [texts[int(i)] for i in np.linspace(0, len(texts) - 1, SAMPLE)]


def _count(tokenizer: Any, texts: Sequence[str]) -> tuple[_Counts, _Counts, _Counts]:
    """Return words, word pieces and unknown tokens (n,) of the letters of each text."""
    letters = [_letters(text) for text in texts]
    words = np.array([_words(text) for text in letters], dtype=np.int64)
    found = tokenizer.encode_batch(letters, add_special_tokens=False)
    unknown = {tokenizer.token_to_id(token) for token in _UNKNOWN_TOKENS}
    pieces = np.array([len(e.ids) for e in found], dtype=np.int64)
    lost = np.array([sum(i in unknown for i in e.ids) for e in found], dtype=np.int64)
    return words, pieces, lost


def _letters(text: str) -> str:
    """Return a text's words alone: letters and their marks, one space between words."""
    kept = (c if unicodedata.category(c)[0] in "LM" else " " for c in text if c not in "'\u2019")
    return " ".join("".join(kept).split())


def _words(letters: str) -> int:
    count = 0
    for word in letters.split():
        alone = sum(_script(c) in _UNSPACED for c in word)
        count += alone or 1
    return count


def _scripts(texts: Sequence[str]) -> dict[str, float]:
    """Return script -> share of the letters, the most frequent first."""
    found = Counter(_script(c) for text in texts for c in text)
    found.pop("", None)
    total = sum(found.values())
    return {_NAMES.get(s, s.capitalize()): n / total for s, n in found.most_common()}


@lru_cache(maxsize=4096)
def _script(c: str) -> str:
    """Return the first word of a letter's Unicode name, its script; empty for the rest."""
    if not unicodedata.category(c).startswith("L"):
        return ""
    return unicodedata.name(c, "").replace("-", " ").partition(" ")[0]
