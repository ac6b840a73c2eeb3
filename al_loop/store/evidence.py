"""What speaks for and against labels, as the rounds saw it, and what labels rest on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.labels import folded, vote, votes_of
from al_loop.store import answers, class_changes, items
from al_loop.store.core import Store
from al_loop.types import Answer, Doubt


@dataclass(frozen=True, slots=True)
class Ground:
    """What a label rests on.

    givers: the people whose vote it is, none for a label that came with the data.
    sure: it was set by hand or adjudicated, or two people or more (the data counts as one of
        them) said so, and nobody said anything else.
    accepted: whoever gave it left the model's suggestion as it came.
    first: what the text was called first, by the data or else by a person: the label itself, or
        what somebody corrected.
    """

    givers: tuple[str, ...] = ()
    sure: bool = False
    accepted: bool = False
    first: str = ""


def grounds(store: Store) -> dict[str, Ground]:
    """Map each text that has a label to what the label rests on by now."""
    known = class_changes.names(store)
    given = items.given_labels(store)
    said = answers.all_answers(store)
    return {
        r["item_id"]: ground(
            r["label"],
            said.get(r["item_id"], ()),
            {known.get(folded(name), name) for name in given.get(r["item_id"], ())},
            known,
            by_hand=r["status"] == "fixed",
        )
        for r in store.rows("SELECT item_id, label, status FROM labels WHERE label IS NOT NULL")
    }


def ground(
    label: str,
    said: Sequence[Answer],
    given: Collection[str],
    known: Mapping[str, str],
    *,
    by_hand: bool,
) -> Ground:
    """Return what a label rests on: answers, and the labels of the data in the names of today."""
    votes = votes_of(said, known)
    mine = [a for a in said if vote(a, known) == label]
    several = len(votes) + bool(given) > 1 and {*votes.values(), *given} == {label}
    givers = tuple(sorted(person for person, name in votes.items() if name == label))
    in_turn = sorted(said, key=lambda a: (a.created_at, a.annotation_id))
    called = [name for a in in_turn if not a.review and (name := vote(a, known)) is not None]
    return Ground(
        givers,
        sure=by_hand or several or any(a.review for a in mine),
        accepted=bool(givers) and all(a.origin == "prediction" for a in mine),
        first=next(iter(given)) if len(given) == 1 else (called or [label])[0],
    )


def save(store: Store, number: int, found: Iterable[Doubt]) -> None:
    """Store what a round found, all of it; of earlier rounds only what looked wrong stays."""
    store.execute("DELETE FROM evidence WHERE round = ?1 OR flagged = 0", [number])
    store.execute_many(
        "INSERT INTO evidence (round, item_id, given, suggested, doubt, confidence, neighbors,"
        " flagged) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                d.item_id,
                d.given,
                d.suggested,
                d.doubt,
                d.confidence,
                d.neighbors,
                int(d.flagged),
            )
            for d in found
        ],
    )


def newest(store: Store) -> int:
    """Return the newest round that was audited, 0 if none was."""
    return int(
        store.value("SELECT COALESCE(MAX(round), 0) FROM transitions WHERE state = 'audited'")
    )


def doubtful(store: Store, number: int, *, flagged: bool = True) -> list[dict[str, Any]]:
    """Return the doubtful labels of a round, worst first; all judged ones if not `flagged`.

    In the names of today. A label is no longer in doubt once it is another one, or sure: then
    somebody corrected or confirmed it. What is one class with the suggested one by now is left
    out. `by` are the people who gave the label.
    """
    rows = store.rows(
        "SELECT e.*, l.label, i.text, i.role FROM evidence e JOIN items i ON i.id = e.item_id"
        " LEFT JOIN labels l ON l.item_id = i.id WHERE e.round = ?1 AND e.flagged >= ?2"
        " ORDER BY e.doubt DESC, e.item_id",
        [number, int(flagged)],
    )
    if not rows:
        return []
    known, rests_on = class_changes.names(store), grounds(store)
    found = []
    for r in rows:
        now = {x: known.get(folded(r[x]), r[x]) for x in ("given", "suggested")}
        if r["given"] != r["suggested"] and now["given"] == now["suggested"]:
            continue
        rests = rests_on.get(r["item_id"], Ground())
        stands = bool(r["flagged"]) and r["label"] == now["given"] and not rests.sure
        if stands or not flagged:
            by = {"flagged": stands, "by": list(rests.givers)}
            found.append({k: r[k] for k in r.keys() if k != "label"} | now | by)  # noqa: SIM118
    return found
