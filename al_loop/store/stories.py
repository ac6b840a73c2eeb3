"""What is known of one text: the ids it came under, batches, answers, doubts, its task."""

import difflib

from al_loop.data.text import normalize, shown
from al_loop.errors import DataError
from al_loop.labels import Verdict
from al_loop.store.core import Store

_CANDIDATES = 50_000  # ids that an unknown one is compared with


def find(store: Store, typed: str) -> str:
    """Return the text that came under an id, whichever of its ids that is.

    Raises:
        DataError: none did; the hint names ids that look alike.
    """
    name = normalize(typed)
    found = store.value("SELECT item_id FROM aliases WHERE id = ?", [name])
    if found is not None:
        return str(found)
    near = difflib.get_close_matches(name, _like(store, name), n=3)
    listed = f"did you mean {' or '.join(map(shown, near))}? " if near else ""
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
