"""What several people's votes on a text add up to, and where they leave a doubt."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from al_loop.labels import Consensus, counts_still, decisions_of, folded, votes_of
from al_loop.store import answers, class_changes
from al_loop.store.core import Store

#: Below this quality people are asked to decide, although there is a label.
UNSURE = 0.6


@dataclass(frozen=True, slots=True)
class Disputed:
    """A text that people labeled differently and that nobody has decided.

    label: what it counts as meanwhile; None while it is in conflict.
    votes: person -> class of today, as in `votes`.
    quality: 0 to 1, how sure it is; the share of the most wanted one of `votes` where no consensus
        was worked out from them.
    """

    item_id: str
    text: str
    label: str | None
    votes: Mapping[str, str]
    quality: float

    @property
    def in_words(self) -> str:
        """The votes without who gave them, as in ``refund (2), delay (1)``."""
        counted = sorted(Counter(self.votes.values()).items(), key=lambda pair: (-pair[1], pair[0]))
        return ", ".join(f"{label} ({n})" for label, n in counted)


def votes(store: Store) -> dict[str, dict[str, str]]:
    """Map the texts with votes, in order of arrival, to person -> class of today.

    Pool and test set; what adjudicators said is no vote.
    """
    known = class_changes.names(store)
    given = answers.all_answers(store)
    rows = store.rows("SELECT id FROM items ORDER BY position")
    found = {r["id"]: votes_of(given.get(r["id"], ()), known) for r in rows}
    return {item_id: cast for item_id, cast in found.items() if cast}


def save(store: Store, number: int, found: Mapping[str, Consensus]) -> None:
    """Store what a round found votes to add up to, by item, instead of all earlier. Inside a tx.

    Labels are derived anew.
    """
    store.execute("DELETE FROM consensus")
    store.execute_many(
        "INSERT INTO consensus (item_id, label, quality, votes, method, round)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(i, c.label, c.quality, _json(c.votes), c.method, number) for i, c in found.items()],
    )
    answers.refresh_labels(store)


def stored(store: Store) -> dict[str, Consensus]:
    """Return what votes add up to, by item, where they are still those it was worked out from."""
    return _standing(store, votes(store))


def _standing(store: Store, cast: Mapping[str, Mapping[str, str]]) -> dict[str, Consensus]:
    known = class_changes.names(store)
    found = answers.consensus(store).items()
    return {i: c for i, c in found if counts_still(c, cast.get(i, {}), known)}


def adjudicated(store: Store) -> dict[str, list[str]]:
    """Map each text that counts as what adjudicators decided to who they are.

    Those who voted for its label; all where people have named a part of their class since.
    """
    known = class_changes.names(store)
    rows = store.rows(
        "SELECT l.item_id, l.label FROM labels l WHERE l.status = 'agreed' AND EXISTS (SELECT 1"
        " FROM answers a JOIN projects p ON p.id = a.project_id AND p.role = 'review'"
        " WHERE a.item_id = l.item_id AND a.gone = 0)"
    )
    said = answers.all_answers(store) if rows else {}
    found = {}
    for r in rows:
        if decided := decisions_of(said[r["item_id"]], known):
            who = [person for person, label in decided.items() if label == r["label"]]
            found[r["item_id"]] = sorted(who or decided)
    return found


def disputed(store: Store, below: float = UNSURE) -> list[Disputed]:
    """Return the texts that people disagree on and nobody has decided, the most uncertain first.

    They are in conflict, or their votes differ and the quality of their consensus is `below` that.
    Not those set by hand or adjudicated, nor those that came with differing labels.
    """
    known, cast, done = class_changes.names(store), votes(store), adjudicated(store)
    settled = _standing(store, cast)
    rows = store.rows(
        "SELECT i.id, i.text, l.label, l.status FROM labels l JOIN items i ON i.id = l.item_id"
        " WHERE l.votes > 1 AND l.status IN ('agreed', 'conflict') ORDER BY i.position"
    )
    found = []
    for r in rows:
        mine = cast.get(r["id"], {})
        if r["id"] in done or len(set(mine.values())) < 2:
            continue
        quality = _quality(mine, settled.get(r["id"]), known)
        if r["status"] == "conflict" or (r["id"] in settled and quality < below):
            found.append(Disputed(r["id"], r["text"], r["label"], mine, quality))
    return sorted(found, key=lambda d: d.quality)


def _quality(mine: Mapping[str, str], found: Consensus | None, known: Mapping[str, str]) -> float:
    if found is None:
        return max(Counter(mine.values()).values()) / len(mine)
    # Of what people said it leaves that much at most, where it says something else.
    given = known.get(folded(found.label)) in mine.values()
    return found.quality if given else 1 - found.quality


def _json(votes: Mapping[str, str]) -> str:
    return json.dumps(votes, ensure_ascii=False, sort_keys=True)
