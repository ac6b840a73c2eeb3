"""Rounds and their batches. `transition` is the only way to change a state."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.errors import StateError
from al_loop.store import second_looks, undo
from al_loop.store.core import Store, now
from al_loop.types import State, task_key


@dataclass(frozen=True, slots=True)
class Round:
    """A round as stored; `config` is what it was started with."""

    number: int
    project_id: int
    state: State
    strategy: str
    seed: int
    config: Mapping[str, Any]
    model_version: str
    pool_size: int
    created_at: str


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One chosen text with its provenance."""

    item_id: str
    text: str
    look: int
    rank: int
    strategy: str
    score: float | None
    inclusion: float | None
    why: str
    suggestion: str | None
    suggestion_score: float | None
    blind: bool
    overlap: int

    @property
    def key(self) -> str:
        """The key of its task."""
        return task_key(self.item_id, self.look)


def open_round(store: Store) -> Round | None:
    """Return the round that is not logged yet."""
    row = store.row("SELECT * FROM rounds WHERE state <> 'logged' ORDER BY number LIMIT 1")
    return _round(row) if row else None


def get_round(store: Store, number: int) -> Round:
    """Return a round by its number."""
    row = store.row("SELECT * FROM rounds WHERE number = ?", [number])
    if row is None:
        raise StateError(f"there is no round {number}", hint="al-loop history")
    return _round(row)


def last_number(store: Store) -> int:
    """Return the number of the newest round, 0 before the first."""
    return int(store.value("SELECT COALESCE(MAX(number), 0) FROM rounds"))


def _round(row: Any) -> Round:
    return Round(
        row["number"],
        row["project_id"],
        row["state"],
        row["strategy"],
        row["seed"],
        json.loads(row["config"]),
        row["model_version"],
        row["pool_size"],
        row["created_at"],
    )


def create(
    store: Store, new: Round, batch: Sequence[BatchRow], *, versions: Mapping[str, str]
) -> None:
    """Store a selected round, its batch and the intent to have their tasks. Inside a tx.

    Raises:
        StateError: another process has opened a round since.
    """
    if open_round(store) is not None or last_number(store) >= new.number:
        raise StateError(
            f"another process selected round {new.number}", hint="run `al-loop round` again"
        )
    store.execute(
        "INSERT INTO rounds (number, project_id, state, strategy, seed, config, versions,"
        " model_version, pool_size, created_at) VALUES (?, ?, 'selected', ?, ?, ?, ?, ?, ?, ?)",
        [
            new.number,
            new.project_id,
            new.strategy,
            new.seed,
            json.dumps(new.config, sort_keys=True),
            json.dumps(versions, sort_keys=True),
            new.model_version,
            new.pool_size,
            new.created_at,
        ],
    )
    _put(store, new.project_id, new.number, batch)
    undo.note_earlier_tasks(store, new.number, [b.key for b in batch])


def append(store: Store, current: Round, batch: Sequence[BatchRow]) -> None:
    """Add second looks to a round that is selected or pushed, which is then selected. Inside a tx.

    Its next push sends what is missing.

    Raises:
        StateError: people are done with it: another process moved it.
    """
    changed = store.execute(
        "UPDATE rounds SET state = 'selected' WHERE number = ? AND state IN ('selected', 'pushed')",
        [current.number],
    )
    if changed != 1:
        raise StateError(
            f"round {current.number} takes no further text: another process moved it",
            hint="run `al-loop noise push` again",
        )
    store.execute("DELETE FROM transitions WHERE round = ? AND state = 'pushed'", [current.number])
    _put(store, current.project_id, current.number, batch)
    undo.note_earlier_tasks(store, current.number, [b.key for b in batch], further=True)
    second_looks.take(store, current.number, [b.item_id for b in batch])


def _put(store: Store, project_id: int, number: int, batch: Sequence[BatchRow]) -> None:
    store.execute_many(
        "INSERT INTO batch (round, item_id, look, rank, strategy, score, inclusion, why,"
        " suggestion, suggestion_score, blind, overlap) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        [(number, *_batch_values(b)) for b in batch],
    )
    store.execute_many(
        "INSERT INTO tasks (project_id, key, item_id, look, overlap) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (project_id, key) DO UPDATE SET gone = 0,"
        " overlap = MAX(overlap, excluded.overlap)",
        [(project_id, b.key, b.item_id, b.look, b.overlap) for b in batch],
    )


def _batch_values(b: BatchRow) -> tuple[Any, ...]:
    chosen = (b.item_id, b.look, b.rank, b.strategy, b.score, b.inclusion, b.why)
    return (*chosen, b.suggestion, b.suggestion_score, int(b.blind), b.overlap)


def transition(
    store: Store, number: int, before: State | None, after: State, seconds: float
) -> None:
    """Move a round to its next state, inside the tx that stores the step's results.

    `before` None notes the state that `create` has set.

    Raises:
        StateError: the round is not in the state `before`: another process moved it.
    """
    if before is not None:
        changed = store.execute(
            "UPDATE rounds SET state = ? WHERE number = ? AND state = ?", [after, number, before]
        )
        if changed != 1:
            raise StateError(
                f"round {number} is no longer {before}: another process moved it",
                hint="run `al-loop round` again",
            )
    store.execute(
        "INSERT OR REPLACE INTO transitions VALUES (?, ?, ?, ?)", [number, after, now(), seconds]
    )


def batch(store: Store, number: int, *, released: bool = False) -> list[BatchRow]:
    """Return the texts of a round in rank order, without those that went back to the pool."""
    rows = store.rows(
        "SELECT b.*, i.text FROM batch b JOIN items i ON i.id = b.item_id"
        " WHERE b.round = ? AND b.released <= ? ORDER BY b.rank",
        [number, int(released)],
    )
    return [
        BatchRow(
            r["item_id"],
            r["text"],
            r["look"],
            r["rank"],
            r["strategy"],
            r["score"],
            r["inclusion"],
            r["why"],
            r["suggestion"],
            r["suggestion_score"],
            bool(r["blind"]),
            r["overlap"],
        )
        for r in rows
    ]


def release(store: Store, number: int, item_ids: Sequence[str]) -> None:
    """Give texts of a round back to the pool; their tasks stay and are used again."""
    store.execute_many(
        "UPDATE batch SET released = 1 WHERE round = ? AND item_id = ?",
        [(number, item_id) for item_id in item_ids],
    )
    second_looks.wait_again(store)


def pool(store: Store) -> list[tuple[str, str, str]]:
    """Return (id, text, text hash) of every text that can be chosen, in order of arrival.

    That is: not in the test set, not in the open batch, and not decided.
    """
    rows = store.rows(
        "SELECT i.id, i.text, i.text_hash FROM items i"
        " WHERE i.role = 'pool'"
        " AND NOT EXISTS (SELECT 1 FROM decided d WHERE d.item_id = i.id)"
        " AND NOT EXISTS (SELECT 1 FROM batch b JOIN rounds r ON r.number = b.round"
        "     WHERE b.item_id = i.id AND b.released = 0 AND r.state <> 'logged')"
        " ORDER BY i.position"
    )
    return [(r["id"], r["text"], r["text_hash"]) for r in rows]
