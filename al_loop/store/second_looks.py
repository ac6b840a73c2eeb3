"""Texts with an answer that people are asked about once more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.labels import folded
from al_loop.store import class_changes
from al_loop.store.core import Store, now

#: Stands in a batch where a strategy stands.
STRATEGY = "second look"


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A text that waits for a second look; `suggestion` is what it is shown with, in today's names.

    why: the reason in words.
    """

    item_id: str
    text: str
    look: int
    suggestion: str | None
    why: str


def ask(store: Store, wanted: Mapping[str, str | None], reason: str, version: int) -> int:
    """Let texts wait for a second look; returns how many. Inside the tx of the change.

    wanted: item id -> suggestion.
    version: of the change that asks for it.
    """
    store.execute_many(
        "INSERT INTO second_looks (item_id, look, reason, suggestion, version, at) VALUES (?1,"
        " 1 + (SELECT COALESCE(MAX(look), 0) FROM answers WHERE item_id = ?1 AND gone = 0),"
        " ?2, ?3, ?4, ?5) ON CONFLICT (item_id, version) DO NOTHING",
        [(i, reason, suggestion, version, now()) for i, suggestion in wanted.items()],
    )
    return len(wanted)


def waiting(store: Store) -> list[SecondLook]:
    """Return the texts that wait, those of the oldest change first.

    A text is left out while nothing is known about it (then it is chosen from the pool), once it
    is settled by hand, and where the question is settled: a rejected name's text that has a label
    by now, a part that was rejected or that its
    label counts as already, a text that is no longer of the class that was split.
    """
    rows = store.rows(
        "SELECT s.item_id, s.look, s.reason, s.suggestion, i.text, l.label, c.status,"
        " c.class, json_extract(v.classes, '$[0]') AS about"
        " FROM second_looks s JOIN items i ON i.id = s.item_id AND i.role = 'pool'"
        " JOIN labels l ON l.item_id = s.item_id AND l.status <> 'fixed'"
        " JOIN decided d ON d.item_id = s.item_id"
        " JOIN class_changes v ON v.version = s.version"
        " LEFT JOIN clusters c ON c.name = s.suggestion"
        " WHERE s.round IS NULL AND NOT EXISTS (SELECT 1 FROM answers a"
        "  WHERE a.item_id = s.item_id AND a.look >= s.look AND a.gone = 0)"
        " ORDER BY s.version, i.position"
    )
    if not rows:
        return []
    known = class_changes.names(store)
    found = [_second_look(r, known) for r in rows if _still_open(r, known)]
    return list({look.item_id: look for look in found}.values())


def _still_open(r: Any, known: Mapping[str, str]) -> bool:
    if r["reason"] == "rejected":
        return r["label"] is None
    same = r["label"] is None or r["label"] == known.get(folded(r["about"]))
    is_one = r["status"] == "accepted" and r["label"] == known.get(folded(r["class"]))
    return bool(same and r["status"] != "rejected" and not is_one)


def _second_look(r: Any, known: Mapping[str, str]) -> SecondLook:
    if r["reason"] == "rejected":
        why = f"asked again: {r['about']!r} was rejected"
        return SecondLook(r["item_id"], r["text"], r["look"], None, why)
    suggestion = r["suggestion"]
    if r["status"] == "accepted":
        suggestion = known.get(folded(r["class"]), suggestion)
    why = f"asked again: {r['about']!r} was split; looks like {suggestion!r}"
    return SecondLook(r["item_id"], r["text"], r["look"], suggestion, why)


def take(store: Store, number: int, item_ids: Sequence[str]) -> None:
    """Note that texts are in the batch of a round. Inside the tx that selects it."""
    store.execute_many(
        "UPDATE second_looks SET round = ? WHERE item_id = ? AND round IS NULL AND look <="
        " (SELECT MAX(look) FROM batch b WHERE b.round = ?1 AND b.item_id = ?2)",
        [(number, item_id) for item_id in item_ids],
    )


def wait_again(store: Store) -> None:
    """Let those wait again whose text left its batch unanswered. Inside a tx."""
    store.execute(
        "UPDATE second_looks SET round = NULL WHERE round IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM batch b WHERE b.round = second_looks.round AND b.released = 0"
        "  AND b.item_id = second_looks.item_id AND b.look >= second_looks.look)"
    )
