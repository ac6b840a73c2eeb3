"""A strategy that covers what texts would teach the model: k-means++ over their gradients."""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from strategies import grouping
from strategies.base import (
    FloatArray,
    IntArray,
    Picks,
    PoolView,
    check_request,
    lacks,
    needs,
    no_picks,
    picks,
    top_n,
)
from strategies.grouping import as_float32, cold_start


@needs("proba")
def badge(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Draw texts that would change the model much, each in another direction.

    A text stands for the gradient that it gives to the model's last layer if the most probable
    class is right: (p - onehot(argmax p)) (x) x, with its k probabilities p and its vector x.
    The batch is drawn by k-means++: first the longest gradient, then each text with a
    probability that grows with the score, its squared distance to the nearest in the batch. If
    texts are in the batch already (`pending`), it goes on from these. Above 20,000 texts, or
    10 a place, a uniform sample is looked at. Before there is a model, or with a single class,
    cluster representatives are taken.

    Source: J. Ash et al., Deep Batch Active Learning by Diverse, Uncertain Gradient Lower
    Bounds, ICLR 2020, arXiv:1906.03671; D. Arthur, S. Vassilvitskii, k-means++: The Advantages
    of Careful Seeding, SODA 2007.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if pool.proba is None or lacks(badge, pool):
        return cold_start(pool, n, rng)
    from threadpoolctl import threadpool_limits

    rows: IntArray = np.arange(len(pool))
    if len(rows) > (size := max(grouping.SAMPLE, 10 * n)):
        rows = np.sort(rng.choice(len(rows), size, replace=False))
    gradients = Outer(_residuals(pool.proba[rows]), as_float32(pool.vectors(rows)))
    with threadpool_limits(1):  # see grouping: the order of sums changes the last digits
        drawn, gaps = spread(gradients, n, rng, _to_pending(gradients, pool))
    best = np.argsort(-gaps, kind="stable")
    why = [f"gradient {gap:.2f} from the nearest in the batch" for gap in np.sqrt(gaps[best])]
    return picks(rows[drawn[best]], gaps[best], source="badge", why=why)


@dataclass(frozen=True)
class Outer:
    """N vectors left_i (x) right_i of k d numbers each, which are never made.

    left: (N, k), right: (N, d). All that is needed of them are distances, and
    (a (x) u).(b (x) v) = (a.b)(u.v).
    """

    left: npt.NDArray[np.float32]
    right: npt.NDArray[np.float32]

    @functools.cached_property
    def squares(self) -> npt.NDArray[np.float32]:
        """(N,) squared lengths."""
        both = [np.einsum("ij,ij->i", factor, factor) for factor in (self.left, self.right)]
        return np.asarray(both[0] * both[1])

    def distances(
        self, a: npt.NDArray[np.float32], u: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return (N,) squared distances to a (x) u."""
        products = (self.left @ a) * (self.right @ u)
        return np.asarray(np.maximum(self.squares + (a @ a) * (u @ u) - 2 * products, 0))


def spread(
    vectors: Outer,
    n: int,
    rng: np.random.Generator,
    near: npt.NDArray[np.float32] | None = None,
) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """Draw n of N vectors by k-means++.

    near: (N,) squared distances to the nearest center that there is already. Without it the
    longest vector comes first.

    Returns (n,) distinct rows in the order drawn and (n,) their squared distances to the nearest
    center before them, for the longest vector to the origin.
    """
    left = np.ones(len(vectors.left), dtype=np.bool_)
    rows, gaps = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.float64)
    for step in range(n):
        if near is None:
            row, gaps[step] = int(top_n(vectors.squares, 1, rng)[0]), vectors.squares.max()
        else:
            row = _draw(near, left, rng)
            gaps[step] = near[row]
        rows[step], left[row] = row, False
        there = vectors.distances(vectors.left[row], vectors.right[row])
        near = there if near is None else np.minimum(near, there)
    return rows, gaps


def _draw(
    near: npt.NDArray[np.float32], left: npt.NDArray[np.bool_], rng: np.random.Generator
) -> int:
    """Draw a row that is left, in proportion to `near`; uniformly where all are 0."""
    weights = np.where(left, near, 0).astype(np.float64)
    if not (total := weights.sum()):
        weights, total = left.astype(np.float64), left.sum()
    return int(rng.choice(len(weights), p=weights / total))


def _residuals(proba: FloatArray) -> npt.NDArray[np.float32]:
    """Return (N, k) p - onehot(argmax p)."""
    p = np.array(proba, dtype=np.float32)
    p[np.arange(len(p)), p.argmax(axis=1)] -= 1
    return p


def _to_pending(gradients: Outer, pool: PoolView) -> npt.NDArray[np.float32] | None:
    """Return (N,) squared distances to the nearest text in the batch, or None without one."""
    if pool.predict is None or len(pool.pending) == 0:
        return None
    there = zip(_residuals(pool.predict(pool.pending)), as_float32(pool.pending), strict=True)
    return functools.reduce(np.minimum, (gradients.distances(a, u) for a, u in there))
