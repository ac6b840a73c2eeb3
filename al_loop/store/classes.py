"""Rows of classes that change; `items` adds and lists them."""

import json

from al_loop.store.core import Store
from al_loop.types import ClassSpec


def rename(store: Store, old: str, new: str) -> None:
    """Give a class another name, in the same place. Inside a tx with its version."""
    store.execute("UPDATE classes SET name = ? WHERE name = ?", [new, old])


def remove(store: Store, name: str) -> None:
    """Take the row of a class away. Inside a tx with the version that says what it counts as."""
    store.execute("DELETE FROM classes WHERE name = ?", [name])


def describe(store: Store, spec: ClassSpec) -> None:
    """Store the description and the examples of a class. Inside a tx with its version."""
    store.execute(
        "UPDATE classes SET description = ?, examples = ? WHERE name = ?",
        [spec.description, json.dumps(spec.examples, ensure_ascii=False), spec.name],
    )
