"""How random labels would have done: their learning curve, and how many would have been needed.

Arrays in, numbers out. Random labels are those that were drawn uniformly for the batches and those
of the test set, which is taken for a random part of the same texts: it is cut into folds, and no
text is measured with a classifier that was trained on it. The few labels of the batches alone say
nothing about larger numbers: a power law fitted to 30 to 100 of them missed the truth by factors.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.bars import Bar, no_bar

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.int64]
Matrix: TypeAlias = npt.NDArray[np.float64]
#: (vectors to learn from, their classes, vectors to label) -> their predicted classes.
FitPredict: TypeAlias = Callable[[Floats, Labels, Floats], Labels]

_LEAST, _STEPS, _SPAN = 8, 7, 16
_LARGE_TEST = 500  # from here on fewer folds and orders will do
_RESAMPLES = 300
_OPEN = 10  # times the largest number that was measured: beyond, nobody should believe a law
_EXPONENTS = np.linspace(0.05, 1.5, 59)


@dataclass(frozen=True, slots=True)
class Rows:
    """Texts with their classes: X (n, d), y (n,)."""

    X: Floats
    y: Labels

    def some(self, mask: npt.NDArray[np.bool_]) -> "Rows":
        """Return the rows of a mask (n,)."""
        return Rows(self.X[mask], self.y[mask])


@dataclass(frozen=True, slots=True)
class Curve:
    """What classifiers from random labels got right.

    sizes: (s,) numbers of random labels, ascending.
    hits: (orders, s, t) whether each of t test texts was right, for some orders of the labels.
    """

    sizes: Labels
    hits: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Needed:
    """Random labels needed for an accuracy, with the ends of a 95 % interval.

    `high` and `median` are None when the end is open: more than `low`, nobody knows how many.
    `measured` is the largest number that was tried; what lies beyond is extrapolated.
    """

    low: float
    median: float | None
    high: float | None
    measured: int


def measure(
    given: Rows,
    drawn: Rows,
    test: Rows,
    fit_predict: FitPredict,
    rng: np.random.Generator,
    *,
    largest: int = 2_000,
    bar: Bar = no_bar,
) -> Curve:
    """Measure random's learning curve; `rng` draws folds and orders.

    given: labels that are there without anybody's work; every classifier learns from them.
    drawn: labels of texts that were drawn uniformly.
    test: texts to measure on, and to learn from in the other folds.
    largest: no more random labels than this are tried.
    """
    t = len(test.y)
    folds, orders = (5, 3) if t < _LARGE_TEST else (3, 2)
    sizes = _sizes(min(len(drawn.y) + t - math.ceil(t / folds), largest))
    hits = np.zeros((orders, len(sizes), t), dtype=bool)
    with bar(orders * folds, "random's learning curve") as progress:
        for done in range(orders * folds):
            if done % folds == 0:
                fold = rng.permutation(t) % folds
            mine = fold == done % folds
            X = np.concatenate([drawn.X, test.X[~mine]])
            y = np.concatenate([drawn.y, test.y[~mine]])
            shuffled = rng.permutation(len(y))
            for step, size in enumerate(sizes.tolist()):
                known_X = np.concatenate([given.X, X[shuffled[:size]]])
                known_y = np.concatenate([given.y, y[shuffled[:size]]])
                predicted = fit_predict(known_X, known_y, test.X[mine])
                hits[done // folds, step, mine] = predicted == test.y[mine]
            progress(done + 1)
    return Curve(sizes, hits)


def _sizes(most: int) -> Labels:
    least = min(max(_LEAST, most / _SPAN), most)
    return np.unique(np.geomspace(least, most, _STEPS).round().astype(np.int64))


def points(curve: Curve, rng: np.random.Generator) -> list[dict[str, float]]:
    """Return random's curve as {labels, accuracy, low, high}, with 95 % intervals."""
    resampled, _ = _resample(curve, np.zeros(curve.hits.shape[2]), rng)
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    mean = curve.hits.mean(axis=(0, 2))
    columns = (curve.sizes.tolist(), mean.tolist(), low.tolist(), high.tolist())
    return [
        {"labels": n, "accuracy": value, "low": down, "high": up}
        for n, value, down, up in zip(*columns, strict=True)
    ]


