"""Judge labels: which look wrong, and what fits better."""

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import learner
from al_loop.evidence import fused, methods, neighbors

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Labels: TypeAlias = npt.NDArray[np.int64]

#: From this doubt on a label looks wrong.
_LIKELY = 0.5


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


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """(m,) labels to judge, columns of (m, k) out-of-fold probabilities; see `judge`."""

    X: npt.NDArray[np.floating[Any]]
    y: Labels
    proba: Floats
    sure: Flags
    was: Labels
    trust: Floats


def judge(
    X: npt.NDArray[np.floating[Any]],
    y: Labels,
    *,
    n_classes: int,
    settings: Settings,
    sure: Flags | None = None,
    trust: Floats | None = None,
    was: Labels | None = None,
) -> Evidence:
    """Judge each label by models that did not see it, and by its neighbors.

    Args:
        X: (m, d) vectors, rows of length 1.
        y: (m,) given classes, positions in the stored class order.
        n_classes: number of stored classes, labeled or not.
        settings: see `Settings`.
        sure: (m,) True where the label was confirmed: it is evidence, and in no doubt itself.
        trust: (m,) in [0, 1], evidence in a label: below 1 where it was suggested and left so.
        was: (m,) the label before it was confirmed or corrected: tells what is mixed up.

    Nothing is raised for want of labels: `skipped` says why nothing was judged.
    """
    left_out = _left_out(y, n_classes, settings)
    proba = _out_of_fold(X, y, n_classes, settings, trust)
    if proba is None:
        return replace(_nothing(len(y)), left_out=left_out, skipped=_too_few(settings))
    judged = np.flatnonzero(~np.isnan(proba[:, 0]))
    classes = np.unique(y[judged])
    before = y if was is None else np.where(np.isin(was, classes), was, y)
    none, full = np.zeros(len(y), dtype=bool), np.ones(len(y))
    case = Case(
        X[judged],
        np.searchsorted(classes, y[judged]),
        proba[np.ix_(judged, classes)],
        (none if sure is None else sure)[judged],
        np.searchsorted(classes, before[judged]),
        (full if trust is None else trust)[judged],
    )
    return replace(_spread(_fused(case, settings), judged, classes, len(y)), left_out=left_out)


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
    counts = np.bincount(y, minlength=n_classes)
    left_out = np.setdiff1d(given, np.flatnonzero(counts >= settings.folds))
    classes, judged = (
        np.flatnonzero(counts >= settings.folds),
        np.flatnonzero(~np.isin(given, left_out)),
    )
    if len(classes) < 2 or not len(judged):
        return replace(_nothing(len(given)), left_out=left_out, skipped=_too_few(settings))
    known = np.isin(y, classes)
    X, y = X[known], y[known]
    model = learner.fit(X, y, n_classes=n_classes, C=settings.C, seed=settings.seed)
    proba = model.proba(others[judged])[:, classes]
    near, cosines = neighbors.nearest_to(others[judged], X, fused.NEIGHBORS)
    column = np.searchsorted(classes, given[judged])
    found = fused.judge_alone(proba, column, np.searchsorted(classes, y), near, cosines)
    return replace(
        _spread(_evidence(found, column, proba), judged, classes, len(given)), left_out=left_out
    )


def _out_of_fold(
    X: npt.NDArray[np.floating[Any]],
    y: Labels,
    n_classes: int,
    settings: Settings,
    trust: Floats | None,
) -> Floats | None:
    if not len(y):
        return None
    return learner.out_of_fold(
        X,
        y,
        n_classes=n_classes,
        folds=settings.folds,
        C=settings.C,
        seed=settings.seed,
        weights=trust,
    )


def _fused(case: Case, settings: Settings) -> Evidence:
    """Judge all labels of a case; suggestions are columns of its probabilities."""
    near, cosines = neighbors.nearest(case.X, fused.NEIGHBORS)
    found = fused.fuse(
        case.proba, case.y, near, cosines, sure=case.sure, was=case.was, weights=case.trust
    )
    evidence = _evidence(found, case.y, case.proba)
    if settings.method in methods.METHODS:
        doubt, flagged = methods.judge(case.X, case.y, case.proba, settings)
        doubt, flagged = np.where(case.sure, 0.0, doubt), flagged & ~case.sure
        others = case.proba.copy()
        others[np.arange(len(others)), case.y] = -1
        suggested = np.where(flagged, others.argmax(axis=1), evidence.suggested)
        evidence = replace(
            evidence,
            doubt=doubt,
            flagged=flagged,
            suggested=suggested,
            wrong=float(flagged.sum()),
        )
    if settings.estimate in methods.ESTIMATES:
        evidence = replace(evidence, wrong=methods.wrong(case.y, case.proba, settings))
    return evidence


def _evidence(found: fused.Fused, y: Labels, proba: Floats) -> Evidence:
    flagged = (found.doubt > _LIKELY) & (found.suggested != y)
    confidence = proba[np.arange(len(y)), y]
    seen = (found.suggested, confidence, found.neighbors)
    return Evidence(found.doubt, *seen, flagged, wrong=max(found.wrong, float(flagged.sum())))


def _nothing(m: int) -> Evidence:
    nan = np.full(m, np.nan)
    return Evidence(nan, np.full(m, -1), nan, nan, np.zeros(m, dtype=bool))


def _left_out(y: Labels, n_classes: int, settings: Settings) -> Labels:
    counts = np.bincount(y, minlength=n_classes)
    return np.flatnonzero((counts > 0) & (counts < settings.folds))


def _too_few(settings: Settings) -> str:
    return f"fewer than two classes have {settings.folds} labels"


def _spread(found: Evidence, judged: Labels, classes: Labels, m: int) -> Evidence:
    """Return evidence about m labels from that about the judged ones, in the stored classes."""
    none = _nothing(m)
    columns = {}
    for name in ("doubt", "confidence", "neighbors", "flagged"):
        columns[name] = getattr(none, name).copy()
        columns[name][judged] = getattr(found, name)
    suggested = none.suggested.copy()
    suggested[judged] = classes[found.suggested]
    return Evidence(suggested=suggested, wrong=found.wrong, **columns)
