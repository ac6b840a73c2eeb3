"""How much several people agree: as it is, and beyond what chance would bring.

Everything is a sum over texts, so that a bootstrap over texts is a product of two matrices. The
values themselves come from the libraries for them (`krippendorff`, `statsmodels`, `sklearn`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.crowd.consensus import Floats
from al_loop.crowd.votes import NONE, Labels, Votes
from al_loop.rates import by_text, wilson

Singles: TypeAlias = npt.NDArray[np.float32]

_SOME = 50  # resamples at a time: 100,000 texts then take 40 MB
_CELLS = 5_000_000  # texts x classes x classes that `krippendorff` may make at once
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with the ends of its 95 % interval, None where nothing can be said."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` comparisons of which `hits` are the same, with its 95 % interval.

    Several comparisons on one text are not independent: see `rates.by_text`.
    """

    hits: int = 0
    n: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class OfClass:
    """Agreement on one class.

    votes, texts: that say so, of texts with two votes or more.
    agreement: of the pairs of votes of which one says the class, how often the other does
        (specific agreement: Cicchetti and Feinstein 1990, J. Clin. Epidemiol. 43).
    alpha: Krippendorff's, of this class against all others.
    """

    name: str
    votes: int
    texts: int
    agreement: Share
    alpha: Measure


