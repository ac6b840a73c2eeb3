"""When each class was seen first, and how many labels that took."""

from collections.abc import Mapping
from dataclasses import dataclass

from al_loop.store.core import Store


@dataclass(frozen=True, slots=True)
class Seen:
    """What the labels of the pool tell of the discovery of classes.

    first: class -> the round whose batch brought its first label; 0: it came with the data, or by
        hand.
    known: classes that had a name before the first round.
    labels: round -> labels that its batch brought.
    """

    first: Mapping[str, int]
    known: frozenset[str]
    labels: Mapping[int, int]


def seen(store: Store) -> Seen:
    """Read it from the labels and classes as they are now; a round that brought none counts 0."""
    rows = store.rows(
        "WITH asked AS (SELECT item_id, MIN(round) AS round FROM batch WHERE released = 0"
        " GROUP BY item_id)"
        " SELECT l.label, COALESCE(a.round, 0) AS round, COUNT(*) AS labels"
        " FROM labels l JOIN items i ON i.id = l.item_id AND i.role = 'pool'"
        " LEFT JOIN asked a ON a.item_id = l.item_id AND l.status <> 'given'"
        " WHERE l.label IS NOT NULL GROUP BY 1, 2 ORDER BY 2, 1"
    )
    first: dict[str, int] = {}
    labels = {r["number"]: 0 for r in store.rows("SELECT number FROM rounds ORDER BY number")}
    for r in rows:
        first.setdefault(r["label"], r["round"])
        if r["round"]:
            labels[r["round"]] += r["labels"]
    known = store.rows(
        "SELECT name FROM classes WHERE origin IN ('config', 'data', 'command')"
        " AND added_at <= COALESCE((SELECT MIN(created_at) FROM rounds), added_at)"
    )
    return Seen(first, frozenset(r["name"] for r in known), labels)
