"""Texts that people labeled differently."""

from collections import Counter
from typing import Any

from al_loop.report.annotators_votes import Said
from al_loop.store import Store, consensus, reporting, reviews


def disagreements(store: Store, said: Said) -> list[dict[str, Any]]:
    """Return the texts whose votes differ, the most uncertain first, the decided ones last.

    Each has `id`, `text`, `votes` (person -> class), `label` (what it counts as; None while that
    is open), `quality` (0 to 1, how sure the consensus is; without one the share of the most
    frequent vote; None where somebody decided), `method` (of the consensus, or None),
    `decided` (by hand, in review, or None) and `in_review` (it waits for adjudicators).
    """
    differ = [i for i, cast in said.votes.items() if len(set(cast.values())) > 1]
    settled, sent = consensus.stored(store), reviews.asked(store)
    found = []
    for row in reporting.texts(store, differ):
        item_id = row["id"]
        cast, decided = said.votes[item_id], said.decided.get(item_id)
        worked_out = settled.get(item_id)
        sure = max(Counter(cast.values()).values()) / len(cast)
        if worked_out is not None:
            sure = worked_out.quality
        found.append(
            {
                "id": item_id,
                "text": row["text"],
                "votes": dict(sorted(cast.items())),
                "label": said.labels.get(item_id),
                "quality": None if decided else sure,
                "method": worked_out.method if worked_out else None,
                "decided": decided,
                "in_review": decided is None and item_id in sent,
            }
        )
    return sorted(found, key=lambda r: (r["quality"] is None, r["quality"] or 0.0))


def counted(votes: dict[str, str]) -> str:
    """Return votes in words, without who gave them, as in ``refund (2), delay (1)``."""
    counts = sorted(Counter(votes.values()).items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{label} ({n})" for label, n in counts)
