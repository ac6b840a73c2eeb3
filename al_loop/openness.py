"""How a classifier does on the classes that were known at the start, and on all others."""

from collections.abc import Collection, Sequence

import numpy as np

from al_loop.types import Metric

NAMES = ("known_accuracy", "novel_accuracy", "h_score", "nmi", "ari")


def scores(truth: Sequence[str], predicted: Sequence[str], known: Collection[str]) -> list[Metric]:
    """Measure predictions on texts of known and of other, novel classes.

    `known_accuracy` and `novel_accuracy` are the shares of right predictions among the texts of
    either kind of class; a class that was never seen can't be predicted, so its texts count as
    wrong. `h_score` is their harmonic mean. `nmi` (normalized by the arithmetic mean) and `ari`
    take the predictions for a clustering of all texts. A number without texts to measure it on
    has no value.

    Args:
        truth: (n,) true classes.
        predicted: (n,) predicted ones.
        known: those that were known at the start.

    Source: the H-score as in generalized category discovery, e.g. W. An et al., LOOP, Findings
    of ACL 2024, but by plain accuracy, since here classes have names. NMI and ARI:
    scikit-learn's.
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    if not len(truth):
        return [Metric(name, None) for name in NAMES]
    right = np.array([t == p for t, p in zip(truth, predicted, strict=True)])
    old = np.array([t in known for t in truth])
    known_accuracy, novel_accuracy = (_share(right[mask]) for mask in (old, ~old))
    values = (
        known_accuracy,
        novel_accuracy,
        _harmonic_mean(known_accuracy, novel_accuracy),
        float(normalized_mutual_info_score(truth, predicted)),
        float(adjusted_rand_score(truth, predicted)),
    )
    return [Metric(name, value) for name, value in zip(NAMES, values, strict=True)]


def _share(right: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> float | None:
    return float(right.mean()) if len(right) else None


def _harmonic_mean(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return None
    return 2 * a * b / (a + b) if a + b else 0.0
