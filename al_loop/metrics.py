"""How good the classifier is: accuracy and macro-F1 with bootstrap intervals."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import learner
from al_loop.folds import assign_folds
from al_loop.types import Metric

Labels: TypeAlias = npt.NDArray[np.int64]
Matrix: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

RESAMPLES = 1_000


def accuracy(y: Labels, predicted: Labels) -> float:
    """Return the share of (n,) predictions that are right."""
    return float(np.mean(y == predicted))


def macro_f1(y: Labels, predicted: Labels) -> float:
    """Return the unweighted mean of the classes' F1.

    scikit-learn's convention (``f1_score(average="macro", zero_division=0)``): the classes
    are those that occur in the truth or in the predictions, each (n,).
    """
    cells, counts = _cells(y, predicted)
    return float(_macro_f1(cells, counts[None, :].astype(np.float64))[0])


def evaluate(
    y: Labels, predicted: Labels, rng: np.random.Generator, *, resamples: int = RESAMPLES
) -> list[Metric]:
    """Return accuracy and macro-F1 with 95 % percentile bootstrap intervals.

    The rows are resampled (Efron and Tibshirani 1993, section 13.3), for both numbers alike.
    Rows with the same truth and prediction are interchangeable, so their counts are drawn
    instead, from the multinomial distribution that resampling gives them: fast for any n.

    Args:
        y: (n,) true classes as positions.
        predicted: (n,) predicted ones.
        rng: draws the resamples.
        resamples: how many.

    Returns:
        The metrics `accuracy` and `macro_f1`, without values when n is 0.

    """
    n = len(y)
    if n == 0:
        return [Metric("accuracy", None), Metric("macro_f1", None)]
    cells, counts = _cells(y, predicted)
    draws = rng.multinomial(n, counts / n, size=resamples).astype(np.float64)
    right = draws[:, cells[:, 0] == cells[:, 1]].sum(axis=1) / n
    return [
        _metric("accuracy", accuracy(y, predicted), right),
        _metric("macro_f1", macro_f1(y, predicted), _macro_f1(cells, draws)),
    ]


def change(name: str, before: Flags, now: Flags, rng: np.random.Generator) -> Metric:
    """Return by how much the share of (n,) texts that are right changed, with a 95 % interval.

    Both are of the same texts, n > 0, so that the differences are resampled, in pairs: those that
    got better and worse alike add nothing but doubt.
    """
    differences = now.astype(np.int64) - before.astype(np.int64)
    steps = np.array([-1, 0, 1])
    counts = np.array([(differences == step).sum() for step in steps])
    draws = rng.multinomial(len(now), counts / len(now), size=RESAMPLES).astype(np.float64)
    return _metric(name, float(differences.mean()), draws @ steps / len(now))


def cross_validated(
    X: npt.NDArray[np.floating[Any]],
    y: Labels,
    mask: npt.NDArray[np.bool_],
    *,
    n_classes: int,
    folds: int = 5,
    kind: learner.Kind = "logistic",
    C: float = 10.0,
    seed: int = 0,
    pool: npt.NDArray[np.floating[Any]] | None = None,
) -> Labels:
    """Return what models that did not see a row predict for the rows of `mask`.

    All rows train; only those drawn at random are predicted, the others were picked for being
    difficult. A class with a single label counts too, though no fold gets it right.

    Args:
        X: (m, d) vectors of the labeled texts.
        y: (m,) their classes as positions.
        mask: (m,) true for rows that were drawn uniformly.
        n_classes: number of stored classes.
        folds: models to train; fewer when there are fewer rows.
        kind: as for `learner.fit`, so are the next three.
        C: inverse regularization strength.
        seed: of the folds as well.
        pool: (N, d) vectors of unlabeled texts.

    Returns (mask.sum(),) classes in the order of the rows; raises ValueError below two rows.

    """
    if len(y) < 2:
        raise ValueError("cross-validation needs at least two labels")
    fold = assign_folds(y, min(folds, len(y)), seed)
    proba = learner.cross_predict(
        X, y, fold, n_classes=n_classes, kind=kind, C=C, seed=seed, wanted=mask, pool=pool
    )
    return np.asarray(proba[mask].argmax(axis=1), dtype=np.int64)


def _cells(y: Labels, predicted: Labels) -> tuple[Labels, Labels]:
    """Return the distinct (truth, prediction) pairs (u, 2) and how often each occurs (u,)."""
    pairs = np.column_stack([y, predicted])
    cells, counts = np.unique(pairs, axis=0, return_counts=True)
    return cells, counts


def _macro_f1(cells: Labels, draws: Matrix) -> Matrix:
    """Return (B,) macro-F1 of (B, u) counts of the cells."""
    classes = np.unique(cells)
    truth = (cells[:, :1] == classes).astype(np.float64)
    guess = (cells[:, 1:] == classes).astype(np.float64)
    hits = draws @ (truth * guess)
    occurrences = draws @ (truth + guess)
    there = occurrences > 0
    f1 = np.divide(2 * hits, occurrences, out=np.zeros_like(hits), where=there)
    result: Matrix = f1.sum(axis=1) / there.sum(axis=1)
    return result


def _metric(name: str, value: float, resampled: Matrix) -> Metric:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Metric(name, value, float(low), float(high))
