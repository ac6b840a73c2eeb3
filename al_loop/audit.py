"""Labels that look wrong: cleanlab on out-of-fold probabilities."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.types import Issue

Labels: TypeAlias = npt.NDArray[np.int64]
Proba: TypeAlias = npt.NDArray[np.float64]

KIND = "label"  # cleanlab's name for this type of issue


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What the search found.

    issues: rows that are flagged, or whose out-of-fold class is another, most severe first.
    left_out: names of labeled classes with too few labels to be audited.
    skipped: why nothing was searched, empty when it was.
    """

    issues: tuple[Issue, ...] = ()
    left_out: tuple[str, ...] = ()
    skipped: str = ""


def find(
    ids: Sequence[str],
    y: Labels,
    proba: Proba | None,
    class_names: Sequence[str],
    folds: int,
) -> AuditResult:
    """Look for wrong labels by confident learning (Northcutt et al. 2021, JAIR 70).

    Classes with fewer than `folds` labels are left out: with one of them in, cleanlab flags
    labels of other classes that are right.

    Args:
        ids: (m,) item ids of the labeled rows.
        y: (m,) given classes, positions in `class_names`.
        proba: (m, k) from `learner.out_of_fold` with the same `folds`, or None.
        class_names: (k,) the stored class order.
        folds: the least number of labels a class needs.

    Returns:
        Scores are cleanlab's label quality, the out-of-fold probability of the given class.
        Nothing is raised for want of labels: `skipped` says why.

    """
    counts = np.bincount(y, minlength=len(class_names)) if len(y) else np.zeros(len(class_names))
    audited = np.flatnonzero(counts >= folds)
    left_out = tuple(class_names[i] for i in np.flatnonzero((counts > 0) & (counts < folds)))
    if len(audited) < 2 or proba is None:
        reason = f"fewer than two classes have {folds} labels"
        return AuditResult(left_out=left_out, skipped=reason)
    rows = np.flatnonzero(np.isin(y, audited))
    names = [class_names[i] for i in audited]
    given = np.searchsorted(audited, y[rows])
    issues = _issues([ids[i] for i in rows], given, proba[np.ix_(rows, audited)], names)
    return AuditResult(issues, left_out)


def _issues(
    ids: Sequence[str], given: Labels, seen: Proba, names: Sequence[str]
) -> tuple[Issue, ...]:
    """Return the doubtful rows of (r,) compact labels, worst first."""
    scores, flagged = _judge(given, seen)
    suggested = seen.argmax(axis=1)
    doubtful = np.flatnonzero(flagged | (suggested != given))
    return tuple(
        Issue(
            item_id=ids[i],
            kind=KIND,
            score=float(scores[i]),
            flagged=bool(flagged[i]),
            given=names[given[i]],
            suggested=names[suggested[i]],
        )
        for i in doubtful[np.argsort(scores[doubtful], kind="stable")]
    )


def _judge(given: Labels, seen: Proba) -> tuple[Any, npt.NDArray[np.bool_]]:
    """Return label quality (r,) in [0, 1] and flags (r,) of compact labels and probabilities."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores

        scores = get_label_quality_scores(given, seen, method="self_confidence")
        # As many as confident learning counts, but those with the least self-confidence: with
        # 7 % of 300 to 3,000 labels of banking77 redrawn, 60 to 97 % of the flags were right,
        # with the default filter 35 to 70 %.
        flags = find_label_issues(
            given, seen, filter_by="low_self_confidence", n_jobs=1, verbose=False
        )
    return scores, np.asarray(flags, dtype=bool)
