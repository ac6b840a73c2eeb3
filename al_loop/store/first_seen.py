"""When each class was seen first, and how many labels that took."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from al_loop.labels import folded
from al_loop.store import answers, class_changes
from al_loop.store.core import Store


@dataclass(frozen=True, slots=True)
class Seen:
    """What the labels of the pool tell of the discovery of classes.

    A class that people asked for is seen, though nobody has accepted it yet; one that was rejected
    is none.

    first: class -> the round whose batch brought its first label; 0: it came with the data, or by
        hand.
    known: classes that had a name before the first round.
    labels: round -> labels that its batch brought.
    asked: classes that were only asked for.
    """

    first: Mapping[str, int]
    known: frozenset[str]
    labels: Mapping[int, int]
    asked: frozenset[str] = frozenset()


def seen(store: Store) -> Seen:
    """Read it from the labels and classes as they are now; a round that brought none counts 0."""
    asked = dict(_asked(store))
    first: dict[str, int] = {}
    labels = {r["number"]: 0 for r in store.rows("SELECT number FROM rounds ORDER BY number")}
    for r in store.rows(
        "WITH asked AS (SELECT item_id, MIN(round) AS round FROM batch WHERE released = 0"
        " GROUP BY item_id)"
        " SELECT i.id, l.label, COALESCE(a.round, 0) AS round"
        " FROM labels l JOIN items i ON i.id = l.item_id AND i.role = 'pool'"
        " LEFT JOIN asked a ON a.item_id = l.item_id AND l.status <> 'given'"
        " WHERE l.label IS NOT NULL OR l.status = 'proposed' ORDER BY 3, 2"
    ):
        if name := r["label"] or asked.get(r["id"]):
            first.setdefault(name, r["round"])
            if r["round"]:
                labels[r["round"]] += 1
    known = store.rows(
        "SELECT name FROM classes WHERE origin IN ('config', 'data', 'command')"
        " AND added_at <= COALESCE((SELECT MIN(created_at) FROM rounds), added_at)"
    )
    only_asked = frozenset(asked.values()) & first.keys()
    return Seen(first, frozenset(r["name"] for r in known), labels, only_asked)


def _asked(store: Store) -> Iterator[tuple[str, str]]:
    """Yield texts with the name that was asked for on them, the most wanted name last."""
    rejected = class_changes.rejected(store)
    for name, ids in reversed(answers.proposals(store).items()):
        if folded(name) not in rejected:
            yield from ((item_id, name) for item_id in ids)
