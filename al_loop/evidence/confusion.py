"""Which classes are mistaken for which, as far as the labels tell, and what that says of each.

The expectation-maximization of A. P. Dawid and A. M. Skene, Maximum Likelihood Estimation of
Observer Error-Rates, 1979, for a single annotator: the prior of each text is what models and
neighbors believe that did not see its label.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Belief: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_STEPS = 6
_EXTRA = 2.0  # of confusions of average size, that each pair of classes gets on top
_CAUTION = 16.0  # labels: a class that has so many is believed half of its confusions
_START = 0.1  # share of wrong labels before the first step


def odds(
    belief: Belief,
    y: Labels,
    sure: Flags,
    weights: Floats,
    *,
    was: Labels | None = None,
    believed: float | None = None,
) -> Floats:
    """Return the odds that each label is wrong, 0 where it is sure.

    Args:
        belief: (m, k) probabilities of the true class, all above 0, rows sum to 1.
        y: (m,) given classes.
        sure: (m,) True where the label is right.
        weights: (m,) what each label counts in the estimate.
        was: (m,) the label before it was confirmed or corrected; None where all are the same.
        believed: None for the best guess. Otherwise confusions count by this share, and by less
            in classes with few labels, so that a label is only called wrong on strong evidence.
    """
    m, k = belief.shape
    rows = [np.flatnonzero(y == c) for c in range(k)]
    open_ = [belief[r[~sure[r]]] for r in rows]  # class by class
    counts = [weights[r[~sure[r]]] for r in rows]
    seen = np.zeros((k, k))
    np.add.at(seen, (y[sure], (y if was is None else was)[sure]), weights[sure])
    matrix = _flat(k)
    for _ in range(_STEPS):
        joint = seen.copy()
        for c in range(k):
            column = matrix[:, c]
            joint[:, c] += column * ((counts[c] / (open_[c] @ column)) @ open_[c])
        matrix = _smoothed(joint, believed)
    found = np.zeros(m)
    for c, r in enumerate(rows):
        own = open_[c][:, c] * matrix[c, c]
        found[r[~sure[r]]] = np.maximum(open_[c] @ matrix[:, c] - own, 1e-300) / own
    return found


def _flat(k: int) -> Floats:
    matrix = np.full((k, k), _START / (k - 1))
    np.fill_diagonal(matrix, 1 - _START)
    return matrix


def _smoothed(joint: Floats, believed: float | None) -> Floats:
    """Return rows that sum to 1; a pair that was never mixed up may be as well."""
    k = len(joint)
    totals = joint.sum(axis=1, keepdims=True)
    off = joint.copy() if believed is None else believed * joint * totals / (totals + _CAUTION)
    np.fill_diagonal(off, 0)
    base = max(_EXTRA * float(off.sum()) / (k * (k - 1)), 1e-9)
    matrix: Floats = (off + base) / (totals + k * base)
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, 1 - matrix.sum(axis=1))
    return matrix
