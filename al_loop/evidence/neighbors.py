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
_SEARCHED = 24  # cells for each text
_SAMPLE = 40  # texts a cell that the centers are made from
_BLOCK = 10_000


def nearest(X: Vectors, n: int, *, exact: int = EXACT) -> tuple[Positions, Cosines]:
    """Return the n nearest others of each row, and their cosines, both (m, n), nearest first.

    X: (m, d) vectors of length 1. With fewer than n others n is their number. Beyond `exact`
    rows some neighbors are missed; a row that too few are found for is its own neighbor at
    cosine -1. The same rows give the same answer.
    """
    n = min(n, len(X) - 1)
    near, cosines = nearest_to(X, X, n + 1, exact=exact)
    own = near == np.arange(len(X))[:, None]
    own[~own.any(axis=1), -1] = True  # among more than n copies of itself it may be missing
    return near[~own].reshape(len(X), n), cosines[~own].reshape(len(X), n)


def nearest_to(
    others: Vectors, X: Vectors, n: int, *, exact: int = EXACT
) -> tuple[Positions, Cosines]:
    """Return which n of the (m, d) rows of X are nearest to each of the (t, d) `others`.

    As `nearest`, but each may be a neighbor; n is m at most, both answers are (t, n).
    """
    import faiss  # before the threads are counted, since it brings its own

    n = min(n, len(X))
    with one_thread():
        X, others = (np.ascontiguousarray(v, dtype=np.float32) for v in (X, others))
        index = _index(faiss, X, exact)
        near = np.empty((len(others), n), dtype=np.int64)
        cosines = np.empty((len(others), n), dtype=np.float32)
        for start in range(0, len(others), _BLOCK):
            block = slice(start, start + _BLOCK)
            cosines[block], near[block] = index.search(others[block], n)
    rows, columns = np.nonzero(near < 0)
    near[rows, columns], cosines[rows, columns] = near[rows, 0], -1
    return near, cosines


def _index(faiss: Any, X: Vectors, exact: int) -> Any:
    d = X.shape[1]
    index = faiss.IndexFlatIP(d)
    if len(X) > exact:
        cells = 2 * int(np.sqrt(len(X)))
        index = faiss.IndexIVFFlat(index, d, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.max_points_per_centroid = _SAMPLE
        index.cp.seed, index.cp.spherical = 0, True
        index.nprobe = min(_SEARCHED, cells)
        index.train(X)
    index.add(X)
    return index
