"""Cleanlab's own ways to judge labels and to count wrong ones, for who asks for them by name."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import heads
from al_loop.lean import one_thread

if TYPE_CHECKING:
    from al_loop.evidence.judging import Flags, Floats, Labels, Settings

#: What [audit] estimate can ask of cleanlab; any other is worked out elsewhere.
ESTIMATES = ("off_diagonal", "off_diagonal_calibrated")

_Judged: TypeAlias = "tuple[Floats, Flags]"


def judge(
    X: npt.NDArray[np.floating[Any]], y: "Labels", proba: "Floats", settings: "Settings"
) -> _Judged:
    """Judge labels as `settings.method` does it: (m,) doubt in [0, 1] and (m,) flags.

    find_label_issues: `cleanlab.filter` of these probabilities with `settings.filter_by`.
    clean_learning: `cleanlab.classification.CleanLearning` around a logistic regression, with
    probabilities by cross-validation of its own. The doubt of both is 1 - self-confidence
    (Northcutt et al. 2021, "Confident Learning"; Kuan and Mueller 2022).

    Args:
        X: (m, d) vectors; only clean_learning reads them.
        y: (m,) labels 0..p - 1, each class with `settings.folds` of them or more.
        proba: (m, p) out-of-fold probabilities; clean_learning makes its own.
        settings: method, filter_by; for clean_learning also folds, C, seed.

    Raises:
        KeyError: the method is none of cleanlab's.
    """
    with _silent():
        return METHODS[settings.method](X, y, proba, settings)


def wrong(y: "Labels", proba: "Floats", settings: "Settings") -> float:
    """Return how many of (m,) labels are wrong, as `cleanlab.count` estimates it.

    Args:
        y: (m,) labels 0..p - 1.
        proba: (m, p) out-of-fold probabilities.
        settings: `estimate` is one of `ESTIMATES`.
    """
    with _silent():
        from cleanlab.count import num_label_issues

        return float(num_label_issues(y, proba, estimation_method=settings.estimate))


def _filtered(X: Any, y: "Labels", proba: "Floats", settings: "Settings") -> _Judged:
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    quality = get_label_quality_scores(y, proba, method="self_confidence")
    flags = find_label_issues(y, proba, filter_by=settings.filter_by, n_jobs=1)
    return 1 - np.asarray(quality, dtype=np.float64), np.asarray(flags, dtype=bool)


def _cleaned(X: Any, y: "Labels", proba: "Floats", settings: "Settings") -> _Judged:
    from cleanlab.classification import CleanLearning

    options = {"filter_by": settings.filter_by, "n_jobs": 1}
    learning: Any = CleanLearning(
        heads.make("logistic", settings.C, settings.seed),
        cv_n_folds=settings.folds,
        find_label_issues_kwargs=options,
    )
    learning.seed = settings.seed % 2**32  # as an argument it would seed numpy for everybody
    with one_thread():
        found = learning.find_label_issues(X, y)
    quality = found["label_quality"].to_numpy(dtype=np.float64)
    return 1 - quality, found["is_label_issue"].to_numpy(dtype=bool)


#: [audit] method -> what does it
METHODS: Mapping[str, Callable[..., _Judged]] = {
    "find_label_issues": _filtered,
    "clean_learning": _cleaned,
}


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what cleanlab prints and warns of away from output that others read."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        yield
