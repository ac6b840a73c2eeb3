"""Folds for cross-validation that allow classes of any size."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Labels: TypeAlias = npt.NDArray[np.int64]


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
