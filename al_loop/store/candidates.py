"""Groups of texts that may be classes, and what people decided about them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from al_loop.labels import by_folded_name, folded
from al_loop.store.core import Store, now

Status = Literal["open", "accepted", "rejected"]
#: Parts of a class were found by no round.
NO_ROUND = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A group and what the newest round that saw it knows of it; see the table `cluster_rounds`.

    novel: False as well when that round was not the newest that looked.
    central: its most central texts, the most central first.
    """

    id: int
    name: str
    origin: Literal["pool", "split"]
    parent: str | None
    status: Status
    offered: bool
    size: int | None
    phrases: Sequence[str]
    nearest: str | None
    similarity: float | None
    stability: float | None
    novel: bool
    central: Sequence[str]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a class that was split: its texts, the most central first, and its phrases."""

    name: str
    item_ids: Sequence[str]
    phrases: Sequence[str]
    density: float
    similarity: float


def all_(store: Store) -> list[Candidate]:
    """Return the groups that are no class yet, rejected ones too, the largest first."""
    rows = store.rows(
        "SELECT c.*, r.size, r.phrases, r.nearest, r.similarity, r.stability, r.central,"
        " COALESCE(r.novel, 0) AND r.round = (SELECT MAX(round) FROM cluster_rounds) AS novel"
        " FROM clusters c LEFT JOIN cluster_rounds r ON r.cluster = c.id AND r.round ="
        "  (SELECT MAX(m.round) FROM cluster_rounds m WHERE m.cluster = c.id)"
        " WHERE c.status <> 'accepted' ORDER BY r.size DESC, c.id"
    )
    return [_candidate(store, r) for r in rows]


def _candidate(store: Store, r: Any) -> Candidate:
    return Candidate(
        r["id"],
        r["name"],
        r["origin"],
        r["parent"],
        r["status"],
        bool(r["offered"]),
        r["size"],
        tuple(json.loads(r["phrases"] or "[]")),
        r["nearest"],
        r["similarity"],
        r["stability"],
        bool(r["novel"]),
        texts(store, json.loads(r["central"] or "[]")),
    )


def texts(store: Store, ids: Sequence[str]) -> tuple[str, ...]:
    """Return some texts in the order of their ids."""
    rows = store.rows(
        "SELECT id, text FROM items WHERE id IN (SELECT value FROM json_each(?))",
        [json.dumps(list(ids))],
    )
    found = {r["id"]: r["text"] for r in rows}
    return tuple(found[i] for i in ids if i in found)


def accepted_as(store: Store, typed: str) -> str | None:
    """Return the class that a group was accepted as, by its name or number; None if it was not."""
    rows = store.rows("SELECT id, name, class FROM clusters WHERE status = 'accepted'")
    found = {str(r["id"]): r["class"] for r in rows}
    found |= {folded(r["name"]): r["class"] for r in rows}
    return found.get(folded(typed))


def decide(store: Store, cluster: int, status: Status, class_: str | None = None) -> None:
    """Store what became of a group. Inside a tx."""
    store.execute(
        "UPDATE clusters SET status = ?, class = ?, offered = 0 WHERE id = ?",
        [status, class_, cluster],
    )


def named(store: Store, names: Iterable[str]) -> dict[str, int]:
    """Map those of some names that a group without a class has to the group's number."""
    rows = store.rows("SELECT id, name FROM clusters WHERE status <> 'accepted'")
    found = {folded(r["name"]): r["id"] for r in rows}
    return {name: found[folded(name)] for name in names if folded(name) in found}


def taken_names(store: Store) -> set[str]:
    """Return the folded names of all groups there ever were."""
    return set(by_folded_name(r["name"] for r in store.rows("SELECT name FROM clusters")))


def add_part(store: Store, parent: str, part: Part) -> int:
    """Store a part of a class, offered to people; returns its number. Inside a tx."""
    store.execute(
        "INSERT INTO clusters (name, origin, parent, offered, first_round, added_at)"
        " VALUES (?, 'split', ?, 1, ?, ?)",
        [part.name, parent, NO_ROUND, now()],
    )
    cluster = int(store.value("SELECT last_insert_rowid()"))
    central = json.dumps(list(part.item_ids[:5]))
    phrases = json.dumps(list(part.phrases), ensure_ascii=False)
    seen = [len(part.item_ids), part.density, phrases, central, parent, part.similarity]
    store.execute(
        "INSERT INTO cluster_rounds (round, cluster, size, density, dense, phrases, central,"
        " nearest, similarity, novel) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, 0)",
        [NO_ROUND, cluster, *seen],
    )
    store.execute_many(
        "INSERT OR REPLACE INTO cluster_texts (item_id, cluster) VALUES (?, ?)",
        [(item_id, cluster) for item_id in part.item_ids],
    )
    return cluster
