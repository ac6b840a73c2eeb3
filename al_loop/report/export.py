"""The labels with the columns that came with their texts."""

from typing import Any

from al_loop.store import Store, overview

COLUMNS = ("id", "text", "label", "status", "role")


def rows(store: Store, *, everything: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """Return one record an id that came in, and the names of its fields.

    Kept columns come last; one that is called like a field of ours is called ``kept_<name>``.
    `everything` adds the texts that have no label.
    """
    found: list[dict[str, Any]] = []
    kept: dict[str, None] = {}
    for record, extra in overview.labels_of_ids(store, everything=everything):
        named = {f"kept_{k}" if k in COLUMNS else k: v for k, v in extra.items()}
        kept.update(dict.fromkeys(named))
        found.append(record | named)
    return found, [*COLUMNS, *kept]
