"""One label out of several people's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.crowd import libraries
from al_loop.crowd.posterior import believe
from al_loop.crowd.votes import NONE, Labels, Votes

Floats: TypeAlias = npt.NDArray[np.float64]
Method: TypeAlias = Literal["fused", "crowdlab", "majority", "dawid_skene"]


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
    """Work out one label a text; where all votes of a text are the same, it is theirs.

    Args:
        votes: of n texts by a people.
        proba: (n, k) out-of-fold probabilities in the order of `votes.classes`, rows of NaN where
            there are none; None where nothing can be said. Dawid-Skene does not look at them,
            and majority only to settle a tie.
        method: fused (people and model weighed together, see `posterior.believe`), crowdlab
            (Goh et al. 2022, arXiv 2210.06812, by cleanlab), dawid_skene (1979, by Crowd-Kit), or
            majority, whose quality is what votes alone say by the model of `fused`.

    `quality` of crowdlab is cleanlab's score: it ranks, but is far below how often labels are
    right. Nothing is drawn at random, printed or warned of.
    """
    if not votes.ids:
        return Consensus(np.empty(0, np.int64), np.empty(0), np.empty(0), "majority")
    found = _METHODS[method](votes, proba) or _majority(votes, proba)
    return replace(found, quality=np.clip(found.quality, 0, 1), people=np.clip(found.people, 0, 1))


def _fused(votes: Votes, proba: Floats | None) -> Consensus:
    found = believe(votes.labels, proba, len(votes.classes))
    labels = np.where(_unanimous(votes), votes.labels.max(axis=1), _best(found.proba))
    return Consensus(labels, _at(found.proba, labels), found.people, "fused")


def _majority(votes: Votes, proba: Floats | None) -> Consensus:
    """Count votes; a tie goes to the class that the model, then those often right, prefer."""
    k = len(votes.classes)
    alone = believe(votes.labels, None, k)
    counts = np.zeros((len(votes.ids), k))
    for column in votes.labels.T:
        rows = np.flatnonzero(column != NONE)
        counts[rows, column[rows]] += 1
    if proba is not None:
        counts += 0.5 * np.nan_to_num(proba)
    labels = _best(counts + 1e-6 * alone.proba)
    return Consensus(labels, _at(alone.proba, labels), alone.people, "majority")


def _crowdlab(votes: Votes, proba: Floats | None) -> Consensus | None:
    found = None if proba is None else libraries.crowdlab(votes.labels, proba)
    return None if found is None else _kept(votes, found, "crowdlab")


def _dawid_skene(votes: Votes, proba: Floats | None) -> Consensus | None:
    found = libraries.dawid_skene(votes.labels, len(votes.classes))
    return None if found is None else _kept(votes, found, "dawid_skene")


_METHODS: Mapping[Method, Callable[[Votes, Floats | None], Consensus | None]] = {
    "fused": _fused,
    "crowdlab": _crowdlab,
    "dawid_skene": _dawid_skene,
    "majority": _majority,
}


def _kept(votes: Votes, found: libraries.Found, method: Method) -> Consensus:
    """Return what a library found, but no other label where all votes of a text are the same."""
    same = _unanimous(votes)
    labels = np.where(same, votes.labels.max(axis=1), found.labels)
    quality = np.where(same, found.of_votes.max(axis=1), found.quality)
    return Consensus(labels, quality, found.people, method)


def _unanimous(votes: Votes) -> npt.NDArray[np.bool_]:
    said = votes.labels.max(axis=1, keepdims=True)
    same: npt.NDArray[np.bool_] = ((votes.labels == NONE) | (votes.labels == said)).all(axis=1)
    return same


def _best(scores: Floats) -> Labels:
    """Return the first of the best classes; differences in the last digits are none."""
    return np.asarray(np.round(scores, 9).argmax(axis=1), dtype=np.int64)


def _at(scores: Floats, labels: Labels) -> Floats:
    return np.asarray(scores[np.arange(len(labels)), labels], dtype=np.float64)
