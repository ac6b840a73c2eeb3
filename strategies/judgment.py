"""What `auto` sees of the model and the labels, and how it splits a batch by it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from strategies.base import FloatArray, IntArray, PoolView
from strategies.mix import apportion
from strategies.novelty import unexplained
from strategies.part import whole

#: How much models agree is measured on so many texts of the pool.
SAMPLE = 2_000
#: Share of a batch for classes with few labels. A tenth cost more accuracy than it brought to
#: the small classes.
RARE_SHARE = 0.05
#: Few is less than this share of the mean of a class, where that is at least so many labels:
#: before, a class is more likely to be not sampled yet than rare.
RARE, RARE_FROM = 0.25, 5
#: Below so many labels, of classes that have more than one, nobody can tell that a model guesses.
ENOUGH = 10
#: Doubts are raised to a power up to this one; more would ask for the same text again and again.
SHARPEST = 3.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known about the model and its labels.

    labels, classes: how many labels, in how many classes.
    rare: (r,) classes with far fewer labels than the mean of a class, fewest first.
    alone: share of labels that are the only one of their class; it estimates the share of the
        pool that belongs to classes without a label (I. J. Good, Biometrika 1953, after Turing).
    stability: Cohen's kappa between the model and models of half of its labels, over the pool.
    accuracy, confidence: of those models on the labels that they did not see.
    guesses: whether they may know nothing: there is a single class, or what they give the true
        one is within two errors of what they give it on other texts. Hits are no yardstick, as
        most texts of a skewed set are hit by naming the largest class, and the labels are those
        of doubtful texts.
    novel: share of the pool's texts in groups that no known class explains (`discovery.find`).
    """

    labels: int
    classes: int
    rare: IntArray
    alone: float
    stability: float
    accuracy: float
    confidence: float
    guesses: bool
    novel: float = 0.0

    @property
    def trust(self) -> float:
        """Return what margins are multiplied by, from 0 to 1: less where they promise too much."""
        return min(1.0, self.accuracy / max(self.confidence, 1e-6))


@dataclass(frozen=True, slots=True)
class Split:
    """How many texts of a batch are chosen how.

    sharpness: the power that doubts are raised to.
    why: the reasons, for people.
    """

    random: int
    typical: int
    uncertain: int
    rare: int
    novel: int
    sharpness: float
    why: str


def look(pool: PoolView, rng: np.random.Generator) -> Seen:
    """Judge the model of a pool that has `proba` and `learn`, or labels of a single class.

    Two models are fitted, each on half of every class's labels. How far they agree with the
    model of all labels tells how much more labels could still change.

    Source: M. Bloodgood, K. Vijay-Shanker, A Method for Stopping Active Learning Based on
    Stabilizing Predictions, CoNLL 2009 (kappa between successive models).
    """
    y = pool.labels
    if len(np.unique(y)) == 1:
        # Typical texts alone may never leave a class that fills nearly all of the pool.
        return Seen(len(y), 1, _rare(np.bincount(y)), 0.0, 0.0, 0.0, 0.0, guesses=True)
    return _judge(pool, rng)


def _judge(pool: PoolView, rng: np.random.Generator) -> Seen:
    assert pool.proba is not None
    assert pool.learn is not None
    y = pool.labels
    half = _halves(y, rng)
    rows = rng.permutation(len(pool))[:SAMPLE]
    origin, at = whole(pool)
    assert origin.proba is not None
    vectors, now = pool.vectors(rows), origin.proba[at[rows]].argmax(axis=1)
    kappas: list[float] = []
    tried: list[npt.NDArray[np.float64]] = [np.empty((0, 3))]
    for mine in (half, ~half):
        if len(np.unique(y[mine])) < 2:
            continue
        predict = pool.learn(pool.labeled[mine], y[mine])
        kappas.append(kappa(predict(vectors).argmax(axis=1), now))
        known = np.isin(y[~mine], y[mine])
        tried.append(_tried(predict(pool.labeled[~mine]), y[~mine], known))
    hit, sure, told = np.concatenate(tried).T
    counts = np.bincount(y)
    guesses = _by_chance(told[np.isfinite(told)])
    return Seen(
        labels=len(y),
        classes=int((counts > 0).sum()),
        rare=_rare(counts),
        alone=float((counts == 1).sum() / len(y)),
        stability=float(np.mean(kappas)) if kappas else 0.0,
        accuracy=float(hit.mean()) if len(hit) else 0.0,
        confidence=float(sure.mean()) if len(sure) else 0.0,
        guesses=guesses,
        novel=0.0 if guesses or len(pool.centers) == 0 else unexplained(pool),
    )


