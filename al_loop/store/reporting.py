"""Queries behind `al-loop report`, mostly of the views that people can open themselves."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.labels import folded
from al_loop.store import class_changes, evidence
from al_loop.store.core import Store
from al_loop.store.spending import Tally

#: How much of a time in ISO 8601 tells days, hours and minutes apart, and from how many of them on
#: the coarser one is enough.
_STEPS, _ENOUGH = (10, 13, 16), 12


def curve(store: Store) -> list[dict[str, Any]]:
    """Return what each round cost and brought: the view `round_results`."""
    return [dict(r) for r in store.rows("SELECT * FROM round_results ORDER BY round")]


def classes(store: Store) -> dict[str, int]:
    """Map each class, in the stored order, to its labels: the view `class_counts`."""
    return {r["class"]: r["labels"] for r in store.rows("SELECT class, labels FROM class_counts")}


def spent_by_time(store: Store) -> list[tuple[str, Tally]]:
    """Return what was spent by day, hour or minute, whatever tells a dozen of them apart.

    From the view `spending`, so that it adds up to what `spending.total` says. Answers without
    a time come first, with an empty one.
    """
    found: list[tuple[str, Tally]] = []
    for length in _STEPS:
        rows = store.rows(
            "SELECT substr(answered_at, 1, ?) AS at, SUM(kind = 'label'), COUNT(*),"
            " SUM(kind = 'skip'), SUM(counted) / 3600 FROM spending GROUP BY at ORDER BY at",
            [length],
        )
        found = [(row[0], Tally(*row[1:])) for row in rows]
        if len(found) >= _ENOUGH:
            break
    return found


def speeds(store: Store) -> dict[str, list[float]]:
    """Map each annotator to the seconds of their timed answers, breaks cut as in `spending`."""
    found: dict[str, list[float]] = {}
    for r in store.rows("SELECT annotator, counted FROM spending WHERE seconds NOT NULL"):
        found.setdefault(r["annotator"], []).append(r["counted"])
    return found


@dataclass(frozen=True, slots=True)
class Guess:
    """An answer to a text with a suggestion.

    blind: the person did not see the suggestion. Both names are those of today: a class may have
    got another one between the two.
    """

    item_id: str
    annotator: str
    blind: bool
    suggestion: str
    label: str

    @property
    def same(self) -> bool:
        """Whether they said what was suggested."""
        return self.suggestion == self.label


def guesses(store: Store) -> list[Guess]:
    """Return the answers to texts with a suggestion: the view `suggestions`."""
    known = class_changes.names(store)
    return [
        Guess(
            r["item_id"],
            r["annotator"],
            bool(r["blind"]),
            *(known.get(folded(r[x]), r[x]) for x in ("suggestion", "label")),
        )
        for r in store.rows("SELECT * FROM suggestions")
    ]


def labels(store: Store) -> dict[str, str]:
    """Map every text with a label to it, pool and test set."""
    rows = store.rows("SELECT item_id, label FROM labels WHERE label IS NOT NULL")
    return {r["item_id"]: r["label"] for r in rows}


def several_votes(store: Store) -> bool:
    """Tell whether any text has the votes of two people."""
    return store.value("SELECT 1 FROM labels WHERE votes > 1 LIMIT 1") is not None


def gold_looks(store: Store) -> set[tuple[str, int]]:
    """Return the (item id, look) that were sent to measure people."""
    rows = store.rows("SELECT item_id, look FROM second_looks WHERE reason = 'gold'")
    return {(r["item_id"], r["look"]) for r in rows}


def reviewed(store: Store) -> dict[str, int]:
    """Map each adjudicator to the number of texts that they labeled in review."""
    rows = store.rows(
        "SELECT a.annotator, COUNT(DISTINCT a.item_id) AS n FROM answers a"
        " JOIN projects p ON p.id = a.project_id AND p.role = 'review'"
        " WHERE a.gone = 0 AND a.kind = 'label' GROUP BY a.annotator"
    )
    return {r["annotator"]: r["n"] for r in rows}


def doubtful_ids(store: Store) -> set[str]:
    """Return the texts whose label looks wrong."""
    return {r["item_id"] for r in evidence.doubtful(store, evidence.newest(store))}


def doubtful(store: Store, n: int) -> tuple[int, list[dict[str, Any]]]:
    """Return how many labels look wrong, and the `n` worst."""
    number = evidence.newest(store)
    rows = evidence.doubtful(store, number)
    kept = ("item_id", "text", "role", "suggested", "doubt", "confidence", "neighbors", "by")
    worst = [{k: r[k] for k in kept} | {"label": r["given"], "round": number} for r in rows[:n]]
    return len(rows), worst


def versions(store: Store, number: int) -> dict[str, str]:
    """Return the packages that selected a round."""
    text = store.value("SELECT versions FROM rounds WHERE number = ?", [number])
    found: dict[str, str] = json.loads(text) if text else {}
    return found


def pool_ids(store: Store) -> tuple[list[str], list[str]]:
    """Return the texts of the pool that anything is known about, and the others, as they came.

    Known is a text that counts as something, or that was sent to people.
    """
    asked = {r[0] for r in store.rows("SELECT item_id FROM batch WHERE released = 0")}
    asked.update(r[0] for r in store.rows("SELECT item_id FROM labels"))
    rows = store.rows("SELECT id FROM items WHERE role = 'pool' ORDER BY position")
    known = [r[0] for r in rows if r[0] in asked]
    return known, [r[0] for r in rows if r[0] not in asked]


def texts(store: Store, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return text, hash, label, status and the newest round of some texts, as they came."""
    rows = store.rows(
        "SELECT i.id, i.text, i.text_hash, l.label, l.status, (SELECT MAX(b.round) FROM batch b"
        "  WHERE b.item_id = i.id AND b.released = 0) AS round"
        " FROM items i LEFT JOIN labels l ON l.item_id = i.id"
        " WHERE i.id IN (SELECT value FROM json_each(?)) ORDER BY i.position",
        [json.dumps(list(ids))],
    )
    return [dict(r) for r in rows]
