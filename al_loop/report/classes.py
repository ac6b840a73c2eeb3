"""Classes with their labels, and proposals with their texts."""

from typing import Any

from al_loop.store import Store, answers, items, overview


def facts(store: Store) -> dict[str, Any]:
    """Return what `al-loop classes --json` prints."""
    labels = overview.labels_by_class(store)
    return {
        "classes": [
            {
                "name": c.name,
                "labels": labels.get(c.name, 0),
                "description": c.description,
                "examples": list(c.examples),
            }
            for c in items.classes(store)
        ],
        "proposals": [
            {"name": name, "answers": len(texts), "texts": texts}
            for name, texts in answers.proposals(store).items()
        ],
    }
