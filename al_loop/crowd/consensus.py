"""One label out of several people's."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.crowd.votes import Labels, Votes

Floats: TypeAlias = npt.NDArray[np.float64]
Method: TypeAlias = Literal["crowdlab", "majority", "dawid_skene"]


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """What votes add up to.

    labels: (n,) positions of classes. quality: (n,) in [0, 1], the probability that each is right.
    people: (a,) in [0, 1], how often each person is right, by the same method.
    method: that was used: `majority` where the wanted one had too little to go on.
    """

    labels: Labels
    quality: Floats
    people: Floats
    method: Method


def consensus(votes: Votes, proba: Floats | None, method: Method) -> Consensus:
    """Work out one label a text.

    Args:
        votes: of n texts by a people.
        proba: (n, k) out-of-fold probabilities in the order of `votes.classes`, rows of NaN where
            there are none; None where nothing can be said. Only crowdlab looks at them.
        method: crowdlab (Goh et al. 2022, arXiv 2210.06812), majority, or dawid_skene (1979).
    """
    raise NotImplementedError
