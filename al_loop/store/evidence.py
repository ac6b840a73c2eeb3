"""What speaks for and against labels, as the rounds saw it."""

from collections.abc import Iterable
from typing import Any

from al_loop.labels import folded
from al_loop.store import class_changes
from al_loop.store.core import Store
from al_loop.types import Doubt


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

    In the names of today: a label is no longer in doubt that is one class with the suggested one
    by now, nor one that somebody set by hand.
    """
    rows = store.rows(
        "SELECT e.*, l.status, i.text, i.role"
        " FROM evidence e JOIN items i ON i.id = e.item_id LEFT JOIN labels l ON l.item_id = i.id"
        " WHERE e.round = ?1 AND (NOT ?2 OR (e.flagged AND l.status IS NOT 'fixed'))"
        " ORDER BY e.doubt DESC, e.item_id",
        [number, int(flagged)],
    )
    known = class_changes.names(store)
    found = []
    for r in rows:
        now = {x: known.get(folded(r[x]), r[x]) for x in ("given", "suggested")}
        if r["given"] == r["suggested"] or now["given"] != now["suggested"]:
            found.append(dict(r) | now)
    return found
