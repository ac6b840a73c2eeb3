"""The review project's tasks: texts that are settled by who sees how others labeled them.

A row of `tasks` there is the intent, as for any task, but no batch has it and no round waits.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from al_loop.store import tasks
from al_loop.store.core import Store
from al_loop.types import ProjectRef

_SUFFIX = " review"
_TITLE = 50  # characters, what Label Studio accepts


@dataclass(frozen=True, slots=True)
class Review:
    """A task of the review project."""

    key: str
    item_id: str
    look: int
    text: str


def project(store: Store, labeling: int) -> ProjectRef | None:
    """Return the review project beside a labeling project, None before the first review."""
    return tasks.find_project(store, tasks.annotator(store, labeling), role="review")


def make_project(store: Store, labeling: ProjectRef) -> ProjectRef:
    """Return the review project beside a labeling project; its row is made if need be."""
    title = f"{labeling.title.strip()[: _TITLE - len(_SUFFIX)].strip()}{_SUFFIX}"
    return tasks.make_project(store, tasks.annotator(store, labeling.id), title, role="review")


def ask(store: Store, project_id: int, item_ids: Iterable[str]) -> None:
    """Note that some texts are to be reviewed, each under a look of its own. Inside a tx.

    The look is above that of all tasks and answers, so that no key is in both projects.
    """
    ids = list(item_ids)
    rows = store.rows(
        "SELECT item_id, MAX(look) AS look FROM (SELECT item_id, look FROM tasks"
        " UNION ALL SELECT item_id, look FROM answers"
        " UNION ALL SELECT item_id, look FROM second_looks)"
        " WHERE item_id IN (SELECT value FROM json_each(?)) GROUP BY item_id",
        [json.dumps(ids)],
    )
    last = {r["item_id"]: r["look"] for r in rows}
    store.execute_many(
        "INSERT INTO tasks (project_id, key, item_id, look, overlap)"
        " VALUES (?1, ?2 || ':' || ?3, ?2, ?3, 1)",
        [(project_id, item_id, last.get(item_id, 0) + 1) for item_id in ids],
    )


def asked(store: Store) -> set[str]:
    """Return the texts that are in review, or were: those whose task is not gone."""
    rows = store.rows(
        "SELECT t.item_id FROM tasks t JOIN projects p ON p.id = t.project_id"
        " WHERE p.role = 'review' AND t.gone = 0"
    )
    return {r["item_id"] for r in rows}


def waiting(store: Store) -> list[str]:
    """Return the texts in review that nobody has answered, sent or not."""
    rows = store.rows(
        "SELECT t.item_id FROM tasks t JOIN projects p ON p.id = t.project_id"
        " WHERE p.role = 'review' AND t.gone = 0 AND NOT EXISTS (SELECT 1 FROM answers a"
        "  WHERE a.project_id = t.project_id AND a.key = t.key AND a.gone = 0) ORDER BY t.rowid"
    )
    return [r["item_id"] for r in rows]


def pending(store: Store, project_id: int) -> list[Review]:
    """Return the tasks that are not on the server yet."""
    rows = store.rows(
        "SELECT t.key, t.item_id, t.look, i.text FROM tasks t JOIN items i ON i.id = t.item_id"
        " WHERE t.project_id = ? AND t.remote_id IS NULL AND t.gone = 0 ORDER BY t.rowid",
        [project_id],
    )
    return [Review(*r) for r in rows]


def unanswered(store: Store, project_id: int) -> list[str]:
    """Return the keys of the tasks that are on the server and have no answer."""
    rows = store.rows(
        "SELECT key FROM tasks t WHERE project_id = ?1 AND remote_id IS NOT NULL AND gone = 0"
        " AND NOT EXISTS (SELECT 1 FROM answers a WHERE a.project_id = ?1 AND a.key = t.key"
        "  AND a.gone = 0) ORDER BY key",
        [project_id],
    )
    return [r["key"] for r in rows]


def open_keys(store: Store, labeling: int) -> list[str]:
    """Return the keys of the unanswered tasks of the review project beside a labeling project."""
    review = project(store, labeling)
    return [] if review is None else unanswered(store, review.id)