def _tried(proba: FloatArray, y: IntArray, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return (m, 3): is it right, how sure, and how much more it gives the true class than usual.

    proba: (m, k) of texts that the model did not see. known: (m,) whether it saw their class;
    where not, the third is NaN.
    """
    told = np.where(known, proba[np.arange(len(y)), y] - proba.mean(axis=0)[y], np.nan)
    return np.column_stack([proba.argmax(axis=1) == y, proba.max(axis=1), told])


def _by_chance(told: npt.NDArray[np.float64]) -> bool:
    """Tell whether the mean may be 0; of too few there is no telling."""
    if len(told) < ENOUGH:
        return False
    error = told.std(ddof=1) / math.sqrt(len(told))
    return bool(told.mean() <= 2 * error + 1e-9)  # equal answers differ in their last digits


def split(seen: Seen, n: int) -> Split:
    """Split a batch of n texts by what is seen."""
    why = f"{seen.labels} labels in {seen.classes} classes"
    if seen.guesses:
        typical, random = apportion(n, [0.5, 0.5])
        single, guessing = "a single class so far", f"the model may be guessing: {why}"
        return Split(random, typical, 0, 0, 0, 1.0, single if seen.classes == 1 else guessing)
    rare = round(RARE_SHARE * n) if len(seen.rare) else 0
    # Groups that look new do so whatever the labels are of, and a group has to be asked about
    # more than once: s of the texts in them make 1 - (1 - s)^2 of the batch.
    novel = round((n - rare) * (1 - (1 - seen.novel) ** 2))
    typical = round((n - rare - novel) * seen.alone)
    why = f"{why}; models of half of them agree, kappa {seen.stability:.2f}"
    if novel:
        why = f"{why}; {seen.novel:.0%} of the texts are in groups that look new"
    uncertain = n - typical - rare - novel
    return Split(0, typical, uncertain, rare, novel, sharpen(seen.stability), why)


def sharpen(stability: float) -> float:
    """Return the power for doubts: 1 where models agree half of the time, 3 where four in five.

    >>> [round(sharpen(s), 2) for s in (0.2, 0.5, 0.67, 0.8, 1.0)]
    [1.0, 1.0, 2.02, 3.0, 3.0]
    """
    odds = stability / max(1 - stability, 1e-6)
    return min(max(1 + math.log2(max(odds, 1e-6)), 1.0), SHARPEST)


def kappa(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Return Cohen's kappa of (n,) and (n,) classes, at least 0; 1 where all are one class.

    >>> kappa([0, 0, 1, 1], [0, 0, 1, 0])
    0.5
    """
    a, b = np.asarray(one), np.asarray(other)
    size = int(max(a.max(), b.max())) + 1
    shares = [np.bincount(part, minlength=size) / len(part) for part in (a, b)]
    chance = float(shares[0] @ shares[1])
    agreed = float((a == b).mean())
    return 1.0 if chance > 1 - 1e-9 else max(0.0, (agreed - chance) / (1 - chance))


def _halves(y: IntArray, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return a mask (m,) of half of the labels, of each class as evenly as can be."""
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    half = np.zeros(len(y), dtype=np.bool_)
    half[by_class[::2]] = True
    return half


def _rare(counts: IntArray) -> IntArray:
    there = np.flatnonzero(counts)
    mean = counts[there].mean()
    few = there[(counts[there] < RARE * mean) & (mean >= RARE_FROM)]
    return np.asarray(few[np.argsort(counts[few], kind="stable")], dtype=np.int64)
