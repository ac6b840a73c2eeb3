"""Texts with an answer that people are asked about once more."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from al_loop.labels import folded
from al_loop.store import class_changes
from al_loop.store.core import Store, now

Reason: TypeAlias = Literal["split", "rejected", "noise", "relabel", "gold"]

#: Stands in a batch where a strategy stands.
STRATEGY = "second look"
#: Why, in words, where no change of classes is the reason. People can read it beside the text: it
#: must not tell them which answer is expected, nor that they are measured.
WHY: Mapping[Reason, str] = {
    "noise": "asked again: another person should look at it",
    "relabel": "asked again: a further label tells more than a new text",
    "gold": "asked again: answers are compared",
}
#: So many batches a label that looks wrong may be in, until somebody else has looked at it.
TRIES = 3

_NEXT = (
    "1 + (SELECT COALESCE(MAX(look), 0) FROM (SELECT look FROM answers WHERE item_id = {item}"
    " AND gone = 0 UNION ALL SELECT t.look FROM tasks t JOIN projects p ON p.id = t.project_id"
    " AND p.role = 'review' WHERE t.item_id = {item}))"
)
# Adjudicators are asked something else: what they decide makes the label sure.
_ANSWERED = (
    "EXISTS (SELECT 1 FROM answers a JOIN projects p ON p.id = a.project_id AND p.role <> 'review'"
    " WHERE a.item_id = s.item_id AND a.look >= s.look AND a.gone = 0{by})"
)
# However a label that looks wrong was asked about before, it counts.
_SENT = (
    "(SELECT COALESCE(MAX(sent), 0) FROM second_looks WHERE item_id = ?1 AND reason = ?2"
    " AND reason = 'noise')"
)
_BY_OTHERS = " AND a.annotator NOT IN (SELECT value FROM json_each(s.givers))"


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A text that waits for a second look; `suggestion` is what it is shown with, in today's names.

    why: the reason in words.
    blind: nobody is shown what it may be.
    """

    item_id: str
    text: str
    look: int
    suggestion: str | None
    why: str
    reason: Reason
    blind: bool = False


def ask(
    store: Store,
    wanted: Mapping[str, str | None],
    reason: Reason,
    version: int | None = None,
    givers: Mapping[str, Sequence[str]] | None = None,
) -> int:
    """Let texts wait for a second look; returns how many. Inside the tx of the change.

    wanted: item id -> suggestion.
    version: of the change that asks for it; None for a reason that is no change.
    givers: item id -> the people whose answer would not settle it.
    """
    people = givers or {}
    store.execute_many(
        "INSERT INTO second_looks (item_id, look, reason, suggestion, version, givers, sent, at)"
        f" SELECT ?1, {_NEXT.format(item='?1')}, ?2, ?3, ?4, ?5, {_SENT}, ?6 WHERE 1"
        " ON CONFLICT (item_id, version) DO NOTHING",
        [
            (i, reason, suggestion, version, json.dumps(list(people.get(i, ()))), now())
            for i, suggestion in wanted.items()
        ],
    )
    return len(wanted)


def next_looks(store: Store, item_ids: Iterable[str]) -> dict[str, int]:
    """Return the look that `ask` gives each of some texts.

    One more than the largest among its answers and its tasks in the review project, so that keys
    never meet.
    """
    rows = store.rows(
        f"SELECT i.value AS id, {_NEXT.format(item='i.value')} AS look FROM json_each(?) i",
        [json.dumps(list(item_ids))],
    )
    return {r["id"]: r["look"] for r in rows}


def waiting(store: Store) -> list[SecondLook]:
    """Return the texts that wait, those of the oldest change first, then the most doubtful labels.

    A text is left out while nothing is known about it (then it is chosen from the pool), once it
    is settled by hand, and where the question is settled: a rejected name's text that has a label
    by now, a part that was rejected or that its label counts as already, a text that is no longer
    of the class that was split, a label that no longer looks wrong. Further labels and gold are
    chosen anew for each batch: they don't wait.
    """
    rows = store.rows(
        "SELECT s.item_id, s.look, s.reason, s.suggestion, i.text, l.label, c.status,"
        " c.class, json_extract(v.classes, '$[0]') AS about"
        " FROM second_looks s JOIN items i ON i.id = s.item_id"
        "  AND (i.role = 'pool' OR s.reason = 'noise')"
        " JOIN labels l ON l.item_id = s.item_id AND l.status <> 'fixed'"
        " JOIN decided d ON d.item_id = s.item_id"
        " LEFT JOIN class_changes v ON v.version = s.version"
        " LEFT JOIN clusters c ON c.name = s.suggestion"
        " WHERE s.round IS NULL AND s.reason NOT IN ('relabel', 'gold')"
        f" AND NOT {_ANSWERED.format(by='')} AND (s.reason <> 'noise' OR s.sent < ?)"
        " ORDER BY s.version IS NULL, s.version,"
        "  CASE WHEN s.version IS NULL THEN s.id ELSE i.position END",
        [TRIES],
    )
    if not rows:
        return []
    known = class_changes.names(store)
    doubted = _doubted(store) if any(r["reason"] == "noise" for r in rows) else ()
    open_ = [r for r in rows if _still_open(r, known, doubted)]
    found = {r["item_id"]: _second_look(r, known) for r in open_ if r["reason"] != "noise"}
    for r in open_:
        found.setdefault(r["item_id"], _second_look(r, known))
    return list(found.values())


