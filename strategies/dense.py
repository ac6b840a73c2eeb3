"""Dense groups of vectors: HDBSCAN on smoothed vectors in few dimensions."""

from typing import Any

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray
from strategies.grouping import find_centers, nearest
from strategies.whitening import whitening

Floats = npt.NDArray[np.float32]
#: Dimensions for neighbors, and for HDBSCAN, which is slow on more and calls more texts noise.
WIDE, NARROW = 50, 20
#: Each text is moved to the mean of its nearest so many, so many times.
NEIGHBORS, STEPS = 10, 3
#: Groups whose texts are nearer to each other than this are one to HDBSCAN.
CLOSE = 0.05
#: Groups are put together until they have so many texts on average, but only those that are at
#: most `APART` from each other, and those that are nearer than `SAME` in any case. Distances are
#: 1 - cosine.
USUAL, SAME, APART = 40, 0.1, 0.5
#: Neighbors are looked for in so many cells of so many texts.
PROBES, CELL = 8, 250
#: Parts of a class at most, and the texts that tell how many.
PARTS, SAMPLE = 6, 2_000


def unit(rows: npt.NDArray[np.floating[Any]]) -> Floats:
    """Return the rows at length 1; those of length 0 stay."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-12), dtype=np.float32)


def reduced(X: Floats, labeled: Floats, labels: IntArray) -> Floats:
    """Return (n, w) unit vectors of few dimensions, shifted by what is labeled so far."""
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    shift = whitening(labeled, labels)
    with threadpool_limits(1):
        shifted = X if shift is None else unit(X @ shift)
        model = PCA(min(WIDE, *X.shape), svd_solver="covariance_eigh")
        return unit(model.fit_transform(shifted))


def groups(Z: Floats, size: int, rng: np.random.Generator) -> IntArray:
    """Return (n,) group numbers of (n, w) unit vectors; -1 is noise.

    size: fewest vectors of a group, at least 2. Smoothing draws the texts around a dense spot
    together, so that HDBSCAN calls a twentieth of them noise and not half; the many small groups
    it then finds are put together until they have 40 on average.

    Source: R. Campello, D. Moulavi, J. Sander, PAKDD 2013 (HDBSCAN); L. McInnes, J. Healy,
    S. Astels, JOSS 2(11), 2017 (the package); M. Carreira-Perpinan, Fast Nonparametric
    Clustering with Gaussian Blurring Mean-Shift, ICML 2006 (smoothing).
    """
    labels: IntArray = np.full(len(Z), -1, dtype=np.int64)
    if len(Z) < 2 * size or np.ptp(Z, axis=0).max() < 1e-6:
        return labels  # too few or all equal: nothing stands out
    from hdbscan import HDBSCAN
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        smooth = _smoothed(Z, NEIGHBORS, rng)
        few = PCA(min(NARROW, *Z.shape), svd_solver="covariance_eigh").fit_transform(smooth)
        # One process: the result must not depend on the number of processors.
        model = HDBSCAN(
            min_cluster_size=size,
            min_samples=max(1, size // 4),
            cluster_selection_epsilon=CLOSE,
            core_dist_n_jobs=1,
        )
        labels[:] = model.fit(np.asarray(few, dtype=np.float64)).labels_
        return _together(labels, Z)


def subgroups(
    X: npt.NDArray[np.floating[Any]], rng: np.random.Generator, wanted: int | None = None
) -> IntArray:
    """Return (n,) parts 0..k-1 of one class's texts, k from 2 to 6 by the best silhouette.

    X: (n, d) vectors. wanted: so many parts instead. There are fewer where there are fewer
    different texts. At most 2,000 texts tell how many parts there are.

    Source: P. J. Rousseeuw, Silhouettes, 1987.
    """
    from sklearn.metrics import silhouette_score

    rows = np.asarray(X, dtype=np.float32)
    best: IntArray = np.zeros(len(rows), dtype=np.int64)
    score = -np.inf
    if len(rows) < 2:
        return best
    shifted = unit(rows - rows.mean(axis=0))
    some = rng.permutation(len(rows))[:SAMPLE]
    for k in [wanted] if wanted else range(2, min(PARTS, len(rows)) + 1):
        found = nearest(shifted, find_centers(shifted, k, rng))
        there = len(np.unique(found[some]))
        if there < 2:
            continue
        # Of as many parts as texts there is no silhouette; two texts are two parts.
        worth = 0.0 if there == len(some) else float(silhouette_score(shifted[some], found[some]))
        if worth > score:
            best, score = found, worth
    return np.asarray(np.unique(best, return_inverse=True)[1], dtype=np.int64)


def _smoothed(Z: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Return (n, w) unit means of the k nearest of each, taken `STEPS` times."""
    centers = find_centers(Z, max(1, len(Z) // CELL), rng)
    cell = nearest(Z, centers)
    near = np.argsort(-(centers @ centers.T), axis=1, kind="stable")[:, :PROBES]
    rows = [np.flatnonzero(cell == c) for c in range(len(centers))]
    for _ in range(STEPS):
        moved = np.empty_like(Z)
        for c, mine in enumerate(rows):
            if len(mine):
                among = np.concatenate([rows[other] for other in {c, *near[c].tolist()}])
                moved[mine] = _means(Z, mine, among, k)
        Z = unit(moved)
    return Z


def _means(Z: Floats, rows: IntArray, among: IntArray, k: int) -> Floats:
    """Return the mean of the k nearest of each row among some rows, itself included."""
    found: Floats = np.empty((len(rows), Z.shape[1]), dtype=np.float32)
    step = max(1, 5_000_000 // len(among))
    for start in range(0, len(rows), step):
        cosines = Z[rows[start : start + step]] @ Z[among].T
        kept = min(k, len(among))
        best = np.argpartition(-cosines, kept - 1, axis=1)[:, :kept]
        found[start : start + step] = Z[among[best]].mean(axis=1)
    return found


def _together(labels: IntArray, Z: Floats) -> IntArray:
    """Put groups together that are near to each other, by average linkage.

    The cosine of two groups' means is that of the directions which they are samples of: small
    groups would look farther apart than large ones.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    k = int(labels.max()) + 1
    if k < 2:
        return labels
    sizes = np.bincount(labels[labels >= 0])
    means = np.stack([Z[labels == g].mean(axis=0) for g in range(k)])
    inside = ((means * means).sum(axis=1) * sizes - 1) / (sizes - 1)  # mean cosine of pairs
    scale = np.sqrt(np.maximum(inside, 0.05))
    away = np.maximum(1.0 - means @ means.T / np.outer(scale, scale), 0.0)
    tree = linkage(away[np.triu_indices(k, 1)], "average")
    merges = max(k - max(len(Z) // USUAL, 1), 0)
    enough = float(tree[merges - 1, 2]) if merges else 0.0
    merged = fcluster(tree, min(max(enough, SAME), APART), "distance").astype(np.int64) - 1
    return np.where(labels < 0, -1, merged[labels])
