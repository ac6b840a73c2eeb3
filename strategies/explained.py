"""How similar groups of texts are to known classes, and how similar those of one class are."""

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray
from strategies.dense import unit

Floats = npt.NDArray[np.float32]
#: Share of the groups of known classes that the threshold takes for novel ones.
MISTAKEN = 0.2
#: A group is passed over where chance would leave it so few labels in one of twenty cases.
#: But nothing is new that a known class is so similar to, be it that it has no label yet.
CHANCE, CLOSE = 0.05, 0.85
#: The threshold where fewer labels than this are not alone in their class.
FEWEST, USUAL = 4, 0.7


def compared(groups: Floats, centers: Floats) -> tuple[IntArray, Floats]:
    """Return (c,) the known class that is nearest to each group, and the cosine to it.

    groups: (c, d) and centers: (k, d) unit vectors. -1 and NaN where no class is known.
    """
    c = len(groups)
    if c == 0 or len(centers) == 0:
        return np.full(c, -1, dtype=np.int64), np.full(c, np.nan, dtype=np.float32)
    cosines = groups @ centers.T
    return cosines.argmax(axis=1), cosines.max(axis=1)


def texts_of(groups: Floats, labeled: Floats) -> IntArray:
    """Return (m,) the group that each labeled text lies in; -1 where there are no groups."""
    if len(groups) == 0 or len(labeled) == 0:
        return np.full(len(labeled), -1, dtype=np.int64)
    return np.asarray((labeled @ groups.T).argmax(axis=1), dtype=np.int64)


def limit(groups: Floats, labeled: Floats, labels: IntArray, mine: IntArray) -> float:
    """Return the similarity below which a group is too far from a class to be a part of it.

    groups: (c, d) their centers. labeled: (m, d) texts, labels: (m,) their classes, mine: (m,)
    their groups, from `texts_of`.

    A labeled text's group is compared with the mean of its class without this text; a fifth of
    the groups of known classes may be less similar. As such a mean is of one label less, and so
    a bit less similar to anything, it is corrected by what that means for labels that are as
    similar to each other as these are.
    """
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    several = (counts[place] > 1) & (mine >= 0)
    if several.sum() < FEWEST:
        return USUAL
    sums = np.zeros((len(counts), labeled.shape[1]), dtype=np.float32)
    np.add.at(sums, place, labeled)
    pairs = counts * (counts - 1)
    alike = ((sums * sums).sum(axis=1) - counts)[pairs > 0].sum() / pairs.sum()
    s, n = max(float(alike), 0.05), counts[place[several]]
    others = unit(sums[place[several]] - labeled[several])
    found = np.einsum("ij,ij->i", others, groups[mine[several]])
    found = found * np.sqrt((s + (1 - s) / (n - 1)) / (s + (1 - s) / n))
    return float(np.clip(np.quantile(found, MISTAKEN), 0.05, 0.95))


def passed_over(sizes: IntArray, mine: IntArray) -> npt.NDArray[np.bool_]:
    """Return (c,) whether far fewer labeled texts lie in a group than its size lets expect.

    sizes: (c,) texts in each. mine: (m,) the groups of the labeled texts, from `texts_of`. Their
    number is held against a Poisson distribution, as if labels fell anywhere. Where known
    classes are so wide that nothing is too far from them, this is what a new class still shows.
    """
    from scipy.stats import poisson

    there = np.bincount(mine[mine >= 0], minlength=len(sizes))
    total = max(int(sizes.sum()) + len(mine), 1)
    return np.asarray(poisson.cdf(there, sizes * (len(mine) / total)) < CHANCE)
