"""The nearest neighbors of every text, found once a round for all strategies that need them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray, PoolView
from strategies.grouping import as_float32, find_centers
from strategies.part import whole

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Up to so many texts all pairs are compared; 10,000 x 384 take about 1.5 s on one thread.
EXACT = 20_000
#: Above, a text is compared with the texts in so many cells next to it, of sqrt(N) cells.
PROBES = 8
#: A cell larger than so many times the mean gives a uniform draw of its texts.
CROWDED = 4
#: So many similarities are computed at a time, to spare memory.
BLOCK = 10_000_000


def neighbors(pool: PoolView, k: int) -> "csr_array":
    """Return an (N, N) matrix of the cosine similarities of each text to its k nearest others.

    The neighbors are those in the whole pool; in a part of it a row holds those that are in
    the part. Exact up to 20,000 texts; above, k-means cells are searched, which found 90 % of
    the 20 nearest among 60,000 texts. Computed once a round, with O(N k) memory.

    Source: the cells: J. Sivic, A. Zisserman, Video Google, ICCV 2003 (inverted file).

    Raises:
        ValueError: k is under 1.

    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    origin, rows = whole(pool)

    def make() -> "csr_array":
        rng = np.random.default_rng(pool.shared.seed)
        return _graph(as_float32(origin.embeddings), k, rng)

    graph = pool.shared.once(origin.embeddings, ("neighbors", k), make)
    return graph if len(rows) == graph.shape[0] else graph[rows][:, rows]


def _graph(X: npt.NDArray[np.float32], k: int, rng: np.random.Generator) -> "csr_array":
    from scipy.sparse import csr_array
    from threadpoolctl import threadpool_limits

    size = len(X)
    similar = np.full((size, k), -np.inf, dtype=np.float32)
    found = np.full((size, k), -1, dtype=np.int64)
    # One thread, as the last digits must not depend on the number of processors.
    with threadpool_limits(1):
        for rows, others in _comparisons(X, rng):
            _improve(similar, found, X, rows, others)
    there = np.isfinite(similar)  # a text may have fewer than k others to be compared with
    starts = np.concatenate([[0], there.sum(axis=1).cumsum()])
    graph = csr_array((similar[there], found[there], starts), shape=(size, size))
    graph.sort_indices()
    return graph


def _comparisons(
    X: npt.NDArray[np.float32], rng: np.random.Generator
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield rows and the rows they are to be compared with, both ascending."""
    everything = np.arange(len(X), dtype=np.int64)
    probing: list[IntArray] = [everything]
    cells: list[IntArray] = [everything]
    if len(X) > EXACT:
        count = round(len(X) ** 0.5)
        near = _nearest_cells(X, find_centers(X, count, rng))
        probing = [rows // near.shape[1] for rows in _members(near.ravel(), count)]
        most = CROWDED * len(X) // count
        cells = _members(near[:, 0], count)
        cells = [
            c if len(c) <= most else np.sort(rng.choice(c, most, replace=False)) for c in cells
        ]
    for rows, others in zip(probing, cells, strict=True):
        if len(others) == 0:  # of equal centers the first has all the texts
            continue
        step = max(1, BLOCK // len(others))
        for start in range(0, len(rows), step):
            yield rows[start : start + step], others


def _nearest_cells(X: npt.NDArray[np.float32], centers: npt.NDArray[np.float32]) -> IntArray:
    """Return (N, PROBES) cells whose centers the rows are nearest to, the nearest first."""
    half = (centers * centers).sum(axis=1) / 2
    near = np.empty((len(X), min(PROBES, len(centers))), dtype=np.int64)
    step = max(1, BLOCK // len(centers))
    for start in range(0, len(X), step):
        away = half - X[start : start + step] @ centers.T
        near[start : start + step] = away.argsort(axis=1, kind="stable")[:, :PROBES]
    return near


def _members(groups: IntArray, count: int) -> list[IntArray]:
    """Return for each of the numbers 0 to count - 1 where it stands, ascending."""
    order = groups.argsort(kind="stable")
    return np.split(order, np.searchsorted(groups[order], np.arange(1, count)))


def _improve(
    similar: npt.NDArray[np.float32],
    found: IntArray,
    X: npt.NDArray[np.float32],
    rows: IntArray,
    others: IntArray,
) -> None:
    """Put those of `others` that are nearer into the rows' lists, (N, k) each."""
    k = similar.shape[1]
    cosines = X[rows] @ X[others].T
    itself = np.searchsorted(others, rows).clip(max=len(others) - 1)
    cosines[others[itself] == rows, itself[others[itself] == rows]] = -np.inf
    values = np.concatenate([similar[rows], cosines], axis=1)
    best = _highest(values, k)
    similar[rows] = np.take_along_axis(values, best, axis=1)
    before = np.take_along_axis(found[rows], best.clip(max=k - 1), axis=1)
    found[rows] = np.where(best < k, before, others[(best - k).clip(min=0)])


def _highest(values: npt.NDArray[np.float32], k: int) -> IntArray:
    """Return (m, k) columns of the k highest of each of m rows: `argpartition`, but fast.

    NumPy partitions numbers many times faster than their positions.
    """
    kept = values >= np.partition(values, -k, axis=1)[:, -k, None]
    for row in np.flatnonzero(np.count_nonzero(kept, axis=1) > k):  # equal values
        kept[row] = False
        kept[row, np.argpartition(values[row], -k)[-k:]] = True
    return np.nonzero(kept)[1].reshape(-1, k)
