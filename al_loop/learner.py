"""The classifier on top of the vectors: fitted through modAL, read in the stored class order.

Labels are positions in the stored class order everywhere; probabilities have one column a
class in that order, zero for a class that the training set does not hold.

modAL's `ActiveLearner` is only constructed: with scikit-learn 1.9 its teach() and fit() raise
TypeError, its constructor fits and works. A fresh learner is made for each fit.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import head_choice, heads, selftrain
from al_loop.folds import assign_folds
from al_loop.heads import Head
from al_loop.lean import one_thread, without_torch
from al_loop.training import Task

#: "auto" is resolved when it is fitted: `Classifier.head` has one of the other kinds.
Kind: TypeAlias = heads.Kind | Literal["auto"]
#: Those that learn from unlabeled texts as well.
POOLED = ("auto", "self_training")
Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Proba: TypeAlias = npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A fitted head.

    present: (p,) positions of the classes it was trained on, ascending.
    estimator: the scikit-learn estimator; None when `present` is a single class.
    temperature: what scores, or logarithms of probabilities, are divided by.
    why: how `auto` came to this head, in one line for people; not saved.
    """

    head: Head
    n_classes: int
    present: Labels
    estimator: Any = None
    temperature: float = 1.0
    why: str = ""

    def proba(self, X: Floats) -> Proba:
        """Return (n, n_classes) probabilities of (n, d) vectors; each row sums to 1."""
        out = np.zeros((len(X), self.n_classes), dtype=np.float64)
        if self.estimator is None:
            out[:, self.present] = 1.0
        elif len(X):
            with one_thread():
                found = heads.proba(self.estimator, X, self.temperature)
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
            linear svm, nearest_mean, or logistic regression with self_training over the pool
            (without one it is logistic). `auto` chooses by cross-validation. A temperature
            fitted out of fold calibrates all but the plain logistic and balanced.
        C: inverse regularization strength; nearest_mean has none, `auto` also tries a tenth
            of it and ten times as much.
        seed: of everything random.
        weights: (m,) sample weights, or None for equal ones.
        pool: (N, d) unlabeled vectors, rows of length 1; a sample of them is used.

    Raises:
        ValueError: no row, or a label outside of 0..n_classes - 1.

    """
    _check(X, y, n_classes)
    with one_thread(), _calm():
        task = _task(X, y, kind, seed, weights, pool)
        head, why = _resolved(task, kind, C)
        calibrated = kind == "auto" or head.kind in heads.SCORING or task.graph is not None
        found = _trained(task, head, np.arange(len(y)), n_classes, calibrated=calibrated)
    return replace(found, why=why)


def choose(X: Floats, y: Labels, *, kind: Kind, C: float = 10.0, seed: int = 0) -> Head:
    """Return the head that `fit` without a pool would use, to fit it many times.

    Cheap unless kind is auto.
    """
    with one_thread(), _calm():
        return _resolved(_task(X, y, kind, seed, None, None), kind, C)[0]


def asked(
    model: Classifier, X: Floats, y: Labels, *, seed: int = 0, weights: Floats | None = None
) -> Classifier:
    """Return the classifier that a query strategy asks: `model`, unless it is self-trained.

    That one is sure about groups of texts in which nobody labeled anything. Plain logistic
    regression on the same labels (`X`, `y` and `weights` as in `fit`) doubts there, and what is
    chosen by its doubts makes better classifiers of both kinds; see docs/benchmarks.md.
    """
    if model.head.kind != "self_training":
        return model
    return fit(X, y, n_classes=model.n_classes, C=model.head.C, seed=seed, weights=weights)


def out_of_fold(
    X: Floats,
    y: Labels,
    *,
    n_classes: int,
    folds: int = 5,
    kind: Kind = "logistic",
    C: float = 10.0,
    seed: int = 0,
    weights: Floats | None = None,
) -> Proba | None:
    """Return what models that did not see a row say about it, for classes with enough labels.

    Classes with fewer than `folds` labels take no part, neither in training nor in testing;
    `weights` (m,) are those of the samples.

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
        X[rows],
        y[rows],
        fold,
        n_classes=n_classes,
        kind=kind,
        C=C,
        seed=seed,
        weights=None if weights is None else weights[rows],
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
    pool: Floats | None = None,
    weights: Floats | None = None,
) -> Proba:
    """Return (m, n_classes): each row's probabilities by a model of the other folds.

    `fold` (m,) as from `assign_folds`; rows outside of the mask `wanted` (m,) stay NaN, and
    folds without a wanted row cost nothing. With `auto` the head is chosen once, on all rows.
    `weights` (m,) are those of the samples.
    """
    out = np.full((len(y), n_classes), np.nan)
    wanted = np.ones(len(y), dtype=bool) if wanted is None else wanted
    with one_thread(), _calm():
        task = _task(X, y, kind, seed, weights, pool)
        head, _ = _resolved(task, kind, C)
        for number in np.unique(fold[wanted]):
            test, train = (fold == number) & wanted, np.flatnonzero(fold != number)
            calibrated = head.kind in heads.SCORING
            model = _trained(task, head, train, n_classes, calibrated=calibrated)
            out[test] = model.proba(X[test])
    return out


def _task(
    X: Floats, y: Labels, kind: Kind, seed: int, weights: Floats | None, pool: Floats | None
) -> Task:
    graph = None
    if kind in POOLED and pool is not None and selftrain.helps(y, pool):
        graph = selftrain.graph(X, pool, seed)
    return Task(X, y, weights, seed, graph, _fitted)


def _resolved(task: Task, kind: Kind, C: float) -> tuple[Head, str]:
    """Return the head to fit, and why it was chosen, empty where it was given."""
    if kind != "auto":
        return Head(kind, C), ""
    some = head_choice.candidates(C, pool=task.graph is not None)
    return head_choice.pick(head_choice.compare(some, task.y, task.predict, task.seed))


def _trained(
    task: Task, head: Head, rows: Labels, n_classes: int, *, calibrated: bool
) -> Classifier:
    present = np.unique(task.y[rows])
    if len(present) == 1:
        return Classifier(head, n_classes, present)
    temperature = task.temperature(head, rows) if calibrated else 1.0
    return Classifier(head, n_classes, present, task.estimator(head, rows), temperature)


def _fitted(head: Head, seed: int, X: Floats, y: Labels, weights: Floats | None) -> Any:
    """Return an estimator fitted by the constructor of a modAL learner."""
    with without_torch():
        from modAL.models import ActiveLearner

    options = {} if weights is None else {"sample_weight": weights}
    estimator = heads.make(head.kind, head.C, seed)
    return ActiveLearner(estimator=estimator, X_training=X, y_training=y, **options).estimator


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
