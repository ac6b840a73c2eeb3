"""One doubt for each label out of what a model and what neighbors say, whatever went wrong.

Three orders are fused by their ranks, since each is the best for another kind of mistake:
self-confidence for labels that are wrong anywhere, the margin to the best other class for texts
between two classes, and the odds that a confusion of classes explains the label for people who
mix two classes up. The last weighs the more, the more of what looks wrong such confusions explain.

Neighbors are asked twice: the second time a label counts the less, the less likely it is itself.

Sources: J. Kuan and J. Mueller, Model-agnostic Label Quality Scoring to Detect Real-World Label
Errors, 2021 (scores by a model); Z. Zhu et al., Detecting Corrupted Labels Without Training a
Model to Predict, ICML 2022 (by neighbors).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.evidence import confusion

Floats: TypeAlias = npt.NDArray[np.float64]
Small: TypeAlias = npt.NDArray[np.float32]
Cosines: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

#: Neighbors that vote.
NEIGHBORS = 15
_WIDTH = 0.07  # of their kernel, in cosines
_LEAST = (1e-4, 1e-2)  # added to what model and neighbors say, before they are multiplied
_FROM, _TO = 0.1, 0.25  # explained share of what looks wrong: confusions weigh nothing, all
_MOST = 0.6  # what they weigh at most, while nobody has corrected a label
_CORRECTED = 50.0  # so many corrections take half of what was left to other orders
#: A model that contradicts a third of all labels is believed, one that does two thirds is not.
_LOST, _LOST_MORE = 2.0, 3.0
_SUPPOSED = 0.03  # odds that a label is wrong before it is looked at by itself
_RANK = 1e-3  # of the doubt: keeps the order where probabilities are equal
_BLOCK = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """What is known about (m,) labels.

    doubt: in [0, 1]: the fused order, on the scale of probabilities that a label is wrong, which
        are low rather than high.
    suggested: the class that model and neighbors together find most probable.
    neighbors: share of the label among the neighbors, weighted by how near they are.
    wrong: how many labels are wrong, as expected.
    """

    doubt: Floats
    suggested: Labels
    neighbors: Floats
    wrong: float


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What model and neighbors say about (m,) labels.

    belief: (m, k) product of both, rows sum to 1: keeps the order even where both are sure.
    pooled: (m, k) mean of both, rows sum to 1: as sure as they are, so that wrong labels are
        counted by it; by the product, which is never sure, a fifth of them were missed.
    own, rival: (m,) mean of both for the label, and for the best other class.
    best: (m,) the class for which that mean is largest.
    voted: (m,) what neighbors alone say for the label.
    """

    belief: Small
    pooled: Small
    own: Floats
    rival: Floats
    best: Labels
    voted: Floats


def fuse(
    proba: Floats,
    y: Labels,
    near: Labels,
    cosines: Cosines,
    *,
    sure: Flags | None = None,
    was: Labels | None = None,
    weights: Floats | None = None,
) -> Fused:
    """Judge labels by probabilities out of fold and neighbors, in O(m (k + n)) time.

    Args:
        proba: (m, k) probabilities by models that did not see the row.
        y: (m,) given classes, 0..k - 1.
        near: (m, n) rows of the neighbors, none its own.
        cosines: (m, n) theirs.
        sure: (m,) True where a label was confirmed: full evidence for others, in no doubt.
        was: (m,) the label before it was confirmed or corrected, the label itself elsewhere.
        weights: (m,) in [0, 1], how much a label is evidence for others.
    """
    none, was = np.zeros(len(y), dtype=bool), y if was is None else was
    sure = none if sure is None else sure
    weights = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    standing, odd, voted = _first(proba, y, near, cosines, weights)
    found = opinion(proba, y, y, near, cosines, np.where(sure, 1.0, standing))
    strange = float(np.mean(np.where(sure, was != y, odd)))
    believed = float(np.clip(_LOST - _LOST_MORE * strange, 0, 1))
    odds = confusion.odds(found.belief, y, sure, weights, was=was)
    cautious = confusion.odds(found.belief, y, sure, weights, was=was, believed=believed)
    # As if nobody had looked, or what is left to find would hide what is the matter.
    blind = confusion.odds(found.belief, was, none, weights) if sure.any() else odds
    wrong = _probability(confusion.odds(found.pooled, y, sure, weights, was=was))
    open_, doubt = ~sure, np.zeros(len(y))
    if open_.any():
        explained = _probability(blind).mean() / max(strange, 1 / len(y))
        share = _share(explained, int((was != y).sum()))
        order = _order(found.own[open_], found.rival[open_], odds[open_], share)
        doubt[open_] = _on_scale(order, _probability(cautious[open_]))
    return Fused(doubt, found.best, voted, float(wrong.sum()))


