"""Queries behind `al-loop report`, mostly of the views that people can open themselves."""

import json
from collections.abc import Sequence
from typing import Any

from al_loop.labels import folded
from al_loop.store import class_changes, evidence
from al_loop.store.core import Store
from al_loop.store.spending import Tally

#: How much of a time in ISO 8601 tells days, hours and minutes apart, and from how many of them on
#: the coarser one is enough.
_STEPS, _ENOUGH = (10, 13, 16), 12


def curve(store: Store) -> list[dict[str, Any]]:
    """Return what each round cost and brought: the view `round_results`."""
    return [dict(r) for r in store.rows("SELECT * FROM round_results ORDER BY round")]


def classes(store: Store) -> dict[str, int]:
    """Map each class, in the stored order, to its labels: the view `class_counts`."""
    return {r["class"]: r["labels"] for r in store.rows("SELECT class, labels FROM class_counts")}


def spent_by_time(store: Store) -> list[tuple[str, Tally]]:
    """Return what was spent by day, hour or minute, whatever tells a dozen of them apart.

    From the view `spending`, so that it adds up to what `spending.total` says. Answers without
    a time come first, with an empty one.
    """
    found: list[tuple[str, Tally]] = []
    for length in _STEPS:
        rows = store.rows(
            "SELECT substr(answered_at, 1, ?) AS at, SUM(kind = 'label'), COUNT(*),"
            " SUM(kind = 'skip'), SUM(counted) / 3600 FROM spending GROUP BY at ORDER BY at",
            [length],
        )
        found = [(row[0], Tally(*row[1:])) for row in rows]
        if len(found) >= _ENOUGH:
            break
    return found


def speeds(store: Store) -> dict[str, list[float]]:
    """Map each annotator to the seconds of their timed answers, breaks and all."""
    found: dict[str, list[float]] = {}
    for r in store.rows("SELECT annotator, seconds FROM purchases WHERE seconds > 0"):
        found.setdefault(r["annotator"], []).append(r["seconds"])
    return found


def suggestions(store: Store) -> dict[bool, tuple[int, int]]:
    """Map whether suggestions were hidden to (answers, those that equal the suggestion).

    In the names of today: a class may have got another one between the two.
    """
    known = class_changes.names(store)
    found: dict[bool, tuple[int, int]] = {}
    for r in store.rows("SELECT blind, suggestion, label FROM suggestions"):
        n, same = found.get(bool(r["blind"]), (0, 0))
        one, two = (known.get(folded(r[x]), r[x]) for x in ("suggestion", "label"))
        found[bool(r["blind"])] = n + 1, same + (one == two)
    return found


def doubtful_ids(store: Store) -> set[str]:
    """Return the texts whose label looks wrong."""
    return {r["item_id"] for r in evidence.doubtful(store, evidence.newest(store))}


def doubtful(store: Store, n: int) -> tuple[int, list[dict[str, Any]]]:
    """Return how many labels look wrong, and the `n` worst."""
    number = evidence.newest(store)
    rows = evidence.doubtful(store, number)
    kept = ("item_id", "text", "suggested", "doubt")
    worst = [{k: r[k] for k in kept} | {"label": r["given"], "round": number} for r in rows[:n]]
    return len(rows), worst


def versions(store: Store, number: int) -> dict[str, str]:
    """Return the packages that selected a round."""
    text = store.value("SELECT versions FROM rounds WHERE number = ?", [number])
    found: dict[str, str] = json.loads(text) if text else {}
    return found


def pool_ids(store: Store) -> tuple[list[str], list[str]]:
    """Return the texts of the pool that anything is known about, and the others, as they came.

    Known is a text that counts as something, or that was sent to people.
    """
    asked = {r[0] for r in store.rows("SELECT item_id FROM batch WHERE released = 0")}
    asked.update(r[0] for r in store.rows("SELECT item_id FROM labels"))
    rows = store.rows("SELECT id FROM items WHERE role = 'pool' ORDER BY position")
    known = [r[0] for r in rows if r[0] in asked]
    return known, [r[0] for r in rows if r[0] not in asked]


def texts(store: Store, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return text, hash, label, status and the newest round of some texts, as they came."""
    rows = store.rows(
        "SELECT i.id, i.text, i.text_hash, l.label, l.status, (SELECT MAX(b.round) FROM batch b"
        "  WHERE b.item_id = i.id AND b.released = 0) AS round"
        " FROM items i LEFT JOIN labels l ON l.item_id = i.id"
        " WHERE i.id IN (SELECT value FROM json_each(?)) ORDER BY i.position",
        [json.dumps(list(ids))],
    )
    return [dict(r) for r in rows]
