"""Key phrases of groups of texts, by class-based TF-IDF."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import Any, TypeAlias

from al_loop.cells import shorten
from al_loop.openworld.words import chains, pieces, spaceless

#: A text as its pieces and chains of words.
_Read: TypeAlias = tuple[list[str], list[list[str]]]
#: So many texts of a group are read, and so many characters of each: more change no phrase.
TEXTS, CHARACTERS = 100, 500
_SHORT = 30  # characters of a text that stands for its group
#: A longer phrase takes the place of one inside it that weighs little more.
_NEARLY = 0.7
#: A word is one of grammar when all groups but a fifth have a quarter of its usual share.
_BUT_A_FIFTH, _A_QUARTER = 0.2, 0.25
#: Words of grammar in English, where groups are too few or too small to tell.
_ENGLISH_WORDS = """
a about after again all already also always am an and another any anything are aren't as at be
because been before being but by can can't cannot could couldn't did didn't do does doesn't
doing don't done else even ever every for from get gets getting go going got had has hasn't have
haven't having he her here him his how how's i i'd i'll i'm i've if in into is isn't it its just
know let like make makes many may me might more most much must my myself no nor not now of ok
okay on one only or other our own please put really said same say says see she should so some
someone something still such sure take tell than thanks that that's the their them then there
there's these they thing things this those to too try trying u us use using very want wanted was
wasn't way we well were what what's when where where's which while who why will with won't would
wouldn't yes you you're your it's
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())


def phrases(groups: Sequence[Sequence[str]], n: int = 5) -> list[list[str]]:
    """Return up to n phrases that set each group apart from the others, the strongest first.

    groups: the texts of each, the most central first. A group without any word (of emojis or
    numbers, say) gets its most central text, shortened; one without a text gets nothing.

    Source: class-based TF-IDF of M. Grootendorst, BERTopic, arXiv:2203.05794, eq. 4,
    tf(x, c) log(1 + A / f(x)). Here tf is the share of a group's texts that have the term, less
    its share over all groups: words of every text weigh nothing then, in whichever language,
    however few groups there are.
    """
    import numpy as np

    read = [[_read(text) for text in texts[:TEXTS]] for texts in groups]
    counts, names = _counts(read, _grammar(read))
    if not names:
        return [_stand_in(texts) for texts in groups]
    sizes = [max(len(texts), 1) for texts in read]
    total = np.zeros(len(names))
    for g, size in enumerate(sizes):
        total[counts[g].indices] += counts[g].data / size
    usual = total / len(groups) if len(groups) > 1 else 0 * total
    found = []
    for g, texts in enumerate(groups):
        terms, n_texts = counts[g].indices, counts[g].data
        weights = (n_texts / sizes[g] - usual[terms]) * np.log1p(1 / total[terms])
        # A term of one text out of many tells about that text, not about the group.
        weights[n_texts < min(2, sizes[g] / 3)] = 0
        best = np.lexsort((terms, -weights))[: 6 * n]
        mine = {names[terms[i]]: (float(weights[i]), int(n_texts[i])) for i in best}
        found.append(_distinct(mine)[:n] or _stand_in(texts))
    return found


def _read(text: str) -> _Read:
    beginning = text[:CHARACTERS]
    return list(pieces(beginning)), chains(beginning)


def _grammar(read: Sequence[Sequence[_Read]]) -> frozenset[str]:
    """Return the words that are left out, so that pairs reach over them."""
    shares = []
    for texts in read:
        has = Counter(w for one in texts for w in {w for chain in one[1] for w in chain})
        shares.append({w: n / len(texts) for w, n in has.items()})
    everywhere = Counter(w for group in shares for w in group)
    found = set(_ENGLISH)
    fewest = int(_BUT_A_FIFTH * len(read))
    for word, n in everywhere.items():
        if n >= max(len(read) - fewest, 2):
            ordered = sorted(group.get(word, 0.0) for group in shares)
            if ordered[fewest] >= _A_QUARTER * sum(ordered) / len(ordered):
                found.add(word)
    return frozenset(found)


def _counts(read: Sequence[Sequence[_Read]], grammar: Collection[str]) -> tuple[Any, list[str]]:
    """Return a row for each group: how many of its texts have each term; and the terms."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    def terms(one: _Read) -> Iterator[str]:
        yield from one[0]
        for chain in one[1]:
            words = [w for w in chain if w not in grammar]
            yield from words
            yield from (f"{a} {b}" for a, b in pairwise(words) if a != b)
            # Where a pair is cut out of a phrase, the longer one takes its place.
            yield from map(" ".join, zip(words, words[1:], words[2:], strict=False))

    texts = [one for group in read for one in group]
    if not any(any(terms(one)) for one in texts):
        return None, []
    vectorizer = CountVectorizer(analyzer=terms, binary=True, dtype=np.int64)
    has = vectorizer.fit_transform(texts)
    owner = np.repeat(np.arange(len(read)), [len(group) for group in read])
    ones = np.ones(len(texts), dtype=np.int64)
    sums = csr_matrix((ones, (owner, np.arange(len(texts)))), (len(read), len(texts)))
    return list((sums @ has).tocsr()), list(vectorizer.get_feature_names_out())


def _distinct(terms: Mapping[str, tuple[float, int]]) -> list[str]:
    """Return terms, strongest first, without those that say the same as a stronger one.

    terms: weight and number of texts of each.
    """
    kept: list[str] = []
    for term, (weight, n) in terms.items():
        if weight <= 0 or term.count(" ") > 1:
            continue
        best = term
        for other, (its_weight, its_n) in terms.items():
            whole = its_n >= _NEARLY * n or (other.count(" ") == 1 and not spaceless(other))
            if (
                whole
                and len(other) > len(best)
                and its_weight >= _NEARLY * weight
                and _within(term, other)
            ):
                best = other
        if not any(_alike(best, other) for other in kept):
            kept.append(best)
    return kept


def _within(term: str, longer: str) -> bool:
    """Tell whether a term is a part of a longer one."""
    if term.isascii() or " " in longer:
        return term != longer and f" {term} " in f" {longer} "
    return term != longer and term in longer


def _alike(a: str, b: str) -> bool:
    """Tell whether one of two terms says little beyond the other: forms of its words, a cut."""
    if a == b or _within(a, b) or _within(b, a):
        return True
    if spaceless(a) and spaceless(b):
        least = max(2, min(len(a), len(b)) // 2)
        return any(a[i : i + least] in b for i in range(len(a) - least + 1))
    few, many = sorted((a.split(), b.split()), key=len)
    return all(any(_same_word(w, v) for v in many) for w in few)


def _same_word(a: str, b: str) -> bool:
    stem = max(4, ceil(0.7 * min(len(a), len(b))))
    return a == b or (len(a) >= stem and a[:stem] == b[:stem])


def _stand_in(texts: Sequence[str]) -> list[str]:
    return [short] if texts and (short := shorten(texts[0], _SHORT)) else []
