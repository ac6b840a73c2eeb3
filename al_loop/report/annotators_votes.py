"""What people said, as agreement, accuracy and the rest are measured on it."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from al_loop.labels import votes_of
from al_loop.store import Store, answers, class_changes, consensus, fixes, reporting
from al_loop.types import Answer, split_key

#: text -> person -> class of today
Cast: TypeAlias = Mapping[str, Mapping[str, str]]
BY_HAND, IN_REVIEW = "by hand", "in review"
GOLD, SHARED, DECIDED = "gold", "shared", "decided"
ENOUGH = 10  # answers to gold, to measure by them alone


@dataclass(frozen=True, slots=True)
class Said:
    """The votes of people; what adjudicators said in review is none.

    votes: all, the latest of each person on a text.
    compared: those that tell how much people agree. Only answers to the first look at a text:
        later ones are asked for where a label looks wrong or a further one pays, and there people
        differ more often. Where that leaves nothing to compare, all; `selected` then is true.
    labels: text -> what it counts as, where that is settled.
    decided: text -> `BY_HAND` or `IN_REVIEW`, where somebody decided: those labels are sure.
    gold: votes that accuracy is measured on, and `basis` why on those: `GOLD`, the answers to blind
        looks at texts with a sure label, which were sent to measure people, from `ENOUGH` of
        them on. Else `SHARED`, the votes of `compared` on texts of several people: they may all
        be wrong, so that it is rather too high. Else `DECIDED`, the votes on texts that somebody
        decided on, most often because they looked wrong: rather too low.
    """

    votes: Cast
    compared: Cast
    selected: bool
    labels: Mapping[str, str]
    decided: Mapping[str, str]
    gold: Cast
    basis: str


def gather(store: Store) -> Said:
    """Read what people said."""
    known = class_changes.names(store)
    given = answers.all_answers(store)
    looks = reporting.gold_looks(store)
    votes, labels = _cast(given, known), reporting.labels(store)
    decided = dict.fromkeys(consensus.adjudicated(store), IN_REVIEW)
    decided |= dict.fromkeys(labels.keys() & fixes.standing(store).keys(), BY_HAND)
    first = _cast(given, known, lambda _, look: look == 0)
    shared = {i: cast for i, cast in first.items() if len(cast) > 1}
    bases = {
        GOLD: _only(_cast(given, known, lambda i, look: (i, look) in looks), decided),
        SHARED: shared,
        DECIDED: _only(votes, decided),
    }
    few = sum(map(len, bases[GOLD].values())) < ENOUGH
    order = (SHARED, GOLD, DECIDED) if few else tuple(bases)
    basis = next((name for name in order if bases[name]), DECIDED)
    return Said(
        votes=votes,
        compared=first if shared else votes,
        selected=not shared and any(len(cast) > 1 for cast in votes.values()),
        labels=labels,
        decided=decided,
        gold=bases[basis],
        basis=basis,
    )


def _cast(
    given: Mapping[str, Sequence[Answer]],
    known: Mapping[str, str],
    wanted: Callable[[str, int], bool] = lambda _id, _look: True,
) -> Cast:
    """Return the votes out of the answers to some looks; texts without one are left out."""
    found = {
        i: votes_of((a for a in of_text if wanted(*split_key(a.key))), known)
        for i, of_text in given.items()
    }
    return {i: cast for i, cast in found.items() if cast}


def _only(votes: Cast, texts: Container[str]) -> Cast:
    return {i: cast for i, cast in votes.items() if i in texts}
