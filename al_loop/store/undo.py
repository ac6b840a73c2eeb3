"""Rounds that are taken back: which tasks are a round's own, and taking its rows away."""

import json
from collections.abc import Sequence
from typing import Any

from al_loop.store import clusters, results, second_looks, tasks
from al_loop.store.core import Store, now
from al_loop.types import TakenBack

#: Notes of a round: tasks that were on the server before it, and those an undo set out to remove.
_EARLIER, _BEGUN = "tasks_before", "undo_began"
_TABLES = ("notes", "metrics", "evidence", "models", "transitions", "batch", "round_classes")


def note_earlier_tasks(
    store: Store, number: int, chosen: Sequence[str], *, further: bool = False
) -> None:
    """Note which of the chosen keys were pushed before, and are not the round's own. Inside a tx.

    further: they are added to a round, not those it begins with.
    """
    noted = results.notes(store, number).get(_EARLIER)
    if further and noted is None:  # a round that schema 1 opened: see `own_keys`
        return
    rows = store.rows(
        "SELECT t.key FROM tasks t JOIN rounds r ON r.project_id = t.project_id"
        " WHERE r.number = ? AND t.remote_id IS NOT NULL"
        " AND t.key IN (SELECT value FROM json_each(?))",
        [number, json.dumps(list(chosen))],
    )
    keys = {*(noted or ()), *(r["key"] for r in rows)}
    results.save_note(store, number, _EARLIER, sorted(keys))


def own_keys(store: Store, number: int) -> list[str]:
    """Return the keys of the tasks that a round pushed, or was to push, as the first.

    A round that schema 1 opened has no note of the others: all of earlier batches are left out.
    """
    keys = _keys(store, "=", number)
    earlier = results.notes(store, number).get(_EARLIER)
    if earlier is None:
        earlier = _keys(store, "<", number)
    return sorted(set(keys) - set(earlier))


def _keys(store: Store, relation: str, number: int) -> list[str]:
    rows = store.rows(
        f"SELECT item_id || ':' || look AS key FROM batch WHERE round {relation} ?", [number]
    )
    return [r["key"] for r in rows]


def begin(store: Store, number: int, found: Sequence[str]) -> None:
    """Note which keys of a round had a task before they are removed. Inside a tx.

    Until the round is gone nothing else is done to it.
    """
    results.save_note(store, number, _BEGUN, sorted(found))


def begun(store: Store, number: int) -> list[str] | None:
    """Return what an undo that has not finished noted about a round; None: there was none."""
    found: list[str] | None = results.notes(store, number).get(_BEGUN)
    return found


def local_tasks(store: Store, number: int, keys: Sequence[str]) -> TakenBack:
    """Return which of some keys were pushed, and which have an answer, where no server is."""
    rows = store.rows(
        "SELECT t.key, t.remote_id, EXISTS (SELECT 1 FROM answers a WHERE a.gone = 0"
        "  AND a.project_id = t.project_id AND a.key = t.key) AS answered"
        " FROM tasks t JOIN rounds r ON r.project_id = t.project_id"
        " WHERE r.number = ? AND t.remote_id IS NOT NULL AND t.gone = 0",
        [number],
    )
    own = set(keys)
    pushed = [r for r in rows if r["key"] in own]
    kept = {r["key"]: r["remote_id"] for r in pushed if r["answered"]}
    return TakenBack([r["key"] for r in pushed], kept)


def labeled(store: Store, number: int) -> int:
    """Count the texts of a round that have a label from people."""
    return int(
        store.value(
            "SELECT COUNT(DISTINCT b.item_id) FROM batch b JOIN labels l ON l.item_id = b.item_id"
            " WHERE b.round = ? AND l.label IS NOT NULL AND l.votes > 0",
            [number],
        )
    )


def finish(store: Store, number: int, own: Sequence[str], tasks_: TakenBack, by: str) -> None:
    """Take a round's rows away and note that it was there. Inside a tx.

    Its answers stay, and so do the rows of its `own` tasks: those that were kept with their
    number, all others as gone, so that an answer that turns up late still has its text.
    """
    project = store.value("SELECT project_id FROM rounds WHERE number = ?", [number])
    texts = store.value("SELECT COUNT(*) FROM batch WHERE round = ?", [number])
    removed = len(set(tasks_.found) - set(tasks_.kept))
    store.execute(
        "INSERT INTO undone (round, state, strategy, texts, removed, kept, author, at)"
        " SELECT number, state, strategy, ?, ?, ?, ?, ? FROM rounds WHERE number = ?",
        [texts, removed, len(tasks_.kept), by, now(), number],
    )
    second_looks.take_back(store, number)
    for table in _TABLES:
        store.execute(f"DELETE FROM {table} WHERE round = ?", [number])
    store.execute("DELETE FROM rounds WHERE number = ?", [number])
    store.execute_many(
        "UPDATE tasks SET remote_id = ?, gone = ? WHERE project_id = ? AND key = ?",
        [(tasks_.kept.get(key), int(key not in tasks_.kept), project, key) for key in own],
    )
    clusters.take_back(store, number)
    second_looks.wait_again(store)
    tasks.forget_empty_project(store, project)


def last(store: Store) -> Any:
    """Return the newest row of a round that was taken back, None if none was."""
    return store.row("SELECT * FROM undone ORDER BY id DESC LIMIT 1")
