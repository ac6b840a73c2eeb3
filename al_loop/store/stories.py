"""What is known of one text: the ids it came under, batches, answers, doubts, its task."""

import difflib
from sqlite3 import Row

from al_loop.data.text import normalize, shown
from al_loop.errors import DataError
from al_loop.labels import Verdict
from al_loop.store.core import Store

_CANDIDATES = 50_000  # ids that an unknown one is compared with


def find(store: Store, typed: str, *, near: bool = True) -> str:
    """Return the text that came under an id, whichever of its ids that is.

    Raises:
        DataError: none did; with `near` the hint names ids that look alike, which takes a tenth
            of a second in a large project.
    """
    name = normalize(typed)
    found = store.value("SELECT item_id FROM aliases WHERE id = ?", [name])
    if found is not None:
        return str(found)
    alike = difflib.get_close_matches(name, _like(store, name), n=3) if near else []
    listed = f"did you mean {' or '.join(map(shown, alike))}? " if alike else ""
    raise DataError(
        f"no text came under the id {shown(typed)}",
        hint=f"{listed}`al-loop export --all` lists every id",
    )


def _like(store: Store, name: str) -> list[str]:
    """Return ids of about the same length, those that begin alike first."""
    rows = store.rows(
        "SELECT id FROM aliases WHERE ABS(LENGTH(id) - LENGTH(?1)) < 3"
        " ORDER BY SUBSTR(id, 1, LENGTH(?1) / 2) <> SUBSTR(?1, 1, LENGTH(?1) / 2), id LIMIT ?2",
        [name, _CANDIDATES],
    )
    return [r["id"] for r in rows]


def verdict(store: Store, item_id: str) -> Verdict | None:
    """Return what a text counts as now; None when nothing is known about it."""
    row = store.row("SELECT status, label, votes FROM labels WHERE item_id = ?", [item_id])
    return None if row is None else Verdict(row["status"], row["label"], row["votes"])


def item(store: Store, item_id: str) -> Row:
    """Return the row of a text."""
    found = store.row("SELECT id, text, text_hash, role FROM items WHERE id = ?", [item_id])
    assert found is not None
    return found


def ids(store: Store, item_id: str) -> list[Row]:
    """Return the rows of files that a text came in, as they came: id, file, line, label, extra."""
    return store.rows(
        "SELECT a.id, m.file, a.line, a.label, a.extra FROM aliases a"
        " JOIN imports m ON m.id = a.import_id WHERE a.item_id = ? ORDER BY a.rowid",
        [item_id],
    )


def choices(store: Store, item_id: str) -> list[Row]:
    """Return the batches that a text was in, with their rounds, oldest first."""
    return store.rows(
        "SELECT b.*, r.state, r.created_at, r.model_version, r.pool_size,"
        " (SELECT COUNT(*) FROM batch o WHERE o.round = b.round) AS texts"
        " FROM batch b JOIN rounds r ON r.number = b.round WHERE b.item_id = ? ORDER BY b.round",
        [item_id],
    )


def said(store: Store, item_id: str) -> list[Row]:
    """Return the answers to a text and where they were given, oldest first, deleted ones too."""
    return store.rows(
        "SELECT a.*, p.annotator AS through, p.role = 'review' AS review FROM answers a"
        " JOIN projects p ON p.id = a.project_id WHERE a.item_id = ?"
        " ORDER BY a.created_at, a.project_id, a.annotation_id",
        [item_id],
    )


def earlier(store: Store, project_id: int, annotation_id: int) -> list[Row]:
    """Return what an answer said before, oldest first."""
    return store.rows(
        "SELECT * FROM answer_history WHERE project_id = ? AND annotation_id = ? ORDER BY id",
        [project_id, annotation_id],
    )


def judged(store: Store, item_id: str) -> list[Row]:
    """Return what the audits said about a text's labels; of earlier rounds where one was wrong."""
    return store.rows("SELECT * FROM evidence WHERE item_id = ? ORDER BY round", [item_id])


def consensus(store: Store, item_id: str) -> Row | None:
    """Return what differing votes on a text were found to add up to."""
    return store.row("SELECT * FROM consensus WHERE item_id = ?", [item_id])


def task(store: Store, item_id: str, role: str = "labeling") -> Row | None:
    """Return the number of a text's task in a Label Studio project and the page of that."""
    return store.row(
        "SELECT t.remote_id, p.url FROM tasks t JOIN projects p ON p.id = t.project_id"
        " WHERE t.item_id = ? AND t.gone = 0 AND t.remote_id IS NOT NULL AND p.url <> ''"
        " AND p.annotator = 'label_studio' AND p.role = ? ORDER BY t.look DESC LIMIT 1",
        [item_id, role],
    )


def trained_at(store: Store) -> str:
    """Return when the current model was trained, empty if there is none."""
    return str(store.value("SELECT created_at FROM models ORDER BY id DESC LIMIT 1") or "")
