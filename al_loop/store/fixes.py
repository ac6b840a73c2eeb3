"""Decisions by hand: the label that somebody set for one text, with author and reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from al_loop.store.core import Store, now


@dataclass(frozen=True, slots=True)
class Fix:
    """One decision. `label` None took the earlier one back; `was` is what the text had before."""

    label: str | None
    was: str | None
    author: str
    reason: str
    at: str


def add(store: Store, item_id: str, label: str | None, *, author: str, reason: str) -> None:
    """Store a decision, or (`label` None) take the one that stands back. Inside a tx."""
    was = store.value("SELECT label FROM labels WHERE item_id = ?", [item_id])
    store.execute(
        "INSERT INTO fixes (item_id, label, was, author, reason, at) VALUES (?, ?, ?, ?, ?, ?)",
        [item_id, label, was, author, reason, now()],
    )


def standing(store: Store, item_id: str | None = None) -> dict[str, str]:
    """Map each text (or one) that was decided by hand to its label; the newest decision counts."""
    rows = store.rows(
        "SELECT item_id, label FROM fixes WHERE label IS NOT NULL AND id IN"
        " (SELECT MAX(id) FROM fixes WHERE item_id = COALESCE(?, item_id) GROUP BY item_id)",
        [item_id],
    )
    return {r["item_id"]: r["label"] for r in rows}


def of_item(store: Store, item_id: str) -> Sequence[Fix]:
    """Return all decisions on one text, oldest first."""
    rows = store.rows("SELECT * FROM fixes WHERE item_id = ? ORDER BY id", [item_id])
    return [Fix(r["label"], r["was"], r["author"], r["reason"], r["at"]) for r in rows]
