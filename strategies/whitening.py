"""A map of the embeddings in which texts of one class lie closer together, learned from labels."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray

Floats = npt.NDArray[np.float32]
#: Share of a round spread that is added to what the labels show: few labels know few directions.
RIDGE = 0.6


def whitening(X: Floats, y: IntArray, ridge: float = RIDGE) -> Floats | None:
    """Return the symmetric (d, d) matrix that shrinks the directions in which classes spread.

    X: (m, d) labeled vectors, y: (m,) their classes. Texts are mapped by ``X @ matrix``. None
    where no class has two different texts. Classes without a label gain as well, as wording
    varies alike within all of them.

    Source: R. A. Fisher, 1936 (discriminant analysis); the ridge: J. H. Friedman, Regularized
    Discriminant Analysis, JASA 84, 1989.
    """
    if len(y) == 0:
        return None
    _, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), X.shape[1]), dtype=np.float64)
    np.add.at(sums, place, X)
    within = X - (sums / counts[:, None])[place]
    spread = within.T @ within / max(len(y) - len(counts), 1)
    values, axes = np.linalg.eigh(spread)
    usual = float(values.mean())
    if usual < 1e-9:
        return None
    scales = 1.0 / np.sqrt((1.0 - ridge) * np.maximum(values, 0.0) / usual + ridge)
    return np.asarray((axes * scales) @ axes.T, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """Takes from vectors what all texts of a pool have in common, and whitens the rest.

    mean: (d,) of the pool. matrix: (d, d) from `whitening`, or None.
    """

    mean: Floats
    matrix: Floats | None

    @classmethod
    def of(cls, pool: Floats, X: Floats, y: IntArray) -> Self:
        """Learn it from (N, d) vectors of a pool, and (m, d) labeled ones of (m,) classes."""
        return cls(pool.mean(axis=0), whitening(X, y))

    def __call__(self, X: Floats) -> Floats:
        """Return the (n, d) rows shifted, at length 1 unless nothing is left of them."""
        moved = X - self.mean if len(X) else X
        moved = moved if self.matrix is None else moved @ self.matrix
        length = np.linalg.norm(moved, axis=1, keepdims=True)
        return np.asarray(moved / np.maximum(length, 1e-12), dtype=np.float32)
