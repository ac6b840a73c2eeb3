"""Groups of texts that rounds found in the pool, and what became of them."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.openworld.group import Group
from al_loop.store.core import Store, now

#: A group that nobody ever saw is forgotten when so many rounds in a row did not find it.
FORGET_AFTER = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A group of an earlier round. shown: people could tick it once; ticked: somebody did.

    texts: ids of those that it had when it was found last.
    """

    id: int
    name: str
    status: str
    offered: bool
    shown: bool
    ticked: bool
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Seen:
    """A group as a round found it: ids of its central texts and of all; whether it is offered."""

    group: Group
    central: Sequence[str]
    texts: Sequence[str]
    offered: bool


def known(store: Store) -> list[Known]:
    """Return the groups that rounds found in the pool so far, in the order of their numbers."""
    texts: dict[int, list[str]] = {}
    for r in store.rows("SELECT item_id, cluster FROM cluster_texts"):
        texts.setdefault(r["cluster"], []).append(r["item_id"])
    ticked = {
        r["id"]
        for r in store.rows(
            "SELECT DISTINCT c.id FROM clusters c JOIN answers a ON a.gone = 0 AND a.kind = 'label'"
            " JOIN json_each(a.labels) l ON l.value = c.name WHERE c.shown = 1"
        )
    }
    return [
        Known(
            r["id"],
            r["name"],
            r["status"],
            bool(r["offered"]),
            bool(r["shown"]),
            r["id"] in ticked,
            frozenset(texts.get(r["id"], ())),
        )
        for r in store.rows("SELECT * FROM clusters WHERE origin = 'pool' ORDER BY id")
    ]


def taken_names(store: Store) -> list[str]:
    """Return all names that no new group may get: of classes, of groups, and those of before."""
    rows = store.rows(
        "SELECT name FROM classes UNION SELECT name FROM clusters UNION SELECT DISTINCT missing"
        " FROM answers WHERE missing <> '' UNION SELECT key FROM class_changes, json_each(names)"
    )
    return [r["name"] for r in rows]


def save(store: Store, number: int, seen: Sequence[Seen], still: Collection[int] = ()) -> None:
    """Store what a round found. Inside the tx that selects it.

    still: groups that stay offered although the round did not find them.
    """
    store.execute("UPDATE clusters SET offered = 0 WHERE origin = 'pool' AND offered = 1")
    store.execute_many("UPDATE clusters SET offered = 1 WHERE id = ?", [(i,) for i in still])
    numbers = [_put(store, number, s) for s in seen]
    store.execute_many(
        "INSERT INTO cluster_rounds (round, cluster, size, density, dense, phrases, central,"
        " nearest, similarity, novel, stability) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(number, i, *_evidence(s)) for i, s in zip(numbers, seen, strict=True)],
    )
    store.execute_many("DELETE FROM cluster_texts WHERE cluster = ?", [(i,) for i in numbers])
    store.execute_many(
        "INSERT OR REPLACE INTO cluster_texts (item_id, cluster) VALUES (?, ?)",
        [(t, i) for i, s in zip(numbers, seen, strict=True) for t in s.texts],
    )
    _forget(
        store,
        "SELECT id FROM clusters c WHERE origin = 'pool' AND status = 'open' AND shown = 0 AND"
        " ?1 - (SELECT MAX(r.round) FROM cluster_rounds r WHERE r.cluster = c.id) >= ?2",
        [number, FORGET_AFTER],
    )


def _put(store: Store, number: int, seen: Seen) -> int:
    """Store a new group, or what changed of an old one; return its number."""
    group = seen.group
    if group.id is not None:
        store.execute(
            "UPDATE clusters SET offered = ?1, name = CASE WHEN shown THEN name ELSE ?2 END"
            " WHERE id = ?3",
            [int(seen.offered), group.name, group.id],
        )
        return group.id
    store.execute(
        "INSERT INTO clusters (name, origin, offered, first_round, added_at)"
        " VALUES (?, 'pool', ?, ?, ?)",
        [group.name, int(seen.offered), number, now()],
    )
    return int(store.value("SELECT last_insert_rowid()"))


def _evidence(seen: Seen) -> tuple[Any, ...]:
    g = seen.group
    phrases = json.dumps(list(g.phrases), ensure_ascii=False)
    central = json.dumps(list(seen.central), ensure_ascii=False)
    measured = (g.nearest, g.similarity, int(g.novel), g.stability)
    return (g.size, g.density, int(g.dense), phrases, central, *measured)


def take_back(store: Store, number: int) -> None:
    """Forget what a round found, but for groups that people could tick. Inside a tx."""
    store.execute("DELETE FROM cluster_rounds WHERE round = ?", [number])
    store.execute(
        "UPDATE clusters SET offered = 0 WHERE origin = 'pool' AND first_round = ?", [number]
    )
    _forget(
        store,
        "SELECT id FROM clusters WHERE origin = 'pool' AND status = 'open' AND shown = 0"
        " AND first_round = ?",
        [number],
    )


def _forget(store: Store, which: str, parameters: Sequence[int]) -> None:
    ids = [(r["id"],) for r in store.rows(which, parameters)]
    for table, column in (
        ("cluster_texts", "cluster"),
        ("cluster_rounds", "cluster"),
        ("clusters", "id"),
    ):
        store.execute_many(f"DELETE FROM {table} WHERE {column} = ?", ids)


def waiting(store: Store) -> list[dict[str, Any]]:
    """Return the groups that may be classes, those that people can tick first, large ones first.

    Empty until a class is known that they could differ from.
    """
    rows = store.rows(
        "SELECT cluster AS id, name, size, nearest, similarity, offered FROM candidate_classes"
        " WHERE similarity IS NOT NULL ORDER BY offered DESC, size DESC, cluster"
    )
    return [dict(r) | {"offered": bool(r["offered"])} for r in rows]
