"""Self-training: what the labels say about unlabeled texts, so that these can train as well.

Two opinions about each unlabeled text are averaged: that of the labels which reach it through a
graph of nearest neighbors (`spread`), and that of a classifier fitted on the labels. The graph
knows many classes from few labels, the classifier is right where neighbors mean little. A second
classifier then learns the labels together with the most probable class of each unlabeled text,
which weighs less than a label by a person, and the less the more doubtful it is.

Sources: D. Zhou et al., Learning with Local and Global Consistency, NeurIPS 2003 (spreading);
X. Zhu et al., Semi-Supervised Learning Using Gaussian Fields and Harmonic Functions, ICML 2003,
section 4 (class mass normalization); A. Iscen et al., Label Propagation for Deep Semi-supervised
Learning, CVPR 2019 (pseudo-labels that weigh what they are certain).
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.int64]

#: Unlabeled texts in the graph, a uniform sample of the pool: 10,000 gain less than a point.
SAMPLE = 5_000
#: With more labels than this there is nothing to gain, and the graph costs seconds.
MOST_LABELS = 3_000
#: What a pseudo-label weighs that is certain; a person's label weighs 1.
WEIGHT = 0.3

_NEIGHBORS = 15
_WIDTH = 0.2  # of the kernel, in cosines
_FAR = 0.9  # how much a text hears from its neighbors, the rest from its own label
_STEPS = 10
_BLOCK = 1_000  # rows of cosines at a time


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Texts and their neighbors.

    X: (M, d) vectors, those of the labeled texts first.
    links: (M, M) sparse, symmetric, scaled by the square roots of both ends' sums.
    """

    X: Floats
    links: Any


def helps(y: Labels, pool: Floats) -> bool:
    """Tell whether there is anything to learn from a pool with (m,) labels."""
    return len(pool) > 0 and len(y) <= MOST_LABELS and len(np.unique(y)) > 1


def graph(X: Floats, pool: Floats, seed: int) -> Graph:
    """Link each text with its 15 nearest by cosine.

    X: (m, d) and pool: (N, d) unit vectors; of the pool a uniform sample of `SAMPLE` is taken.
    Costs O((m + SAMPLE)^2 d) time, no quadratic memory.
    """
    from scipy.sparse import csr_array, diags_array

    nodes = np.concatenate([X, sample(pool, seed)]).astype(np.float32)
    M, k = len(nodes), min(_NEIGHBORS, len(nodes) - 1)
    near = np.empty((M, k), dtype=np.int64)
    weight = np.empty((M, k), dtype=np.float32)
    for start in range(0, M, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, M))
        cosines = nodes[rows] @ nodes.T
        cosines[rows - start, rows] = -np.inf
        near[rows] = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(cosines, near[rows], axis=1)
        weight[rows] = np.exp((found - 1) / _WIDTH)
    links = csr_array((weight.ravel(), (np.repeat(np.arange(M), k), near.ravel())), shape=(M, M))
    links = links.maximum(links.T)
    scale = diags_array(1 / np.sqrt(np.maximum(links.sum(axis=1), 1e-12)), dtype=np.float32)
    return Graph(nodes, (scale @ links @ scale).tocsr())


def sample(pool: Floats, seed: int) -> Floats:
    """Return the rows of a uniform sample of (N, d) vectors, all of them up to `SAMPLE`."""
    if len(pool) <= SAMPLE:
        return pool
    rng = np.random.default_rng([seed, SAMPLE])
    return pool[np.sort(rng.choice(len(pool), SAMPLE, replace=False))]


def spread(graph: Graph, rows: Labels, y: Labels) -> Floats:
    """Return (M, p) what labels say about all texts of the graph; rows sum to 1.

    A row is zero where no label reaches. Classes get the mass that `shares` expects, or those
    whose labels have many neighbors would swallow the others.

    Args:
        graph: of M texts.
        rows: (r,) the labeled ones among them.
        y: (r,) their classes, all of 0..p-1.

    """
    given = np.zeros((len(graph.X), y.max() + 1), dtype=np.float32)
    given[rows, y] = 1
    heard = given
    for _ in range(_STEPS):
        heard = _FAR * (graph.links @ heard) + (1 - _FAR) * given
    heard = heard * (shares(np.bincount(y)) / np.maximum(heard.sum(axis=0), 1e-12))
    result: Floats = heard / np.maximum(heard.sum(axis=1, keepdims=True), 1e-12)
    return result


def shares(counts: Labels) -> Floats:
    """Return (p,) what share of all texts each class is expected to have; they sum to 1.

    counts: (p,) its labels. They are smoothed by a symmetric Dirichlet distribution, fitted to
    them (T. Minka, Estimating a Dirichlet distribution, 2000): by much where they differ as
    chance makes classes of one size differ, hardly where few classes have most labels.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    n, p = counts.sum(), len(counts)

    def loss(log_a: float) -> float:
        a = np.exp(log_a)
        likelihood = gammaln(p * a) - gammaln(n + p * a) + (gammaln(counts + a) - gammaln(a)).sum()
        return -float(likelihood)

    best = minimize_scalar(loss, bounds=(np.log(0.3), np.log(100.0)), method="bounded")
    a = np.exp(best.x)
    result: Floats = ((counts + a) / (n + p * a)).astype(np.float32)
    return result


def opinions(graph: Graph, rows: Labels, y: Labels, proba: Floats) -> Floats:
    """Return (M, p) the mean of what labels and a classifier say; arguments as for `spread`.

    proba: (M, p) the classifier's probabilities.
    """
    result: Floats = (spread(graph, rows, y) + proba) / 2
    return result