@dataclass(frozen=True, slots=True)
class OfPair:
    """Agreement of two people on the texts that both labeled; `kappa` is Cohen's (1960)."""

    a: str
    b: str
    agreement: Share
    kappa: Measure


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on all texts with two votes or more.

    raw: share of the pairs of votes on the same text that are the same.
    fleiss: Fleiss' kappa (1971, Psychol. Bull. 76) on the `fleiss_texts` texts with `fleiss_votes`
        votes: the number of votes that most texts have.
    alpha: Krippendorff's (2011, Computing Krippendorff's Alpha-Reliability), for nominal labels.
    classes: those that somebody named. pairs: people with a text in common, most texts first.
    """

    texts: int
    raw: Share
    fleiss: Measure
    fleiss_votes: int
    fleiss_texts: int
    alpha: Measure
    classes: tuple[OfClass, ...]
    pairs: tuple[OfPair, ...]


def agreement(votes: Votes, *, seed: int = 0, resamples: int = 500) -> Agreement:
    """Measure how much people agree.

    Args:
        votes: of n texts by a people.
        seed: of the resamples; the same votes and seed give the same intervals.
        resamples: drawn from the texts, with repeats.

    Intervals of kappas and alpha are the middle 95 % of a bootstrap over texts; for those of shares
    see `Share`. Where all agree, all resamples do, too: then the lower end is that of the agreement
    (Wilson's) beyond chance. A measure is None where it is not defined: fewer than two texts, or
    everybody said the same class throughout.
    """
    counts, used = _counts(votes)
    several = counts.sum(axis=1)
    sums = _Sums(counts, np.random.default_rng([seed, 0]), resamples)
    sizes, texts_of = np.unique(several, return_counts=True)
    size = int(sizes[np.lexsort((sizes, texts_of))[-1]]) if sizes.size else 0
    same = (counts * (counts - 1)).sum(axis=1) // 2
    return Agreement(
        texts=len(counts),
        raw=share(same, several * (several - 1) // 2),
        fleiss=_fleiss(counts[several == size], np.random.default_rng([seed, 1]), resamples),
        fleiss_votes=size,
        fleiss_texts=int((several == size).sum()),
        alpha=_alpha(counts, sums.observed, sums.expected),
        classes=tuple(_of_classes([votes.classes[i] for i in used], counts, sums)),
        pairs=tuple(_of_pairs(votes, seed, resamples)),
    )


def share(hits: Labels, n: Labels) -> Share:
    """Return a share out of the comparisons of each text, (m,) `hits` of (m,) `n`."""
    some = n > 0
    found = by_text(zip(hits[some].tolist(), n[some].tolist(), strict=True))
    return Share(found["hits"], found["n"], found["share"], found["low"], found["high"])


def _counts(votes: Votes) -> tuple[Labels, Labels]:
    """Return (m, k) votes of the texts with two or more, and the positions of the k classes."""
    labels = votes.labels[votes.counts > 1]
    found = np.zeros((len(labels), len(votes.classes)), dtype=np.int64)
    rows, columns = np.nonzero(labels != NONE)
    np.add.at(found, (rows, labels[rows, columns]), 1)
    used = np.flatnonzero(found.any(axis=0))
    return found[:, used], used


class _Sums:
    """What alpha is made of, in all texts (the first row) and in each resample of them.

    observed, expected: (1 + r,) disagreement of all classes.
    observed_of, expected_of: (1 + r, k) of each class against the others.
    """

    def __init__(self, counts: Labels, rng: np.random.Generator, resamples: int) -> None:
        k = counts.shape[1]
        n = counts.sum(axis=1, keepdims=True)
        apart = counts * (n - counts) / np.maximum(n - 1, 1)
        rows = np.concatenate([counts, apart], axis=1).astype(np.float32)
        summed = _summed(rows, rng, resamples)
        of_class, apart_of = summed[:, :k], summed[:, k:]
        total = np.maximum(of_class.sum(axis=1, keepdims=True), 1)
        chance = of_class * (total - of_class) / np.maximum(total - 1, 1)
        self.observed_of, self.expected_of = 2 * apart_of / total, 2 * chance / total
        self.observed, self.expected = (
            x.sum(axis=1) / 2 for x in (self.observed_of, self.expected_of)
        )


def _summed(rows: Singles, rng: np.random.Generator, resamples: int) -> Floats:
    """Return (1 + resamples, q) sums of (m, q) rows: of all, then of each m drawn with repeats."""
    whole = rows.sum(axis=0, dtype=np.float64)[None]
    blocks = [w @ rows for w in _weights(len(rows), rng, resamples)]
    found: Floats = np.concatenate([whole, *blocks], dtype=np.float64)
    return found


def _weights(m: int, rng: np.random.Generator, resamples: int) -> Iterator[Singles]:
    """Yield blocks of (r, m) how often each of m texts is drawn."""
    for start in range(0, resamples if m else 0, _SOME):
        r = min(_SOME, resamples - start)
        drawn = rng.integers(0, m, (r, m)) + np.arange(r)[:, None] * m
        yield np.bincount(drawn.ravel(), minlength=r * m).reshape(r, m).astype(np.float32)


def _alpha(counts: Labels, observed: Floats, expected: Floats) -> Measure:
    """Return Krippendorff's alpha; (1 + r,) disagreement as it is and by chance."""
    m, k = counts.shape
    if m < 2 or expected[0] <= _NOTHING:
        return Measure()
    value = 1 - observed[0] / expected[0]
    if m * k * k <= _CELLS:
        import krippendorff

        value = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    return _measure(value, observed, expected, m)


def _fleiss(counts: Labels, rng: np.random.Generator, resamples: int) -> Measure:
    """Return Fleiss' kappa of (m, k) texts with equally many votes."""
    m, k = counts.shape
    if m < 2 or counts.any(axis=0).sum() < 2:
        return Measure()
    r = int(counts[0].sum())
    same = (counts * (counts - 1)).sum(axis=1, keepdims=True) / (r * (r - 1))
    rows = np.concatenate([counts / r, same], axis=1).astype(np.float32)
    means = _summed(rows, rng, resamples) / m
    chance = (means[:, :k] ** 2).sum(axis=1)
    from statsmodels.stats.inter_rater import fleiss_kappa

    return _measure(fleiss_kappa(counts), 1 - means[:, k], 1 - chance, m)


def _measure(value: float, observed: Floats, expected: Floats, texts: int) -> Measure:
    """Return a measure that is 1 - observed / expected disagreement.

    observed, expected: (1 + r,) in [0, 1]; of all texts, then of each resample.
    """
    if observed[0] <= _NOTHING:
        low, _ = wilson(texts, texts) or (0.0, 1.0)
        return Measure(1.0, float(max(1 - (1 - low) / expected[0], -1.0)), 1.0)
    defined = expected > _NOTHING  # a resample may be of one class only
    drawn = 1 - observed[defined] / expected[defined]
    if np.ptp(drawn) <= _NOTHING:  # two people who never agree: no resample tells how sure that is
        return Measure(float(value))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Measure(float(value), float(low), float(high))


def _of_classes(names: Sequence[str], counts: Labels, sums: _Sums) -> Iterator[OfClass]:
    """Return the agreement on each of the k classes."""
    n = counts.sum(axis=1)
    for i, name in enumerate(names):
        mine = counts[:, i]
        both = np.stack([mine, n - mine], axis=1)
        yield OfClass(
            name=name,
            votes=int(mine.sum()),
            texts=int((mine > 0).sum()),
            agreement=share(mine * (mine - 1), mine * (n - 1)),
            alpha=_alpha(both, sums.observed_of[:, i], sums.expected_of[:, i]),
        )


def _of_pairs(votes: Votes, seed: int, resamples: int) -> Iterator[OfPair]:
    """Return the agreement of each two people who have a text in common."""
    voted = votes.labels != NONE
    common = voted.T.astype(np.int64) @ voted.astype(np.int64)
    pairs = [p for p in combinations(range(len(votes.people)), 2) if common[p]]
    for i, j in sorted(pairs, key=lambda p: (-common[p], p)):
        both = votes.labels[voted[:, i] & voted[:, j]]
        a, b = both[:, i], both[:, j]
        rng = np.random.default_rng([seed, 2, i, j])
        one = np.ones(len(a), dtype=np.int64)
        kappa = _cohen(a, b, rng, resamples)
        yield OfPair(votes.people[i], votes.people[j], share((a == b).astype(np.int64), one), kappa)


def _cohen(a: Labels, b: Labels, rng: np.random.Generator, resamples: int) -> Measure:
    """Return Cohen's kappa of (t,) labels of two people."""
    found, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    if len(a) < 2 or len(found) < 2:
        return Measure()
    from sklearn.metrics import cohen_kappa_score

    t, k = len(a), len(found)
    # Drawing texts is drawing what the two say about them, of which there is less.
    cells, times = np.unique(codes[:t] * k + codes[t:], return_counts=True)
    drawn = np.concatenate([times[None], rng.multinomial(t, times / t, resamples)]) / t
    of_a, of_b = (drawn @ np.eye(k)[part] for part in (cells // k, cells % k))
    same = drawn[:, cells // k == cells % k].sum(axis=1)
    return _measure(cohen_kappa_score(a, b), 1 - same, 1 - (of_a * of_b).sum(axis=1), t)
