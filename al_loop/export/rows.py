"""One record an id: its text, its label, and where the label comes from."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, NamedTuple

from al_loop.labels import Consensus, counts_still, decisions_of, folded, votes_of
from al_loop.store import Store, class_changes, evidence
from al_loop.store import export as queries
from al_loop.types import Answer, Role, Suggestion


class Field(NamedTuple):
    """A column of ours: its type in formats that have types, and what it says."""

    type: Literal["string", "int64", "float64", "bool", "strings"]
    meaning: str


#: Every column of ours in its order; kept columns follow.
FIELDS: Mapping[str, Field] = {
    "id": Field("string", "the id under which the row came"),
    "text": Field("string", "the text; several ids may have the same"),
    "label": Field("string", "its class"),
    "status": Field(
        "string", "what the label rests on: given with the data, agreed by people, fixed by hand"
    ),
    "role": Field("string", "pool, or test: kept apart for measuring"),
    "round": Field("int64", "the round that last chose the text"),
    "strategy": Field("string", "the query strategy that chose it there"),
    "inclusion": Field("float64", "with which probability, where it was drawn at random"),
    "annotators": Field("strings", "who voted; where nobody did, who answered or skipped"),
    "votes": Field("int64", "how many people voted"),
    "consensus": Field("float64", "the share of the votes that are for the label"),
    "quality": Field(
        "float64", "how sure their consensus is of the label, where people labeled it differently"
    ),
    "labeled_at": Field("string", "when the last answer or the decision by hand was made"),
    "doubt": Field("float64", "how doubtful the newest audit found the label, near 1 is severe"),
    "doubtful": Field("bool", "whether the label looks wrong, and nobody has confirmed it since"),
    "suggestion": Field("string", "what the model suggested when the text was chosen"),
    "blind": Field("bool", "whether the suggestion was hidden from people"),
    "adjudicated_by": Field("strings", "who decided on the label in review"),
    "fixed_by": Field("string", "who decided on the label by hand"),
    "fix_reason": Field("string", "and why"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: also those without a label, of one role only, one a text."""

    everything: bool = False
    role: Role | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `fields` has every name of `FIELDS`, `kept` the kept columns by their own names.

    Answers and suggestions have the names of today, as labels do.
    """

    item_id: str
    fields: dict[str, Any]
    kept: dict[str, str]
    answers: tuple[Answer, ...]
    suggestion: Suggestion | None
    model_version: str


@dataclass(frozen=True, slots=True)
class Export:
    """A stream of `total` entries, which can be read once.

    kept: kept column -> what it is called beside our columns.
    classes: every label that can come, in the stored order of the classes.
    """

    entries: Iterator[Entry]
    total: int
    kept: Mapping[str, str]
    classes: Sequence[str]

    @property
    def columns(self) -> list[str]:
        """The names of all columns, ours first."""
        return [*FIELDS, *self.kept.values()]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield each entry as one mapping with all columns; None where there is no value."""
        for entry in self.entries:
            yield self.record(entry)

    def record(self, entry: Entry) -> dict[str, Any]:
        """Return an entry as one mapping with all columns."""
        return entry.fields | {name: entry.kept.get(k) for k, name in self.kept.items()}


@contextmanager
def opened(store: Store, wanted: Wanted) -> Iterator[Export]:
    """Give the rows of one moment; whoever writes meanwhile is not seen."""
    which: dict[str, Any] = {
        "everything": wanted.everything,
        "role": wanted.role,
        "distinct": wanted.distinct,
    }
    with queries.one_moment(store):
        yield Export(
            entries=_entries(store, which),
            total=queries.count(store, **which),
            kept=free_names(queries.kept_columns(store), FIELDS),
            classes=queries.class_names(store),
        )


def free_names(names: Sequence[str], taken: Iterable[str]) -> dict[str, str]:
    """Map each name to itself, or to ``kept_<name>`` where that is taken by one of ours.

    >>> free_names(["status", "kept_status", "channel"], ["status"])
    {'status': 'kept_kept_status', 'kept_status': 'kept_status', 'channel': 'channel'}
    """
    used = set(taken)
    free = {name for name in names if name not in used}
    used |= free
    found = {}
    for name in names:
        new = name
        while name not in free and new in used:
            new = f"kept_{new}"
        used.add(new)
        found[name] = new
    return found


