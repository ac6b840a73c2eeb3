"""Texts, the ids under which they came, the files they came from, and the classes."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from al_loop.data.text import fault, name_fault, normalize, shown
from al_loop.data.text import text_hash as _hash
from al_loop.errors import DataError
from al_loop.labels import folded
from al_loop.store import candidates, class_changes
from al_loop.store import classes as table
from al_loop.store.core import Store, now
from al_loop.types import ClassSpec, Role

Origin = Literal["config", "data", "command", "oracle", "proposal", "cluster", "split"]
#: Who names classes where no person does.
_AUTHORS = {"config": "config.toml", "data": "data", "oracle": "oracle"}


@dataclass(frozen=True, slots=True)
class Alias:
    """One id under which a text came, with what that row said."""

    id: str
    item_id: str
    import_id: int
    line: int
    label: str | None
    extra: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A text that came with different labels: it counts as unlabeled until people decide."""

    item_id: str
    ids: tuple[str, ...]
    labels: tuple[str, ...]


def text_hash(text: str) -> str:
    """Return the hash of a text as it is stored in ``items.text_hash``; normalizes first."""
    return _hash(normalize(text))


def begin_import(store: Store, file: str, role: Role) -> int:
    """Note that a file is read, and return its number."""
    store.execute("INSERT INTO imports VALUES (NULL, ?, ?, 0, 0, 0, 0, ?)", [file, role, now()])
    return int(store.value("SELECT last_insert_rowid()"))


def end_import(
    store: Store, import_id: int, rows: int, added: int, duplicates: int, bad: int
) -> None:
    """Note what became of the file's rows."""
    store.execute(
        "UPDATE imports SET rows = ?, added = ?, duplicates = ?, bad = ? WHERE id = ?",
        [rows, added, duplicates, bad, import_id],
    )


def find_alias(store: Store, alias_id: str) -> Alias | None:
    """Return the row that came under an id."""
    row = store.row(
        "SELECT item_id, import_id, line, label, extra FROM aliases WHERE id = ?", [alias_id]
    )
    if row is None:
        return None
    return Alias(alias_id, row[0], row[1], row[2], row[3], json.loads(row[4]))


def source_of(store: Store, alias: Alias) -> str:
    """Return ``file:line`` of a row."""
    file = store.value("SELECT file FROM imports WHERE id = ?", [alias.import_id])
    return f"{file}:{alias.line}"


def find_item(store: Store, hash_: str) -> tuple[str, Role] | None:
    """Return (id, role) of the text with a hash."""
    row = store.row("SELECT id, role FROM items WHERE text_hash = ?", [hash_])
    return None if row is None else (row[0], row[1])


def labels_of(store: Store, item_id: str) -> set[str]:
    """Return the distinct labels under which one text came."""
    rows = store.rows("SELECT label FROM aliases WHERE item_id = ?", [item_id])
    return {row[0] for row in rows if row[0] is not None}


def next_position(store: Store) -> int:
    """Return the place of the next new text."""
    return int(store.value("SELECT COALESCE(MAX(position), -1) + 1 FROM items"))


def add_item(store: Store, item_id: str, position: int, text: str, hash_: str, role: Role) -> None:
    """Store a new text; its id comes first among its aliases."""
    store.execute(
        "INSERT INTO items VALUES (?, ?, ?, ?, ?)", [item_id, position, text, hash_, role]
    )


def put_alias(store: Store, alias: Alias) -> None:
    """Store a row under its id, or what it adds to the row that came under that id."""
    store.execute(
        "INSERT INTO aliases VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET label = excluded.label, extra = excluded.extra",
        [alias.id, alias.item_id, alias.import_id, alias.line, alias.label, _json(alias.extra)],
    )


def was_asked(store: Store, item_id: str) -> bool:
    """Tell whether a text was ever in a batch."""
    return store.value("SELECT 1 FROM batch WHERE item_id = ? LIMIT 1", [item_id]) is not None


def set_role(store: Store, item_ids: Iterable[str], role: Role) -> None:
    """Move texts between the pool and the test set."""
    store.execute_many("UPDATE items SET role = ? WHERE id = ?", [(role, i) for i in item_ids])


def count(store: Store, role: Role | None = None) -> int:
    """Return the number of texts."""
    return int(store.value("SELECT COUNT(*) FROM items WHERE role = COALESCE(?, role)", [role]))


def texts(store: Store, role: Role | None = None) -> list[tuple[str, str, str]]:
    """Return (id, text, text hash) of all texts in order of arrival."""
    rows = store.rows(
        "SELECT id, text, text_hash FROM items WHERE role = COALESCE(?, role) ORDER BY position",
        [role],
    )
    return [(row[0], row[1], row[2]) for row in rows]


