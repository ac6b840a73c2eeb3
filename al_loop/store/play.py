"""Turn an imported, labeled data set into one whose labels an oracle keeps."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from al_loop.data.text import shown
from al_loop.errors import InputError
from al_loop.labels import by_folded_name
from al_loop.store import answers, items
from al_loop.store.core import Store
from al_loop.types import ClassSpec


def copy(store: Store, path: Path | None = None) -> Store:
    """Return an independent copy, in memory or in a new file."""
    conn = sqlite3.connect(path or ":memory:", isolation_level=None)
    store.conn.backup(conn)
    conn.row_factory = sqlite3.Row
    conn.execute("PRAGMA foreign_keys = ON")
    return Store(conn, path)


def reopened(path: Path) -> Store:
    """Return a copy in memory of a file that `copy` wrote."""
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return copy(Store(conn, path))
    finally:
        conn.close()


def hide_labels(
    store: Store, labeled_ids: Collection[str], known_classes: Sequence[str]
) -> dict[str, str]:
    """Take the labels out of the pool, but for some rows; returns item id -> gold label.

    Texts without a label leave the pool, since no oracle could answer them. A text with several
    labels has that of the row in `labeled_ids`, or else its first one. Only the classes of
    `known_classes` and of the kept labels are known afterwards: the oracle names the others.

    Raises:
        InputError: an id of `labeled_ids` is not in the data, or has a class that
            `known_classes`, if it names any, does not.
    """
    gold: dict[str, str] = {}
    wanted = set(labeled_ids)
    item_of: dict[str, str] = {}
    listed: dict[str, str] = {}  # item id -> the id by which it starts with its label
    for r in store.rows(
        "SELECT a.id, a.item_id, a.label, i.role FROM aliases a JOIN items i"
        " ON i.id = a.item_id ORDER BY i.position, a.rowid"
    ):
        item_of[r["id"]] = r["item_id"]
        if r["label"] is not None and r["role"] == "pool":
            if r["id"] in wanted and r["item_id"] not in listed:
                listed[r["item_id"]], gold[r["item_id"]] = r["id"], r["label"]
            gold.setdefault(r["item_id"], r["label"])
    if unknown := sorted(wanted - item_of.keys()):
        raise InputError(
            f"--labeled-ids: {unknown[0]!r} is not an id of the data ({len(unknown)} unknown ids)",
            hint="use ids of the column that --id names, one a line",
        )
    kept = {item_of[i] for i in wanted} & gold.keys()  # a text for testing stays that
    if known_classes:
        _check_classes({name: gold[item] for item, name in listed.items()}, known_classes)
    with store.tx():
        _forget(store, gold, kept)
        names = [*known_classes, *dict.fromkeys(gold[i] for i in gold if i in kept)]
        items.add_classes(store, [ClassSpec(n) for n in dict.fromkeys(names)], "data")
        answers.refresh_labels(store)
    return gold


def _check_classes(labels: Mapping[str, str], known_classes: Sequence[str]) -> None:
    """Refuse rows (id -> class) that start with a class which is not to be known."""
    known = by_folded_name(known_classes)
    for id_, label in labels.items():
        if not by_folded_name([label]).keys() <= known.keys():
            raise InputError(
                f"--labeled-ids: {shown(id_)} has the class {shown(label)}, which is not in"
                " --known-classes",
                hint="add the class there, or take the id away",
            )


def _forget(store: Store, gold: Mapping[str, str], kept: Collection[str]) -> None:
    """Take away the labels that are not kept, the classes, and texts without any label."""
    store.execute("DELETE FROM labels")
    store.execute("DELETE FROM classes")
    pool = [r[0] for r in store.rows("SELECT id FROM items WHERE role = 'pool'")]
    useless = [(i,) for i in pool if i not in gold]
    store.execute_many("DELETE FROM aliases WHERE item_id = ?", useless)
    store.execute_many("DELETE FROM items WHERE id = ?", useless)
    hidden = [(i,) for i in gold if i not in kept]
    store.execute_many("UPDATE aliases SET label = NULL WHERE item_id = ?", hidden)
    # An item that is kept has its one gold label, also where the data gave several.
    store.execute_many(
        "UPDATE aliases SET label = ? WHERE item_id = ? AND label IS NOT NULL",
        [(gold[i], i) for i in kept if i in gold],
    )
