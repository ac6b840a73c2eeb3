"""Judge labels: which look wrong, and what fits better."""

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import learner
from al_loop.evidence import methods

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Labels: TypeAlias = npt.NDArray[np.int64]

_FALLBACK = "find_label_issues"


@dataclass(frozen=True, slots=True)
class Settings:
    """How labels are judged; the names are those of [audit] in config.toml.

    folds: for out-of-fold probabilities; classes with fewer labels are left out.
    C: inverse regularization strength of the classifier that is asked.
    """

    folds: int = 5
    method: str = "fused"
    filter_by: str = "low_self_confidence"
    estimate: str = "auto"
    C: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known about (m,) labels; NaN (suggested: -1) where a label was not judged.

    doubt: in [0, 1], the higher the more doubtful.
    suggested: position of the class that fits best; the label itself where none fits better.
    confidence: out-of-fold probability of the label.
    neighbors: share of the label among similar labeled texts.
    flagged: it looks wrong.
    left_out: positions of classes with labels, but too few to be judged.
    skipped: why nothing was judged, empty when something was.
    wrong: how many of the labels are wrong, as estimated; None where nothing was judged.
    """

    doubt: Floats
    suggested: Labels
    confidence: Floats
    neighbors: Floats
    flagged: Flags
    left_out: Labels = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    skipped: str = ""
    wrong: float | None = None


def judge(
    X: npt.NDArray[np.floating[Any]],
    y: Labels,
    *,
    n_classes: int,
    settings: Settings,
    sure: Flags | None = None,
    trust: Floats | None = None,
) -> Evidence:
    """Judge each label by models that did not see it, and by its neighbors.

    Args:
        X: (m, d) vectors, rows of length 1.
        y: (m,) given classes, positions in the stored class order.
        n_classes: number of stored classes, labeled or not.
        settings: see `Settings`.
        sure: (m,) True where the label was confirmed: it is evidence, and in no doubt itself.
        trust: (m,) in [0, 1], how much a label is evidence beyond what the model already said:
            below 1 where a person left the model's suggestion as it came.

    Nothing is raised for want of labels: `skipped` says why nothing was judged.
    """
    m = len(y)
    counts = np.bincount(y, minlength=n_classes)
    left_out = np.flatnonzero((counts > 0) & (counts < settings.folds))
    proba = (
        learner.out_of_fold(
            X, y, n_classes=n_classes, folds=settings.folds, C=settings.C, seed=settings.seed
        )
        if m
        else None
    )
    nan = np.full(m, np.nan)
    if proba is None:
        reason = f"fewer than two classes have {settings.folds} labels"
        none = np.zeros(m, dtype=bool)
        return Evidence(nan, np.full(m, -1), nan, nan, none, left_out, reason)
    judged = np.flatnonzero(~np.isnan(proba[:, 0]))
    audited = np.unique(y[judged])
    given = np.searchsorted(audited, y[judged])
    seen = proba[np.ix_(judged, audited)]
    way = settings if settings.method in methods.METHODS else replace(settings, method=_FALLBACK)
    doubts, flagged = methods.judge(X[judged], given, seen, way)
    doubt, suggested, flags = nan.copy(), np.full(m, -1), np.zeros(m, dtype=bool)
    doubt[judged] = doubts
    suggested[judged] = proba[judged].argmax(axis=1)
    flags[judged] = flagged
    if sure is not None:
        doubt[sure], flags[sure] = 0.0, False
    confidence = nan.copy()
    confidence[judged] = proba[judged, y[judged]]
    wrong = float(flags.sum())
    if settings.estimate in methods.ESTIMATES:
        wrong = methods.wrong(given, seen, settings)
    return Evidence(doubt, suggested, confidence, nan, flags, left_out, "", wrong)


def judge_others(
    X: npt.NDArray[np.floating[Any]],
    y: Labels,
    others: npt.NDArray[np.floating[Any]],
    given: Labels,
    *,
    n_classes: int,
    settings: Settings,
) -> Evidence:
    """Judge (t,) labels `given` of (t, d) texts that nothing was learned from: a test set.

    From (m, d) `X` and (m,) `y` only, so that nothing of the test set leaks into training.
    """
    raise NotImplementedError