def _doubted(store: Store) -> set[str]:
    """Return the texts whose label looks wrong by now."""
    from al_loop.store import evidence  # it rests on answers, and they rest on this module

    return {r["item_id"] for r in evidence.doubtful(store, evidence.newest(store))}


def _still_open(r: Any, known: Mapping[str, str], doubted: Collection[str]) -> bool:
    if r["reason"] == "noise":
        return r["item_id"] in doubted
    if r["reason"] == "rejected":
        return r["label"] is None
    same = r["label"] is None or r["label"] == known.get(folded(r["about"]))
    is_one = r["status"] == "accepted" and r["label"] == known.get(folded(r["class"]))
    return bool(same and r["status"] != "rejected" and not is_one)


def _second_look(r: Any, known: Mapping[str, str]) -> SecondLook:
    where = (r["item_id"], r["text"], r["look"])
    if r["reason"] == "noise":
        return SecondLook(*where, None, WHY["noise"], "noise", blind=True)
    if r["reason"] == "rejected":
        why = f"asked again: {r['about']!r} was rejected"
        return SecondLook(*where, None, why, "rejected")
    suggestion = r["suggestion"]
    if r["status"] == "accepted":
        suggestion = known.get(folded(r["class"]), suggestion)
    why = f"asked again: {r['about']!r} was split; looks like {suggestion!r}"
    return SecondLook(*where, suggestion, why, "split")


def take(store: Store, number: int, item_ids: Sequence[str]) -> None:
    """Note that texts are in the batch of a round. Inside the tx that selects it."""
    store.execute_many(
        "UPDATE second_looks SET round = ?1, sent = sent + 1"
        " WHERE item_id = ?2 AND round IS NULL AND look <="
        " (SELECT MAX(look) FROM batch b WHERE b.round = ?1 AND b.item_id = ?2)",
        [(number, item_id) for item_id in item_ids],
    )


def wait_again(store: Store) -> None:
    """Let those wait again whose text left its batch unanswered, and ask for others. Inside a tx.

    Where only people have answered who gave the label that looks wrong, nobody else is offered
    the task: the text waits with a new look.
    """
    store.execute(
        "UPDATE second_looks SET round = NULL WHERE round IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM batch b WHERE b.round = second_looks.round AND b.released = 0"
        "  AND b.item_id = second_looks.item_id AND b.look >= second_looks.look)"
    )
    store.execute(
        "INSERT INTO second_looks (item_id, look, reason, givers, sent, at)"
        f" SELECT s.item_id, {_NEXT.format(item='s.item_id')}, s.reason, s.givers, s.sent, ?"
        " FROM second_looks s WHERE s.reason = 'noise' AND s.sent < ? AND"
        f" {_ANSWERED.format(by='')} AND NOT {_ANSWERED.format(by=_BY_OTHERS)}"
        " AND s.id = (SELECT MAX(n.id) FROM second_looks n WHERE n.item_id = s.item_id"
        "  AND n.reason = 'noise') ORDER BY s.id",
        [now(), TRIES],
    )


def take_back(store: Store, number: int) -> None:
    """Count a round that is taken back as if it had never asked. Inside the tx."""
    store.execute("UPDATE second_looks SET sent = sent - 1 WHERE round = ?", [number])


def tries(store: Store) -> dict[str, int]:
    """Map each text whose label was sent for looking wrong to the batches that it was in."""
    rows = store.rows(
        "SELECT item_id, MAX(sent) AS sent FROM second_looks WHERE reason = 'noise'"
        " GROUP BY item_id"
    )
    return {r["item_id"]: r["sent"] for r in rows}


def barred(store: Store, number: int) -> dict[str, frozenset[str]]:
    """Map texts of a round to the people whose answer would not settle the second look.

    Not those that are asked something else as well, which anybody can answer.
    """
    rows = store.rows(
        "SELECT item_id, givers FROM second_looks s WHERE reason = 'noise' AND round = ?1"
        " AND NOT EXISTS (SELECT 1 FROM second_looks o WHERE o.round = ?1"
        "  AND o.item_id = s.item_id AND o.reason <> 'noise')",
        [number],
    )
    return {r["item_id"]: frozenset(json.loads(r["givers"])) for r in rows}
