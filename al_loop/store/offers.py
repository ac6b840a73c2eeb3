"""What people can choose from."""

import json

from al_loop.store import items
from al_loop.store.core import Store
from al_loop.types import ClassSpec, Offer


def offer(store: Store) -> Offer:
    """Return the classes, the candidates that are offered, and the names that no longer are."""
    classes = items.classes(store)
    candidates = [
        ClassSpec(r["name"], "", _texts(store, r["central"]))
        for r in store.rows(
            "SELECT c.name, (SELECT r.central FROM cluster_rounds r WHERE r.cluster = c.id"
            " ORDER BY r.round DESC LIMIT 1) AS central FROM clusters c"
            " WHERE c.offered = 1 AND c.status = 'open' ORDER BY c.id"
        )
    ]
    shown = {c.name for c in classes} | {c.name for c in candidates}
    once = [
        r["name"]
        for r in store.rows(
            "SELECT name FROM clusters UNION"
            " SELECT key FROM class_changes, json_each(names) ORDER BY name"
        )
    ]
    return Offer(classes, candidates, [n for n in once if n not in shown], version(store))


def version(store: Store) -> int:
    """Return the version of the list of classes."""
    return int(store.value("SELECT COALESCE(MAX(version), 0) FROM class_changes"))


def _texts(store: Store, central: str | None) -> tuple[str, ...]:
    ids = json.loads(central or "[]")
    found = {
        r["id"]: r["text"]
        for r in store.rows(
            "SELECT id, text FROM items WHERE id IN (SELECT value FROM json_each(?))",
            [json.dumps(ids)],
        )
    }
    return tuple(found[i] for i in ids if i in found)
