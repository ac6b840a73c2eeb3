"""Groups of similar unlabeled texts, and which of them no known class explains."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from strategies.base import FloatArray, IntArray, PoolView
from strategies.grouping import as_float32, find_centers, nearest
from strategies.part import whole

#: HDBSCAN looks at most at so many texts, drawn uniformly from a larger pool; the others join
#: the group whose center is nearest.
SAMPLE = 20_000
#: Dimensions that are left for HDBSCAN; on 384 it is slow and calls half of the texts noise.
DIMENSIONS = 20
#: A group has at least one text in so many, within the bounds; for min_cluster_size = 0.
ONE_IN, SMALLEST, LARGEST = 1_000, 5, 20
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Groups of the N texts of a pool; each text is in one, unless the pool is too small.

    labels: (N,) the group of each text, 0..c-1; all -1 where there are no groups.
    centrality: (N,) cosine of each text to its group's center.
    centers: (c, d) unit means of the groups, in the space of the embeddings.
    sizes: (c,) texts in each.
    density: (c,) mean centrality.
    dense: (c,) whether HDBSCAN found it; the others split what it calls noise by k-means.
    nearest: (c,) row of the pool's `centers` that is nearest; -1 where no class is known.
    similarity: (c,) cosine to it; NaN where no class is known.
    novel: (c,) whether it is too far from all known classes to be one of them.
    threshold: below this similarity a group is novel; NaN where no class is known.
    noise_share: share of the texts that HDBSCAN calls noise.
    """

    labels: IntArray
    centrality: npt.NDArray[np.float32]
    centers: npt.NDArray[np.float32]
    sizes: IntArray
    density: npt.NDArray[np.float32]
    dense: Bools
    nearest: IntArray
    similarity: npt.NDArray[np.float32]
    novel: Bools
    threshold: float
    noise_share: float

    def __len__(self) -> int:
        return len(self.sizes)

    def members(self, group: int) -> IntArray:
        """Return the positions of a group's texts, the most central first."""
        rows = np.flatnonzero(self.labels == group)
        return np.asarray(rows[np.argsort(-self.centrality[rows], kind="stable")], dtype=np.int64)


def find(
    pool: PoolView, *, min_cluster_size: int = 0, similarity_threshold: float = 0.0
) -> Clusters:
    """Group the texts of the whole pool that `pool` is a part of; computed once a round.

    Args:
        pool: `embeddings`, and `labeled`, `labels` and `centers` as far as there are any.
        min_cluster_size: fewest texts of a dense group; 0: a thousandth of the pool, 5 to 20.
        similarity_threshold: groups below this cosine to all known classes are novel; 0 takes
            it from the spread of the known classes.
    """
    origin, _ = whole(pool)

    def make() -> Clusters:
        rng = np.random.default_rng([pool.shared.seed, 5])
        return _find(origin, min_cluster_size, similarity_threshold, rng)

    key = ("discovery", min_cluster_size, similarity_threshold)
    found: Clusters = pool.shared.once(origin.embeddings, key, make)
    return found


def stability(
    pool: PoolView, found: Clusters, groups: IntArray, rng: np.random.Generator, *, times: int = 10
) -> npt.NDArray[np.float64]:
    """Return (g,) how much of some groups bootstraps of the pool find again, from 0 to 1.

    The mean over bootstraps of the largest Jaccard similarity between the group and a group of
    the bootstrap, over the texts that are in it.

    Source: C. Hennig, Cluster-wise assessment of cluster stability, CSDA 52, 2007.
    """
    raise NotImplementedError  # TODO


def _find(pool: PoolView, size: int, threshold: float, rng: np.random.Generator) -> Clusters:
    X = as_float32(pool.embeddings)
    dense = _dense(X, size, rng)
    labels, n_dense = _covered(X, dense, rng)
    if n_dense < 0:
        return _none(len(X), X.shape[1] if X.ndim == 2 else 0)
    k = int(labels.max()) + 1
    sizes = np.bincount(labels, minlength=k)
    sums = np.zeros((k, X.shape[1]), dtype=np.float32)
    np.add.at(sums, labels, X)
    centers = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    centrality = np.einsum("ij,ij->i", X, centers[labels])
    density = np.bincount(labels, centrality, minlength=k) / np.maximum(sizes, 1)
    known = as_float32(pool.centers)
    near = np.full(k, -1, dtype=np.int64)
    similarity = np.full(k, np.nan, dtype=np.float32)
    if len(known):
        cosines = centers @ known.T
        near, similarity = cosines.argmax(axis=1), cosines.max(axis=1)
    limit = threshold or (0.7 if len(known) else float("nan"))
    return Clusters(
        labels=labels,
        centrality=centrality,
        centers=centers,
        sizes=sizes,
        density=density.astype(np.float32),
        dense=np.arange(k) < n_dense,
        nearest=near,
        similarity=similarity,
        novel=similarity < limit if len(known) else np.ones(k, dtype=np.bool_),
        threshold=limit,
        noise_share=float((dense < 0).mean()),
    )


def _none(n: int, d: int) -> Clusters:
    floats: Any = np.empty(0, dtype=np.float32)
    whole_: Any = np.empty(0, dtype=np.int64)
    yes: Any = np.empty(0, dtype=np.bool_)
    return Clusters(
        labels=np.full(n, -1, dtype=np.int64),
        centrality=np.zeros(n, dtype=np.float32),
        centers=np.empty((0, d), dtype=np.float32),
        sizes=whole_,
        density=floats,
        dense=yes,
        nearest=whole_,
        similarity=floats,
        novel=yes,
        threshold=float("nan"),
        noise_share=float("nan"),
    )


def _dense(X: npt.NDArray[np.float32], size: int, rng: np.random.Generator) -> IntArray:
    """Return (N,) group numbers of HDBSCAN after PCA; -1 is noise."""
    labels: IntArray = np.full(len(X), -1, dtype=np.int64)
    size = size or min(max(len(X) // ONE_IN, SMALLEST), LARGEST)
    if len(X) < 2 * size or np.ptp(X, axis=0).max() == 0:
        return labels  # too few or all equal: nothing stands out
    from hdbscan import HDBSCAN
    from sklearn.decomposition import PCA

    reduced = PCA(min(DIMENSIONS, *X.shape), svd_solver="covariance_eigh").fit_transform(X)
    model = HDBSCAN(min_cluster_size=size, min_samples=max(1, size // 2), core_dist_n_jobs=1)
    labels[:] = model.fit(np.asarray(reduced, dtype=np.float64)).labels_
    return labels


def _covered(
    X: npt.NDArray[np.float32], dense: IntArray, rng: np.random.Generator
) -> tuple[IntArray, int]:
    """Return labels with the noise split by k-means, and how many groups are dense; -1: none."""
    noise = np.flatnonzero(dense < 0)
    n_dense = int(dense.max(initial=-1)) + 1
    if n_dense == 0:
        return dense, -1
    labels = dense.copy()
    if len(noise):
        usual = max(int(np.median(np.bincount(dense[dense >= 0]))), 5)
        centers = find_centers(X[noise], max(1, len(noise) // usual), rng)
        cells = nearest(X[noise], centers)
        _, cells = np.unique(cells, return_inverse=True)
        labels[noise] = n_dense + cells
    return labels, n_dense


__all__ = ["Clusters", "FloatArray", "find", "stability"]