def _first(
    proba: Floats, y: Labels, near: Labels, cosines: Cosines, weights: Floats
) -> tuple[Floats, Flags, Floats]:
    """Return what (m,) labels count the second time, which look wrong, and what neighbors say."""
    found = opinion(proba, y, y, near, cosines, weights)
    standing = weights * found.own / np.maximum(found.own, found.rival)
    return standing, found.rival > found.own, found.voted


def judge_alone(proba: Floats, given: Labels, y: Labels, near: Labels, cosines: Cosines) -> Fused:
    """Judge (t,) labels `given` by models and neighbors that know none of them, each by itself.

    As `fuse`, but `near` (t, n) are rows of the (m,) labels `y`. Each doubt depends on that label
    alone, as the probability that it is wrong rather than right, where the best other class is
    the only alternative and few labels are wrong.
    """
    found = opinion(proba, given, y, near, cosines, np.ones(len(y)))
    doubt = _probability(_SUPPOSED * found.rival / np.maximum(found.own, 1e-12))
    return Fused(doubt, found.best, found.voted, float(doubt.sum()))


def opinion(
    proba: Floats, given: Labels, y: Labels, near: Labels, cosines: Cosines, weights: Floats
) -> Opinion:
    """Return what (t, k) probabilities and (t, n) neighbors say about (t,) labels `given`.

    y, weights: (m,) labels of the rows that `near` names, and what each of them counts.
    """
    t, k = proba.shape
    belief, pooled = (np.empty((t, k), dtype=np.float32) for _ in range(2))
    own, rival, voted = (np.empty(t, dtype=np.float64) for _ in range(3))
    best = np.empty(t, dtype=np.int64)
    for rows in _blocks(t):
        said = proba[rows].astype(np.float32)
        votes = _votes(y[near[rows]], weights[near[rows]], cosines[rows], k)
        product = np.sqrt((said + _LEAST[0]) * (votes + _LEAST[1]))
        belief[rows] = product / product.sum(axis=1, keepdims=True)
        mean = (said + votes) / 2
        pooled[rows] = (mean + _LEAST[0]) / (mean + _LEAST[0]).sum(axis=1, keepdims=True)
        place = (np.arange(len(mean)), given[rows])
        best[rows], own[rows], voted[rows] = mean.argmax(axis=1), mean[place], votes[place]
        mean[place] = -1
        rival[rows] = mean.max(axis=1)
    return Opinion(belief, pooled, own, rival, best, voted)


def _votes(labels: Labels, weights: Floats, cosines: Cosines, k: int) -> Small:
    """Return (b, k) shares of the classes among (b, n) neighbors' labels; 0 without a neighbor."""
    b = len(labels)
    counted = weights * np.exp((cosines - 1) / _WIDTH)
    cells = (np.arange(b)[:, None] * k + labels).ravel()
    votes = np.bincount(cells, counted.ravel(), minlength=b * k).reshape(b, k).astype(np.float32)
    shares: Small = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12)
    return shares


def _share(explained: float, corrected: int) -> float:
    """Return what the odds weigh in the order: more, the more is known about confusions."""
    known = _MOST + (1 - _MOST) * corrected / (corrected + _CORRECTED)
    return known * float(np.clip((explained - _FROM) / (_TO - _FROM), 0, 1))


def _order(own: Floats, rival: Floats, odds: Floats, share: float) -> Floats:
    """Return (r,) the fused score, from ranks: the higher the more doubtful."""
    fused: Floats = (1 - share) * (_ranks(-own) + _ranks(rival - own)) / 2 + share * _ranks(odds)
    return fused


def _on_scale(order: Floats, wrong: Floats) -> Floats:
    """Return (r,) doubts in the given order whose values are those of the probabilities."""
    ranks = _ranks(order)
    doubt = np.interp(ranks, np.arange(1, len(order) + 1) / len(order), np.sort(wrong))
    result: Floats = (1 - _RANK) * doubt + _RANK * ranks
    return result


def _probability(odds: Floats) -> Floats:
    return odds / (1 + odds)


def _ranks(values: Floats) -> Floats:
    """Return (r,) ranks in [0, 1], equal values at their mean."""
    from scipy.stats import rankdata

    ranks: Floats = rankdata(values) / len(values)
    return ranks


def _blocks(m: int) -> Iterator[slice]:
    for start in range(0, m, _BLOCK):
        yield slice(start, min(start + _BLOCK, m))
