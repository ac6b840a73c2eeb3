"""Rows of classes that change; `items` adds and lists them."""

import json
from collections.abc import Iterable

from al_loop.store import class_changes
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


def fill(store: Store, specs: Iterable[ClassSpec], author: str) -> None:
    """Describe the classes that came without a description or an example, each as a version.

    What is there stays: after its beginning the workspace counts, not config.toml.
    """
    rows = store.rows("SELECT name FROM classes WHERE description = '' AND examples = '[]'")
    bare = {row["name"] for row in rows}
    for spec in specs:
        if spec.name in bare and (spec.description or spec.examples):
            describe(store, spec)
            detail = {"description": spec.description, "examples": list(spec.examples)}
            class_changes.add(store, class_changes.New("describe", [spec.name], {}, detail), author)
