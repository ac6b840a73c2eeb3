"""What `auto` sees of the model and the labels, and how it splits a batch by it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray, PoolView
from strategies.mix import apportion

#: How much models agree is measured on so many texts of the pool.
SAMPLE = 2_000
#: Share of a batch for classes with few labels. A tenth cost more accuracy than it brought to
#: the small classes.
RARE_SHARE = 0.05
#: Few is less than this share of the mean of a class, where that is at least so many labels:
#: before, a class is more likely to be not sampled yet than rare.
RARE, RARE_FROM = 0.25, 5
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
    chance: the accuracy that they would have if what they say had nothing to do with the text.
        Naming the largest class is no yardstick: the labels are those of doubtful texts.
    """

    labels: int
    classes: int
    rare: IntArray
    alone: float
    stability: float
    accuracy: float
    confidence: float
    chance: float

    @property
    def guesses(self) -> bool:
        """Tell whether the model may know nothing: its hits are within two errors of chance."""
        error = math.sqrt(self.accuracy * (1 - self.accuracy) / self.labels)
        return self.accuracy - 2 * error <= self.chance

    @property
    def trust(self) -> float:
        """Return what margins are multiplied by, from 0 to 1: less where they promise too much."""
        return min(1.0, self.accuracy / max(self.confidence, 1e-6))


@dataclass(frozen=True, slots=True)
class Split:
    """How many texts of a batch are chosen how.

    sharpness: the power that doubts are raised to.
    note: what is done and why, for people.
    """

    random: int
    typical: int
    uncertain: int
    rare: int
    sharpness: float
    note: str


def look(pool: PoolView, rng: np.random.Generator) -> Seen:
    """Judge the model of a pool that has `proba` and `learn`.

    Two models are fitted, each on half of every class's labels. How far they agree with the
    model of all labels tells how much more labels could still change.

    Source: M. Bloodgood, K. Vijay-Shanker, A Method for Stopping Active Learning Based on
    Stabilizing Predictions, CoNLL 2009 (kappa between successive models).
    """
    assert pool.proba is not None
    assert pool.learn is not None
    y = pool.labels
    half = _halves(y, rng)
    rows = rng.permutation(len(pool))[:SAMPLE]
    vectors, now = pool.vectors(rows), pool.proba[rows].argmax(axis=1)
    kappas, said, true, sure = [], [], [], []
    for mine in (half, ~half):
        if len(np.unique(y[mine])) < 2:
            continue
        predict = pool.learn(pool.labeled[mine], y[mine])
        kappas.append(kappa(predict(vectors).argmax(axis=1), now))
        unseen = predict(pool.labeled[~mine])
        said.append(unseen.argmax(axis=1))
        true.append(y[~mine])
        sure.append(unseen.max(axis=1))
    counts = np.bincount(y)
    agreed, chance = _agreement(said, true)
    return Seen(
        labels=len(y),
        classes=int((counts > 0).sum()),
        rare=_rare(counts),
        alone=float((counts == 1).sum() / len(y)),
        stability=float(np.mean(kappas)) if kappas else 0.0,
        accuracy=agreed,
        confidence=float(np.concatenate(sure).mean()) if sure else 0.0,
        chance=chance,
    )


def split(seen: Seen, n: int) -> Split:
    """Split a batch of n texts by what is seen."""
    why = f"{seen.labels} labels in {seen.classes} classes"
    if seen.guesses:
        typical, random = apportion(n, [0.5, 0.5])
        note = f"the model may be guessing: {typical} typical, {random} random ({why})"
        return Split(random, typical, 0, 0, 1.0, note)
    rare = round(RARE_SHARE * n) if len(seen.rare) else 0
    typical = round((n - rare) * seen.alone)
    counts = {"typical": typical, "uncertain": n - typical - rare, "rare": rare}
    parts = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    note = f"{parts} ({why}; models of half of them agree, kappa {seen.stability:.2f})"
    sharpness = sharpen(seen.stability)
    return Split(0, typical, n - typical - rare, rare, sharpness, note)


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
    agreed, chance = _agreement([np.asarray(one)], [np.asarray(other)])
    return 1.0 if chance > 1 - 1e-9 else max(0.0, (agreed - chance) / (1 - chance))


def _agreement(one: list[IntArray], other: list[IntArray]) -> tuple[float, float]:
    """Return how often two lists of classes agree, and how often they would by chance."""
    if not one:
        return 0.0, 0.0
    a, b = np.concatenate(one), np.concatenate(other)
    size = int(max(a.max(), b.max())) + 1
    shares = [np.bincount(part, minlength=size) / len(part) for part in (a, b)]
    return float((a == b).mean()), float(shares[0] @ shares[1])


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
