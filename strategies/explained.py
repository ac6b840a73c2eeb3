"""How similar groups of texts are to known classes, and how similar those of one class are."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray, PoolView
from strategies.dense import unit
from strategies.grouping import as_float32

Floats = npt.NDArray[np.float32]
#: Share of the groups of known classes that are taken for novel ones.
MISTAKEN = 0.2
#: With fewer labels that are not alone in their class, the threshold is this.
FEWEST, USUAL = 4, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Shifted:
    """Unit vectors less the mean of the pool: what all of its texts have in common says nothing.

    groups: (c, d) centers of groups. centers: (k, d) of known classes. labeled: (m, d) texts.
    """

    groups: Floats
    centers: Floats
    labeled: Floats

    @classmethod
    def of(cls, pool: PoolView, groups: Floats, mean: Floats) -> Self:
        """Shift what is known of a pool, and its groups' (c, d) centers."""
        known, texts = as_float32(pool.centers), as_float32(pool.labeled)
        return cls(
            unit(groups - mean),
            unit(unit(known) - mean) if len(known) else known,
            unit(texts - mean) if len(texts) else texts,
        )


def compared(shifted: Shifted) -> tuple[IntArray, Floats]:
    """Return (c,) the known class that is nearest to each group, and the cosine to it.

    -1 and NaN where no class is known.
    """
    c = len(shifted.groups)
    if c == 0 or len(shifted.centers) == 0:
        return np.full(c, -1, dtype=np.int64), np.full(c, np.nan, dtype=np.float32)
    cosines = shifted.groups @ shifted.centers.T
    return cosines.argmax(axis=1), cosines.max(axis=1)


def texts_of(shifted: Shifted) -> IntArray:
    """Return (m,) the group that each labeled text lies in; -1 where there are no groups."""
    if len(shifted.groups) == 0 or len(shifted.labeled) == 0:
        return np.full(len(shifted.labeled), -1, dtype=np.int64)
    return np.asarray((shifted.labeled @ shifted.groups.T).argmax(axis=1), dtype=np.int64)


def limit(shifted: Shifted, groups: IntArray, labels: IntArray) -> float:
    """Return the similarity below which a group is too far from a class to be a part of it.

    groups: (m,) of the labeled texts, from `texts_of`. labels: (m,) their classes.

    A labeled text's group is compared with the mean of its class without this text; a fifth of
    the groups of known classes may be less similar. As such a mean is of one label less, and so
    a bit less similar to anything, it is corrected by what that means for labels that are as
    similar to each other as these are.
    """
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    several = (counts[place] > 1) & (groups >= 0)
    if several.sum() < FEWEST:
        return USUAL
    sums = np.zeros((len(counts), shifted.labeled.shape[1]), dtype=np.float32)
    np.add.at(sums, place, shifted.labeled)
    pairs = counts * (counts - 1)
    alike = ((sums * sums).sum(axis=1) - counts)[pairs > 0].sum() / pairs.sum()
    s, n = max(float(alike), 0.05), counts[place[several]]
    others = unit(sums[place[several]] - shifted.labeled[several])
    found = np.einsum("ij,ij->i", others, shifted.groups[groups[several]])
    found = found * np.sqrt((s + (1 - s) / (n - 1)) / (s + (1 - s) / n))
    return float(np.clip(np.quantile(found, MISTAKEN), 0.05, 0.95))
