"""The nearest labeled texts of each text, by cosine: exact for small sets, by cells for large.

The cells are those of an inverted file (J. Sivic and A. Zisserman, Video Google, ICCV 2003) as
faiss builds it: k-means centers, and only the cells of the nearest centers are searched.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.lean import one_thread

Vectors: TypeAlias = npt.NDArray[np.floating[Any]]
Positions: TypeAlias = npt.NDArray[np.int64]
Cosines: TypeAlias = npt.NDArray[np.float32]

#: Up to so many texts all are compared: 20,000 of 384 dimensions take four seconds.
EXACT = 20_000
#: Many small cells, few of them searched: 100,000 real texts (384 dimensions) take 20 seconds and
#: get 93 % of their ten nearest; 2 and 24 took 45 for 96 %. More than 5 steps bring nothing.
_CELLS = 3  # times the root of the number of texts
_SEARCHED = 12  # cells for each text
_SAMPLE = 40  # texts a cell that the centers are made from
_STEPS = 5  # of k-means
_BLOCK = 10_000


def nearest(X: Vectors, n: int, *, exact: int = EXACT) -> tuple[Positions, Cosines]:
    """Return the n nearest others of each row, and their cosines, both (m, n), nearest first.

    X: (m, d) vectors of length 1. With fewer than n others n is their number. Beyond `exact`
    rows some neighbors are missed; a row that too few are found for is its own neighbor at
    cosine -inf, which counts nothing. The same rows give the same answer.
    """
    n = min(n, len(X) - 1)
    near, cosines = _searched(X, X, n + 1, exact)
    own = near == np.arange(len(X))[:, None]
    own[~own.any(axis=1), -1] = True  # among more than n copies of itself it may be missing
    near, cosines = near[~own].reshape(len(X), n), cosines[~own].reshape(len(X), n)
    return np.where(near < 0, np.arange(len(X))[:, None], near), cosines


def nearest_to(
    others: Vectors, X: Vectors, n: int, *, exact: int = EXACT
) -> tuple[Positions, Cosines]:
    """Return which n of the (m, d) rows of X are nearest to each of the (t, d) `others`.

    As `nearest`, but each may be a neighbor; n is m at most, both answers are (t, n). Where too
    few are found the first row stands, at cosine -inf.
    """
    near, cosines = _searched(others, X, n, exact)
    return np.maximum(near, 0), cosines


def _searched(others: Vectors, X: Vectors, n: int, exact: int) -> tuple[Positions, Cosines]:
    """Return what the index finds, -1 and -inf where that is too few."""
    import faiss  # before the threads are counted, since it brings its own

    n = min(n, len(X))
    with one_thread():
        # Of equal texts the first are found: shuffled, or in a file sorted by label one label won.
        rng = np.random.default_rng(0)
        order = rng.permutation(len(X))
        X, others = (np.ascontiguousarray(v, dtype=np.float32) for v in (X[order], others))
        index = _index(faiss, X, exact)
        near = np.empty((len(others), n), dtype=np.int64)
        cosines = np.empty((len(others), n), dtype=np.float32)
        for start in range(0, len(others), _BLOCK):
            block = slice(start, start + _BLOCK)
            cosines[block], near[block] = index.search(others[block], n)
    cosines[near < 0] = -np.inf
    return np.where(near < 0, -1, order[near]), cosines


def _index(faiss: Any, X: Vectors, exact: int) -> Any:
    d = X.shape[1]
    index = faiss.IndexFlatIP(d)
    if len(X) > exact:
        cells = _CELLS * int(np.sqrt(len(X)))
        index = faiss.IndexIVFFlat(index, d, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.max_points_per_centroid = _SAMPLE
        index.cp.seed, index.cp.spherical, index.cp.niter = 0, True, _STEPS
        index.nprobe = min(_SEARCHED, cells)
        index.train(X)
    index.add(X)
    return index