def _entries(store: Store, which: Mapping[str, Any]) -> Iterator[Entry]:
    """Merge rows and answers, which both come in the order of the texts."""
    known = class_changes.names(store)
    groups = groupby(queries.answers_in_order(store), key=lambda pair: pair[0])
    group = next(groups, None)
    position = -1
    found: tuple[Answer, ...] = ()
    for row in queries.labels(store, **which):
        if row["position"] != position:
            position, found = row["position"], ()
            while group is not None and group[0] < position:
                group = next(groups, None)
            if group is not None and group[0] == position:
                found = tuple(_today(answer, known) for _, answer in group[1])
        yield _entry(row, found, known)


def _today(answer: Answer, known: Mapping[str, str]) -> Answer:
    return replace(answer, labels=tuple(known.get(folded(n), n) for n in answer.labels))


def _entry(row: sqlite3.Row, found: tuple[Answer, ...], known: Mapping[str, str]) -> Entry:
    votes, decided = votes_of(found, known), _adjudicators(row, found, known)
    who = votes or dict.fromkeys(answer.annotator for answer in found if not answer.review)
    agree = sum(label == row["label"] for label in votes.values())
    times = [answer.updated_at for answer in found]
    suggested = row["suggestion"] and known.get(folded(row["suggestion"]), row["suggestion"])
    # The audit says nothing of a label that the text has only since.
    judged = row["judged"] is not None and known.get(folded(row["judged"])) == row["label"]
    doubted = row["audited"] and row["label"] is not None
    values = {
        **{name: row[name] for name in row.keys() if name in FIELDS},  # noqa: SIM118
        "annotators": sorted(who),
        "votes": len(votes),
        "consensus": agree / len(votes) if votes and row["label"] is not None else None,
        "quality": None if decided else _quality(row, votes, known),
        "labeled_at": row["fixed_at"] or max(times, default=None),
        "doubt": row["doubt"] if judged else None,
        "doubtful": judged and _stands_in_doubt(row, found, known) if doubted else None,
        "suggestion": suggested,
        "blind": None if suggested is None else bool(row["blind"]),
        "adjudicated_by": decided,
    }
    return Entry(
        item_id=row["item_id"],
        fields={name: values[name] for name in FIELDS},
        kept=json.loads(row["extra"]),
        answers=found,
        suggestion=None if suggested is None else Suggestion(suggested, row["suggestion_score"]),
        model_version=row["model_version"] or "",
    )


def _adjudicators(row: sqlite3.Row, found: Sequence[Answer], known: Mapping[str, str]) -> list[str]:
    """Return who decided on the label in review; see `store.consensus.adjudicated`."""
    if row["status"] != "agreed":
        return []
    decided = decisions_of(found, known)
    return sorted([p for p, label in decided.items() if label == row["label"]] or decided)


def _quality(row: sqlite3.Row, votes: Mapping[str, str], known: Mapping[str, str]) -> float | None:
    """Return that of the consensus, where it was worked out from these votes for this label."""
    if row["settled"] is None or known.get(folded(row["settled"])) != row["label"]:
        return None
    then = json.loads(row["settled_votes"])
    quality: float = row["settled_quality"]
    settled = Consensus(row["settled"], quality, then, row["settled_method"])
    return quality if counts_still(settled, votes, known) else None


def _stands_in_doubt(row: sqlite3.Row, found: Sequence[Answer], known: Mapping[str, str]) -> bool:
    """Tell whether the audit flagged the label and nobody has confirmed it since.

    Nor made it one class with the one that fits better.
    """
    one_class = (
        known.get(folded(row["fits"] or "")) == row["label"] and row["fits"] != row["judged"]
    )
    if not row["flagged"] or one_class:
        return False
    came_with = {known.get(folded(name), name) for name in json.loads(row["came_with"])}
    rests_on = evidence.ground(row["label"], found, came_with, known, by_hand=False)
    return not rests_on.sure
