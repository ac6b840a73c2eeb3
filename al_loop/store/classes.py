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
    """Give classes the description and the examples that they lack, each class as a version.

    What is there stays: after its beginning the workspace counts, not config.toml.
    """
    rows = store.rows("SELECT name, description, examples FROM classes")
    known = {r["name"]: (r["description"], tuple(json.loads(r["examples"]))) for r in rows}
    for spec in specs:
        if spec.name not in known:
            continue
        description, examples = known[spec.name]
        after = ClassSpec(spec.name, description or spec.description, examples or spec.examples)
        if (after.description, after.examples) == (description, examples):
            continue
        describe(store, after)
        detail = {"description": after.description, "examples": list(after.examples)}
        class_changes.add(store, class_changes.New("describe", [spec.name], {}, detail), author)
