"""The project that a workspace was started from: its tasks, and what became of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from al_loop.store import tasks
from al_loop.store.core import Store
from al_loop.types import ProjectRef, split_key

#: The annotator of the project's row; views leave its answers out of the costs.
ANNOTATOR = "adopted"


@dataclass(frozen=True, slots=True)
class Known:
    """A task that was adopted before, and the hash of the text that it had."""

    key: str
    item_id: str
    text_hash: str


def project(store: Store) -> ProjectRef | None:
    """Return the adopted project; None when there is none."""
    return tasks.find_project(store, ANNOTATOR)


def put_project(store: Store, number: int, title: str) -> int:
    """Note the adopted project, or its title of now, and return the number of its row."""
    store.execute(
        "INSERT INTO projects (role, annotator, marker, title, remote_id)"
        " VALUES ('labeling', ?, ?, ?, ?) ON CONFLICT (role, annotator)"
        " DO UPDATE SET title = excluded.title, remote_id = excluded.remote_id",
        [ANNOTATOR, f"{store.meta('uuid')}-{ANNOTATOR}", title, number],
    )
    return int(store.value("SELECT id FROM projects WHERE annotator = ?", [ANNOTATOR]))


def known_tasks(store: Store, project_id: int) -> dict[int, Known]:
    """Map the number of each task that was adopted, and is not gone, to what is known of it."""
    rows = store.rows(
        "SELECT t.remote_id, t.key, t.item_id, i.text_hash FROM tasks t"
        " JOIN items i ON i.id = t.item_id WHERE t.project_id = ? AND t.remote_id IS NOT NULL",
        [project_id],
    )
    return {r["remote_id"]: Known(r["key"], r["item_id"], r["text_hash"]) for r in rows}


def put_tasks(store: Store, project_id: int, found: Iterable[tuple[int, str]]) -> None:
    """Store (number, key) of tasks; those that were gone are there again."""
    store.execute_many(
        "INSERT INTO tasks (project_id, key, item_id, look, overlap, remote_id)"
        " VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (project_id, key)"
        " DO UPDATE SET remote_id = excluded.remote_id, gone = 0",
        [(project_id, key, *split_key(key), number) for number, key in found],
    )


def statuses(store: Store, project_id: int) -> dict[str, int]:
    """Count the project's texts by what they count as; '' for those that nothing is known of."""
    rows = store.rows(
        "SELECT COALESCE(l.status, '') AS status, COUNT(*) AS n FROM"
        " (SELECT DISTINCT item_id FROM tasks WHERE project_id = ? AND gone = 0) t"
        " LEFT JOIN labels l ON l.item_id = t.item_id GROUP BY 1",
        [project_id],
    )
    return {r["status"]: r["n"] for r in rows}
