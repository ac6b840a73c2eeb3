"""Small queries behind `al-loop status`."""

import json
from collections.abc import Iterator
from typing import Any

from al_loop.labels import folded
from al_loop.store import answers, class_changes, second_looks
from al_loop.store.core import Store


def annotators(store: Store, number: int) -> list[dict[str, Any]]:
    """Count the texts each person answered and skipped, and the open ones left for them.

    Nobody is assigned a text: an open one is left for all who have not answered it. But for a
    second look at a label that looks wrong, which is for others than those who gave the label.
    """
    rows = store.rows(
        "SELECT annotator, COUNT(DISTINCT CASE WHEN kind <> 'skip' THEN key END) AS answered,"
        " COUNT(DISTINCT CASE WHEN kind = 'skip' THEN key END) AS skipped,"
        " MAX(updated_at) AS last_answer FROM answers WHERE gone = 0"
        " GROUP BY annotator ORDER BY answered DESC, annotator"
    )
    waiting = set(unsettled(store, number))
    batch = store.rows("SELECT item_id, look FROM batch WHERE round = ? AND released = 0", [number])
    looks = [(b["item_id"], b["look"]) for b in batch if b["item_id"] in waiting]
    done = {
        (r["annotator"], r["item_id"], r["look"])
        for r in store.rows("SELECT annotator, item_id, look FROM answers WHERE gone = 0")
    }
    barred = second_looks.barred(store, number)

    def left(person: str) -> int:
        return sum((person, i, n) not in done and person not in barred.get(i, ()) for i, n in looks)

    return [dict(r) | {"open": left(r["annotator"])} for r in rows]


def unsettled(store: Store, number: int) -> list[str]:
    """Return the texts of a round that fewer people have answered than their overlap asks for.

    Whatever somebody submitted settles: a vote, a skip, an empty answer, an unknown label, a
    missing class alone. Anything narrower would wait for ever, since a server offers nobody the
    same text twice. So does a decision by hand, unless the text was sent for having one.
    """
    rows = store.rows(
        "SELECT b.item_id FROM batch b WHERE b.round = ? AND b.released = 0 AND b.overlap >"
        " (SELECT COUNT(DISTINCT a.annotator) FROM answers a"
        "  WHERE a.item_id = b.item_id AND a.look = b.look AND a.gone = 0)"
        " AND NOT EXISTS (SELECT 1 FROM labels l"
        "  WHERE l.item_id = b.item_id AND l.status = 'fixed' AND NOT EXISTS (SELECT 1"
        "   FROM second_looks s WHERE s.round = b.round AND s.item_id = b.item_id"
        "    AND s.look = b.look AND s.reason = 'gold')) ORDER BY b.rank",
        [number],
    )
    return [r["item_id"] for r in rows]


def people(store: Store) -> list[str]:
    """Return everybody who has answered anything."""
    rows = store.rows("SELECT DISTINCT annotator FROM answers WHERE gone = 0 ORDER BY annotator")
    return [r["annotator"] for r in rows]


def last_answer(store: Store) -> str | None:
    """Return when somebody answered last, as the server told at the last pull."""
    found: str | None = store.value("SELECT MAX(updated_at) FROM answers WHERE gone = 0")
    return found


def last_pull(store: Store) -> str | None:
    """Return when answers were fetched last."""
    found: str | None = store.value("SELECT MAX(pulled_at) FROM projects")
    return found


def texts_with(store: Store, status: str) -> list[str]:
    """Return the ids of the texts that count as skipped, conflict, unusable, ..."""
    rows = store.rows("SELECT item_id FROM labels WHERE status = ? ORDER BY item_id", [status])
    return [r["item_id"] for r in rows]


def pool_size(store: Store) -> int:
    """Count the texts that nothing is known about, or only what contradicts itself."""
    return int(
        store.value(
            "SELECT (SELECT COUNT(*) FROM items WHERE role = 'pool') - (SELECT COUNT(*)"
            " FROM decided d JOIN items i ON i.id = d.item_id WHERE i.role = 'pool')"
        )
    )


def labeled_size(store: Store) -> int:
    """Count the texts of the training set."""
    return int(
        store.value(
            "SELECT COUNT(*) FROM labels l JOIN items i ON i.id = l.item_id"
            " WHERE i.role = 'pool' AND l.label IS NOT NULL"
        )
    )


def page(store: Store) -> str | None:
    """Return the page where people label."""
    found: str | None = store.value(
        "SELECT url FROM projects WHERE url <> '' AND role = 'labeling' LIMIT 1"
    )
    return found


def proposed_names(store: Store) -> list[str]:
    """Return the classes that people asked for and that were not rejected."""
    if not store.value("SELECT 1 FROM labels WHERE status = 'proposed' LIMIT 1"):
        return []
    rejected = class_changes.rejected(store)
    return [name for name in answers.proposals(store) if folded(name) not in rejected]


def labels_by_class(store: Store) -> dict[str, int]:
    """Count the labels of each class in the training set."""
    rows = store.rows(
        "SELECT l.label, COUNT(*) AS n FROM labels l JOIN items i ON i.id = l.item_id"
        " WHERE i.role = 'pool' AND l.label IS NOT NULL GROUP BY l.label"
    )
    return {r["label"]: r["n"] for r in rows}


def agreed_texts(store: Store, label: str, n: int) -> list[str]:
    """Return the ids of `n` texts of a class, those that most people agreed on first."""
    rows = store.rows(
        "SELECT l.item_id FROM labels l JOIN items i ON i.id = l.item_id AND i.role = 'pool'"
        " WHERE l.label = ? ORDER BY l.status = 'fixed' DESC, l.votes DESC, i.position LIMIT ?",
        [label, n],
    )
    return [r["item_id"] for r in rows]


def labels_of_ids(
    store: Store, *, everything: bool
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Yield each id with its text, label and status, and the kept columns of its row."""
    rows = store.rows(
        "SELECT a.id, i.text, l.label, l.status, i.role, a.extra FROM aliases a"
        " JOIN items i ON i.id = a.item_id LEFT JOIN labels l ON l.item_id = i.id"
        " WHERE l.label IS NOT NULL OR ? ORDER BY i.position, a.rowid",
        [int(everything)],
    )
    for r in rows:
        record = dict(r)
        yield record, json.loads(record.pop("extra"))
