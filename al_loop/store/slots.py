"""What is needed to divide a batch: who could be asked again, and what an answer takes."""

import json
import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from al_loop.store import consensus, fixes, reviews, second_looks
from al_loop.store.core import Store
from al_loop.store.second_looks import Reason

_TIMED = 5  # answers, below which a median says too little


@dataclass(frozen=True, slots=True)
class Again:
    """A text that is asked about once more in the batch that is being chosen."""

    item_id: str
    text: str
    look: int


def seconds(store: Store) -> dict[str, float | None]:
    """Return the median seconds of `first` looks, `second` looks and `review`s.

    None where fewer than five answers were timed. A break moves no median, so none is cut.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for r in store.rows(
        "SELECT a.lead_time, CASE WHEN p.role = 'review' THEN 'review' WHEN a.look = 0"
        " THEN 'first' ELSE 'second' END AS what FROM answers a"
        " JOIN projects p ON p.id = a.project_id"
        " WHERE a.gone = 0 AND a.lead_time > 0 AND p.annotator <> 'adopted'"
    ):
        found[r["what"]].append(r["lead_time"])
    return {
        what: statistics.median(found[what]) if len(found[what]) >= _TIMED else None
        for what in ("first", "second", "review")
    }


def pool_votes(store: Store) -> dict[str, dict[str, str]]:
    """Map the texts of the pool with votes to person -> class of today."""
    pool = {r["id"] for r in store.rows("SELECT id FROM items WHERE role = 'pool'")}
    return {i: votes for i, votes in consensus.votes(store).items() if i in pool}


def settled(store: Store) -> set[str]:
    """Return the texts that need no further label: set by hand, decided or in review."""
    return fixes.standing(store).keys() | consensus.adjudicated(store).keys() | reviews.asked(store)


def relabeled(store: Store, times: int) -> set[str]:
    """Return the texts that a further label was asked for so many times."""
    rows = store.rows(
        "SELECT item_id FROM second_looks WHERE reason = 'relabel' AND round IS NOT NULL"
        " GROUP BY item_id HAVING COUNT(*) >= ?",
        [times],
    )
    return {r["item_id"] for r in rows}


def gold(store: Store) -> dict[str, int]:
    """Map each text of the pool whose label is sure to how often it was gold, in stable order.

    Set by hand or adjudicated.
    """
    sure = fixes.standing(store).keys() | consensus.adjudicated(store).keys()
    rows = store.rows(
        "SELECT i.id, (SELECT COUNT(*) FROM second_looks s WHERE s.item_id = i.id"
        "  AND s.reason = 'gold' AND s.round IS NOT NULL) AS used"
        " FROM items i JOIN labels l ON l.item_id = i.id AND l.label IS NOT NULL"
        " WHERE i.role = 'pool' AND i.id IN (SELECT value FROM json_each(?)) ORDER BY i.position",
        [json.dumps(sorted(sure))],
    )
    return {r["id"]: r["used"] for r in rows}


def again(store: Store, item_ids: Sequence[str]) -> list[Again]:
    """Return some texts with the look that they would be asked under, in the given order."""
    looks = second_looks.next_looks(store, item_ids)
    rows = store.rows(
        "SELECT id, text FROM items WHERE id IN (SELECT value FROM json_each(?))",
        [json.dumps(list(item_ids))],
    )
    texts = {r["id"]: r["text"] for r in rows}
    return [Again(i, texts[i], looks[i]) for i in item_ids]


def ask(
    store: Store, item_ids: Collection[str], reason: Reason, givers: Mapping[str, Sequence[str]]
) -> None:
    """Note why texts are asked about once more, before their round takes them. Inside a tx.

    What an earlier round let go of unanswered is asked anew, under the same look.
    """
    store.execute_many(
        "DELETE FROM second_looks WHERE item_id = ? AND look = ? AND round IS NULL"
        " AND reason IN ('relabel', 'gold')",
        list(second_looks.next_looks(store, item_ids).items()),
    )
    second_looks.ask(store, dict.fromkeys(item_ids), reason, givers=givers)
