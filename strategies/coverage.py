"""Coverage of a pool by chosen texts, and the greedy choice that raises it the most."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray

#: Gains are computed for so many texts at a time, which stay in the processor's cache.
BLOCK = 256
#: So many stale gains are renewed at a time, in the search for the best text.
RENEWED = 16

Float32: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How near the references are to what is chosen; `add` brings them nearer.

    references: (r, d). weights: (r,), what each counts. reached: (r,) largest kernels so far.
    """

    references: Float32
    weights: Float32
    sharpness: float
    reached: Float32 = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reached", np.zeros(len(self.references), dtype=np.float32))

    def add(self, X: Float32) -> None:
        """Choose (m, d) texts."""
        for start in range(0, len(X), BLOCK):
            nearest = self._kernel(X[start : start + BLOCK]).max(axis=0)
            np.maximum(self.reached, nearest, out=self.reached)

    def gains(self, X: Float32) -> Float32:
        """Return by how much each of (m, d) texts would raise the coverage."""
        out = np.empty(len(X), dtype=np.float32)
        for start in range(0, len(X), BLOCK):
            near = self._kernel(X[start : start + BLOCK])
            near -= self.reached
            np.maximum(near, 0.0, out=near)
            out[start : start + BLOCK] = near @ self.weights
        return out

    def _kernel(self, X: Float32) -> Float32:
        # In place: -distance^2 = 2 (cosine - 1) for vectors of length 1.
        near = X @ self.references.T
        near -= 1.0
        near *= np.float32(2.0 * self.sharpness)
        return np.asarray(np.exp(near, out=near))


def greedy(coverage: Coverage, X: Float32, n: int) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """Return n rows, each the one of the highest gain after those before it, and the gains."""
    bounds = coverage.gains(X)
    chosen, gains = np.empty(n, dtype=np.int64), np.empty(n)
    for place in range(n):
        stale = np.ones(len(X), dtype=np.bool_)
        stale[chosen[:place]] = False
        best, look = -1, RENEWED
        # No gain rises when texts are added: a renewed one that no bound exceeds is the best.
        while best < 0 or bounds[best] < bounds.max():
            top = np.argpartition(-bounds, min(look, len(X)) - 1)[:look]
            again = top[stale[top]]
            bounds[again] = coverage.gains(X[again])
            stale[again] = False
            best, look = int(top[bounds[top].argmax()]), 2 * look
        chosen[place], gains[place] = best, bounds[best]
        bounds[best] = -np.inf
        coverage.add(X[best : best + 1])
    return chosen, np.minimum.accumulate(gains)
