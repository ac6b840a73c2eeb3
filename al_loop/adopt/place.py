"""Bring the tasks of a foreign project into the database: texts, ids, kept columns."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from al_loop.adopt.source import value
from al_loop.data.check import BadRow, Checker, Record
from al_loop.data.columns import Columns
from al_loop.data.rows import Literal, Row
from al_loop.errors import DataError, InputError
from al_loop.ingest import Placing, Reading
from al_loop.store import Store, adopted, items
from al_loop.types import split_key, task_key

if TYPE_CHECKING:
    from al_loop.annotators.label_studio.existing import Existing

_ID = "\x00id"  # no field can be called so
_OURS = re.compile(r".+:\d+", re.DOTALL)


@dataclass(slots=True)
class Placed:
    """What became of the tasks. `keys` maps the number of each that counts to its key.

    gone: keys of tasks that were adopted before, and don't count any more.
    added: texts that are new in the workspace.
    bad: one line for each task that was left out.
    """

    keys: dict[int, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    added: int = 0
    bad: list[str] = field(default_factory=list)


def place(
    store: Store,
    project_id: int,
    found: "Existing",
    columns: Columns,
    reading: Reading,
    tick: Callable[[int], None],
) -> Placed:
    """Give every task its text and its key. Inside a tx.

    A key is the item and the task's number with a minus: so many tasks may have one text, and
    none is taken for a task of ours.

    Raises:
        DataError: no task can be used.
        InputError: these are the tasks of another project than those adopted before.
    """
    read = Columns(columns.text, None, _ID, columns.keep)
    checker = Checker(read, reading.config.data.max_bytes, reading.replace_bad_chars)
    import_id = items.begin_import(store, found.where, "pool")
    placing = Placing(store, import_id, "pool", items.next_position(store))
    known = adopted.known_tasks(store, project_id)
    placed = Placed()
    for done, task in enumerate(found.tasks, start=1):
        number = int(task["id"])
        try:
            record = checker.check(Row(number, _cells(task, columns)))
            placed.keys[number] = _key(placing, record, number, known.get(number))
        except BadRow as e:
            placed.bad.append(f"task {number}: {e}")
        tick(done)
    _refuse_useless(found, placed, known)
    placed.gone = [before.key for number, before in known.items() if number not in placed.keys]
    placed.added = placing.counts.added
    rows, bad = len(found.tasks), len(placed.bad)
    items.end_import(store, import_id, rows, placed.added, rows - placed.added - bad, bad)
    adopted.put_tasks(store, project_id, placed.keys.items())
    return placed


def _key(placing: Placing, record: Record, number: int, before: adopted.Known | None) -> str:
    """Return the key of a task, whose text is stored unless it was adopted before."""
    if before is not None:
        if before.text_hash != record.hash:
            raise BadRow("has another text than when it was adopted")
        return before.key
    placing.place(record)
    alias = items.find_alias(placing.store, str(record.id))
    assert alias is not None
    return task_key(alias.item_id, -number)


def _cells(task: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    data = task["data"]
    names = (columns.text, *columns.keep)
    return {name: _cell(value(data, name)) for name in names} | {_ID: _id(task, columns.id)}


def _cell(found: Any) -> Any:
    """Return a value of JSON as a reader of files would, numbers as they are written."""
    number = isinstance(found, int | float) and not isinstance(found, bool)
    return Literal(found) if number else found


def _id(task: Mapping[str, Any], column: str | None) -> str:
    """Return the id of a task: a field of its data, our own key, or made of its number."""
    from al_loop.annotators.label_studio.parse import key_of

    named = task["data"].get(column) if column else None
    if isinstance(named, str | int) and not isinstance(named, bool) and str(named).strip():
        return str(named)
    key = key_of(task)
    return split_key(key)[0] if key and _OURS.fullmatch(key) else f"task-{task['id']}"


def _refuse_useless(found: "Existing", placed: Placed, known: Mapping[int, adopted.Known]) -> None:
    if known and not known.keys() & placed.keys:
        raise InputError(
            f"{found.where} is not the project that was adopted before: no task is the same",
            hint="check number and server; another project needs a workspace of its own",
        )
    if not placed.keys:
        raise DataError(
            f"{found.where}: none of its {len(found.tasks):,} tasks can be used; {placed.bad[0]}",
            hint="name the field that is the text: --text COL; nothing was adopted",
            problems=placed.bad if len(placed.bad) > 1 else (),
        )
