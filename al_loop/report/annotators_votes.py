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


@dataclass(frozen=True, slots=True)
class Said:
    """The votes of people; what adjudicators said in review is none.

    votes: all, the latest of each person on a text.
    compared: those that tell how much people agree. Only answers to the first look at a text:
        later ones are asked for where a label looks wrong or a further one pays, and there people
        differ more often. Where that leaves nothing to compare, all; `selected` then is true.
    labels: text -> what it counts as, where that is settled.
    decided: text -> `BY_HAND` or `IN_REVIEW`, where somebody decided: those labels are sure.
    gold: votes on texts with a sure label: the answers to blind looks that were sent to measure
        people. Where there are none, all votes; `chosen` then is true: a decision by hand is most
        often about a text that looked wrong.
    """

    votes: Cast
    compared: Cast
    selected: bool
    labels: Mapping[str, str]
    decided: Mapping[str, str]
    gold: Cast
    chosen: bool


def gather(store: Store) -> Said:
    """Read what people said."""
    known = class_changes.names(store)
    given = answers.all_answers(store)
    looks = reporting.gold_looks(store)
    votes, labels = _cast(given, known), reporting.labels(store)
    decided = dict.fromkeys(consensus.adjudicated(store), IN_REVIEW)
    decided |= dict.fromkeys(labels.keys() & fixes.standing(store).keys(), BY_HAND)
    first = _cast(given, known, lambda _, look: look == 0)
    alone = not any(len(cast) > 1 for cast in first.values())
    gold = _only(_cast(given, known, lambda i, look: (i, look) in looks), decided)
    return Said(
        votes=votes,
        compared=votes if alone else first,
        selected=alone and any(len(cast) > 1 for cast in votes.values()),
        labels=labels,
        decided=decided,
        gold=gold or _only(votes, decided),
        chosen=not gold,
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
