"""The classifier on top of the vectors: fitted through modAL, read in the stored class order.

Labels are positions in the stored class order everywhere; probabilities have one column a
class in that order, zero for a class that the training set does not hold.

modAL's `ActiveLearner` is only constructed: with scikit-learn 1.9 its teach() and fit() raise
TypeError, its constructor fits and works. A fresh learner is made for each fit.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import heads
from al_loop.lean import one_thread, without_torch

Kind: TypeAlias = Literal["logistic", "balanced", "svm", "nearest_mean"]
Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Proba: TypeAlias = npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[np.int64]

_FOLDS = 3  # for a temperature
_MOST_ROWS = 2_000  # it is fitted on: one number needs no more


@dataclass(frozen=True, slots=True)
class Head:
    """What kind of classifier, and its inverse regularization strength."""

    kind: Kind = "logistic"
    C: float = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A fitted head.

    present: (p,) positions of the classes it was trained on, ascending.
    estimator: the scikit-learn estimator; None when `present` is a single class.
    temperature: what the scores of a head without probabilities are divided by.
    """

    head: Head
    n_classes: int
    present: Labels
    estimator: Any = None
    temperature: float = 1.0

    def proba(self, X: Floats) -> Proba:
        """Return (n, n_classes) probabilities of (n, d) vectors; each row sums to 1."""
        out = np.zeros((len(X), self.n_classes), dtype=np.float64)
        if self.estimator is None:
            out[:, self.present] = 1.0
        elif len(X):
            with one_thread():
                if self.head.kind in heads.SCORING:
                    found = heads.softmax(heads.scores(self.estimator, X) / self.temperature)
                else:
                    found = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
            out[:, self.present] = found / found.sum(axis=1, keepdims=True)  # after float32
        return out


def fit(
    X: Floats,
    y: Labels,
    *,
    n_classes: int,
    kind: Kind = "logistic",
    C: float = 10.0,
    seed: int = 0,
    weights: Floats | None = None,
    pool: Floats | None = None,
) -> Classifier:
    """Fit a head.

    Args:
        X: (m, d) vectors, rows of length 1.
        y: (m,) positions in the stored class order.
        n_classes: number of stored classes, labeled or not.
        kind: logistic regression, the same balanced (classes weighted by 1 / frequency), a
            linear svm, or nearest_mean; `heads.temperature` calibrates the last two.
        C: inverse regularization strength; nearest_mean has none.
        seed: of everything random.
        weights: (m,) sample weights, or None for equal ones.
        pool: (N, d) unlabeled vectors; no head uses them yet.

    Raises:
        ValueError: no row, or a label outside of 0..n_classes - 1.

    """
    _check(X, y, n_classes)
    head = Head(kind, C)
    present = np.unique(y)
    if len(present) == 1:
        return Classifier(head, n_classes, present)
    with one_thread(), _calm():
        estimator = _fitted(head, seed, X, y, weights)
        scoring = kind in heads.SCORING
        temperature = _temperature(head, seed, X, y, weights) if scoring else 1.0
    return Classifier(head, n_classes, present, estimator, temperature)


def out_of_fold(
    X: Floats,
    y: Labels,
    *,
    n_classes: int,
    folds: int = 5,
    kind: Kind = "logistic",
    C: float = 10.0,
    seed: int = 0,
) -> Proba | None:
    """Return what models that did not see a row say about it, for classes with enough labels.

    Classes with fewer than `folds` labels take no part, neither in training nor in testing.

    Returns:
        (m, n_classes) probabilities; the rows of classes left out are NaN, their columns 0.
        None when fewer than two classes remain.

    """
    enough = np.bincount(y, minlength=n_classes) >= folds
    if enough.sum() < 2:
        return None
    rows = np.flatnonzero(enough[y])
    out = np.full((len(y), n_classes), np.nan)
    fold = assign_folds(y[rows], folds, seed)
    out[rows] = cross_predict(
        X[rows], y[rows], fold, n_classes=n_classes, kind=kind, C=C, seed=seed
    )
    return out


def cross_predict(
    X: Floats,
    y: Labels,
    fold: Labels,
    *,
    n_classes: int,
    kind: Kind = "logistic",
    C: float = 10.0,
    seed: int = 0,
    wanted: npt.NDArray[np.bool_] | None = None,
) -> Proba:
    """Return (m, n_classes): each row's probabilities by a model of the other folds.

    `fold` (m,) as from `assign_folds`; rows outside of the mask `wanted` (m,) stay NaN, and
    folds without a wanted row cost nothing.
    """
    out = np.full((len(y), n_classes), np.nan)
    wanted = np.ones(len(y), dtype=bool) if wanted is None else wanted
    for number in np.unique(fold[wanted]):
        test = (fold == number) & wanted
        train = fold != number
        model = fit(X[train], y[train], n_classes=n_classes, kind=kind, C=C, seed=seed)
        out[test] = model.proba(X[test])
    return out


def assign_folds(y: Labels, folds: int, seed: int) -> Labels:
    """Return (m,) fold numbers below `folds`, each class spread as evenly as can be.

    Rows are dealt out class by class in random order, so that classes of any size are
    allowed; scikit-learn's StratifiedKFold warns or raises below `folds` labels.
    """
    rng = np.random.default_rng([seed, folds])
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    fold = np.empty(len(y), dtype=np.int64)
    fold[by_class] = np.arange(len(y)) % folds
    return fold


def _fitted(head: Head, seed: int, X: Floats, y: Labels, weights: Floats | None) -> Any:
    """Return an estimator fitted by the constructor of a modAL learner."""
    with without_torch():
        from modAL.models import ActiveLearner

    options = {} if weights is None else {"sample_weight": weights}
    estimator = heads.make(head.kind, head.C, seed)
    return ActiveLearner(estimator=estimator, X_training=X, y_training=y, **options).estimator


def _temperature(head: Head, seed: int, X: Floats, y: Labels, weights: Floats | None) -> float:
    """Fit a temperature on scores out of fold, of classes with a label for each fold."""
    default = heads.SCORING[head.kind]
    rows = np.flatnonzero((np.bincount(y) >= _FOLDS)[y])
    if len(rows) > _MOST_ROWS:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(rows, _MOST_ROWS, replace=False))
        rows = rows[(np.bincount(y[rows]) >= _FOLDS)[y[rows]]]
    present, truth = np.unique(y[rows], return_inverse=True)
    if len(present) < 2:
        return default
    held_out = np.zeros((len(rows), len(present)))
    fold = assign_folds(truth, _FOLDS, seed)
    for number in range(_FOLDS):
        train, test = rows[fold != number], rows[fold == number]
        some = None if weights is None else weights[train]
        estimator = _fitted(head, seed, X[train], y[train], some)
        held_out[fold == number] = heads.scores(estimator, X[test])
    return heads.temperature(held_out, truth, default=default)


@contextmanager
def _calm() -> Iterator[None]:
    """Ignore what is no news here: few labels a class, and a large C that would need longer."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="The number of unique classes is greater")
        yield


def _check(X: Floats, y: Labels, n_classes: int) -> None:
    if len(y) == 0 or len(X) != len(y):
        raise ValueError(f"{len(X)} vectors with {len(y)} labels can't be trained on")
    if y.min() < 0 or y.max() >= n_classes:
        raise ValueError(f"labels run from {y.min()} to {y.max()}, with {n_classes} classes")
