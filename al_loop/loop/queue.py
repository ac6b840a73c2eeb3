"""In the select step: what the slots of a batch go to, by what an answer buys a minute.

A new text, a further label of one that people labeled already, or an adjudication where they
disagree: `crowd.queue` scores and prices them, this gathers what it needs from the workspace.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from al_loop import learner
from al_loop.config import Config
from al_loop.crowd import consensus as crowd
from al_loop.crowd import queue
from al_loop.crowd.queue import Minutes, Slots
from al_loop.crowd.votes import NONE, Votes
from al_loop.loop import adjudication, again, consensus
from al_loop.loop.knowledge import Knowledge
from al_loop.loop.parts import Parts, Vectors
from al_loop.store import consensus as table
from al_loop.store import reviews, second_looks, slots
from al_loop.store.core import Store
from al_loop.store.rounds import BatchRow

#: So often a further label of one text is asked for: those who gave it may be the ones who answer.
TRIES = 3
#: An adjudicator reads the votes as well.
_REVIEW = 2.0


@dataclass(frozen=True, slots=True)
class Division:
    """What a batch is made of, beside the texts that wait for a second look.

    new: so many new texts. again: texts that get a further label. givers: who labeled them.
    reviews: texts that go to the review project. note: why nothing was divided.
    """

    new: int
    again: Sequence[BatchRow] = ()
    givers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reviews: Sequence[str] = ()
    note: str = ""

    @property
    def slots(self) -> dict[str, int]:
        """The slots of each kind."""
        return {"new": self.new, "again": len(self.again), "review": len(self.reviews)}

    @property
    def line(self) -> str:
        """How the batch was divided, in words."""
        if self.note:
            return self.note
        counts = zip(self.slots.values(), _NAMES, strict=True)
        return ", ".join(f"{n} {one if n == 1 else many}" for n, (one, many) in counts)


_NAMES = (("new", "new"), ("second label", "second labels"), ("adjudication", "adjudications"))


def divide(
    parts: Parts,
    config: Config,
    known: Knowledge,
    pool: Vectors,
    size: int,
    taken: Collection[str],
) -> Division:
    """Divide `size` slots of a batch.

    pool: (N, d) vectors of the texts without a label. taken: texts that are in the batch already.
    """
    fresh = min(size, len(pool))
    votes = Votes.of(slots.pool_votes(parts.store), known.names)
    if len(votes.people) < 2:
        note = "all new: second labels need two people at least"
        return Division(fresh, note=note)
    proba = consensus.out_of_sample(parts, config, votes, known.names)
    if proba is None:
        return Division(fresh, note="all new: too few labels to say what a second one would buy")
    # Whatever settles labels: of the methods only this one's quality is a probability.
    found = crowd.consensus(votes, proba, "fused")
    open_, sure = _open(parts, votes), _sure(parts.store, votes, taken)
    divided = queue.divide(
        votes,
        found,
        proba,
        _proba(config, known, votes, pool),
        size=size,
        minutes=minutes(parts.store, config),
        sure=sure,
        reviewable=open_,
    )
    return _division(parts.store, votes, found, divided)


def _open(parts: Parts, votes: Votes) -> queue.Flags:
    """Return (n,) True where an adjudicator could decide and nobody was asked to yet."""
    store = parts.store
    found: set[str] = set()
    if parts.reviews:
        disputed = table.disputed(store, below=adjudication.EVERY)
        found = {d.item_id for d in disputed} - reviews.asked(store)
    return np.array([i in found for i in votes.ids], dtype=bool)


def _sure(store: Store, votes: Votes, taken: Collection[str]) -> queue.Flags:
    """Return (n,) True where nothing is to be asked."""
    done = slots.settled(store) | slots.relabeled(store, TRIES) | set(taken)
    return np.array([i in done for i in votes.ids], dtype=bool)


def _proba(config: Config, known: Knowledge, votes: Votes, pool: Vectors) -> crowd.Floats:
    """Return (N, k) probabilities of texts without a label, by the same kind of model."""
    n_classes, C = len(known.classes), config.model.C
    model = learner.fit(known.X, known.y, n_classes=n_classes, C=C, seed=config.seed)
    proba = np.zeros((len(pool), len(votes.classes)))
    proba[:, :n_classes] = model.proba(pool)
    return proba


def minutes(store: Store, config: Config) -> Minutes:
    """Return what answers take: as they were timed, or as [budget] expects it."""
    timed = slots.seconds(store)
    new = timed["first"] or config.budget.seconds_per_label
    again_ = timed["second"] or new
    return Minutes(new / 60, again_ / 60, (timed["review"] or _REVIEW * new) / 60)


def _givers(votes: Votes, row: int) -> list[str]:
    return [p for p, label in zip(votes.people, votes.labels[row], strict=True) if label != NONE]


def _division(store: Store, votes: Votes, found: crowd.Consensus, divided: Slots) -> Division:
    rows = divided.again.tolist()
    chosen = slots.again(store, [votes.ids[row] for row in rows])
    why = second_looks.WHY["relabel"]
    doubt = [round(1 - float(found.quality[row]), 9) for row in rows]
    return Division(
        divided.new,
        [again.blind(c, again.RELABEL, why, d) for c, d in zip(chosen, doubt, strict=True)],
        {votes.ids[row]: _givers(votes, row) for row in rows},
        [votes.ids[row] for row in divided.review],
    )
