"""Projects and tasks: what was pushed where, and what became of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from al_loop.store import second_looks
from al_loop.store.core import Store
from al_loop.types import ProjectRef

ProjectRole = Literal["labeling", "review"]


def find_project(
    store: Store, annotator: str, pinned: int = 0, *, role: ProjectRole = "labeling"
) -> ProjectRef | None:
    """Return a project of an annotator; `pinned` is the number that a user named."""
    row = store.row("SELECT * FROM projects WHERE role = ? AND annotator = ?", [role, annotator])
    if row is None:
        return None
    where = (row["id"], row["marker"], row["title"], row["role"])
    return ProjectRef(*where, remote_id=pinned or row["remote_id"], pinned=bool(pinned))


def refreshed(store: Store, ref: ProjectRef) -> ProjectRef:
    """Return a project with the number it has on the server by now, unless a user named it."""
    row = store.row("SELECT remote_id FROM projects WHERE id = ?", [ref.id])
    if ref.pinned or row is None:
        return ref
    return replace(ref, remote_id=row["remote_id"])


def make_project(
    store: Store, annotator: str, title: str, pinned: int = 0, *, role: ProjectRole = "labeling"
) -> ProjectRef:
    """Make the row of an annotator's project, unless it is there, and return the project.

    The marker is made from the workspace's uuid, so that the project on the server is found
    again even when the process dies before its number is stored.
    """
    marker = [str(store.meta("uuid"))]
    marker += [annotator] if annotator != "label_studio" else []
    marker += [role] if role != "labeling" else []
    with store.tx():
        store.execute(
            "INSERT INTO projects (role, annotator, marker, title)"
            " VALUES (?, ?, ?, ?) ON CONFLICT (role, annotator) DO NOTHING",
            [role, annotator, "-".join(marker), title],
        )
    found = find_project(store, annotator, pinned, role=role)
    assert found is not None
    return found


def record_push(
    store: Store, project_id: int, *, remote_id: int, url: str, task_ids: Mapping[str, int]
) -> None:
    """Store where the project and its tasks are on the server."""
    store.execute(
        "UPDATE projects SET remote_id = ?, url = ? WHERE id = ?", [remote_id, url, project_id]
    )
    store.execute_many(
        "UPDATE tasks SET remote_id = ?, gone = 0 WHERE project_id = ? AND key = ?",
        [(task_id, project_id, key) for key, task_id in task_ids.items()],
    )


def task_overlaps(store: Store, project_id: int, *, pushed: bool = True) -> dict[str, int]:
    """Map the key of every task that was pushed (and is not gone) to its overlap."""
    rows = store.rows(
        "SELECT key, overlap FROM tasks WHERE project_id = ? AND gone = 0"
        " AND (remote_id IS NOT NULL) >= ? ORDER BY item_id, look",
        [project_id, int(pushed)],
    )
    return {r["key"]: r["overlap"] for r in rows}


def recent_keys(store: Store, project_id: int, rounds: int = 2) -> list[str]:
    """Return the keys of the newest rounds' tasks, which the sweep looks at."""
    rows = store.rows(
        "SELECT DISTINCT t.key FROM batch b JOIN tasks t"
        " ON t.item_id = b.item_id AND t.look = b.look AND t.project_id = ?"
        " WHERE t.remote_id IS NOT NULL AND t.gone = 0"
        " AND b.round > (SELECT COALESCE(MAX(number), 0) FROM rounds) - ? ORDER BY t.key",
        [project_id, rounds],
    )
    return [r["key"] for r in rows]


def page(store: Store, project_id: int) -> str:
    """Return the page where people label, empty before the first push."""
    return str(store.value("SELECT url FROM projects WHERE id = ?", [project_id]) or "")


def annotator(store: Store, project_id: int) -> str:
    """Return who answers in a project: label_studio, oracle, ..."""
    return str(store.value("SELECT annotator FROM projects WHERE id = ?", [project_id]))


def annotated(store: Store, project_id: int) -> int:
    """Return how many tasks had an answer at the last pull."""
    return int(store.value("SELECT annotated FROM projects WHERE id = ?", [project_id]))


def forget_empty_project(store: Store, project_id: int) -> None:
    """Forget where a project is when nothing of it is left.

    The next push finds it on the server by its marker, or makes one.
    """
    if not task_overlaps(store, project_id):
        store.execute("UPDATE projects SET remote_id = NULL WHERE id = ?", [project_id])


def release_gone(store: Store, project_id: int) -> None:
    """Give texts back whose task was deleted on the server."""
    store.execute(
        "UPDATE batch SET released = 1 WHERE released = 0"
        " AND round IN (SELECT number FROM rounds WHERE state <> 'logged' AND project_id = ?1)"
        " AND EXISTS (SELECT 1 FROM tasks t WHERE t.project_id = ?1 AND t.gone = 1"
        "     AND t.item_id = batch.item_id AND t.look = batch.look)",
        [project_id],
    )
    second_looks.wait_again(store)


def release_taken_back(store: Store) -> None:
    """Give texts of logged rounds back whose answers were deleted since."""
    store.execute(
        "UPDATE batch SET released = 1 WHERE released = 0"
        " AND round IN (SELECT number FROM rounds WHERE state = 'logged')"
        " AND CASE WHEN look = 0"
        "  THEN NOT EXISTS (SELECT 1 FROM decided d WHERE d.item_id = batch.item_id)"
        "  ELSE NOT EXISTS (SELECT 1 FROM answers a WHERE a.item_id = batch.item_id"
        "   AND a.look = batch.look AND a.gone = 0) AND NOT EXISTS (SELECT 1 FROM labels l"
        "   WHERE l.item_id = batch.item_id AND l.status = 'fixed' AND NOT EXISTS (SELECT 1"
        "    FROM second_looks s WHERE s.round = batch.round AND s.item_id = batch.item_id"
        "     AND s.reason = 'gold')) END"
    )
    second_looks.wait_again(store)


def has_unanswered_tasks(store: Store, project_id: int) -> bool:
    """Tell whether a task is on the server whose text counts as nothing yet.

    Or is one of a text that waits to be asked about once more, and was already sent for it.
    """
    found = store.value(
        "SELECT 1 FROM tasks t WHERE t.project_id = ? AND t.remote_id IS NOT NULL AND t.gone = 0"
        " AND (NOT EXISTS (SELECT 1 FROM decided d WHERE d.item_id = t.item_id)"
        "  OR EXISTS (SELECT 1 FROM second_looks s WHERE s.item_id = t.item_id"
        "   AND s.round IS NULL AND s.look = t.look AND NOT EXISTS (SELECT 1 FROM answers a"
        "    WHERE a.project_id = t.project_id AND a.key = t.key AND a.gone = 0))) LIMIT 1",
        [project_id],
    )
    return found is not None
