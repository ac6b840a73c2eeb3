"""What people can choose from."""

import json

from al_loop.labels import by_folded_name
from al_loop.store import candidates, class_changes, items
from al_loop.store.core import Store
from al_loop.types import ClassSpec, Offer


def offer(store: Store) -> Offer:
    """Return the classes, the candidates that are offered, and the names that no longer are."""
    classes = items.classes(store)
    offered = [
        ClassSpec(r["name"], "", candidates.texts(store, json.loads(r["central"] or "[]")))
        for r in store.rows(
            "SELECT c.name, (SELECT r.central FROM cluster_rounds r WHERE r.cluster = c.id"
            " ORDER BY r.round DESC LIMIT 1) AS central FROM clusters c"
            " WHERE c.offered = 1 AND c.status = 'open' ORDER BY c.id"
        )
    ]
    shown = {c.name for c in classes} | {c.name for c in offered}
    once = [
        r["name"]
        for r in store.rows(
            "SELECT name FROM clusters WHERE shown = 1 UNION"
            " SELECT key FROM class_changes, json_each(names)"
            " WHERE action IN ('merge', 'rename') ORDER BY name"
        )
    ]
    gone = [name for name in once if name not in shown]
    return Offer(classes, offered, gone, class_changes.version(store))


def names_of_today(store: Store) -> dict[str, str]:
    """Map folded names to what people can tick for them: a batch keeps those of its day."""
    return by_folded_name(c.name for c in offer(store).candidates) | class_changes.names(store)