def needed(curve: Curve, ours: npt.NDArray[Any], rng: np.random.Generator) -> Needed:
    """Estimate how many random labels reach the accuracy of a classifier.

    Test texts and orders are resampled (percentile bootstrap). Where the accuracy lies beyond
    what was measured, the interval spans two laws: the odds of an error fall as a power of the
    labels, which has no plateau and errs in favor of random; and acc(n) = a - b n^-c (Figueroa
    et al. 2012, "Predicting sample size required for classification performance"), which from
    few labels of many classes errs against it.

    Args:
        curve: random's curve.
        ours: (t,) whether the classifier was right about each test text.
        rng: draws the resamples.

    """
    accuracies, targets = _resample(curve, ours, rng)
    n = curve.sizes.astype(np.float64)
    rising = np.maximum.accumulate(accuracies, axis=1)
    inside = targets <= rising[:, -1]
    few = np.array([_between(n, a, goal) for a, goal in zip(rising, targets, strict=True)])
    many = few.copy()
    few[~inside] = np.maximum(_by_odds(n, accuracies, targets)[~inside], n[-1])
    many[~inside] = np.maximum(_by_power_law(n, accuracies, targets)[~inside], n[-1])
    low = float(np.percentile(few, 2.5, method="nearest"))
    high = float(np.percentile(many, 97.5, method="nearest"))
    if high > _OPEN * n[-1]:
        return Needed(low, None, None, int(n[-1]))
    middle = math.sqrt(float(np.median(few)) * float(np.median(many)))
    return Needed(low, middle, high, int(n[-1]))


def _resample(
    curve: Curve, ours: npt.NDArray[Any], rng: np.random.Generator
) -> tuple[Matrix, Matrix]:
    """Return (B, s) accuracies of random and (B,) of ours, on the same resampled test texts."""
    orders, _, t = curve.hits.shape
    weights = rng.multinomial(t, np.full(t, 1 / t), size=_RESAMPLES) / t
    by_order = np.stack([weights @ hits.T for hits in curve.hits.astype(np.float64)])
    picked = rng.integers(0, orders, size=(orders, _RESAMPLES))
    accuracies: Matrix = by_order[picked, np.arange(_RESAMPLES)].mean(axis=0)
    targets: Matrix = weights @ ours.astype(np.float64)
    return accuracies, targets


def _between(n: Matrix, rising: Matrix, goal: float) -> float:
    """Return where a curve that never falls reaches a goal, linear in log n; n[-1] at most."""
    step = int(np.searchsorted(rising, goal))
    if step == 0 or step == len(n):
        return float(n[min(step, len(n) - 1)])
    share = (goal - rising[step - 1]) / (rising[step] - rising[step - 1])
    return float(n[step - 1] * (n[step] / n[step - 1]) ** share)


def _by_odds(n: Matrix, accuracies: Matrix, targets: Matrix) -> Matrix:
    """Return (B,) labels needed if the log odds go on as a line in log n; n[-1] if it falls."""
    late = slice(len(n) // 2, None)
    x = np.log(n[late])
    x = x - np.average(x, weights=n[late])
    y = _log_odds(accuracies[:, late])
    middle = np.average(y, axis=1, weights=n[late])
    slope = ((y - middle[:, None]) * x * n[late]).sum(axis=1) / (x * x * n[late]).sum()
    last = middle + slope * x[-1]
    missing = np.maximum(_log_odds(targets) - last, 0)
    steps = np.divide(missing, slope, out=np.zeros_like(slope), where=slope > 0)
    result: Matrix = n[-1] * np.exp(np.minimum(steps, 50))
    return result


def _log_odds(p: Matrix) -> Matrix:
    clipped = np.clip(p, 1e-3, 1 - 1e-3)
    result: Matrix = np.log(clipped / (1 - clipped))
    return result


def _by_power_law(n: Matrix, accuracies: Matrix, targets: Matrix) -> Matrix:
    """Return (B,) labels needed by the inverse power law; infinite where its plateau is lower.

    Weighted by n, as the late part is what matters; for each exponent on a grid the other two
    parameters have a closed form, with a plateau of at most 1.
    """
    best = np.full(len(targets), np.inf)
    result = np.full(len(targets), np.inf)
    w = n / n.sum()
    mean = accuracies @ w
    for c in _EXPONENTS:
        x = n**-c
        center = x - x @ w
        b = -(accuracies * center) @ w / (center**2 @ w)
        a = mean + b * (x @ w)
        over = a > 1
        a[over] = 1
        b[over] = ((1 - accuracies[over]) * x) @ w / (x**2 @ w)
        loss = (a[:, None] - b[:, None] * x - accuracies) ** 2 @ w
        reached = np.where((b > 0) & (targets < a), b / np.maximum(a - targets, 1e-12), np.inf)
        labels = np.exp(np.minimum(np.log(np.maximum(reached, 1e-12)) / c, 50))
        better = loss < best
        best[better], result[better] = loss[better], labels[better]
    return result