def given_labels(store: Store, item_id: str | None = None) -> dict[str, set[str]]:
    """Map each text that came labeled, or one, to its distinct labels; several are a conflict."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in store.rows(
        "SELECT item_id, label FROM aliases"
        " WHERE label IS NOT NULL AND item_id = COALESCE(?, item_id)",
        [item_id],
    ):
        found[row[0]].add(row[1])
    return dict(found)


def with_one_label(store: Store, role: Role) -> list[str]:
    """Return the ids of the texts that came with exactly one label, in order of arrival."""
    rows = store.rows(
        "SELECT i.id FROM items i JOIN aliases a ON a.item_id = i.id"
        " WHERE i.role = ? AND a.label IS NOT NULL"
        " GROUP BY i.id HAVING COUNT(DISTINCT a.label) = 1 ORDER BY i.position",
        [role],
    )
    return [row[0] for row in rows]


def conflicts(store: Store) -> list[Conflict]:
    """Return the texts that came with different labels, with every id and label."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in store.rows(
        "SELECT item_id, id, label FROM aliases WHERE label IS NOT NULL AND item_id IN"
        " (SELECT item_id FROM aliases GROUP BY item_id HAVING COUNT(DISTINCT label) > 1)"
        " ORDER BY import_id, line, id"
    ):
        found[row[0]].append((row[1], row[2]))
    return [
        Conflict(item, tuple(i for i, _ in rows), tuple(dict.fromkeys(name for _, name in rows)))
        for item, rows in found.items()
    ]


def context(store: Store, item_ids: Iterable[str], columns: Sequence[str]) -> dict[str, str]:
    """Map each item to lines like ``channel: email``, from the row it first came with.

    Columns without a value are left out; an item without any maps to an empty string.
    """
    wanted = list(item_ids)
    rows = store.rows(
        "SELECT id, extra FROM aliases WHERE id IN (SELECT value FROM json_each(?))",
        [json.dumps(wanted)],
    )
    extras = {row[0]: json.loads(row[1]) for row in rows}
    return {
        item_id: "\n".join(
            f"{column}: {value}" for column in columns if (value := extras[item_id].get(column))
        )
        for item_id in wanted
    }


def classes(store: Store) -> list[ClassSpec]:
    """Return the classes in the stored order."""
    rows = store.rows("SELECT name, description, examples FROM classes ORDER BY position")
    return [ClassSpec(row[0], row[1], tuple(json.loads(row[2]))) for row in rows]


def add_class(store: Store, spec: ClassSpec, origin: Origin, author: str = "") -> bool:
    """Add a class at the end of the stored order; False when it is there already.

    A class that is there stays as it is. So it does under a name that it had before: that counts
    as the class, and makes no new one. Inside a tx, in which the change becomes a version.

    author: who decides; needed for a person.

    Raises:
        DataError: the name can't be used, or differs from a known one only in case.

    """
    return add_classes(store, [spec], origin, author) == 1


def add_classes(store: Store, specs: Iterable[ClassSpec], origin: Origin, author: str = "") -> int:
    """Add many classes as one version and return how many were new; see `add_class`.

    Those of config.toml also give classes that are there what they lack: see `table.fill`.
    """
    specs = list(map(clean_class, specs))
    new = put_classes(store, specs, origin)
    if new:
        change = class_changes.New("add", new, detail={"origin": origin})
        class_changes.add(store, change, author or _AUTHORS.get(origin, "unknown"))
        for name, cluster in candidates.named(store, new).items():
            candidates.decide(store, cluster, "accepted", name)
    if origin == "config":
        table.fill(store, specs, _AUTHORS[origin])
    return len(new)


def put_classes(store: Store, specs: Iterable[ClassSpec], origin: Origin) -> list[str]:
    """Add classes and return the names of the new ones; the version is up to the caller."""
    known = class_changes.names(store)
    there = {row[0] for row in store.rows("SELECT name FROM classes")}
    there |= class_changes.former_names(store)
    position = int(store.value("SELECT COALESCE(MAX(position), -1) + 1 FROM classes"))
    found: dict[str, tuple[object, ...]] = {}
    for spec in map(clean_class, specs):
        same = known.setdefault(folded(spec.name), spec.name)
        if spec.name in there:
            continue
        if same != spec.name and folded(same) == folded(spec.name):
            raise DataError(
                f"the class {shown(spec.name)} differs from the known class {shown(same)} "
                "only in case or form",
                hint=f"use {shown(same)}, or choose another name",
            )
        if same == spec.name:
            values = (spec.name, spec.description, _json(spec.examples), origin, now())
            found.setdefault(spec.name, values)
    store.execute_many(
        "INSERT INTO classes (name, description, examples, origin, added_at, position)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(*values, position + i) for i, values in enumerate(found.values())],
    )
    return list(found)


def clean_class(spec: ClassSpec) -> ClassSpec:
    """Return a class with its strings normalized.

    Raises:
        DataError: no name, or one that can't be a label; a text that can't be stored.

    """
    name = normalize(spec.name)
    problem = name_fault(name) if name else "is empty"
    for text in (spec.description, *spec.examples):
        if not problem and fault(text):
            problem = f"has a text with {fault(text)}"
    if problem:
        raise DataError(
            f"the class {shown(spec.name)} {problem}",
            hint="a class is one line of at most 200 characters",
        )
    examples = tuple(dict.fromkeys(text for e in spec.examples if (text := normalize(e))))
    return ClassSpec(name, normalize(spec.description), examples)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
