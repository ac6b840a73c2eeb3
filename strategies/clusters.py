"""A strategy that covers the pool: one text for each region of it."""

import math
from dataclasses import replace

import numpy as np

from strategies.base import Picks, PoolView, check_request, lacks, needs, no_picks
from strategies.grouping import cold_start, representatives
from strategies.uncertainty import most_uncertain


@needs("proba")
def clusters(pool: PoolView, n: int, rng: np.random.Generator, *, among: float = 10.0) -> Picks:
    """Take the most central text of each of n k-means clusters of the pool.

    Covers what is there without a model, so it is what every strategy starts with. Larger
    clusters come first; above 20,000 texts the centers are found on a uniform sample, above
    1,000 texts a batch several of each cluster are taken.

    Args:
        pool: needs `embeddings`, and `proba` for `among`.
        n: size of the batch.
        rng: seeds k-means and breaks ties.
        among: how many times n texts to cluster, those with the smallest margins; 0: the whole
            pool. With 10 a batch of 50 covers the 500 most uncertain texts, but never more
            than half of the pool (or n). Without a model, or with a single class, the whole
            pool.

    Source: Z. Xu et al., Representative Sampling for Text Classification Using Support Vector
    Machines, ECIR 2003; the most uncertain first: F. Zhdanov, Diverse mini-batch Active
    Learning, arXiv:1901.05954, 2019.

    Raises:
        ValueError: n is negative or larger than the pool, or `among` is neither 0
            nor at least 1.

    """
    if not (among == 0 or 1 <= among < math.inf):
        raise ValueError(f"among must be 0 or at least 1, not {among}")
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if pool.proba is None or lacks(clusters, pool):
        return cold_start(pool, n, rng)
    if among == 0:
        return representatives(pool.embeddings, n, rng)
    uncertain = most_uncertain(pool.proba, n, among, rng)
    note = f"among the {len(uncertain)} most uncertain: "
    chosen = representatives(pool.vectors(uncertain), n, rng, note)
    return replace(chosen, indices=uncertain[chosen.indices])
