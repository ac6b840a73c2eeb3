"""Files to import, and what an import leaves in the database."""

import csv
from pathlib import Path

from al_loop import workspace
from al_loop.store import open_store


def write(path: Path, rows, header=("id", "text", "label")) -> Path:
    with path.open("w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([header, *rows])
    return path


def dump(root: Path) -> dict[str, list]:
    """Everything that an import decides, without times."""
    store = open_store(workspace.Workspace(root).db_path)
    tables = ("items", "aliases", "classes", "labels")
    found = {t: [tuple(row) for row in store.rows(f"SELECT * FROM {t} ORDER BY 1")] for t in tables}
    found["classes"] = [row[:-1] for row in found["classes"]]
    store.close()
    return found
